package main

import (
	"bytes"
	"context"
	"io"

	"github.com/oriel-go/oriel/window"
)

// longestName bounds a name in a list, in bytes. Linux opens none of more than
// 4096.
const longestName = 64 << 10

// eachName calls f with every name of a list in which each ends in delim, the
// last one perhaps in the end of the list. Empty names are passed over. A name
// that is too long ends the list with an error.
func eachName(ctx context.Context, r window.Reader, delim byte, f func(string)) error {
	c := window.NewCursor(ctx, r, &window.CursorOptions{MaxBytes: longestName})
	defer c.Close()
	for {
		b, err := c.Until(delim)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if name := bytes.TrimSuffix(b.Bytes(), []byte{delim}); len(name) > 0 {
			f(string(name))
		}
	}
}
