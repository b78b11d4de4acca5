package main

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/oriel-go/oriel/source"
)

// A library is the engine that the command runs on: a Runtime of its own.
type library struct {
	app     *app // for standard input
	opts    source.Options
	ringOff string // what has switched io_uring off, "" for nothing
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
	l := &library{app: a, ringOff: o.ringOff}
	l.opts = source.Options{Runtime: rt, WindowBytes: o.windowBytes.int(), Pattern: o.pattern.pattern()}
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
		return libraryInput{source.NewStream(l.app.stdin, &l.opts), l}, nil
	}
	r, err := source.OpenReader(ctx, path, &l.opts)
	if err != nil {
		return nil, err
	}
	return libraryInput{r, l}, nil
}

func (l *library) probe(path string) (source.Capabilities, error) {
	c, err := l.opts.Runtime.Probe(path)
	if l.ringOff != "" {
		c.Uring.Rings.Why = l.whyNoRing()
	}
	return c, err
}

// whyNoRing says in the words of the command line why there is no ring, where
// that has switched it off. The library knows only that it was told to.
func (l *library) whyNoRing() string { return "it is switched off by " + l.ringOff }

func (l *library) close() error { return l.opts.Runtime.Close() }

// libraryInput is a Reader as an input.
type libraryInput struct {
	*source.Reader
	l *library
}

func (i libraryInput) seek(off int64) error  { return i.SeekTo(off) }
func (i libraryInput) source() string        { return i.Source() }
func (i libraryInput) waited() time.Duration { return i.Stats().WaitTime }
func (i libraryInput) close() error          { return i.Close() }

func (i libraryInput) explain() source.Explanation {
	e := i.Explain()
	if i.l.ringOff == "" || e.Facts == nil || e.Facts.NoRing == "" {
		return e
	}
	why := i.l.whyNoRing()
	for n := range e.Candidates {
		c := &e.Candidates[n]
		c.Reason = strings.Replace(c.Reason, e.Facts.NoRing, why, 1)
	}
	e.Facts.NoRing = why
	return e
}
