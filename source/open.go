package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/oriel-go/oriel/window"
)

// Open opens a file that can be read anywhere: a regular file or a block
// device. Anything else is refused with an error that wraps
// window.ErrUnsupported; [OpenReader] reads it.
func Open(ctx context.Context, name string, o *Options) (*File, error) {
	return open(ctx, name, o, false)
}

// OpenReader opens anything that can be read from its beginning: files, block
// and character devices, pipes, FIFOs, sockets in the form of descriptors,
// what /proc holds, and standard input by the name "-". A FIFO without a writer
// is opened at once on Linux, where the first read waits for a writer, or its
// context; elsewhere OpenReader waits.
func OpenReader(ctx context.Context, name string, o *Options) (*Reader, error) {
	if name == "-" {
		return openStdin(o)
	}
	f, err := open(ctx, name, o, true)
	if err != nil {
		return nil, err
	}
	return f.reader(true), nil
}

// NewFile returns a File over f, which stays the caller's: it may be closed,
// or its position moved, at any time (except on systems without descriptors,
// where f must stay open). f must be a regular file or a block device.
func NewFile(f *os.File, o *Options) (*File, error) {
	fail := func(err error) (*File, error) {
		return nil, &window.Error{Op: "open", Path: f.Name(), Err: reason(err)}
	}
	s, err := o.check()
	if err != nil {
		return fail(err)
	}
	fi, err := f.Stat()
	if err != nil {
		return fail(err)
	}
	if !positioned(fi) {
		return fail(notPositioned(fi))
	}
	if err := s.rt.enterFile(); err != nil {
		return fail(err)
	}
	t, err := duplicateFile(f, fi, s)
	if err != nil {
		s.rt.leaveFile()
		return fail(err)
	}
	t.counted = true
	return t, nil
}

// duplicateFile makes a File over a descriptor of its own of f's file.
func duplicateFile(f *os.File, fi fs.FileInfo, s settings) (*File, error) {
	d, err := duplicate(f)
	if err != nil {
		return nil, err
	}
	t, err := preadFile(f.Name(), d, fi, s)
	if err != nil {
		if d != f {
			d.Close()
		}
		return nil, err
	}
	t.pread.lent = d == f
	return t, nil
}

// open opens name, as a stream if it can only be read as one and that is
// allowed.
func open(ctx context.Context, name string, o *Options, streams bool) (_ *File, err error) {
	s, err := o.check()
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = s.rt.enterFile()
	}
	var f *File
	if err == nil {
		if f, err = openCounted(ctx, name, s, streams); err != nil {
			s.rt.leaveFile()
		}
	}
	if err != nil {
		return nil, &window.Error{Op: "open", Path: name, Err: reason(err)}
	}
	f.counted = true
	return f, nil
}

func openCounted(ctx context.Context, name string, s settings, streams bool) (_ *File, err error) {
	h, err := openFile(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			h.Close()
		}
	}()
	fi, err := h.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case fi.IsDir():
		return nil, syscall.EISDIR
	case s.seeks(fi) || !streams && positioned(fi):
		return preadFile(name, h, fi, s)
	case !streams:
		return nil, notPositioned(fi)
	case s.forced() != "":
		return nil, fmt.Errorf("%w: %v of a %s", window.ErrRefused, s.forced(), describe(fi))
	}
	b := newStreamSource(h)
	b.f = h
	if fi.Mode()&fs.ModeNamedPipe != 0 {
		b.begin = func() error { return waitForWriter(h) }
	}
	return newStream(name, b, s, "a "+describe(fi)), nil
}

// preadFile makes a File over the open file h, which is its own.
func preadFile(name string, h *os.File, fi fs.FileInfo, s settings) (*File, error) {
	fd, err := descriptor(h)
	if err != nil {
		return nil, err
	}
	b := newPread(h, fd, fi, s.rt)
	size := fi.Size()
	if b.block {
		if size, err = seekEnd(h); err != nil {
			return nil, err
		}
		b.blockBytes = size
	}
	f := newFile(name, b, s, "a "+describe(fi))
	f.length.Store(size)
	switch {
	case s.kind == Mmap:
		err = f.lendAll()
	case s.kind == Uring || s.direct == DirectAlways:
		f.ring, err = f.ringed()
	}
	f.pays.Store(f.mayPay())
	if err != nil {
		err = fmt.Errorf("%v: %w", s.forced(), err)
		f.memory.Close()
		return nil, err
	}
	return f, nil
}

// openStdin reads standard input: a file from where its position is, so that
// it can be shared with what read it before.
func openStdin(o *Options) (*Reader, error) {
	const name = "-"
	fail := func(err error) (*Reader, error) {
		return nil, &window.Error{Op: "open", Path: name, Err: reason(err)}
	}
	s, err := o.check()
	if err != nil {
		return fail(err)
	}
	fi, err := os.Stdin.Stat()
	if err != nil {
		return fail(err)
	}
	if fi.IsDir() {
		return fail(syscall.EISDIR)
	}
	if s.seeks(fi) {
		at, err := os.Stdin.Seek(0, 1)
		if err != nil {
			return fail(err)
		}
		f, err := NewFile(os.Stdin, o)
		if err != nil {
			return nil, err
		}
		f.name = name
		r := f.reader(true)
		r.pos = at
		return r, nil
	}
	if s.forced() != "" {
		return fail(fmt.Errorf("%w: %v of a %s", window.ErrRefused, s.forced(), describe(fi)))
	}
	return newStream(name, newStreamSource(os.Stdin), s, "standard input is a "+describe(fi)).reader(true), nil
}

// seeks reports whether a file is to be read at offsets by a Reader. One that
// says to be empty is read as a stream, because it may not be, unless another
// source is forced.
func (s *settings) seeks(fi fs.FileInfo) bool {
	return positioned(fi) && (fi.Size() > 0 || !fi.Mode().IsRegular() || s.kind != Auto)
}

// positioned reports whether a file can be read at offsets.
func positioned(fi fs.FileInfo) bool {
	return fi.Mode().IsRegular() || fi.Mode()&(fs.ModeDevice|fs.ModeCharDevice) == fs.ModeDevice
}

func notPositioned(fi fs.FileInfo) error {
	if fi.IsDir() {
		return syscall.EISDIR
	}
	return fmt.Errorf("a %s is read from its beginning only, by OpenReader: %w", describe(fi), window.ErrUnsupported)
}

// describe says what kind of file it is.
func describe(fi fs.FileInfo) string {
	switch m := fi.Mode(); {
	case m.IsRegular() && fi.Size() == 0:
		return "regular file that says to be empty"
	case m.IsRegular():
		return "regular file"
	case m&fs.ModeNamedPipe != 0:
		return "pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeCharDevice != 0:
		return "character device"
	case m&fs.ModeDevice != 0:
		return "block device"
	case m.IsDir():
		return "directory"
	}
	return "special file"
}

// reason returns what is below a *fs.PathError or *window.Error: the operation
// and the name are said once.
func reason(err error) error {
	var p *fs.PathError
	var w *window.Error
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.As(err, &w):
		return w.Err
	}
	return err
}
