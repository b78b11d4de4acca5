package source

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"
)

// Benchmarks with their baselines in the same run: raw is pread in a loop
// without anything around it. Module bench compares them in pairs.

const benchBytes = 64 << 20

// benchFile returns a cached file.
func benchFile(b *testing.B) (*File, *os.File) {
	name := write(b, random(benchBytes))
	h, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { h.Close() })
	return openAt(b, name, nil), h
}

func BenchmarkReadAt(b *testing.B) {
	f, h := benchFile(b)
	fd, err := descriptor(h)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	for _, n := range []int{4 << 10, 64 << 10} {
		offs := make([]int64, 4096)
		for i := range offs {
			offs[i] = rand.Int64N(benchBytes/int64(n)) * int64(n)
		}
		p := make([]byte, n)
		for _, way := range []struct {
			name string
			read func(off int64) error
		}{
			{"raw", func(off int64) error { _, err := pread(h, fd, p, off); return err }},
			{"ospackage", func(off int64) error { _, err := h.ReadAt(p, off); return err }},
			{"ReadAt", func(off int64) error { _, err := f.ReadAt(p, off); return err }},
			{"ReadInto", func(off int64) error { _, err := f.ReadInto(ctx, p, off); return err }},
			{"ReadManagedAt", func(off int64) error {
				w, err := f.ReadManagedAt(ctx, off, n)
				w.Release()
				return err
			}},
		} {
			b.Run(fmt.Sprintf("%s/random/%dKiB", way.name, n>>10), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(n))
				for i := 0; b.Loop(); i++ {
					if err := way.read(offs[i%len(offs)]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
	if s := f.Explain(); s.Source != "pread" || s.Stats.Waits != 0 {
		b.Fatalf("not what was to be measured: %v", s)
	}
}

func BenchmarkReadManaged(b *testing.B) {
	f, h := benchFile(b)
	fd, err := descriptor(h)
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{64 << 10, 128 << 10, 256 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("raw/sequential/%dKiB", n>>10), func(b *testing.B) {
			p := make([]byte, n)
			b.SetBytes(benchBytes)
			for b.Loop() {
				for off := int64(0); ; {
					m, err := pread(h, fd, p, off)
					if m == 0 {
						if err != nil {
							b.Fatal(err)
						}
						break
					}
					bytes.Count(p[:m], []byte{'\n'})
					off += int64(m)
				}
			}
		})
		b.Run(fmt.Sprintf("windows/sequential/%dKiB", n>>10), func(b *testing.B) {
			r := f.NewReader(&Options{WindowBytes: n})
			defer r.Close()
			b.ReportAllocs()
			b.SetBytes(benchBytes)
			for b.Loop() {
				if err := r.SeekTo(0); err != nil {
					b.Fatal(err)
				}
				for {
					w, err := r.ReadManaged(b.Context())
					if err == io.EOF {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					bytes.Count(w.Bytes(), []byte{'\n'})
					w.Release()
				}
			}
			if s := r.Stats(); s.Waits != 0 {
				b.Fatalf("not what was to be measured: %+v", s)
			}
		})
	}
}
