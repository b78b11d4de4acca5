package window

import (
	"bytes"
	"fmt"
	"io"
)

// A join is memory that gathers what lies across windows, on its way to
// becoming a Cursor's win.
type join struct {
	b   Buffer
	m   Memory
	n   int   // bytes gathered
	off int64 // of the first
}

func (j *join) bytes() []byte { return j.b.Bytes() }

// beginJoin moves what is unread of win, which is not empty, into a new join
// of the given size and gives win up. When it fails nothing has changed.
func (c *Cursor) beginJoin(size int) (join, error) {
	j := join{m: c.win.Memory(), off: c.Off()}
	b, err := j.m.Acquire(c.ctx, size)
	if err != nil {
		return j, err
	}
	j.b = b
	j.n = copy(j.bytes(), c.buf[c.pos:])
	c.drop()
	return j, nil
}

// growJoin makes room for size bytes, twice as many if the limit allows it.
// When it fails nothing has changed.
func (c *Cursor) growJoin(j *join, size int) error {
	b, err := j.m.Acquire(c.ctx, min(max(size, 2*len(j.bytes())), c.max))
	if err != nil {
		return err
	}
	copy(b.Bytes(), j.bytes()[:j.n])
	j.b.Free()
	j.b = b
	return nil
}

// endJoin makes what was gathered win.
func (c *Cursor) endJoin(j join) {
	c.win = New(j.b, j.m, j.bytes()[:j.n], j.off)
	c.buf, c.pos, c.base = c.win.Bytes(), 0, j.off
}

// joinBytes is the smallest join for something of unknown length: the
// smallest size class of the pool.
const joinBytes = 4 << 10

// find sees to it that everything up to and including the next delim is
// unread in win and returns its length. Where the source ends first it returns
// the length of what is left with io.EOF, which is bare when that is 0.
func (c *Cursor) find(delim byte) (int, error) {
	if c.closed {
		return 0, ErrClosed
	}
	for {
		if i := bytes.IndexByte(c.buf[c.pos:], delim); i >= 0 {
			return c.limit(i + 1)
		}
		if c.pos < len(c.buf) {
			return c.findAcross(delim)
		}
		if err := c.advance(); err != nil {
			return 0, err
		}
	}
}

// findAcross is find where win ends before the delimiter.
func (c *Cursor) findAcross(delim byte) (int, error) {
	rest := len(c.buf) - c.pos
	if n, err := c.limit(rest); err != nil {
		return n, err
	}
	j, err := c.beginJoin(max(rest, min(max(2*rest, joinBytes), c.max)))
	if err != nil {
		return 0, err
	}
	for {
		w, from, err := c.take()
		if err != nil {
			c.endJoin(j)
			if err == io.EOF {
				return j.n, err
			}
			return 0, err
		}
		b := w.Bytes()[from:]
		i := bytes.IndexByte(b, delim)
		if i >= 0 {
			b = b[:i+1]
		}
		_, err = c.limit(j.n + len(b))
		if err == nil && j.n+len(b) > len(j.bytes()) {
			err = c.growJoin(&j, j.n+len(b))
		}
		if err != nil {
			c.endJoin(j)
			c.putBack(w, from)
			return 0, err
		}
		j.n += copy(j.bytes()[j.n:], b)
		c.putBack(w, from+len(b))
		if i >= 0 {
			c.endJoin(j)
			return j.n, nil
		}
	}
}

// limit returns n if something of n bytes is within the limit.
func (c *Cursor) limit(n int) (int, error) {
	if n > c.max {
		return 0, fmt.Errorf("at least %d bytes: %w of %d", n, ErrTooLong, c.max)
	}
	return n, nil
}
