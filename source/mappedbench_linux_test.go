package source

import (
	"testing"
)

// A resident, locked range costs counting: no system call, no copy.
func BenchmarkReadManagedAtLocked(b *testing.B) {
	rt := newRuntime(b, Limits{LockBytes: 32 << 20})
	o := &Options{Runtime: rt, Source: Mmap, Pattern: Reuse}
	mapping(b, o)
	f := openAt(b, write(b, random(16<<20)), o)
	for off := int64(0); off < 16<<20; off += 2 << 20 {
		readOne(b, f, off)
	}
	b.Run("1", func(b *testing.B) {
		b.ReportAllocs()
		off := int64(0)
		for b.Loop() {
			w, err := f.ReadManagedAt(b.Context(), off, 4096)
			if err != nil {
				b.Fatal(err)
			}
			w.Release()
			off = (off + 5<<12) & (16<<20 - 1)
		}
	})
	b.Run("P", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			off := int64(0)
			ctx := b.Context()
			for pb.Next() {
				w, err := f.ReadManagedAt(ctx, off, 4096)
				if err != nil {
					b.Fatal(err)
				}
				w.Release()
				off = (off + 5<<12) & (16<<20 - 1)
			}
		})
	})
}

func readOne(tb testing.TB, f *File, off int64) {
	w, err := f.ReadManagedAt(tb.Context(), off, 4096)
	if err != nil {
		tb.Fatal(err)
	}
	w.Release()
}
