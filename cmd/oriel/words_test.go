package main

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// naiveWords is the rule of wc -w, one byte at a time.
func naiveWords(p []byte) (n int64) {
	in := false
	for _, b := range p {
		switch {
		case b == ' ' || '\t' <= b && b <= '\r':
			in = false
		case '!' <= b && b <= '~' && !in:
			in = true
			n++
		}
	}
	return n
}

// cut calls f with pieces of p of random lengths, empty ones among them.
func cut(r *rand.Rand, p []byte, f func([]byte)) {
	for len(p) > 0 {
		n := min(r.IntN(40), len(p))
		f(p[:n])
		p = p[n:]
	}
}

// randomText returns n bytes drawn from alphabet, or from all bytes if it is
// empty.
func randomText(r *rand.Rand, n int, alphabet string) []byte {
	p := make([]byte, n)
	for i := range p {
		if alphabet == "" {
			p[i] = byte(r.Uint32())
		} else {
			p[i] = alphabet[r.IntN(len(alphabet))]
		}
	}
	return p
}

func TestWordsAllPairsAndTriples(t *testing.T) {
	// Every byte after, before and between one byte of each class.
	for b := range 256 {
		for _, x := range []string{"", "a", " ", "\x01", "\xff"} {
			for _, y := range []string{"", "a", " ", "\x01", "\xff"} {
				p := []byte(x + string([]byte{byte(b)}) + y + "z")
				var c wordCounter
				c.add(p)
				if want := naiveWords(p); c.words != want {
					t.Fatalf("%q: %d words, want %d", p, c.words, want)
				}
			}
		}
	}
}

func TestWordsAcrossWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, alphabet := range []string{"", "a ", "a \n\x01\x80", "\x00\xff~!\x7f \t\r\x0e\x08", "ab\x01"} {
		for range 500 {
			p := randomText(r, r.IntN(300), alphabet)
			var c wordCounter
			cut(r, p, c.add)
			if want := naiveWords(p); c.words != want {
				t.Fatalf("%q: %d words, want %d", p, c.words, want)
			}
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add([]byte("two words"), uint64(1))
	f.Add([]byte("a\x01b \x01 c\x7f\xff d"), uint64(7))
	f.Fuzz(func(t *testing.T, p []byte, seed uint64) {
		var c wordCounter
		cut(rand.New(rand.NewPCG(seed, 0)), p, c.add)
		if want := naiveWords(p); c.words != want {
			t.Fatalf("%q: %d words, want %d", p, c.words, want)
		}
	})
}

func BenchmarkWords(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"ascii", "func (c *wordCounter) add(p []byte) {\n\tfor ; len(p) >= 8; p = p[8:] {\n"},
		{"utf8", "Für Ströme, Röhren und „Dateien“ der Länge null.\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := bytes.Repeat([]byte(c.text), 256<<10/len(c.text))
			b.SetBytes(int64(len(p)))
			var w wordCounter
			for b.Loop() {
				w.add(p)
			}
		})
	}
}
