package window

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strconv"
)

// The sentinels. Every error of this module other than a bare [io.EOF] is an
// [*Error] that wraps one of them, an error of the operating system, a
// context's error, or what a Reader, Fetcher or io.Reader of the caller said.
// Compare with [errors.Is].
var (
	// ErrClosed: the reader, file, pool or cursor was closed. Final.
	ErrClosed = fs.ErrClosed

	// ErrNotReady: the bytes are not here yet and the fetch has begun.
	// Transient: wait for Ready, or call the method without Try.
	ErrNotReady = errors.New("not ready")

	// ErrRange: a negative offset or length, or one whose sum is beyond
	// 1<<63 - 1. Final: correct the call.
	ErrRange = errors.New("offset or length out of range")

	// ErrTooLong: a line, record or join is longer than the limit that was
	// set for it. Final for that record: raise the limit, or skip it.
	ErrTooLong = errors.New("longer than the limit")

	// ErrNoMemory: the request can never be met within the memory budget.
	// Final: ask for less or raise the budget. (Memory that others hold now
	// is waited for instead.)
	ErrNoMemory = errors.New("more memory than the budget allows")

	// ErrLimit: a limit other than memory is reached, such as the number of
	// open files. Transient: close something first.
	ErrLimit = errors.New("limit reached")

	// ErrRefused: the source that was forced cannot serve this. Final: leave
	// the choice to the library, or force another.
	ErrRefused = errors.New("the forced source cannot serve it")

	// ErrOption: an option is out of its range. Final: correct the option.
	ErrOption = errors.New("invalid option")

	// ErrFetcher: a Fetcher or io.Reader broke its contract, by returning
	// more than it was asked for, nothing without an error, a negative count,
	// or by panicking. Final: it has a bug.
	ErrFetcher = errors.New("source broke its contract")

	// ErrUnsupported: this kind of file, source or system cannot do it.
	// Final. It is [errors.ErrUnsupported].
	ErrUnsupported = errors.ErrUnsupported
)

// Error says which operation failed, on what, and where. The range
// [Off, Off+Len) is what was asked for and is missing; it can be asked for
// again.
type Error struct {
	Op   string // the operation in lower case, such as "read" or "open"
	Path string // the name of the source, if it has one
	Off  int64  // where the missing range begins, in bytes; 0 where there is none
	Len  int64  // its length in bytes; 0 where there is none or it is unknown
	Err  error  // what happened; never nil, never a bare io.EOF
}

// Error returns for example
//
//	read /var/log/x [4096,+512): input/output error
func (e *Error) Error() string {
	b := make([]byte, 0, 96)
	b = append(b, e.Op...)
	if e.Path != "" {
		b = append(b, ' ')
		b = append(b, e.Path...)
	}
	if e.Off != 0 || e.Len != 0 {
		b = append(b, " ["...)
		b = strconv.AppendInt(b, e.Off, 10)
		if e.Len != 0 {
			b = append(b, ",+"...)
			b = strconv.AppendInt(b, e.Len, 10)
		}
		b = append(b, ')')
	}
	b = append(b, ": "...)
	b = append(b, e.Err.Error()...)
	return string(b)
}

// Unwrap returns e.Err, for [errors.Is] and [errors.As].
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether the error is a deadline's, as net.Error has it.
func (e *Error) Timeout() bool {
	if errors.Is(e.Err, context.DeadlineExceeded) {
		return true
	}
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// wrap returns err as an *Error, unless it already is one or is a bare io.EOF.
func wrap(err error, op, path string, off, n int64) error {
	if err == io.EOF {
		return err
	}
	if _, ok := err.(*Error); ok {
		return err
	}
	return &Error{Op: op, Path: path, Off: off, Len: n, Err: err}
}
