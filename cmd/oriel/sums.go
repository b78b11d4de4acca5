package main

import (
	"crypto/sha256"
	"fmt"
	"hash"

	"github.com/zeebo/xxh3"
)

// sumKind is the value of --sum: the name of a checksum, or "" for none.
type sumKind string

const (
	sumXXH3   sumKind = "xxh3"   // 64 bits, 16 hexadecimal digits
	sumSHA256 sumKind = "sha256" // 64 hexadecimal digits
)

// newHash returns the hash that k names, nil for "".
func (k sumKind) newHash() hash.Hash {
	switch k {
	case sumXXH3:
		return xxh3.New()
	case sumSHA256:
		return sha256.New()
	}
	return nil
}

// digits returns the length of a printed checksum.
func (k sumKind) digits() int { return 2 * k.newHash().Size() }

// Set, String and Type make it a flag's value.
func (k *sumKind) Set(s string) error {
	switch sumKind(s) {
	case sumXXH3, sumSHA256:
		*k = sumKind(s)
		return nil
	}
	return fmt.Errorf("want xxh3 or sha256")
}

func (k *sumKind) String() string { return string(*k) }

func (k *sumKind) Type() string { return "xxh3|sha256" }
