package windowtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/oriel-go/oriel/window"
)

// A bent source is a Model of which some methods were replaced.
type bent struct {
	*Model
	read   func(ctx context.Context) (window.Window, error)
	readAt func(ctx context.Context, off int64, n int) (window.Window, error)
	close  func() error
}

func (b *bent) ReadManaged(ctx context.Context) (window.Window, error) { return b.read(ctx) }
func (b *bent) ReadManagedAt(ctx context.Context, off int64, n int) (window.Window, error) {
	return b.readAt(ctx, off, n)
}
func (b *bent) Close() error { return b.close() }

var none window.Window

// bend returns the checks of a source that f broke, with windows of 1000 bytes
// and 70,000 bytes of content.
func bend(f func(b *bent)) func() ([]check, func() int64) {
	return func() ([]check, func() int64) {
		mem := NewMemory(false)
		make := func(content []byte) *bent {
			m := NewModelIn(mem, content, 1000)
			b := &bent{m, m.ReadManaged, m.ReadManagedAt, m.Close}
			f(b)
			return b
		}
		return checks(Source{
			Reader:    func(_ testing.TB, c []byte) window.Reader { return make(c) },
			ReaderAt:  func(_ testing.TB, c []byte) window.ReaderAt { return make(c) },
			HeldBytes: mem.HeldBytes,
			MaxBytes:  70_000,
		}), mem.HeldBytes
	}
}

// each window through f, whichever method it came from.
func through(f func(w window.Window, err error) (window.Window, error)) func(*bent) {
	return func(b *bent) {
		m := b.Model
		b.read = func(ctx context.Context) (window.Window, error) { return f(m.ReadManaged(ctx)) }
		b.readAt = func(ctx context.Context, off int64, n int) (window.Window, error) {
			return f(m.ReadManagedAt(ctx, off, n))
		}
	}
}

// rebuilt replaces a good window by one that f makes of its bytes.
func rebuilt(f func(p []byte, off int64) window.Window) func(*bent) {
	return through(func(w window.Window, err error) (window.Window, error) {
		if err != nil || w.Len() == 0 {
			return w, err
		}
		defer w.Release()
		return f(append([]byte(nil), w.Bytes()...), w.Off()), nil
	})
}

type heapBacking struct{ free func() }

func (h *heapBacking) Free() {
	if h.free != nil {
		h.free()
	}
}

type liar struct {
	heapBacking
	info window.Info
}

func (l *liar) Describe() window.Info { return l.info }

// badMemory is memory that gives buffers of the wrong length, or none.
type badMemory struct{ err error }

func (b badMemory) Secure() bool { return false }
func (b badMemory) Acquire(ctx context.Context, n int) (window.Buffer, error) {
	if b.err != nil {
		return nil, b.err
	}
	return window.Heap.Acquire(ctx, n+1)
}

var brokenSources = []broken{
	{"wrong byte", "Reader/Content", "bytes of a window", bend(rebuilt(func(p []byte, off int64) window.Window {
		if off <= 4096 && 4096 < off+int64(len(p)) {
			p[4096-off] ^= 1
		}
		return window.New(&heapBacking{}, nil, p, off)
	}))},
	{"wrong byte at random access", "ReaderAt/Content", "bytes of a window", bend(rebuilt(func(p []byte, off int64) window.Window {
		if off > 65000 {
			p[len(p)-1] ^= 1
		}
		return window.New(&heapBacking{}, nil, p, off)
	}))},
	{"offset from 0 in every window", "Reader/Content", "without gap or overlap", bend(rebuilt(func(p []byte, off int64) window.Window {
		return window.New(&heapBacking{}, nil, p, 0)
	}))},
	{"offset rounded down", "ReaderAt/Content", "Off is the offset", bend(rebuilt(func(p []byte, off int64) window.Window {
		return window.New(&heapBacking{}, nil, p, off&^511)
	}))},
	{"an empty window", "Reader/Content", "never returns an empty window", bend(func(b *bent) {
		calls := 0
		b.read = func(ctx context.Context) (window.Window, error) {
			if calls++; calls == 2 {
				return none, nil
			}
			return b.Model.ReadManaged(ctx)
		}
	})},
	{"wrapped EOF", "Reader/Content", "io.EOF is bare", bend(through(func(w window.Window, err error) (window.Window, error) {
		if err == io.EOF {
			err = &window.Error{Op: "read", Err: err}
		}
		return w, err
	}))},
	{"wrapped EOF at random access", "ReaderAt/End", "io.EOF is bare", bend(through(func(w window.Window, err error) (window.Window, error) {
		if err == io.EOF {
			err = fmt.Errorf("end: %w", err)
		}
		return w, err
	}))},
	{"EOF once", "Reader/Content", "every call returns io.EOF", bend(func(b *bent) {
		over := false
		b.read = func(ctx context.Context) (window.Window, error) {
			w, err := b.Model.ReadManaged(ctx)
			if err == io.EOF && over {
				err = &window.Error{Op: "read", Err: window.ErrClosed}
			}
			over = over || err != nil
			return w, err
		}
	})},
	{"begins again after EOF", "Reader/Content", "every call returns io.EOF", bend(func(b *bent) {
		b.read = func(ctx context.Context) (window.Window, error) {
			w, err := b.Model.ReadManaged(ctx)
			if err == io.EOF {
				b.Model.off = 0
			}
			return w, err
		}
	})},
	{"EOF a window too early", "Reader/Content", "io.EOF comes after", bend(func(b *bent) {
		b.read = func(ctx context.Context) (window.Window, error) {
			if b.off > 0 && len(b.content)-b.off < 1000 {
				return none, io.EOF
			}
			return b.Model.ReadManaged(ctx)
		}
	})},
	{"a window with io.EOF", "Reader/Content", "error means no window", bend(func(b *bent) {
		b.read = func(ctx context.Context) (window.Window, error) {
			w, err := b.Model.ReadManaged(ctx)
			if err == nil && b.off == len(b.content) {
				err = io.EOF
			}
			return w, err
		}
	})},
	{"short window with io.EOF", "ReaderAt/End", "error means no window", bend(func(b *bent) {
		b.readAt = func(ctx context.Context, off int64, n int) (window.Window, error) {
			w, err := b.Model.ReadManagedAt(ctx, off, n)
			if err == nil && w.Len() < n {
				err = io.EOF
			}
			return w, err
		}
	})},
	{"bare context error", "Reader/Cancelled", "*window.Error", bend(through(bare))},
	{"bare context error at random access", "ReaderAt/Cancelled", "*window.Error", bend(through(bare))},
	{"error without operation", "Reader/Cancelled", "names the operation", bend(through(func(w window.Window, err error) (window.Window, error) {
		if e, ok := err.(*window.Error); ok {
			err = &window.Error{Err: e.Err}
		}
		return w, err
	}))},
	{"error that hides the context's", "Reader/Cancelled", "context's error is wrapped", bend(through(func(w window.Window, err error) (window.Window, error) {
		if e, ok := err.(*window.Error); ok {
			err = &window.Error{Op: "read", Err: errors.New(e.Err.Error())}
		}
		return w, err
	}))},
	{"ignores the context", "Reader/Cancelled", "error of every call", bend(func(b *bent) {
		b.read = func(context.Context) (window.Window, error) { return b.Model.ReadManaged(context.Background()) }
	})},
	{"ignores the context of what it has in memory", "ReaderAt/Cancelled", "error of every call", bend(func(b *bent) {
		seen := false
		b.readAt = func(ctx context.Context, off int64, n int) (window.Window, error) {
			if seen {
				ctx = context.Background()
			}
			w, err := b.Model.ReadManagedAt(ctx, off, n)
			seen = seen || err == nil
			return w, err
		}
	})},
	{"waits before it looks at the context", "Reader/Cancelled", "returns at once", bend(func(b *bent) {
		b.read = func(ctx context.Context) (window.Window, error) {
			if ctx.Err() != nil {
				time.Sleep(2 * patience)
			}
			return b.Model.ReadManaged(ctx)
		}
	})},
	{"a cancelled call loses a window", "Reader/Cancelled", "loses nothing", bend(func(b *bent) {
		b.read = func(ctx context.Context) (window.Window, error) {
			w, err := b.Model.ReadManaged(ctx)
			if err != nil && err != io.EOF {
				b.Model.off = min(b.Model.off+1000, len(b.content))
			}
			return w, err
		}
	})},
	{"a call cancelled on its way loses a window", "Reader/CancelledAnywhere", "loses nothing", bend(func(b *bent) {
		b.read = func(ctx context.Context) (window.Window, error) {
			w, err := b.Model.ReadManaged(ctx)
			time.Sleep(20 * time.Microsecond)
			if err == nil && ctx.Err() != nil {
				w.Release()
				return none, &window.Error{Op: "read", Err: ctx.Err()}
			}
			return w, err
		}
	})},
	{"one buffer for all windows", "Reader/Unchanged", "never change", bend(func(b *bent) {
		through(oneBuffer(make([]byte, 1<<20)))(b)
	})},
	{"one buffer for all windows at random access", "ReaderAt/Unchanged", "never change", bend(func(b *bent) {
		through(oneBuffer(make([]byte, 1<<20)))(b)
	})},
	{"windows written to later", "Reader/Unchanged", "never change", bend(func(b *bent) {
		var last []byte
		rebuilt(func(p []byte, off int64) window.Window {
			if last != nil {
				last[len(last)-1]++
			}
			last = p
			return window.New(&heapBacking{}, nil, p, off)
		})(b)
	})},
	{"leaks an owner", "Reader/Content", "released once", bend(through(func(w window.Window, err error) (window.Window, error) {
		if err == nil {
			w.Retain()
		}
		return w, err
	}))},
	{"leaks when left in the middle", "Reader/Abandoned", "released once", bend(func(b *bent) {
		var ahead window.Window
		b.read = func(ctx context.Context) (window.Window, error) {
			w := ahead
			var err, later error
			if w == none {
				w, err = b.Model.ReadManaged(ctx)
			}
			if err == nil {
				if ahead, later = b.Model.ReadManaged(ctx); later != nil {
					ahead = none
				}
			}
			return w, err
		}
	})},
	{"the same handle twice", "ReaderAt/SameRangeTwice", "owner of its own", bend(func(b *bent) {
		var mu sync.Mutex
		cache := map[window.Range]window.Window{}
		b.readAt = func(ctx context.Context, off int64, n int) (window.Window, error) {
			mu.Lock()
			defer mu.Unlock()
			r := window.Range{Off: off, Len: int64(n)}
			if w, ok := cache[r]; ok {
				return w, nil
			}
			w, err := b.Model.ReadManagedAt(ctx, off, n)
			if err == nil {
				cache[r] = w
			}
			return w, err
		}
	})},
	{"a released window", "Reader/Content", "owner of its own", bend(through(func(w window.Window, err error) (window.Window, error) {
		w.Release()
		return w, err
	}))},
	{"readers share a position", "Reader/Independent", "", func() ([]check, func() int64) {
		var m *Model
		return checks(Source{Reader: func(_ testing.TB, c []byte) window.Reader {
			if m == nil || m.off == len(m.content) {
				m = NewModel(c, 1000)
			}
			return m
		}, MaxBytes: 70_000}), nil
	}},
	{"readers share contents", "ReaderAt/Independent", "bytes of a window", func() ([]check, func() int64) {
		var m *Model
		return checks(Source{ReaderAt: func(_ testing.TB, c []byte) window.ReaderAt {
			if m == nil {
				m = NewModel(c, 1000)
			}
			return m
		}, MaxBytes: 70_000}), nil
	}},
	{"closing one closes all", "Reader/Independent", "", func() ([]check, func() int64) {
		closed := false
		return bend(func(b *bent) {
			closed = false
			b.close = func() error { closed = true; return nil }
			b.read = func(ctx context.Context) (window.Window, error) {
				if closed {
					return none, &window.Error{Op: "read", Err: window.ErrClosed}
				}
				return b.Model.ReadManaged(ctx)
			}
		})()
	}},
	{"no residency", "Reader window/Info", "Info says where", bend(rebuilt(func(p []byte, off int64) window.Window {
		return window.New(&liar{}, nil, p, off)
	}))},
	{"private memory that pins less than it has", "Reader window/Info", "pins", bend(rebuilt(func(p []byte, off int64) window.Window {
		return window.New(&liar{info: window.Info{Residency: window.Private, PinnedBytes: 1}}, nil, p, off)
	}))},
	{"memory of the wrong length", "ReaderAt window/Memory", "joins and copies", bend(rebuilt(func(p []byte, off int64) window.Window {
		return window.New(&heapBacking{}, badMemory{}, p, off)
	}))},
	{"memory that refuses", "ReaderAt window/Compact", "same kind", bend(rebuilt(func(p []byte, off int64) window.Window {
		return window.New(&heapBacking{}, badMemory{window.ErrNoMemory}, p, off)
	}))},
	{"reads after Close", "Reader/Close", "ErrClosed", bend(func(b *bent) { b.close = func() error { return nil } })},
	{"reads at after Close", "ReaderAt/Close", "ErrClosed", bend(func(b *bent) { b.close = func() error { return nil } })},
	{"EOF after Close", "Reader/Close", "ErrClosed", bend(func(b *bent) {
		b.close = func() error { b.Model.off = len(b.content); return nil }
	})},
	{"a second Close is an error", "Reader/Close", "twice", bend(func(b *bent) {
		b.close = func() error {
			if b.Model.closed.Load() {
				return window.ErrClosed
			}
			return b.Model.Close()
		}
	})},
	{"a second Close panics", "ReaderAt/Close", "panic", bend(func(b *bent) {
		c := make(chan int)
		b.close = func() error { close(c); return b.Model.Close() }
	})},
	{"Close frees windows", "Reader/Close", "never change", bend(closeFrees)},
	{"Close frees what was retained", "Reader window/Retain", "bytes of a window", bend(closeFrees)},
	{"Close frees parts", "ReaderAt window/Slice", "bytes of a window", bend(closeFrees)},
	{"fails under Close", "ReaderAt/CloseWhileReading", "closes", bend(func(b *bent) {
		b.readAt = func(ctx context.Context, off int64, n int) (window.Window, error) {
			w, err := b.Model.ReadManagedAt(ctx, off, n)
			if errors.Is(err, window.ErrClosed) {
				err = &window.Error{Op: "read", Err: errors.New("bad file descriptor")}
			}
			return w, err
		}
	})},
	{"short in the middle", "ReaderAt/Content", "bytes of a window", bend(func(b *bent) {
		b.readAt = func(ctx context.Context, off int64, n int) (window.Window, error) {
			return b.Model.ReadManagedAt(ctx, off, min(n, 4096))
		}
	})},
	{"more than asked", "ReaderAt/Content", "fewer only at the end", bend(func(b *bent) {
		b.readAt = func(ctx context.Context, off int64, n int) (window.Window, error) {
			if n > 0 && n < 512 {
				n = 512
			}
			return b.Model.ReadManagedAt(ctx, off, n)
		}
	})},
	{"all or nothing at the end", "ReaderAt/End", "", bend(func(b *bent) {
		b.readAt = func(ctx context.Context, off int64, n int) (window.Window, error) {
			if end := off + int64(n); off >= 0 && n > 0 && off < b.Size() && end > b.Size() {
				return none, &window.Error{Op: "read", Off: off, Len: int64(n), Err: io.ErrUnexpectedEOF}
			}
			return b.Model.ReadManagedAt(ctx, off, n)
		}
	})},
	{"an empty window past the end", "ReaderAt/End", "the error is io.EOF", bend(through(func(w window.Window, err error) (window.Window, error) {
		if err == io.EOF {
			err = nil
		}
		return w, err
	}))},
	{"io.EOF for no bytes", "ReaderAt/Empty", "n == 0", bend(func(b *bent) {
		b.readAt = func(ctx context.Context, off int64, n int) (window.Window, error) {
			if off >= b.Size() && n == 0 {
				return none, io.EOF
			}
			return b.Model.ReadManagedAt(ctx, off, n)
		}
	})},
	{"a negative offset counts from the end", "ReaderAt/BadRange", "is ErrRange", bend(func(b *bent) {
		b.readAt = func(ctx context.Context, off int64, n int) (window.Window, error) {
			if off < 0 {
				off = max(off+b.Size(), 0)
			}
			return b.Model.ReadManagedAt(ctx, off, n)
		}
	})},
	{"a negative length is none", "ReaderAt/BadRange", "is ErrRange", bend(func(b *bent) {
		b.readAt = func(ctx context.Context, off int64, n int) (window.Window, error) {
			return b.Model.ReadManagedAt(ctx, off, max(n, 0))
		}
	})},
	{"the sum may overflow", "ReaderAt/BadRange", "is ErrRange", bend(func(b *bent) {
		b.readAt = func(ctx context.Context, off int64, n int) (window.Window, error) {
			if off >= b.Size() && n >= 0 {
				return none, io.EOF
			}
			return b.Model.ReadManagedAt(ctx, off, n)
		}
	})},
	{"ErrRange without the range", "ReaderAt/BadRange", "names the range", bend(through(func(w window.Window, err error) (window.Window, error) {
		if errors.Is(err, window.ErrRange) {
			err = &window.Error{Op: "read", Err: window.ErrRange}
		}
		return w, err
	}))},
	{"takes memory for a length from data", "ReaderAt/HugeLength", "takes no memory", bend(func(b *bent) {
		b.readAt = func(ctx context.Context, off int64, n int) (window.Window, error) {
			if n > 1<<20 && n < math.MaxInt32 {
				sink = make([]byte, n)
			}
			return b.Model.ReadManagedAt(ctx, off, n)
		}
	})},
	{"a scratch buffer for all callers", "ReaderAt/Concurrent", "bytes of a window", bend(func(b *bent) {
		var mu sync.Mutex
		scratch := make([]byte, 1<<20)
		b.readAt = func(ctx context.Context, off int64, n int) (window.Window, error) {
			w, err := b.Model.ReadManagedAt(ctx, off, n)
			if err != nil {
				return w, err
			}
			defer w.Release()
			mu.Lock()
			copy(scratch, w.Bytes())
			mu.Unlock()
			time.Sleep(10 * time.Microsecond)
			mu.Lock()
			defer mu.Unlock()
			p := append([]byte(nil), scratch[:w.Len()]...)
			return window.New(&heapBacking{}, nil, p, off), nil
		}
	})},
	{"one caller's context ends the others' reads", "ReaderAt/ContextsApart", "", bend(func(b *bent) {
		var mu sync.Mutex
		last := map[int64]context.Context{}
		b.readAt = func(ctx context.Context, off int64, n int) (window.Window, error) {
			mu.Lock()
			leader, ok := last[off]
			if !ok {
				leader = ctx
				last[off] = ctx
			}
			mu.Unlock()
			time.Sleep(50 * time.Microsecond)
			return b.Model.ReadManagedAt(leader, off, n)
		}
	})},
}

var sink []byte

func bare(w window.Window, err error) (window.Window, error) {
	if e, ok := err.(*window.Error); ok {
		err = e.Err
	}
	return w, err
}

// oneBuffer gives every window in the same memory.
func oneBuffer(buf []byte) func(w window.Window, err error) (window.Window, error) {
	return func(w window.Window, err error) (window.Window, error) {
		if err != nil {
			return w, err
		}
		defer w.Release()
		n := copy(buf, w.Bytes())
		return window.New(&heapBacking{}, nil, buf[:n:n], w.Off()), nil
	}
}

// closeFrees has Close overwrite every window.
func closeFrees(b *bent) {
	var all [][]byte
	rebuilt(func(p []byte, off int64) window.Window {
		all = append(all, p)
		return window.New(&heapBacking{}, nil, p, off)
	})(b)
	b.close = func() error {
		for _, p := range all {
			poison(p)
		}
		return b.Model.Close()
	}
}

func TestRunCatches(t *testing.T) {
	shorten(t)
	for _, b := range brokenSources {
		t.Run(b.name, b.mustCatch)
	}
}

// shorten makes the suite less patient while t runs.
func shorten(t *testing.T) {
	l, p := leakPatience, patience
	leakPatience, patience = 10*time.Millisecond, 100*time.Millisecond
	t.Cleanup(func() { leakPatience, patience = l, p })
}
