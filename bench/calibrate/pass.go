package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

var newline = []byte{'\n'}

// A passed is what a pass over a file took, in nanoseconds.
type passed struct {
	total   float64 // opening and closing included, where it did that
	perByte float64 // of the median lap, 0 of a pass that is shorter than one
}

func (l *laps) passed() (p passed) {
	p.total = l.total()
	if len(l.list) > 0 {
		p.perByte = l.perByte()
	}
	return p
}

// preadPass copies the file from front to back into one buffer and counts.
func (g *rig) preadPass(bufferBytes int) (passed, error) {
	fd, p := int(g.file.Fd()), g.buf[:bufferBytes]
	l := beginLaps()
	for off := int64(0); off < g.sizeBytes; {
		n, err := unix.Pread(fd, p, off)
		if err == unix.EINTR {
			continue
		}
		if err == nil && n == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return passed{}, os.NewSyscallError("pread", err)
		}
		bytes.Count(p[:n], newline)
		off += int64(n)
		l.reached(off)
	}
	return l.passed(), nil
}

// windowPass opens a file, reads it in windows from off to its end, counts and
// closes it. is looks at every window.
func (g *rig) windowPass(name string, off int64, how source.Options, is func(window.Window) error) (passed, error) {
	ctx := context.Background()
	how.Runtime = g.rt
	l := beginLaps()
	r, err := source.OpenReader(ctx, name, &how)
	if err != nil {
		return passed{}, err
	}
	if off > 0 {
		err = r.SeekTo(off)
	}
	for err == nil {
		var w window.Window
		if w, err = r.ReadManaged(ctx); err != nil {
			break
		}
		err = is(w)
		bytes.Count(w.Bytes(), newline)
		l.reached(w.Off() + int64(w.Len()))
		w.Release()
	}
	if err == io.EOF {
		err = nil
	}
	err = errors.Join(err, r.Close())
	return l.passed(), err
}

// How much is read to find out what comes before the bytes: the end of the file,
// and twice as much of it, each some times.
const (
	setupBytes  = 8 << 20
	setupPasses = 31
)

// setup returns what a way takes for a file beside its bytes, and beside opening
// it for pread: twice what the end of the file takes, less what twice as much of
// it does. little is what the end takes alone. It is the end because the folios
// at the beginning of a file are small, those that readahead begins with.
func (g *rig) setup(how source.Options, is func(window.Window) error) (setup, little float64, err error) {
	var once, twice, opened []float64
	for range setupPasses {
		p, errOnce := g.windowPass(g.name, g.sizeBytes-setupBytes, how, is)
		q, errTwice := g.windowPass(g.name, g.sizeBytes-2*setupBytes, how, is)
		o, errOpen := g.opening()
		if err := errors.Join(errOnce, errTwice, errOpen); err != nil {
			return 0, 0, err
		}
		once, twice, opened = append(once, p.total), append(twice, q.total), append(opened, o)
	}
	little = stats.Median(once)
	return 2*little - stats.Median(twice) - stats.Median(opened), little, nil
}

// opening returns what it takes to open a file for pread and to close it.
func (g *rig) opening() (float64, error) {
	l := beginLaps()
	r, err := source.OpenReader(context.Background(), g.name, &source.Options{Runtime: g.rt, Source: source.Pread})
	if err == nil {
		err = r.Close()
	}
	return l.total(), err
}

// Ways in which windows come.
var (
	byMap    = source.Options{Source: source.Mmap}
	byRing   = source.Options{Source: source.Uring, Direct: source.DirectNever}
	byDirect = source.Options{Source: source.Uring, Direct: source.DirectAlways}
)

// whatever takes windows as they come.
func whatever(window.Window) error { return nil }

// lent returns an error if a window is anything but a locked part of a mapping.
func lent(w window.Window) error {
	if i := w.Info(); i.Residency != window.Guarded || !i.Locked || i.Source != source.Mmap.String() {
		return fmt.Errorf("the %d bytes at %d are %v and come from %q", w.Len(), w.Off(), i.Residency, i.Source)
	}
	return nil
}

// ringed returns an error if a window has not come through the ring.
func ringed(w window.Window) error {
	if from := w.Info().Source; from != source.Uring.String() {
		return fmt.Errorf("the %d bytes at %d come from %q", w.Len(), w.Off(), from)
	}
	return nil
}
