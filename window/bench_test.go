package window

import (
	"sync/atomic"
	"testing"
)

// The figures to hold them against are in docs and FACTS: 16 to 33 ns for an
// acquire and release, 20 to 22 ns for a retain and release.

func BenchmarkNewRelease(b *testing.B) {
	k, p := new(nothing), make([]byte, 3)
	b.ReportAllocs()
	for b.Loop() {
		New(k, nil, p, 0).Release()
	}
}

// Each goroutine has memory of its own.
func BenchmarkNewReleaseParallel(b *testing.B) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		k, p := new(nothing), make([]byte, 3)
		for pb.Next() {
			New(k, nil, p, 0).Release()
		}
	})
}

// nothing is a Backing and a Buffer that costs nothing, in a cache line of its own.
type nothing struct {
	p []byte
	_ [64]byte
}

func (*nothing) Free()           {}
func (n *nothing) Bytes() []byte { return n.p }

// BenchmarkSwap is one locked instruction, for scale.
func BenchmarkSwap(b *testing.B) {
	var x atomic.Int64
	for b.Loop() {
		x.Swap(1)
	}
}

func BenchmarkRetainRelease(b *testing.B) {
	w := newCounted("abc").window(0)
	b.ReportAllocs()
	for b.Loop() {
		w.Retain().Release()
	}
	w.Release()
}

// All goroutines have owners of the same memory.
func BenchmarkRetainReleaseParallel(b *testing.B) {
	w := newCounted("abc").window(0)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		x := w.Retain()
		for pb.Next() {
			x.Retain().Release()
		}
		x.Release()
	})
	w.Release()
}

func BenchmarkSliceRelease(b *testing.B) {
	w := newCounted("abc").window(0)
	for b.Loop() {
		w.Slice(1, 2).Release()
	}
	w.Release()
}

func BenchmarkBytes(b *testing.B) {
	w := newCounted("abc").window(0)
	n := 0
	for b.Loop() {
		n += len(w.Bytes())
	}
	sinkByte = byte(n)
	w.Release()
}

func BenchmarkBytesParallel(b *testing.B) {
	w := newCounted("abc").window(0)
	b.RunParallel(func(pb *testing.PB) {
		n := 0
		for pb.Next() {
			n += len(w.Bytes())
		}
		if n < 0 {
			b.Error("negative")
		}
	})
	w.Release()
}

func BenchmarkOff(b *testing.B) {
	w := newCounted("abc").window(1)
	n := int64(0)
	for b.Loop() {
		n += w.Off()
	}
	sinkByte = byte(n)
	w.Release()
}

func BenchmarkWriteCommitRelease(b *testing.B) {
	k := &nothing{p: make([]byte, 3)}
	for b.Loop() {
		w := NewWrite(k, nil)
		w.Commit(2, 0).Release()
	}
}
