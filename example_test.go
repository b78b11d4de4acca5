package oriel_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/oriel-go/oriel"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

// file writes a file to read.
func file(content []byte) (name string, remove func()) {
	dir, err := os.MkdirTemp("", "oriel")
	if err != nil {
		panic(err)
	}
	name = filepath.Join(dir, "example")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		panic(err)
	}
	return name, func() { os.RemoveAll(dir) }
}

// Lines of a log: borrowed, with their offsets, and nothing to release. A line
// that is kept becomes a Window.
func ExampleLines() {
	name, remove := file([]byte("all is well\nerror: disk on fire\nall is well\n"))
	defer remove()
	ctx := context.Background()

	var kept oriel.Window
	for line, err := range oriel.Lines(ctx, name, nil) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if bytes.HasPrefix(line.Bytes(), []byte("error")) {
			if kept, err = line.Retain(ctx); err != nil {
				fmt.Println(err)
				return
			}
			break
		}
	}
	defer kept.Release() // the zero Window may be released too
	fmt.Printf("at %d: %s\n", kept.Off(), kept.Bytes())
	// Output: at 12: error: disk on fire
}

// Blocks of a file, read by many goroutines: owned, released once each.
func ExampleOpen() {
	name, remove := file(bytes.Repeat([]byte("0123456789abcdef"), 1024))
	defer remove()
	ctx := context.Background()

	f, err := oriel.Open(ctx, name, &oriel.Options{Pattern: source.Random})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()

	block := func(off int64, n int) (string, error) {
		w, err := f.ReadManagedAt(ctx, off, n)
		if err != nil {
			return "", err // nothing to release
		}
		defer w.Release()
		return string(w.Bytes()), nil
	}
	fmt.Println(block(8192, 4))
	fmt.Println(block(f.Size()-3, 100)) // fewer only at the end
	_, err = block(f.Size(), 1)
	fmt.Println(err == io.EOF)
	// Output:
	// 0123 <nil>
	// def <nil>
	// true
}

// Records with a length before them, one of them handed to another goroutine
// without a copy.
func ExampleOpenReader() {
	var b []byte
	for _, s := range []string{"small", "something large", "tiny"} {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	name, remove := file(b)
	defer remove()
	ctx := context.Background()

	r, err := oriel.OpenReader(ctx, name, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	c := window.NewCursor(ctx, r, &window.CursorOptions{MaxBytes: 64 << 20})
	defer c.Close()

	large := make(chan oriel.Window)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for w := range large {
			fmt.Printf("%s\n", w.Bytes())
			w.Release() // it was handed over: the receiver releases
		}
	}()
	for {
		n, err := c.Uint32(binary.LittleEndian)
		if err == io.EOF {
			break
		}
		if err == nil && n <= 8 {
			err = c.Skip(int64(n))
		} else if err == nil {
			var w oriel.Window
			if w, err = c.Next(int(n)); err == nil {
				large <- w
			}
		}
		if err != nil {
			fmt.Println(err)
			break
		}
	}
	close(large)
	<-done
	// Output: something large
}

// Every error says what failed, on what and where.
func ExampleError() {
	_, err := oriel.Open(context.Background(), "no such file", nil)
	var e *oriel.Error
	if errors.As(err, &e) {
		fmt.Println(e.Op, e.Path, errors.Is(err, os.ErrNotExist))
	}
	// Output: open no such file true
}

// blob is a source of the caller's own: one method and a size.
type blob struct{ text string }

func (b blob) Size() int64 { return int64(len(b.text)) }

func (b blob) Fetch(ctx context.Context, p []byte, off int64) (int, error) {
	return copy(p, b.text[off:]), nil
}

// A custom source gets windows, lines, read-ahead and the memory budget.
func Example_customSource() {
	ctx := context.Background()
	f := source.New(blob{"alpha\nbeta\n"}, nil)
	defer f.Close()
	r := f.NewReader(nil)
	defer r.Close()
	c := window.NewCursor(ctx, r, nil)
	defer c.Close()
	for line, err := range c.Lines() {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d %s\n", line.Off(), line.Bytes())
	}
	// Output:
	// 0 alpha
	// 6 beta
}
