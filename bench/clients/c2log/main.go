package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/oriel-go/oriel"
	"github.com/oriel-go/oriel/source"
)

func grep(ctx context.Context, path string, pat []byte, max int) (hits []oriel.Window, err error) {
	for line, err := range oriel.Lines(ctx, path, &oriel.Options{Pattern: source.Once}) {
		if err != nil {
			return hits, err
		}
		if !bytes.Contains(line.Bytes(), pat) {
			continue
		}
		w, err := line.Retain(ctx) // or Compact, if hits are few and live long
		if err != nil {
			return hits, err
		}
		if hits = append(hits, w); len(hits) == max {
			break
		}
	}
	return hits, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	hits, err := grep(ctx, os.Args[1], []byte(os.Args[2]), 5)
	for _, h := range hits {
		fmt.Printf("%d: %s\n", h.Off(), h.Bytes())
		h.Release()
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
