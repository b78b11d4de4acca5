package source

import (
	"context"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"github.com/oriel-go/oriel/internal/nowait"
	"github.com/oriel-go/oriel/internal/probe"
)

// preadSource reads a regular file or block device at offsets.
type preadSource struct {
	f          *os.File // ours to close, unless lent
	lent       bool     // f is the caller's, on systems where it cannot be duplicated
	fd         int      // f's, where the system has such
	rt         *Runtime
	dev        uint64      // the file system's
	owned      bool        // the process is its owner, or root
	block      bool        // a block device, whose stat has no size
	blockBytes int64       // its size
	nowait     atomic.Bool // resident tells what is cached
	memory     atomic.Bool // everything is
}

func newPread(f *os.File, fd int, fi fs.FileInfo, rt *Runtime) *preadSource {
	b := &preadSource{f: f, fd: fd, rt: rt, dev: device(fi), owned: owned(fi), block: fi.Mode()&fs.ModeDevice != 0}
	memory, asked := rt.cannotTell(b.dev)
	b.nowait.Store(!asked)
	b.memory.Store(memory)
	return b
}

func (b *preadSource) kind() string { return Pread.String() }

func (b *preadSource) resident(p []byte, off int64) int {
	switch {
	case b.memory.Load():
		n, _ := pread(b.f, b.fd, p, off) // an error comes again from read
		return max(n, 0)
	case !b.nowait.Load():
		return 0
	}
	n, supported := nowait.Read(b.fd, p, off)
	if !supported {
		fs, err := probe.FileSystemOf(b.fd)
		memory := err == nil && fs.InMemory && !b.block
		b.nowait.Store(false)
		b.memory.Store(memory)
		b.rt.setCannotTell(b.dev, memory)
	}
	return n
}

func (b *preadSource) read(_ context.Context, p []byte, off int64) (int, error) {
	for n := 0; ; {
		m, err := pread(b.f, b.fd, p[n:], off+int64(n))
		switch n += max(m, 0); {
		case n == len(p):
			return n, nil
		case err != nil:
			return n, err
		case m == 0:
			return n, io.EOF
		}
	}
}

func (b *preadSource) size() (int64, error) {
	if b.block {
		return b.blockBytes, nil
	}
	return fileSize(b.f, b.fd)
}

// seekEnd returns where a block device ends and leaves its position, which a
// descriptor of the caller's may share, where it was. It is called once, when
// the device is opened.
func seekEnd(f *os.File) (int64, error) {
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	_, err = f.Seek(at, io.SeekStart)
	return end, err
}

func (b *preadSource) stat() (fs.FileInfo, error) { return b.f.Stat() }

func (b *preadSource) close() error {
	if b.lent {
		return nil
	}
	return b.f.Close()
}
