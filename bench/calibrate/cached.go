package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/source"
)

// measureCopy measures what a byte takes by pread, and what a call takes beside
// its bytes if that has a name. With two buffers
//
//	a pass = bytes/buffer × call + bytes × byte
func (g *rig) measureCopy(byteName, callName string) error {
	littles, errLittle := g.preadPass(blockBytes)
	larges, errLarge := g.preadPass(copyBytes)
	if err := errors.Join(errLittle, errLarge); err != nil {
		return err
	}
	call := (littles.perByte - larges.perByte) / (1.0/blockBytes - 1.0/copyBytes)
	g.copyNs = larges.perByte - call/copyBytes
	g.add(byteName, g.copyNs)
	if callName != "" {
		g.add(callName, call)
	}
	return nil
}

// measureLent measures what a byte takes by windows of a mapping, which are so
// large that what a window takes beside its bytes is theirs.
func (g *rig) measureLent(name string) error {
	p, err := g.windowPass(g.name, 0, byMap, lent)
	if err == nil {
		g.add(name, p.perByte)
	}
	return err
}

// measureMapSetup measures what mapping a file takes beside its bytes, and how
// much more the beginning of a file takes than as much of its end.
func (g *rig) measureMapSetup() error {
	if err := largeFolios.keep(g.short); err != nil {
		return err
	}
	setup, little, err := g.setup(byMap, lent)
	if err != nil {
		return err
	}
	var heads []float64
	for range setupPasses {
		p, err := g.windowPass(g.short, 0, byMap, lent)
		if err != nil {
			return err
		}
		heads = append(heads, p.total)
	}
	g.add("mapSetupNs", setup)
	g.add("mapHeadNs", stats.Median(heads)-little)
	return nil
}

// How many extents are loaded for a value: loads of openings, in each of which
// the first is not counted, since the file is mapped by it. All are within the
// 8 MiB that an ordinary user may lock.
const (
	extentOpenings = 8
	extentLoads    = 2
)

// measureExtents reads a block of extents that are not loaded, of a file that is
// to be read again and again.
func (g *rig) measureExtents(name string) error {
	took := time.Duration(0)
	extents := g.sizeBytes / extentBytes
	at := int64(0)
	for range extentOpenings {
		d, err := g.loadExtents(func() int64 { at++; return at % extents * extentBytes })
		if err != nil {
			return err
		}
		took += d
	}
	g.add(name, nanoseconds(took)/(extentOpenings*extentLoads))
	return nil
}

// loadExtents opens the file and has extents loaded, beginning at what next says.
func (g *rig) loadExtents(next func() int64) (took time.Duration, err error) {
	how := byMap
	how.Runtime, how.Pattern = g.rt, source.Reuse
	f, err := source.Open(context.Background(), g.name, &how)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := lendBlock(f, next()); err != nil {
		return 0, err
	}
	began := time.Now()
	for range extentLoads {
		if err := lendBlock(f, next()); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

// lendBlock reads a block that has to be lent of the mapping.
func lendBlock(f *source.File, off int64) error {
	w, err := f.ReadManagedAt(context.Background(), off, blockBytes)
	if err != nil {
		return err
	}
	defer w.Release()
	return lent(w)
}

// touchBytes is how much of a mapping is counted twice, at most: more than the
// processor's caches hold.
const touchBytes = 256 << 20

// measureTouch counts a part of a plain mapping that is resident already.
func (g *rig) measureTouch() error {
	n := int(min(g.sizeBytes, touchBytes))
	p, err := unix.Mmap(int(g.file.Fd()), 0, n, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	first, second := bytes.Count(p, newline), 0
	l := beginLaps()
	for off := 0; off < n; off += lapBytes {
		end := min(off+lapBytes, n)
		second += bytes.Count(p[off:end], newline)
		l.reached(int64(end))
	}
	g.add("touchNsPerB", l.perByte())
	if first != second {
		err = fmt.Errorf("the same bytes have %d newlines, then %d", first, second)
	}
	return errors.Join(err, os.NewSyscallError("munmap", unix.Munmap(p)))
}
