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
	lo, x := c.pos, &c.lines
	if x.i >= x.n || x.at != lo {
		if x.run < indexAfter || x.at != lo || c.max < indexBytes || !x.fill(c.buf, lo) {
			return c.lineAlone()
		}
	}
	end := x.base + int(x.ends[x.i])
	x.i++
	x.at, c.pos = end+1, end+1
	if n := end - lo; n > 0 && c.buf[end-1] == '\r' {
		end--
	}
	return Borrowed{c, lo, end - lo, c.seq}, nil
}

// lineAlone is Line without the index.
func (c *Cursor) lineAlone() (Borrowed, error) {
	lo, x := c.pos, &c.lines
	n := bytes.IndexByte(c.buf[lo:], '\n')
	if uint(n) >= uint(c.max) { // no end in win, or too far
		return c.lineAcross()
	}
	c.pos = lo + n + 1
	if canIndex && x.at == lo && n <= shortLine {
		x.run = min(x.run+1, indexAfter)
	} else {
		x.run, x.i, x.n = 0, 0, 0 // what the index holds may lie behind
	}
	x.at = c.pos
	if n > 0 && c.buf[lo+n-1] == '\r' {
		n--
	}
	return Borrowed{c, lo, n, c.seq}, nil
}

// lineAcross is Line where win does not hold a line of at most the limit.
func (c *Cursor) lineAcross() (Borrowed, error) {
	n, err := c.find('\n')
	if err != nil && !(err == io.EOF && n > 0) {
		return c.refuse(c.failRecord("line", err))
	}
	lo := c.pos
	c.pos += n
	c.lines.at = c.pos
	if c.buf[c.pos-1] == '\n' {
		n--
	}
	if n > 0 && c.buf[lo+n-1] == '\r' {
		n--
	}
	return c.lend(lo, n), nil
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
