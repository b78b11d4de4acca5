package windowtest

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/oriel-go/oriel/window"
)

// next calls ReadManaged and checks what must hold whatever it returns.
func next(ctx context.Context, t testing.TB, r window.Reader) (window.Window, error) {
	t.Helper()
	w, err := r.ReadManaged(ctx)
	if err = dead(t, w, err); err == nil && w.Len() == 0 {
		broke(t, "ReadManaged never returns an empty window", "%v, without an error", w)
	}
	return given(t, w, err)
}

// at calls ReadManagedAt and checks what must hold whatever it returns.
func at(ctx context.Context, t testing.TB, r window.ReaderAt, off int64, n int) (window.Window, error) {
	t.Helper()
	w, err := r.ReadManagedAt(ctx, off, n)
	if err = dead(t, w, err); err == nil {
		if w.Len() > n {
			broke(t, "ReadManagedAt returns n bytes, fewer only at the end", "%d bytes at %d, %d were asked for", w.Len(), off, n)
		}
		if w.Len() > 0 && w.Off() != off {
			broke(t, "Off is the offset in the source of the first byte", "a read at %d gave %v", off, w)
		}
		if w.Len() == 0 && n > 0 {
			broke(t, "where there are no bytes the error is io.EOF", "an empty window without an error for %d bytes at %d", n, off)
		}
	}
	return given(t, w, err)
}

var errDead = &window.Error{Op: "windowtest", Err: errors.New("the source gave a released window")}

// dead returns err, or errDead for a handle that nobody can use.
func dead(t testing.TB, w window.Window, err error) (result error) {
	t.Helper()
	defer func() {
		t.Helper()
		if p := recover(); p != nil {
			broke(t, "a window that is given has an owner of its own", "using it panicked: %v", p)
			result = errDead
		}
	}()
	w.Len()
	return err
}

// given checks a result of either method, and clears a window that came with
// an error.
func given(t testing.TB, w window.Window, err error) (window.Window, error) {
	t.Helper()
	if err == nil {
		if b := w.Bytes(); len(b) != w.Len() || cap(b) != len(b) {
			broke(t, "cap == len == Len", "%v has Bytes of len %d, cap %d", w, len(b), cap(b))
		}
		return w, nil
	}
	if w != (window.Window{}) && err != errDead {
		broke(t, "an error means no window", "%v came with the error %q", w, err)
		release(t, w)
	}
	if err == io.EOF || err == errDead {
		return window.Window{}, err
	}
	if errors.Is(err, io.EOF) {
		broke(t, "io.EOF is bare", "the error is %T, %q", err, err)
		return window.Window{}, io.EOF
	}
	if e, ok := errors.AsType[*window.Error](err); !ok {
		broke(t, "every error but io.EOF is a *window.Error", "the error is %T, %q", err, err)
	} else if e.Op == "" || e.Err == nil {
		broke(t, "an error names the operation and the reason", "it has Op %q and Err %v", e.Op, e.Err)
	}
	return window.Window{}, err
}

// drain reads r from offset off, where it is, to its end.
func drain(t testing.TB, r window.Reader, source []byte, off int) {
	t.Helper()
	for {
		w, err := next(context.Background(), t, r)
		if err != nil {
			ended(t, err, source, off)
			return
		}
		off, err = follow(t, w, source, off)
		release(t, w)
		if err != nil {
			return
		}
	}
}

var errLost = errors.New("lost")

// follow checks that w is the next window of source behind off and returns the
// offset behind w; an error when there is no use in going on.
func follow(t testing.TB, w window.Window, source []byte, off int) (int, error) {
	t.Helper()
	if w.Off() != int64(off) {
		broke(t, "windows follow each other without gap or overlap", "%v comes where offset %d should", w, off)
		return off, errLost
	}
	if w.Len() > len(source)-off {
		broke(t, "a window lies within its source", "%v of a source of %d bytes", w, len(source))
		return off, errLost
	}
	if w.Len() == 0 || !sameBytes(t, w.Bytes(), source[off:off+w.Len()], int64(off)) {
		return off, errLost
	}
	return off + w.Len(), nil
}

// ended checks the error that ended the reading at off.
func ended(t testing.TB, err error, source []byte, off int) {
	t.Helper()
	if err != io.EOF {
		t.Errorf("reading at offset %d of %d: %v", off, len(source), err)
	} else if off != len(source) {
		broke(t, "io.EOF comes after the last byte", "it came at offset %d of %d", off, len(source))
	}
}

// patience is how long a call may take that should return at once.
var patience = 10 * time.Second

// atOnce runs f, which must return without waiting for anything.
func atOnce(t testing.TB, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("rule %q is broken: %s has not returned after %v", "a call whose context has ended returns at once", what, patience)
	}
}

// endedContexts returns contexts that have ended, one of each kind.
func endedContexts() (list []context.Context, stop func()) {
	c, cancel := context.WithCancel(context.Background())
	cancel()
	d, stop := context.WithDeadline(context.Background(), time.Unix(1, 0))
	return []context.Context{c, d}, stop
}

// isContext checks an error that came from a call whose context has ended.
func isContext(t testing.TB, ctx context.Context, err error) {
	t.Helper()
	if err == nil {
		broke(t, "a context that has ended is an error of every call", "no error though the context is %q", ctx.Err())
		return
	}
	if !errors.Is(err, ctx.Err()) {
		broke(t, "a context's error is wrapped", "%q does not wrap %q", err, ctx.Err())
	}
}
