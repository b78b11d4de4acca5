package window

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"testing"
)

func TestErrorFormat(t *testing.T) {
	eio := errors.New("input/output error")
	for _, c := range []struct {
		e    Error
		want string
	}{
		{Error{Op: "read", Path: "/var/log/x", Off: 4096, Len: 512, Err: eio}, "read /var/log/x [4096,+512): input/output error"},
		{Error{Op: "read", Path: "/var/log/x", Off: 0, Len: 512, Err: eio}, "read /var/log/x [0,+512): input/output error"},
		{Error{Op: "read", Off: 4096, Len: 512, Err: eio}, "read [4096,+512): input/output error"},
		{Error{Op: "open", Path: "/var/log/x", Err: eio}, "open /var/log/x: input/output error"},
		{Error{Op: "close", Err: ErrClosed}, "close: file already closed"},
		{Error{Op: "read", Off: 1 << 40, Len: -1, Err: ErrRange}, "read [1099511627776,+-1): offset or length out of range"},
		{Error{Op: "read", Off: -5, Len: 1, Err: ErrRange}, "read [-5,+1): offset or length out of range"},
	} {
		if got := c.e.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestErrorIsAndAs(t *testing.T) {
	path := &fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}
	var err error = fmt.Errorf("outer: %w", &Error{Op: "open", Path: "x", Err: path})
	if !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, syscall.ENOENT) || errors.Is(err, ErrClosed) {
		t.Errorf("%v is not what it wraps", err)
	}
	if e, ok := errors.AsType[*Error](err); !ok || e.Op != "open" {
		t.Errorf("%v is not an *Error", err)
	}
	if p, ok := errors.AsType[*fs.PathError](err); !ok || p != path {
		t.Errorf("%v does not hold the *fs.PathError", err)
	}
	if errors.Unwrap(&Error{Op: "x", Err: io.ErrUnexpectedEOF}) != io.ErrUnexpectedEOF {
		t.Error("Unwrap returns another error")
	}
}

func TestSentinels(t *testing.T) {
	all := []error{ErrClosed, ErrNotReady, ErrRange, ErrTooLong, ErrNoMemory, ErrLimit, ErrOption, ErrFetcher, ErrUnsupported}
	for i, a := range all {
		for j, b := range all {
			if errors.Is(&Error{Op: "x", Err: a}, b) != (i == j) {
				t.Errorf("%q and %q", a, b)
			}
		}
		if errors.Is(a, io.EOF) {
			t.Errorf("%q is io.EOF", a)
		}
	}
	if ErrClosed != fs.ErrClosed || ErrClosed != os.ErrClosed || ErrUnsupported != errors.ErrUnsupported {
		t.Error("ErrClosed and ErrUnsupported are not the standard library's")
	}
	if !errors.Is(&Error{Op: "x", Err: syscall.ENOSYS}, ErrUnsupported) {
		t.Error("ENOSYS is not ErrUnsupported")
	}
}

type timeout bool

func (timeout) Error() string   { return "timeout" }
func (t timeout) Timeout() bool { return bool(t) }

func TestErrorTimeout(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{context.DeadlineExceeded, true},
		{context.Canceled, false},
		{fmt.Errorf("reading: %w", context.DeadlineExceeded), true},
		{os.ErrDeadlineExceeded, true},
		{&fs.PathError{Op: "read", Path: "x", Err: os.ErrDeadlineExceeded}, true},
		{syscall.ETIMEDOUT, true},
		{syscall.EIO, false},
		{timeout(true), true},
		{timeout(false), false},
		{&Error{Op: "inner", Err: timeout(true)}, true},
		{ErrClosed, false},
	} {
		e := &Error{Op: "read", Err: c.err}
		if e.Timeout() != c.want {
			t.Errorf("Timeout of %v = %t", e, e.Timeout())
		}
		if ne, ok := errors.AsType[interface {
			error
			Timeout() bool
		}](error(e)); !ok || ne.Timeout() != c.want {
			t.Errorf("%v as others see it", e)
		}
	}
}

func TestWrap(t *testing.T) {
	own := &Error{Op: "fetch", Off: 1, Len: 2, Err: ErrFetcher}
	if err := wrap(io.EOF, "read", "x", 3, 4); err != io.EOF {
		t.Errorf("io.EOF became %v", err)
	}
	if err := wrap(own, "read", "x", 3, 4); err != own {
		t.Errorf("an *Error became %v", err)
	}
	for _, inner := range []error{io.ErrUnexpectedEOF, context.Canceled, fmt.Errorf("outer: %w", own)} {
		e, ok := wrap(inner, "read", "x", 3, 4).(*Error)
		if !ok || *e != (Error{"read", "x", 3, 4, inner}) {
			t.Errorf("%v became %v", inner, e)
		}
	}
}
