package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/oriel-go/oriel/internal/nowait"
	"github.com/oriel-go/oriel/window"
)

// NewStream returns a Reader over r, which stays the caller's and must not be
// used by anybody else until the Reader is closed. Nothing is read ahead: what
// a Reader has taken from r and not handed out is what one call of r.Read
// returned after its caller's context had ended.
//
// A call of r.Read that is under way when the Reader is closed goes on in a
// goroutine of its own until it returns.
func NewStream(r io.Reader, o *Options) *Reader {
	s, err := o.check()
	if err == nil && s.kind != Auto {
		err = fmt.Errorf("%w: %v of a stream", window.ErrRefused, s.kind)
	}
	name := ""
	if n, ok := r.(interface{ Name() string }); ok {
		name = n.Name()
	}
	f := newStream(name, newStreamSource(r), s, "an io.Reader of the caller")
	f.err = err
	return f.reader(true)
}

func newStream(name string, b *streamSource, s settings, why string) *File {
	f := newFile(name, b, s, why)
	f.stream = b
	return f
}

// streamSource reads from front to back whatever the offset. It is read by one
// goroutine at a time, the Reader's or that of its fetch.
type streamSource struct {
	r io.Reader
	f *os.File // r, when it is ours to close; else nil
	// begin, if not nil, waits for the stream to begin.
	begin func() error

	// conn reaches the descriptor of r, if it has one that can be read without
	// waiting, by calling try, which reads into buf and leaves n and err. Both
	// are made once, so that a read allocates nothing.
	conn syscall.RawConn
	try  func(fd uintptr)
	buf  []byte
	n    int
	err  error

	// waiter waits for a descriptor that can be read without waiting and that
	// the runtime's poller does not have: an inherited pipe. nil otherwise.
	waiter *nowait.Waiter
	blocks bool
}

func newStreamSource(r io.Reader) *streamSource {
	b := &streamSource{r: r}
	f, ok := r.(*os.File)
	if !ok {
		return b
	}
	// Only of pipes and sockets is 0 known to be the end: a file's may be one
	// of the mistakes that package nowait tells of.
	fi, err := f.Stat()
	if err != nil || fi.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) == 0 {
		return b
	}
	c, err := f.SyscallConn()
	if err != nil {
		return b
	}
	b.conn, b.try = c, func(fd uintptr) { b.n, b.err = nowait.ReadStream(int(fd), b.buf) }
	c.Control(func(fd uintptr) { b.blocks = nowait.Blocks(int(fd)) })
	return b
}

// maxEmptyReads is how many times in a row an io.Reader may return nothing and
// no error, as bufio has it.
const maxEmptyReads = 100

func (b *streamSource) kind() string { return "stream" }

// heedsContext reports whether read returns when its context ends, without
// having written to its memory.
func (b *streamSource) heedsContext() bool {
	if b.conn == nil || !b.blocks {
		return false
	}
	if b.waiter == nil {
		var err error
		if b.waiter, err = nowait.NewWaiter(); err != nil {
			b.blocks = false // a goroutine waits
		}
	}
	return b.blocks
}

// resident reads what a pipe or socket holds, so that a fast writer is read
// without a goroutine in between.
func (b *streamSource) resident(p []byte, _ int64) int {
	n, err := b.readNow(p)
	if err == nil && n > 0 {
		b.begin = nil // it has begun
	}
	return n
}

// readNow reads without waiting. os.File keeps the descriptor from being closed
// meanwhile.
func (b *streamSource) readNow(p []byte) (int, error) {
	if b.conn == nil {
		return 0, errors.ErrUnsupported
	}
	b.buf = p
	if err := b.conn.Control(b.try); err != nil {
		b.n, b.err = 0, err
	}
	b.buf = nil
	if b.err != nil && b.err != nowait.ErrAgain {
		b.conn = nil // an ordinary read will say what it is
	}
	return b.n, b.err
}

func (b *streamSource) read(ctx context.Context, p []byte, _ int64) (int, error) {
	for b.heedsContext() {
		n, err := b.readNow(p)
		switch {
		case n > 0:
			return n, nil
		case err == nil:
			return 0, io.EOF
		case err != nowait.ErrAgain:
			continue
		}
		if err := b.await(ctx); err != nil {
			return 0, err
		}
	}
	if b.begin != nil {
		if err := b.begin(); err != nil {
			return 0, err
		}
		b.begin = nil
	}
	for range maxEmptyReads {
		if n, err := b.readOnce(p); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, fmt.Errorf("%w: %w", window.ErrFetcher, io.ErrNoProgress)
}

// await waits for the stream to be readable, or ctx to end.
func (b *streamSource) await(ctx context.Context) error {
	var waited error
	if err := b.conn.Control(func(fd uintptr) { waited = b.waiter.Wait(ctx, int(fd)) }); err != nil {
		return err
	}
	return waited
}

func (b *streamSource) readOnce(p []byte) (n int, err error) {
	defer recovered(&n, &err, "Read")
	n, err = b.r.Read(p)
	return checkCount(n, len(p), err, "Read")
}

func (b *streamSource) size() (int64, error) { return 0, nil }

func (b *streamSource) stat() (fs.FileInfo, error) {
	if f, ok := b.r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		return f.Stat()
	}
	return fileInfo{}, nil
}

func (b *streamSource) close() error {
	if b.f == nil {
		return nil
	}
	return b.f.Close()
}

// end gives up what only reads use, once there are none any more.
func (b *streamSource) end() {
	if b.waiter != nil {
		b.waiter.Close()
		b.waiter = nil
	}
}
