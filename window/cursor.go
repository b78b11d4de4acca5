package window

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// How a Cursor holds its bytes
//
//	   read                       not yet read
//	┌────────┬──────────────────┐ ┌──────┬────────────────┐
//	│        │    win           │ │      │   next         │   ReadManaged …
//	└────────┴──────────────────┘ └──────┴────────────────┘
//	base     base+pos                    nextPos
//
// win is a window of the Reader, or a join: what lies across windows is copied
// once into one piece of memory of the same kind, which becomes win, and what
// remains of the last window taken becomes next. So everything that is lent
// lies in win, and a Cursor holds at most a window and a join at a time: the
// window is given up before the following one is asked for.

// DefaultMaxBytes is the longest line, record or join of a Cursor that was
// given no limit.
const DefaultMaxBytes = 1 << 20

// CursorOptions says how a [Cursor] behaves. The zero value is the default.
type CursorOptions struct {
	// MaxBytes is the longest line (with its delimiter), record or peek, in
	// bytes; what is longer is an error that wraps ErrTooLong. It bounds the
	// memory that data can make the Cursor ask for. 0 means DefaultMaxBytes;
	// a negative value panics.
	MaxBytes int
}

// A Cursor reads records from a [Reader], as bufio does from an io.Reader, but
// lends slices of the windows themselves and copies only what lies across two
// of them. It belongs to one goroutine.
//
// What a method lends ends with the next call of any method. A method that
// fails leaves the position where it was, so that nothing is lost and the call
// can be made again, except for Skip, SkipUntil and WriteTo, which leave it
// where they got to; Error.Len is what Skip has left. At the end of the source it returns io.EOF, bare, and an
// error that wraps io.ErrUnexpectedEOF when the source ends inside of what was
// asked for.
//
// A Cursor is an io.Reader, io.ByteReader and io.WriterTo, all of which end
// with its context.
type Cursor struct {
	r   Reader
	ctx context.Context
	max int

	buf  []byte // win.Bytes()
	pos  int    // how much of buf is read
	seq  uint64 // moves on with every call; a Borrowed is lent for one value
	base int64  // offset of buf[0]
	win  Window

	lines lineIndex // of win

	next    Window // what follows win, when it was taken already
	nextPos int    // how much of next is read, in win's name

	refused error // what the last Borrowed that came with an error came with
	closed  bool
	placed  bool // Off is known: a window was seen
}

// NewCursor returns a Cursor over r that reads until ctx ends. Close must be
// called when the Cursor is no longer used; r stays the caller's to close, and
// is not read or moved by anybody else until then. A Reader with a method
// ReserveJoin(maxBytes int), as source.Reader, is told how long a join may get.
func NewCursor(ctx context.Context, r Reader, o *CursorOptions) *Cursor {
	limit := DefaultMaxBytes
	if o != nil && o.MaxBytes != 0 {
		if limit = o.MaxBytes; limit < 0 {
			panic("window: CursorOptions.MaxBytes is negative")
		}
	}
	if j, ok := r.(interface{ ReserveJoin(maxBytes int) }); ok {
		j.ReserveJoin(limit)
	}
	return &Cursor{r: r, ctx: ctx, max: limit, seq: 1}
}

// Close releases what the Cursor holds: bytes it took from its Reader and that
// were not read are gone. What was lent ends; what was retained stays. Later
// calls fail with ErrClosed. Closing twice is fine.
func (c *Cursor) Close() error {
	c.seq++
	c.closed = true
	c.drop()
	c.next.Release()
	c.next = Window{}
	return nil
}

// Off returns the offset in the source of the next byte to be read: 0 before
// the first window has been seen.
func (c *Cursor) Off() int64 { return c.base + int64(c.pos) }

// Buffered returns the number of bytes that can be read without asking the
// Reader.
func (c *Cursor) Buffered() int {
	n := len(c.buf) - c.pos
	if c.next.t != nil {
		n += c.next.Len() - c.nextPos
	}
	return n
}

// Peek lends the next n bytes without reading past them: fewer, and no error,
// only where the source ends, and io.EOF where nothing is left.
func (c *Cursor) Peek(n int) (Borrowed, error) {
	c.seq++
	err := c.need(n)
	if err == io.EOF && c.pos < len(c.buf) {
		n, err = len(c.buf)-c.pos, nil
	}
	if err != nil {
		return c.refuse(c.fail("peek", int64(n), err))
	}
	return c.lend(c.pos, n), nil
}

// Next returns the next n bytes as a Window, to be released by the caller: a
// slice of the window they lie in, or joined once in the same kind of memory.
func (c *Cursor) Next(n int) (Window, error) {
	c.seq++
	if err := c.need(n); err != nil {
		return Window{}, c.fail("next", int64(n), err)
	}
	w := c.win.Slice(c.pos, c.pos+n)
	c.pos += n
	return w, nil
}

// Skip reads past the next n bytes, n >= 0, without joining them. A Reader
// that can seek and knows its size, as source.Reader does, is asked to seek
// over what lies far ahead; a file that shrinks meanwhile shows at the next
// call. When the source ends before, the position is its end.
func (c *Cursor) Skip(n int64) error {
	c.seq++
	if n < 0 {
		return c.fail("skip", n, ErrRange)
	}
	for left := n; ; {
		if have := int64(len(c.buf) - c.pos); left <= have {
			c.pos += int(left)
			return nil
		} else if left -= have; have > 0 {
			c.pos = len(c.buf)
		}
		if c.next.t == nil && c.seek(left) {
			return nil
		}
		if err := c.advance(); err != nil {
			if left < n {
				err = unexpected(err)
			}
			return c.fail("skip", left, err)
		}
	}
}

// seeker is a Reader that need not read what is skipped.
type seeker interface {
	SeekTo(off int64) error
	Size() int64
}

// seek moves the Reader n bytes on if that is more than a window and surely
// within the source.
func (c *Cursor) seek(n int64) bool {
	s, ok := c.r.(seeker)
	to := c.Off()
	if !ok || !c.placed || n <= int64(len(c.buf)) || n > s.Size()-to || s.SeekTo(to+n) != nil {
		return false
	}
	c.drop()
	c.base = to + n
	return true
}

// Read copies the next bytes into p, as io.Reader has it.
func (c *Cursor) Read(p []byte) (int, error) {
	c.seq++
	if len(p) == 0 {
		return 0, nil
	}
	if err := c.some(); err != nil {
		return 0, c.fail("read", int64(len(p)), err)
	}
	n := copy(p, c.buf[c.pos:])
	c.pos += n
	return n, nil
}

// ReadByte returns the next byte.
func (c *Cursor) ReadByte() (byte, error) {
	c.seq++
	if c.pos == len(c.buf) {
		if err := c.some(); err != nil {
			return 0, c.fail("read", 1, err)
		}
	}
	b := c.buf[c.pos]
	c.pos++
	return b, nil
}

// WriteTo writes what is left to w, window by window and without a copy of its
// own, as io.WriterTo has it.
func (c *Cursor) WriteTo(w io.Writer) (n int64, err error) {
	c.seq++
	for {
		if err := c.some(); err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, c.fail("read", 0, err)
		}
		p := c.buf[c.pos:]
		m, err := w.Write(p)
		if m < 0 || m > len(p) {
			return n, c.fail("write", int64(len(p)), errors.New("invalid count from Write"))
		}
		c.pos += m
		n += int64(m)
		if err == nil && m < len(p) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return n, err
		}
	}
}

// some sees to it that at least one byte is unread in win.
func (c *Cursor) some() error {
	for c.pos == len(c.buf) {
		if err := c.advance(); err != nil {
			return err
		}
	}
	return nil
}

// need sees to it that at least n bytes are unread in win. On failure the
// position is unchanged and what could be had is in win.
func (c *Cursor) need(n int) error {
	if n < 0 {
		return ErrRange
	}
	if n > c.max {
		return fmt.Errorf("%d bytes: %w of %d", n, ErrTooLong, c.max)
	}
	if n <= len(c.buf)-c.pos && !c.closed {
		return nil
	}
	if err := c.some(); err != nil {
		return err
	}
	if n <= len(c.buf)-c.pos {
		return nil
	}
	j, err := c.beginJoin(n)
	if err != nil {
		return err
	}
	for j.n < n {
		w, from, err := c.take()
		if err != nil {
			c.endJoin(j)
			return err
		}
		b := w.Bytes()[from:]
		m := copy(j.bytes()[j.n:], b)
		j.n += m
		c.putBack(w, from+m)
	}
	c.endJoin(j)
	return nil
}

// advance makes the following window win; what is unread of win is gone.
func (c *Cursor) advance() error {
	if c.closed {
		return ErrClosed
	}
	w, from := c.next, c.nextPos
	if w.t != nil {
		c.next = Window{}
		c.drop()
	} else {
		c.drop()
		var err error
		if w, from, err = c.take(); err != nil {
			return err
		}
	}
	c.win, c.buf, c.pos, c.base, c.placed = w, w.Bytes(), from, w.Off(), true
	return nil
}

// drop releases win; the position stays what it was.
func (c *Cursor) drop() {
	c.base += int64(c.pos)
	c.win.Release()
	c.win, c.buf, c.pos = Window{}, nil, 0
	c.lines.i, c.lines.n, c.lines.at = 0, 0, 0
}

// take returns what follows win and how much of it is read.
func (c *Cursor) take() (w Window, from int, err error) {
	if c.closed {
		return Window{}, 0, ErrClosed
	}
	if c.next.t != nil {
		w, c.next = c.next, Window{}
		return w, c.nextPos, nil
	}
	w, err = c.r.ReadManaged(c.ctx)
	return w, 0, err
}

// putBack makes what is left of w follow win again.
func (c *Cursor) putBack(w Window, from int) {
	if from == w.Len() {
		w.Release()
		return
	}
	c.next, c.nextPos = w, from
}

// lend returns the n bytes of win at lo as the loan of this call.
func (c *Cursor) lend(lo, n int) Borrowed {
	return Borrowed{c, lo, n, c.seq}
}

// refuse returns the Borrowed that goes with err.
func (c *Cursor) refuse(err error) (Borrowed, error) {
	c.refused = err
	return Borrowed{c: c}, err
}

// fail returns err as a Cursor's error: io.EOF as io.ErrUnexpectedEOF when
// bytes are left, which were too few.
func (c *Cursor) fail(op string, n int64, err error) error {
	if c.pos < len(c.buf) {
		err = unexpected(err)
	}
	return wrap(err, op, c.name(), c.Off(), n)
}

// unexpected returns err, or what io.EOF is called inside of something.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// name returns the name of the source, if the Reader knows one.
func (c *Cursor) name() string {
	if n, ok := c.r.(interface{ Name() string }); ok {
		return n.Name()
	}
	return ""
}
