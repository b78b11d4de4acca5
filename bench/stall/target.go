package stall

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

// A target is a file that is read in one way, by any number of goroutines.
type target interface {
	// read reads the window at off and checks it. buf is as long as a window
	// and the goroutine's own.
	read(buf []byte, off int64) error
	close() error
}

// order returns the numbers of all windows of a file, shuffled unless they are
// to be in order.
func (l *Load) order(size int64) []int32 {
	order := make([]int32, size/int64(l.WindowBytes))
	for i := range order {
		order[i] = int32(i)
	}
	if l.InOrder {
		return order
	}
	r := rand.New(rand.NewPCG(l.Seed, l.Seed))
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

// drop drops the file from the page cache and returns the share that stays.
func drop(f *os.File) (float64, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	pages, err := pagecache.Drop(f, 0, 0)
	return float64(pages) * float64(os.Getpagesize()) / float64(fi.Size()), err
}

// reader opens what l.Way reads. The file is f; single pages are read without
// those around them.
func (l *Load) reader(f *os.File, size int64) (target, error) {
	single := l.WindowBytes == os.Getpagesize()
	switch l.Way {
	case Touch, Populate:
		m, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
		if err == nil && single {
			err = unix.Madvise(m, unix.MADV_RANDOM)
		}
		return &mapping{m, l.Way == Populate}, os.NewSyscallError("mmap", err)
	case Pread:
		if single {
			if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_RANDOM); err != nil {
				return nil, os.NewSyscallError("fadvise", err)
			}
		}
		return &copies{int(f.Fd())}, nil
	case Auto, Mmap:
		return l.windows()
	}
	return nil, fmt.Errorf("there is no way %q", l.Way)
}

// A mapping is a plain one.
type mapping struct {
	bytes    []byte
	populate bool
}

func (m *mapping) read(buf []byte, off int64) error {
	p := m.bytes[off : off+int64(len(buf))]
	if m.populate {
		err := unix.Madvise(p, unix.MADV_POPULATE_READ)
		for err == unix.EINTR || err == unix.EAGAIN {
			err = unix.Madvise(p, unix.MADV_POPULATE_READ)
		}
		if err != nil {
			return os.NewSyscallError("madvise", err)
		}
	}
	return check(p, off)
}

func (m *mapping) close() error { return os.NewSyscallError("munmap", unix.Munmap(m.bytes)) }

// copies are made by pread(2).
type copies struct{ fd int }

func (c *copies) read(buf []byte, off int64) error {
	for n := 0; n < len(buf); {
		m, err := unix.Pread(c.fd, buf[n:], off+int64(n))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return os.NewSyscallError("pread", err)
		case m == 0:
			return io.ErrUnexpectedEOF
		default:
			n += m
		}
	}
	return check(buf, off)
}

func (c *copies) close() error { return nil }

// windows are Oriel's.
type windows struct {
	rt     *source.Runtime
	file   *source.File
	mapped atomic.Int64
}

func (l *Load) windows() (*windows, error) {
	rt, err := source.NewRuntime(source.Limits{
		MemoryBytes: max(64<<20, 2*int64(l.Goroutines)*int64(l.WindowBytes)),
		LockBytes:   l.LockBytes,
	})
	if err != nil {
		return nil, err
	}
	o := &source.Options{Runtime: rt}
	if l.Way == Mmap {
		o.Source = source.Mmap
	}
	switch {
	case l.InOrder:
		o.Pattern = source.Once // extents are loaded ahead, and given up behind
	case l.WindowBytes > os.Getpagesize():
		o.Pattern = source.Reuse // load an extent where it is touched first
	}
	f, err := source.Open(context.Background(), l.File, o)
	if err != nil {
		return nil, errors.Join(err, rt.Close())
	}
	return &windows{rt: rt, file: f}, nil
}

func (w *windows) read(buf []byte, off int64) error {
	p, err := w.file.ReadManagedAt(context.Background(), off, len(buf))
	if err != nil {
		return err
	}
	defer p.Release()
	if p.Len() != len(buf) {
		return io.ErrUnexpectedEOF
	}
	if p.Info().Residency == window.Guarded {
		w.mapped.Add(1)
	}
	return check(p.Bytes(), off)
}

func (w *windows) close() error { return errors.Join(w.file.Close(), w.rt.Close()) }
