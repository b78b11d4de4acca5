package window

import (
	"context"
	"fmt"
	"io"
)

// Borrowed is a slice of a window that a [Cursor] or an iterator lends until
// its next call. It has no Release: whoever wants to keep it calls Retain and
// gets a Window, another type, so that a lent thing cannot be sent where an
// owned one is expected.
//
// Using a Borrowed after its Cursor has moved on or was closed panics, in every
// build. Using one that came with an error panics with that error, so that an
// error that was dropped is not taken for an empty line. The zero Borrowed is
// empty. A Borrowed belongs to the goroutine of its Cursor.
type Borrowed struct {
	// At most four words, as a Window: Lines lends one for every few bytes.
	c   *Cursor // the lender; nil only in the zero Borrowed
	lo  int     // the first byte is c.buf[lo]
	n   int     // the length
	seq uint64  // c.seq while the loan holds; 0 when it came with an error
}

// Bytes returns the bytes, read-only and with cap == len, lent until the
// Cursor's next call.
func (b Borrowed) Bytes() []byte {
	if b.c == nil {
		return nil
	}
	if b.c.seq != b.seq {
		b.ended()
	}
	return b.c.buf[b.lo : b.lo+b.n : b.lo+b.n]
}

// Len returns the number of bytes.
func (b Borrowed) Len() int {
	if b.c != nil && b.c.seq != b.seq {
		b.ended()
	}
	return b.n
}

// Off returns the offset in the source of the first byte.
func (b Borrowed) Off() int64 {
	if b.c == nil {
		return 0
	}
	if b.c.seq != b.seq {
		b.ended()
	}
	return b.c.base + int64(b.lo)
}

// Retain returns an owner of the bytes. It copies nothing and so keeps the
// whole window beneath in memory: for a few short pieces of many windows,
// follow it with [Window.Compact]. It fails only when ctx has ended.
func (b Borrowed) Retain(ctx context.Context) (Window, error) {
	if b.c == nil {
		return Window{}, nil
	}
	if b.c.seq != b.seq {
		b.ended()
	}
	if err := ctx.Err(); err != nil {
		return Window{}, &Error{Op: "retain", Path: b.c.name(), Off: b.Off(), Len: int64(b.n), Err: err}
	}
	return b.c.win.Slice(b.lo, b.lo+b.n), nil
}

// Format prints borrowed[off:end), never the contents.
func (b Borrowed) Format(f fmt.State, _ rune) {
	switch {
	case b.c != nil && b.seq == 0:
		io.WriteString(f, "borrowed(error)")
	case b.c != nil && b.c.seq != b.seq:
		io.WriteString(f, "borrowed(ended)")
	default:
		fmt.Fprintf(f, "borrowed[%d:%d)", b.Off(), b.Off()+int64(b.n))
	}
}

// ended panics: the loan is over, or never was.
func (b Borrowed) ended() {
	if b.seq == 0 {
		panic(b.c.refused)
	}
	panic("window: Borrowed used after its Cursor moved on; Retain it to keep it")
}
