package main

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// naiveMatches counts as grep -aoF | wc -l and grep -acF do, line by line.
func naiveMatches(p []byte, text string) (matches, lines int64) {
	for line := range strings.SplitSeq(string(p), "\n") {
		n := int64(strings.Count(line, text))
		matches += n
		if n > 0 {
			lines++
		}
	}
	return matches, lines
}

func checkMatches(t *testing.T, r *rand.Rand, p []byte, text string) {
	t.Helper()
	m := newMatcher(text)
	for range 2 { // the second time after reset
		var cuts []int
		m.reset()
		cut(r, p, func(q []byte) { cuts = append(cuts, len(q)); m.add(q) })
		matches, lines := naiveMatches(p, text)
		if m.matches != matches || m.lines != lines {
			t.Fatalf("%q in %q cut into %v: %d matches in %d lines, want %d in %d",
				text, p, cuts, m.matches, m.lines, matches, lines)
		}
	}
}

func TestMatchAcrossWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, alphabet := range []string{"a\n", "ab\n", "aaaaaab\n", "abc", "abcdef\n\n", "\x00\xff\n"} {
		for range 2000 {
			text := strings.ReplaceAll(string(randomText(r, 1+r.IntN(6), alphabet)), "\n", "a")
			checkMatches(t, r, randomText(r, r.IntN(200), alphabet), text)
		}
	}
}

func TestMatchLongerThanWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	text := strings.Repeat("abcab", 30)
	for range 300 {
		var p []byte
		for range r.IntN(8) {
			p = append(p, text[:r.IntN(len(text)+1)]...)
			p = append(p, text[r.IntN(len(text)):]...)
			if r.IntN(3) == 0 {
				p = append(p, '\n')
			}
		}
		checkMatches(t, r, p, text)
	}
}

func TestMatchCases(t *testing.T) {
	for _, c := range []struct {
		text, in       string
		matches, lines int64
	}{
		{"x", "", 0, 0},
		{"x", "x", 1, 1},
		{"aa", "aaaaa", 2, 1},
		{"aab", "aaaab", 1, 1},
		{"ab", "ab\nb\nabab", 3, 2},
		{"abab", "abababab", 2, 1},
		{"aabaa", "aabaabaa", 1, 1},
		{"aa", "aaa\naaa\n", 2, 2}, // the newline ends a begun occurrence and a counted line
	} {
		for at := range len(c.in) + 1 {
			m := newMatcher(c.text)
			m.add([]byte(c.in[:at]))
			m.add([]byte(c.in[at:]))
			if m.matches != c.matches || m.lines != c.lines {
				t.Errorf("%q in %q|%q: %d matches in %d lines, want %d in %d",
					c.text, c.in[:at], c.in[at:], m.matches, m.lines, c.matches, c.lines)
			}
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add([]byte("aabaabaa\naab"), "aabaa", uint64(1))
	f.Add([]byte("aaa\naaa\na\n\naaaa"), "aa", uint64(3))
	f.Add([]byte("abababab"), "abab", uint64(2))
	f.Fuzz(func(t *testing.T, p []byte, text string, seed uint64) {
		if text == "" || strings.Contains(text, "\n") {
			t.Skip("not a text that --match takes")
		}
		checkMatches(t, rand.New(rand.NewPCG(seed, 0)), p, text)
	})
}

func TestMatchNoAlloc(t *testing.T) {
	m := newMatcher("needle")
	p := bytes.Repeat([]byte("hay needle hay\nneed"), 100)
	if n := testing.AllocsPerRun(100, func() { m.add(p) }); n != 0 {
		t.Errorf("%v allocations for a window, want 0", n)
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"rare", "wordCounter"}, {"dense", "e"}, {"absent", "Quetzal"}, {"pair", "in"},
	} {
		b.Run(c.name, func(b *testing.B) {
			line := "the quick brown line of some eighty bytes, in which there is in fact one e more\n"
			p := bytes.Repeat([]byte(line), 256<<10/len(line))
			copy(p[1000:], "wordCounter")
			b.SetBytes(int64(len(p)))
			m := newMatcher(c.text)
			for b.Loop() {
				m.add(p)
			}
		})
	}
}
