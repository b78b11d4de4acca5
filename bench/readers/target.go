package readers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

// A target is a file that is read in one way.
type target interface {
	// reader returns what goroutine g calls once: it reads blocks until there
	// are no more, and returns how many.
	reader(g int) func(w *work) (int, error)
	// served returns how many reads came through Oriel's ring, and the bytes
	// that it counts.
	served() (ringed, bytes int64)
	close() error
}

// open opens what l.Way reads.
func (l *Load) open() (target, error) {
	switch l.Way {
	case Pread:
		return l.openPlain()
	case Managed, Queue:
		if l.Way == Queue && l.Goroutines != 1 {
			return nil, fmt.Errorf("one goroutine uses a Queue, not %d", l.Goroutines)
		}
		return l.openOriel()
	}
	return nil, fmt.Errorf("there is no way %q", l.Way)
}

// A plain target is a descriptor, and a block of memory for each goroutine.
type plain struct {
	f          *os.File
	memory     []byte
	blockBytes int
}

func (l *Load) openPlain() (*plain, error) {
	// A thread for each goroutine: more than the runtime allows by itself.
	debug.SetMaxThreads(max(10_000, l.Goroutines+1_000))
	flags := os.O_RDONLY
	if l.Direct {
		flags |= unix.O_DIRECT
	}
	f, err := os.OpenFile(l.File, flags, 0)
	if err != nil {
		return nil, err
	}
	p := &plain{f: f, blockBytes: l.BlockBytes}
	p.memory, err = unix.Mmap(-1, 0, l.Goroutines*l.BlockBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_POPULATE)
	if err != nil {
		return nil, errors.Join(os.NewSyscallError("mmap", err), f.Close())
	}
	return p, nil
}

func (p *plain) reader(g int) func(w *work) (int, error) {
	buf := p.memory[g*p.blockBytes : (g+1)*p.blockBytes]
	fd := int(p.f.Fd())
	return func(w *work) (reads int, err error) {
		for {
			i, ok := w.take()
			if !ok {
				return reads, nil
			}
			n, err := unix.Pread(fd, buf, w.offs[i])
			for err == unix.EINTR {
				n, err = unix.Pread(fd, buf, w.offs[i])
			}
			if err == nil && n < len(buf) {
				err = errShort
			}
			if err != nil {
				return reads, os.NewSyscallError("pread", err)
			}
			w.read(i, buf)
			reads++
		}
	}
}

func (p *plain) served() (ringed, bytes int64) { return 0, 0 }

func (p *plain) close() error {
	return errors.Join(os.NewSyscallError("munmap", unix.Munmap(p.memory)), p.f.Close())
}

// A file is one of Oriel's.
type file struct {
	*source.File
	rt         *source.Runtime
	blockBytes int
	depth      int // 0: ReadManagedAt
	together   int
}

func (l *Load) openOriel() (*file, error) {
	rt, err := source.NewRuntime(source.Limits{MemoryBytes: l.MemoryBytes})
	if err != nil {
		return nil, err
	}
	o := &source.Options{Runtime: rt, Source: source.Uring, Direct: source.DirectNever, Pattern: source.Random}
	if l.Direct {
		o.Direct = source.DirectAlways
	}
	f, err := source.Open(context.Background(), l.File, o)
	if err != nil {
		return nil, errors.Join(err, rt.Close())
	}
	t := &file{File: f, rt: rt, blockBytes: l.BlockBytes}
	if l.Way == Queue {
		t.depth, t.together = max(l.Depth, 1), max(l.Together, 1)
	}
	return t, nil
}

func (f *file) reader(int) func(w *work) (int, error) {
	if f.depth > 0 {
		return f.readQueue
	}
	return f.readManaged
}

// readManaged reads one block at a time.
func (f *file) readManaged(w *work) (reads int, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for {
		i, ok := w.take()
		if !ok {
			return reads, nil
		}
		p, err := f.ReadManagedAt(ctx, w.offs[i], f.blockBytes)
		if err == nil {
			err = f.took(w, i, p)
		}
		if err != nil {
			return reads, err
		}
		reads++
	}
}

// took looks at the window of block i and releases it.
func (f *file) took(w *work, i int, p window.Window) error {
	defer p.Release()
	if p.Len() != f.blockBytes || p.Off() != w.offs[i] {
		return fmt.Errorf("%w: asked for %d, got %v", errShort, w.offs[i], p)
	}
	w.read(i, p.Bytes())
	return nil
}

// readQueue keeps depth reads in flight: it waits for one, takes what else has
// come meanwhile, up to together, and begins as many again with one Submit. With
// all that has come taken first the device would run out of reads now and then.
func (f *file) readQueue(w *work) (reads int, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	q, err := f.rt.NewQueue(f.depth)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	next := make([]source.QueueRead, 0, f.depth)
	for {
		if next, err = f.submit(ctx, q, w, next); err != nil {
			return reads, err
		}
		r, err := q.Next(ctx)
		if err == io.EOF {
			return reads, nil
		}
		for took := 1; err == nil; took++ {
			if r.Err != nil {
				return reads, r.Err
			}
			if err := f.took(w, int(r.Tag), r.Window); err != nil {
				return reads, err
			}
			reads++
			if took == f.together {
				break
			}
			r, err = q.TryNext()
		}
		if err != nil && err != io.EOF && !errors.Is(err, window.ErrNotReady) {
			return reads, err
		}
	}
}

// submit begins reads until depth are in flight. next are those that a Submit
// left; it returns what this one does.
func (f *file) submit(ctx context.Context, q *source.Queue, w *work, next []source.QueueRead) ([]source.QueueRead, error) {
	for q.InFlight()+len(next) < f.depth {
		i, ok := w.take()
		if !ok {
			break
		}
		next = append(next, source.QueueRead{File: f.File, Off: w.offs[i], Len: f.blockBytes, Tag: uint64(i)})
	}
	n, err := q.Submit(ctx, next...)
	return next[:copy(next, next[n:])], err
}

func (f *file) served() (ringed, bytes int64) {
	s := f.Stats()
	return s.Ringed, s.Bytes
}

// windowBytes returns the memory for windows, in use or kept.
func (f *file) windowBytes() int64 {
	s := f.rt.Memory().Stats()
	return s.InUseBytes + s.IdleBytes
}

func (f *file) close() error { return errors.Join(f.File.Close(), f.rt.Close()) }
