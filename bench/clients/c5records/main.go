package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/oriel-go/oriel"
	"github.com/oriel-go/oriel/window"
)

func parse(c *window.Cursor, out chan<- oriel.Window) error {
	le := binary.LittleEndian
	for {
		n, err := c.Uint32(le)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := c.Skip(int64(n)); err != nil { // header: not wanted, not joined
			return err
		}
		if n, err = c.Uint32(le); err != nil {
			return err
		}
		if n <= 4096 {
			if err := c.Skip(int64(n)); err != nil {
				return err
			}
			continue
		}
		w, err := c.Next(int(n)) // owned; a slice of the window, or joined once in the same kind of memory
		if err != nil {
			return err
		}
		out <- w
	}
}

func main() {
	ctx := context.Background()
	path := os.TempDir() + "/oriel-c5.rec"
	h, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	defer os.Remove(path)
	var want uint32
	put := func(b []byte) {
		binary.Write(h, binary.LittleEndian, uint32(len(b)))
		h.Write(b)
	}
	for i := range 200 {
		put([]byte(fmt.Sprint("k", i)))
		b := make([]byte, i*997)
		for j := range b {
			b[j] = byte(i + j)
		}
		put(b)
		if len(b) > 4096 {
			want ^= crc32.ChecksumIEEE(b)
		}
	}
	h.Close()

	r, err := oriel.OpenReader(ctx, path, nil)
	if err != nil {
		panic(err)
	}
	defer r.Close()
	c := window.NewCursor(ctx, r, &window.CursorOptions{MaxBytes: 64 << 20})
	defer c.Close()
	out, res := make(chan oriel.Window, 4), make(chan uint32)
	go func() {
		var x uint32
		for w := range out {
			x ^= crc32.ChecksumIEEE(w.Bytes())
			w.Release()
		}
		res <- x
	}()
	err = parse(c, out)
	close(out)
	fmt.Println(<-res == want, err)
}
