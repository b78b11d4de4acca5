package ring

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkNop is the cost of the ring itself: entries that do nothing.
func BenchmarkNop(b *testing.B) {
	for _, batch := range []int{1, 64} {
		b.Run(fmt.Sprintf("ring/batch/%d", batch), func(b *testing.B) {
			r := needRing(b, Config{Entries: 64})
			cs := make([]Completion, 64)
			e := Nop(1)
			b.ReportAllocs()
			for b.Loop() {
				for range batch {
					r.Push(&e)
				}
				if _, err := r.Enter(batch, 0); err != nil {
					b.Fatal(err)
				}
				if n := r.Reap(cs); n != batch {
					b.Fatal(n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/entry")
		})
	}
}

// BenchmarkRead reads 4 KiB from the page cache, through a ring and by pread.
func BenchmarkRead(b *testing.B) {
	const size, blocks = 4096, 256
	fd := int(file(b, pattern(size*blocks)).Fd())
	p := make([]byte, 64*size)
	b.Run("pread/cached/4096", func(b *testing.B) {
		b.SetBytes(size)
		for i := 0; b.Loop(); i++ {
			if n, err := unix.Pread(fd, p[:size], int64(i%blocks)*size); n != size {
				b.Fatal(err)
			}
		}
	})
	for _, batch := range []int{1, 64} {
		b.Run(fmt.Sprintf("ring/cached/4096/batch/%d", batch), func(b *testing.B) {
			r := needRing(b, Config{Entries: 64})
			cs := make([]Completion, 64)
			b.SetBytes(int64(size * batch))
			b.ReportAllocs()
			for i := 0; b.Loop(); i += batch {
				for j := range batch {
					e := Read(fd, p[j*size:][:size], int64((i+j)%blocks)*size, 0, 1)
					r.Push(&e)
				}
				if _, err := r.Enter(batch, 0); err != nil {
					b.Fatal(err)
				}
				if n := r.Reap(cs); n != batch || cs[0].Res != size {
					b.Fatal(n, cs[0])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/read")
		})
	}
}
