package pool

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// benchGoroutines runs f in g goroutines, b.N times in each, so that ns/op is
// what one call costs its goroutine.
func benchGoroutines(b *testing.B, g int, f func(n int)) {
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for range g {
		wg.Go(func() { f(b.N) })
	}
	wg.Wait()
}

var benchSizes = []int{4 << 10, 256 << 10, 1 << 20}

func BenchmarkGetFree(b *testing.B) {
	ctx := context.Background()
	for _, size := range benchSizes {
		for _, g := range []int{1, 2} {
			name := fmt.Sprintf("%dKiB/%d", size>>10, g)
			b.Run("pool/"+name, func(b *testing.B) {
				p, err := New(nil)
				if err != nil {
					b.Fatal(err)
				}
				defer p.Close()
				benchGoroutines(b, g, func(n int) {
					for range n {
						m, err := p.Get(ctx, size)
						if err != nil {
							b.Error(err)
							return
						}
						m.Free()
					}
				})
			})
			b.Run("session/"+name, func(b *testing.B) {
				p, err := New(nil)
				if err != nil {
					b.Fatal(err)
				}
				defer p.Close()
				benchGoroutines(b, g, func(n int) {
					s := p.NewSession(1 << 20)
					defer s.Close()
					for range n {
						m, err := s.Get(ctx, size)
						if err != nil {
							b.Error(err)
							return
						}
						m.Free()
					}
				})
			})
			b.Run("syncpool/"+name, func(b *testing.B) {
				sp := sync.Pool{New: func() any { m := make([]byte, size); return &m }}
				benchGoroutines(b, g, func(n int) {
					for range n {
						m := sp.Get().(*[]byte)
						sp.Put(m)
					}
				})
			})
			b.Run("make/"+name, func(b *testing.B) {
				benchGoroutines(b, g, func(n int) {
					for range n {
						m := make([]byte, size)
						heapSink.Store(&m)
					}
				})
			})
		}
	}
}

// BenchmarkGetFreeMany holds 32 buffers at a time: more than a shard keeps.
func BenchmarkGetFreeMany(b *testing.B) {
	p, err := New(nil)
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	var held [32]*Buffer
	b.ReportAllocs()
	for i := range b.N {
		m := &held[i%len(held)]
		if *m != nil {
			(*m).Free()
		}
		if *m, err = p.Get(context.Background(), 4<<10); err != nil {
			b.Fatal(err)
		}
		if i%len(held) == len(held)-1 {
			for j, m := range held {
				m.Free()
				held[j] = nil
			}
		}
	}
	for _, m := range held {
		if m != nil {
			m.Free()
		}
	}
}

// BenchmarkHandOver gets in one goroutine and frees in another.
func BenchmarkHandOver(b *testing.B) {
	p, err := New(nil)
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	b.ReportAllocs()
	ch := make(chan *Buffer, 64)
	var wg sync.WaitGroup
	wg.Go(func() {
		for m := range ch {
			m.Free()
		}
	})
	for range b.N {
		m, err := p.Get(context.Background(), 64<<10)
		if err != nil {
			b.Fatal(err)
		}
		ch <- m
	}
	close(ch)
	wg.Wait()
}

var heapSink atomic.Pointer[[]byte]
