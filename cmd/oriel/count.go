package main

import (
	"bytes"
	"encoding/hex"
	"hash"
)

// asked says what to count besides files, bytes and lines.
type asked struct {
	words bool
	match string // "" for none
	sum   sumKind
}

// counts are the numbers of one file or of many. What was not asked for is 0.
type counts struct {
	bytes, lines, words, matches, matchedLines int64
}

// add adds d to c.
func (c *counts) add(d counts) {
	c.bytes += d.bytes
	c.lines += d.lines
	c.words += d.words
	c.matches += d.matches
	c.matchedLines += d.matchedLines
}

// A counter counts the bytes of one file at a time. One goroutine uses it; it
// allocates when it is made and for a checksum, never for a window.
type counter struct {
	bytes, lines int64
	words        *wordCounter // nil when not asked for, like the next two
	match        *matcher
	hash         hash.Hash
}

func newCounter(a asked) *counter {
	c := &counter{hash: a.sum.newHash()}
	if a.words {
		c.words = new(wordCounter)
	}
	if a.match != "" {
		c.match = newMatcher(a.match)
	}
	return c
}

// reset begins another file.
func (c *counter) reset() {
	c.bytes, c.lines = 0, 0
	if c.words != nil {
		*c.words = wordCounter{}
	}
	if c.match != nil {
		c.match.reset()
	}
	if c.hash != nil {
		c.hash.Reset()
	}
}

// add counts p, which follows what was counted since reset.
func (c *counter) add(p []byte) {
	c.bytes += int64(len(p))
	c.lines += int64(bytes.Count(p, []byte{'\n'}))
	if c.words != nil {
		c.words.add(p)
	}
	if c.match != nil {
		c.match.add(p)
	}
	if c.hash != nil {
		c.hash.Write(p) // never fails
	}
}

// counts returns the numbers since reset.
func (c *counter) counts() counts {
	n := counts{bytes: c.bytes, lines: c.lines}
	if c.words != nil {
		n.words = c.words.words
	}
	if c.match != nil {
		n.matches, n.matchedLines = c.match.matches, c.match.lines
	}
	return n
}

// checksum returns the checksum since reset in hexadecimal, "" if none was
// asked for.
func (c *counter) checksum() string {
	if c.hash == nil {
		return ""
	}
	return hex.EncodeToString(c.hash.Sum(nil))
}
