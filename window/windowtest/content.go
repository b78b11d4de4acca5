package windowtest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"testing"

	"github.com/oriel-go/oriel/window"
)

// random returns a generator of its own for every seed, the same in every run.
func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x6f7269656c)) }

// content returns n bytes that look random, that differ between seeds and in
// which no two places look alike.
func content(n int, seed uint64) []byte {
	r := random(seed)
	p := make([]byte, n+8)
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(p[i:], r.Uint64())
	}
	return p[:n:n]
}

// broke reports a broken rule of the contract.
func broke(t testing.TB, rule, format string, args ...any) {
	t.Helper()
	t.Errorf("rule %q is broken: %s", rule, fmt.Sprintf(format, args...))
}

// sameBytes reports where got is not want, which begins at offset off.
func sameBytes(t testing.TB, got, want []byte, off int64) bool {
	t.Helper()
	const rule = "the bytes of a window are those of the source at its offset"
	if bytes.Equal(got, want) {
		return true
	}
	if len(got) != len(want) {
		broke(t, rule, "%d bytes at offset %d, not %d", len(got), off, len(want))
		return false
	}
	i := 0
	for got[i] == want[i] {
		i++
	}
	broke(t, rule, "the byte at offset %d is %#02x, not %#02x", off+int64(i), got[i], want[i])
	return false
}

// release releases w, and reports a panic as the source's fault: a window that
// has just been given has an owner.
func release(t testing.TB, w window.Window) {
	t.Helper()
	defer func() {
		t.Helper()
		if p := recover(); p != nil {
			broke(t, "a window that is given has an owner of its own", "the first Release panicked: %v", p)
		}
	}()
	w.Release()
}

// A kept window is held for a while, with what it held in the beginning.
type kept struct {
	w    window.Window
	sum  uint64
	off  int64
	want []byte
}

var seed = maphash.MakeSeed()

// keep takes w, whose bytes must be those of source at its offset.
func keep(t testing.TB, w window.Window, source []byte) kept {
	t.Helper()
	off := w.Off()
	if off < 0 || off > int64(len(source)) || w.Len() > len(source)-int(off) {
		broke(t, "a window lies within its source", "%v of a source of %d bytes", w, len(source))
		return kept{w: w, sum: maphash.Bytes(seed, w.Bytes()), off: off, want: w.Bytes()}
	}
	want := source[off : off+int64(w.Len())]
	sameBytes(t, w.Bytes(), want, off)
	return kept{w, maphash.Bytes(seed, w.Bytes()), off, want}
}

// unchanged reports whether the window is as it was when it was kept.
func (k kept) unchanged(t testing.TB, after string) {
	t.Helper()
	const rule = "the bytes never change until Release"
	if k.w.Off() != k.off || k.w.Len() != len(k.want) {
		broke(t, rule, "window[%d:+%d) became %v after %s", k.off, len(k.want), k.w, after)
	} else if maphash.Bytes(seed, k.w.Bytes()) != k.sum {
		broke(t, rule, "%v has other bytes after %s", k.w, after)
	}
}
