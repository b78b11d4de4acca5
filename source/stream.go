package source

import (
	"context"
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
	f.stream = true
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
	// waiting, by calling try, which reads into buf and sets got. Both are made
	// once, so that a read allocates nothing.
	conn syscall.RawConn
	try  func(fd uintptr) bool
	buf  []byte
	got  int
}

func newStreamSource(r io.Reader) *streamSource {
	b := &streamSource{r: r}
	if f, ok := r.(*os.File); ok {
		if c, err := f.SyscallConn(); err == nil {
			b.conn, b.try = c, b.readNow
		}
	}
	return b
}

// maxEmptyReads is how many times in a row an io.Reader may return nothing and
// no error, as bufio has it.
const maxEmptyReads = 100

func (b *streamSource) kind() string { return "stream" }

// resident reads what a pipe or socket holds, so that a fast writer is read
// without a goroutine in between. os.File keeps the descriptor from being
// closed meanwhile.
func (b *streamSource) resident(p []byte, _ int64) int {
	if b.conn == nil {
		return 0
	}
	b.buf, b.got = p, 0
	if b.conn.Read(b.try) != nil {
		b.conn = nil
	}
	b.buf = nil
	if b.got > 0 {
		b.begin = nil // it has begun
	}
	return b.got
}

// readNow is called with the descriptor; true says not to wait.
func (b *streamSource) readNow(fd uintptr) bool {
	n, supported := nowait.ReadStream(int(fd), b.buf)
	if b.got = n; !supported {
		b.conn = nil
	}
	return true
}

func (b *streamSource) read(_ context.Context, p []byte, _ int64) (int, error) {
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
