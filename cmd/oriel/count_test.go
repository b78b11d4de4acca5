package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/zeebo/xxh3"
)

func TestCounterAgainstTheWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, kind := range []sumKind{sumXXH3, sumSHA256} {
		c := newCounter(asked{words: true, match: "ab", sum: kind})
		for range 200 { // one counter for all, as a job has
			p := randomText(r, r.IntN(2000), "ab \n\xff")
			c.reset()
			cut(r, p, c.add)
			matches, lines := naiveMatches(p, "ab")
			want := counts{int64(len(p)), int64(bytes.Count(p, []byte("\n"))), naiveWords(p), matches, lines}
			if got := c.counts(); got != want {
				t.Fatalf("%q: %+v, want %+v", p, got, want)
			}
			sum := fmt.Sprintf("%x", sha256.Sum256(p))
			if kind == sumXXH3 {
				sum = fmt.Sprintf("%016x", xxh3.Hash(p))
			}
			if got := c.checksum(); got != sum {
				t.Fatalf("%s of %q: %s, want %s", kind, p, got, sum)
			}
		}
	}
}

func TestCounterOfWhatWasNotAsked(t *testing.T) {
	c := newCounter(asked{})
	c.add([]byte("two words\n"))
	if got, want := c.counts(), (counts{bytes: 10, lines: 1}); got != want || c.checksum() != "" {
		t.Errorf("%+v %q, want %+v", got, c.checksum(), want)
	}
}

func TestCounterNoAlloc(t *testing.T) {
	p := bytes.Repeat([]byte("some words in a line\n"), 1000)
	for _, a := range []asked{{}, {words: true}, {match: "in a"}, {sum: sumXXH3}, {sum: sumSHA256}} {
		c := newCounter(a)
		if n := testing.AllocsPerRun(20, func() { c.add(p) }); n != 0 {
			t.Errorf("%+v: %v allocations for a window, want 0", a, n)
		}
	}
}

func TestSumKind(t *testing.T) {
	for _, k := range []sumKind{sumXXH3, sumSHA256} {
		var v sumKind
		if err := v.Set(string(k)); err != nil || v != k {
			t.Errorf("%q: %q, %v", k, v, err)
		}
		c := newCounter(asked{sum: k})
		if n := len(c.checksum()); n != k.digits() {
			t.Errorf("%s has %d digits, want %d", k, n, k.digits())
		}
	}
	for _, s := range []string{"", "md5", "SHA256"} {
		if new(sumKind).Set(s) == nil {
			t.Errorf("%q was taken", s)
		}
	}
}
