package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/oriel-go/oriel"
	"github.com/oriel-go/oriel/window"
)

func count(ctx context.Context, path string) (n int, err error) {
	r, err := oriel.OpenReader(ctx, path, nil) // pipes and /proc too
	if err != nil {
		return 0, err
	}
	defer r.Close()
	c := window.NewCursor(ctx, r, nil)
	defer c.Close()
	for w, err := range c.Windows() { // lent: cannot be released, cannot be put in a chan Window
		if err != nil {
			return n, err
		}
		n += bytes.Count(w.Bytes(), []byte{'\n'})
	}
	return n, nil
}

func countManaged(ctx context.Context, path string) (n int, err error) {
	r, err := oriel.OpenReader(ctx, path, nil)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for {
		w, err := r.ReadManaged(ctx)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err // nothing to release, ever
		}
		n += bytes.Count(w.Bytes(), []byte{'\n'})
		w.Release()
	}
}

func main() {
	for _, p := range os.Args[1:] {
		a, err1 := count(context.Background(), p)
		b, err2 := countManaged(context.Background(), p)
		fmt.Println(a, b, err1, err2)
	}
}
