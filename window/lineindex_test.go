package window

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"testing"
)

func TestNewlinesAgreesWithALoop(t *testing.T) {
	if !canIndex {
		t.Skip("this processor has no AVX2: lines are found one at a time")
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	for round := range 2000 {
		p := make([]byte, 3*indexBytes)
		for i := range p {
			p[i] = byte(rnd.Uint32())
			if rnd.IntN(1000) < round {
				p[i] = '\n'
			}
		}
		pos := rnd.IntN(2 * indexBytes) // any alignment
		var got, want newlineMasks
		newlines((*[indexBytes]byte)(p[pos:]), &got)
		for i, b := range p[pos : pos+indexBytes] {
			if b == '\n' {
				want[i/64] |= 1 << (i % 64)
			}
		}
		if got != want {
			t.Fatalf("round %d: %x, want %x", round, got, want)
		}
		var x lineIndex
		if x.fill(p, pos) != (bytes.IndexByte(p[pos:pos+indexBytes], '\n') >= 0) {
			t.Fatalf("round %d: fill found %d", round, x.n)
		}
		at := 0
		for _, end := range x.ends[:x.n] {
			i := bytes.IndexByte(p[pos+at:], '\n')
			if at += i + 1; int(end) != at-1 {
				t.Fatalf("round %d: an end at %d, want %d", round, end, at-1)
			}
		}
		if bytes.IndexByte(p[pos+at:pos+indexBytes], '\n') >= 0 {
			t.Fatalf("round %d: ends are missing behind %d", round, at)
		}
	}
}

// Lines of every length, read in a row or with other calls between, agree with
// bufio's, whether they are found in the index or not.
func TestLinesWithAndWithoutTheIndex(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for round := range 200 {
		var text []byte
		longest := 1 + rnd.IntN(400)
		for len(text) < 20_000 {
			text = append(text, bytes.Repeat([]byte{'x'}, rnd.IntN(longest))...)
			if rnd.IntN(5) == 0 {
				text = append(text, '\r')
			}
			text = append(text, '\n')
		}
		calls := rnd.IntN(3) // how often something comes between
		c := NewCursor(t.Context(), &pieces{p: text, n: 1 + rnd.IntN(9000)}, nil)
		want := bufio.NewScanner(bytes.NewReader(text))
		for off := int64(0); want.Scan(); {
			if calls > 0 && rnd.IntN(40/calls) == 0 {
				if _, err := c.Peek(rnd.IntN(300)); err != nil {
					t.Fatal(err)
				}
			}
			b, err := c.Line()
			if err != nil || !bytes.Equal(b.Bytes(), want.Bytes()) || b.Off() != off {
				t.Fatalf("round %d at %d: %v, %v; want %d bytes", round, off, b, err, len(want.Bytes()))
			}
			if off = c.Off(); text[off-1] != '\n' {
				t.Fatalf("round %d: the position %d is not behind a line", round, off)
			}
		}
		c.Close()
	}
}

// pieces is a Reader of p in windows of n bytes.
type pieces struct {
	p   []byte
	n   int
	off int64
}

func (r *pieces) ReadManaged(context.Context) (Window, error) {
	if len(r.p) == 0 {
		return Window{}, io.EOF
	}
	p := r.p[:min(r.n, len(r.p))]
	r.p = r.p[len(p):]
	r.off += int64(len(p))
	return New(r, nil, p, r.off-int64(len(p))), nil
}

func (r *pieces) Free() {}

// All that moves a Cursor, between lines that are found in the index.
func TestLinesBetweenOtherCalls(t *testing.T) {
	runs := 300
	if testing.Short() {
		runs = 30
	}
	for run := range runs {
		rnd := rand.New(rand.NewPCG(7, uint64(run)))
		var text []byte
		for len(text) < 20_000 {
			n := rnd.IntN(30)
			if rnd.IntN(50) == 0 {
				n = rnd.IntN(3000)
			}
			text = append(text, bytes.Repeat([]byte{byte('a' + n%3)}, n)...)
			text = append(text, '\n')
		}
		c := NewCursor(t.Context(), &pieces{p: text, n: 1 + rnd.IntN(9000)}, &CursorOptions{MaxBytes: 4096})
		for pos := 0; pos < len(text); {
			pos += moveOrRead(t, c, rnd, text[pos:], int64(pos))
			if c.Off() != int64(pos) {
				t.Fatalf("run %d: at %d, want %d", run, c.Off(), pos)
			}
		}
		c.Close()
	}
}

// moveOrRead makes one call, most often Line, checks it against rest and
// returns by how much the Cursor must have moved.
func moveOrRead(t *testing.T, c *Cursor, rnd *rand.Rand, rest []byte, pos int64) int {
	t.Helper()
	n := min(rnd.IntN(100), len(rest))
	line := bytes.IndexByte(rest, '\n') + 1
	switch rnd.IntN(40) {
	case 0:
		if err := c.Skip(int64(n)); err != nil {
			t.Fatal(err)
		}
		return n
	case 1:
		if b, err := c.ReadByte(); err != nil || b != rest[0] {
			t.Fatalf("ReadByte = %q, %v", b, err)
		}
		return 1
	case 2:
		if b, err := c.Peek(n); err != nil || !bytes.Equal(b.Bytes(), rest[:n]) {
			t.Fatalf("Peek = %v, %v", b, err)
		}
		return 0
	case 3:
		w, err := c.Next(n)
		if err != nil || !bytes.Equal(w.Bytes(), rest[:n]) || w.Off() != pos && n > 0 {
			t.Fatalf("Next = %v, %v", w, err)
		}
		w.Release()
		return n
	case 4:
		if m, err := c.SkipUntil('\n'); err != nil || int(m) != line {
			t.Fatalf("SkipUntil = %d, %v, want %d", m, err, line)
		}
		return line
	case 5:
		if b, err := c.Until('\n'); err != nil || !bytes.Equal(b.Bytes(), rest[:line]) {
			t.Fatalf("Until = %v, %v", b, err)
		}
		return line
	case 6:
		p := make([]byte, n)
		m, err := c.Read(p)
		if err != nil || !bytes.Equal(p[:m], rest[:m]) {
			t.Fatalf("Read = %d, %v", m, err)
		}
		return m
	}
	if b, err := c.Line(); err != nil || !bytes.Equal(b.Bytes(), rest[:line-1]) || b.Off() != pos {
		t.Fatalf("Line at %d = %v, %v, want %d bytes", pos, b, err, line-1)
	}
	return line
}
