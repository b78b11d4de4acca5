package window

import (
	"bytes"
	"io"
	"iter"
)

// Until lends everything up to and including the next delim. What is left at
// the end of the source without a delim is lent as it is; then comes io.EOF.
// After an error that wraps ErrTooLong, [Cursor.SkipUntil] goes on.
func (c *Cursor) Until(delim byte) (Borrowed, error) {
	c.seq++
	n, err := c.find(delim)
	if err != nil && !(err == io.EOF && n > 0) {
		return c.refuse(c.failRecord("until", err))
	}
	b := c.lend(c.pos, n)
	c.pos += n
	return b, nil
}

// SkipUntil reads past the next delim, however far it is, and returns the
// number of bytes with it. Where the source ends first it returns io.EOF, with
// the position at the end.
func (c *Cursor) SkipUntil(delim byte) (int64, error) {
	c.seq++
	for n := int64(0); ; {
		rest := c.buf[c.pos:]
		if i := bytes.IndexByte(rest, delim); i >= 0 {
			c.pos += i + 1
			return n + int64(i+1), nil
		}
		n += int64(len(rest))
		c.pos = len(c.buf)
		if err := c.advance(); err != nil {
			return n, c.fail("skip", 0, err)
		}
	}
}

// Line lends the next line without its "\n" and a "\r" before that, as
// bufio.ScanLines does; the last line needs no "\n". After an error that wraps ErrTooLong,
// SkipUntil('\n') goes on behind the line.
func (c *Cursor) Line() (Borrowed, error) {
	c.seq++
	n := bytes.IndexByte(c.buf[c.pos:], '\n') + 1
	if n == 0 || n > c.max {
		var err error
		if n, err = c.find('\n'); err != nil && !(err == io.EOF && n > 0) {
			return c.refuse(c.failRecord("line", err))
		}
	}
	lo := c.pos
	c.pos += n
	return c.lend(lo, lineLen(c.buf[lo:c.pos])), nil
}

// lineLen returns the length of b, not empty, without its line ending.
func lineLen(b []byte) int {
	n := len(b)
	if b[n-1] == '\n' {
		n--
	}
	if n > 0 && b[n-1] == '\r' {
		n--
	}
	return n
}

// Lines lends the lines that are left, each with its offset. The loop ends
// with the source, or after it has been given an error, together with a
// Borrowed that panics when it is used. After a break, Lines or any other
// method goes on behind the line that was lent last.
func (c *Cursor) Lines() iter.Seq2[Borrowed, error] {
	return func(yield func(Borrowed, error) bool) {
		for {
			b, err := c.Line()
			if err == io.EOF || !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// Windows lends what is left in the pieces in which it arrives, each at least
// one byte. It ends, and goes on after a break, as Lines does.
func (c *Cursor) Windows() iter.Seq2[Borrowed, error] {
	return func(yield func(Borrowed, error) bool) {
		for {
			c.seq++
			if err := c.some(); err != nil {
				if err != io.EOF {
					yield(c.refuse(c.fail("read", 0, err)))
				}
				return
			}
			lo := c.pos
			c.pos = len(c.buf)
			if !yield(c.lend(lo, c.pos-lo), nil) {
				return
			}
		}
	}
}

// failRecord is fail for a record whose length is not known: its end is not
// missing, so io.EOF stays what it is.
func (c *Cursor) failRecord(op string, err error) error {
	return wrap(err, op, c.name(), c.Off(), 0)
}
