package main

import (
	"context"
	"os"
	"time"

	"github.com/oriel-go/oriel/source"
)

// A library is the engine that the command runs on: a Runtime of its own.
type library struct {
	app  *app // for standard input
	opts source.Options
}

func (a *app) newLibrary(o engineOptions) (engine, error) {
	limits := source.Limits{MemoryBytes: int64(o.budgetBytes), LockBytes: int64(o.lockBytes)}
	if o.noRing {
		limits.InFlight = -1
	}
	rt, err := source.NewRuntime(limits)
	if err != nil {
		return nil, err
	}
	l := &library{a, source.Options{Runtime: rt, WindowBytes: o.windowBytes.int(), Pattern: source.Once}}
	switch o.source {
	case sourcePread:
		l.opts.Source = source.Pread
	case sourceMmap:
		l.opts.Source = source.Mmap
	case sourceUring:
		l.opts.Source = source.Uring
	}
	switch o.direct {
	case directAlways:
		l.opts.Direct = source.DirectAlways
	case directNever:
		l.opts.Direct = source.DirectNever
	}
	return l, nil
}

func (l *library) open(ctx context.Context, path string) (input, error) {
	if path == "-" && l.app.stdin != os.Stdin {
		return libraryInput{source.NewStream(l.app.stdin, &l.opts)}, nil
	}
	r, err := source.OpenReader(ctx, path, &l.opts)
	if err != nil {
		return nil, err
	}
	return libraryInput{r}, nil
}

func (l *library) close() error { return l.opts.Runtime.Close() }

// libraryInput is a Reader as an input.
type libraryInput struct{ *source.Reader }

func (i libraryInput) seek(off int64) error  { return i.SeekTo(off) }
func (i libraryInput) source() string        { return i.Explain().Source }
func (i libraryInput) waited() time.Duration { return i.Stats().WaitTime }
func (i libraryInput) close() error          { return i.Close() }
