package window

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Uint16 reads a number of 2 bytes in the given byte order.
func (c *Cursor) Uint16(order binary.ByteOrder) (uint16, error) {
	b, err := c.number("uint16", 2)
	if err != nil {
		return 0, err
	}
	return order.Uint16(b), nil
}

// Uint32 reads a number of 4 bytes in the given byte order.
func (c *Cursor) Uint32(order binary.ByteOrder) (uint32, error) {
	b, err := c.number("uint32", 4)
	if err != nil {
		return 0, err
	}
	return order.Uint32(b), nil
}

// Uint64 reads a number of 8 bytes in the given byte order.
func (c *Cursor) Uint64(order binary.ByteOrder) (uint64, error) {
	b, err := c.number("uint64", 8)
	if err != nil {
		return 0, err
	}
	return order.Uint64(b), nil
}

// number reads past the next n bytes and returns them.
func (c *Cursor) number(op string, n int) ([]byte, error) {
	c.seq++
	if err := c.need(n); err != nil {
		return nil, c.fail(op, int64(n), err)
	}
	b := c.buf[c.pos : c.pos+n]
	c.pos += n
	return b, nil
}

// Uvarint reads an unsigned number in the encoding of encoding/binary: up to
// 10 bytes, 7 bits each, the lowest first. One that does not fit in 64 bits is
// an error that wraps ErrRange.
func (c *Cursor) Uvarint() (uint64, error) {
	c.seq++
	for want := 1; ; {
		x, n := binary.Uvarint(c.buf[c.pos:])
		switch {
		case n > 0:
			c.pos += n
			return x, nil
		case n < 0:
			return 0, c.fail("uvarint", 0, fmt.Errorf("does not fit in 64 bits: %w", ErrRange))
		}
		// One byte more than there is, so as not to wait for what may never
		// be sent.
		want = max(want, len(c.buf)-c.pos+1)
		if err := c.need(want); err != nil {
			if err == io.EOF {
				want = 0
			}
			return 0, c.fail("uvarint", int64(want), err)
		}
	}
}

// Varint reads a signed number in the encoding of encoding/binary.
func (c *Cursor) Varint() (int64, error) {
	u, err := c.Uvarint()
	x := int64(u >> 1)
	if u&1 != 0 {
		x = ^x
	}
	return x, err
}
