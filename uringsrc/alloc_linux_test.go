package uringsrc_test

import (
	"context"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/uringsrc"
)

// TestReadNoAlloc: nor do Start with Wait, Done, and a Queue.
func TestReadNoAlloc(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const block, reads = 4096, 8
	content := pattern(64*block, 1)
	e := needEngine(t, uringsrc.Options{})
	ctx := context.Background()
	for name, flags := range map[string]int{"cached": 0, "direct": unix.O_DIRECT} {
		fd := file(t, content, flags)
		p := memory(t, reads*block)
		var rs []*uringsrc.Read
		for i := range reads {
			rs = append(rs, &uringsrc.Read{FD: fd, Off: int64(i) * block, Buf: p[i*block:][:block], Need: block})
		}
		r, q := rs[0], e.NewQueue()
		for how, f := range map[string]func(){
			"Read": func() { e.Read(ctx, r) },
			"Start, Wait": func() {
				e.Start(nil, rs...)
				for _, r := range rs {
					r.Wait(ctx)
				}
			},
			"Start, Done": func() {
				for e.Start(nil, r); !r.Done(); {
				}
			},
			"Queue": func() {
				e.Start(q, rs...)
				for range rs {
					q.Next(ctx)
				}
			},
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				f()
				if n := testing.AllocsPerRun(500, f); n != 0 {
					t.Errorf("%v allocations", n)
				}
				wantFile(t, r, content)
			})
		}
	}
}

func BenchmarkRead(b *testing.B) {
	const block, blocks = 4096, 1024
	content := pattern(blocks*block, 1)
	e := needEngine(b, uringsrc.Options{})
	for name, flags := range map[string]int{"cached": 0, "direct": unix.O_DIRECT} {
		fd := file(b, content, flags)
		b.Run("uring/"+name+"/4096", func(b *testing.B) {
			b.SetBytes(block)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				r := &uringsrc.Read{FD: fd, Buf: memory(b, block), Need: block}
				for pb.Next() {
					r.Off = (r.Off + 7*block) % (blocks * block)
					if err := e.Read(context.Background(), r); err != nil || r.Err != nil {
						b.Error(err, r.Err)
					}
				}
			})
		})
		b.Run("pread/"+name+"/4096", func(b *testing.B) {
			b.SetBytes(block)
			b.RunParallel(func(pb *testing.PB) {
				p, off := memory(b, block), int64(0)
				for pb.Next() {
					off = (off + 7*block) % (blocks * block)
					if _, err := unix.Pread(fd, p, off); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
