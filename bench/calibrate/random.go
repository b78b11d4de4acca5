package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/readers"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/uringsrc"
)

const (
	cachedReads = 50_000          // of a value
	hotBytes    = 2 * extentBytes // of a mapping, which are loaded and locked
	hotReads    = 500_000         // they take little
)

// randomOffs returns where the blocks are that a value is measured with.
func (g *rig) randomOffs(rng *rand.Rand) []int64 {
	offs := make([]int64, cachedReads)
	for i := range offs {
		offs[i] = rng.Int64N(g.sizeBytes/blockBytes) * blockBytes
	}
	return offs
}

// touch makes a word of the two ends of a block.
func touch(p []byte) uint64 {
	return binary.LittleEndian.Uint64(p) ^ binary.LittleEndian.Uint64(p[len(p)-8:])
}

func (g *rig) preadRandom(rng *rand.Rand) error {
	offs := g.randomOffs(rng)
	fd, p, sum := int(g.file.Fd()), g.buf[:blockBytes], uint64(0)
	began := time.Now()
	for _, off := range offs {
		n, err := unix.Pread(fd, p, off)
		for err == unix.EINTR {
			n, err = unix.Pread(fd, p, off)
		}
		if err == nil && n < len(p) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return os.NewSyscallError("pread", err)
		}
		sum += touch(p)
	}
	g.add("readPreadNs", nanoseconds(time.Since(began))/float64(len(offs))-blockBytes*g.copyNs)
	g.sum += sum
	return nil
}

// ringRandom makes the kernel's ring read what is cached, which package source
// does not: it is what a read costs that did not have to wait.
func (g *rig) ringRandom(rng *rand.Rand) error {
	offs := g.randomOffs(rng)
	if g.engine == nil {
		return g.noEngine
	}
	ctx, fd, p, sum := context.Background(), int(g.file.Fd()), g.buf[:blockBytes], uint64(0)
	var r uringsrc.Read
	began := time.Now()
	for _, off := range offs {
		r = uringsrc.Read{FD: fd, Buf: p, Off: off, Need: len(p)}
		if err := g.engine.Read(ctx, &r); err != nil {
			return err
		}
		if r.Err != nil || r.N < len(p) {
			return fmt.Errorf("the ring read %d bytes: %w", r.N, errors.Join(r.Err, io.ErrUnexpectedEOF))
		}
		sum += touch(p)
	}
	g.add("readRingNs", nanoseconds(time.Since(began))/float64(len(offs))-blockBytes*g.copyNs)
	g.sum += sum
	return nil
}

// mapRandom reads blocks of two extents that stay loaded.
func (g *rig) mapRandom(rng *rand.Rand) (err error) {
	ctx := context.Background()
	how := byMap
	how.Runtime, how.Pattern = g.rt, source.Reuse
	f, err := source.Open(ctx, g.name, &how)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	look := func() error {
		for off := int64(0); off < hotBytes; off += blockBytes {
			if err := lendBlock(f, off); err != nil {
				return err
			}
		}
		return nil
	}
	if err := look(); err != nil {
		return err
	}
	order, sum := rng.Perm(hotBytes/blockBytes), uint64(0)
	began := time.Now()
	for i := range hotReads {
		w, err := f.ReadManagedAt(ctx, int64(order[i%len(order)])*blockBytes, blockBytes)
		if err != nil {
			return err
		}
		sum += touch(w.Bytes())
		w.Release()
	}
	g.add("readMapNs", nanoseconds(time.Since(began))/hotReads)
	g.sum += sum
	return look() // what is locked afterwards too was so in between
}

// coldFor is how long blocks of the cold file are read for a value, and coldWarm
// how much memory they fill at most meanwhile: 200,000 blocks a second.
const (
	coldFor  = 300 * time.Millisecond
	coldWarm = int64(200_000 * blockBytes * coldFor / time.Second)
)

// measureWaits reads blocks of the cold file in some goroutines, each of which
// waits for its own, by pread and through the ring.
func (g *rig) measureWaits(n int) error {
	pread, err := g.coldRandom(readers.Pread, n, false)
	if err != nil {
		return err
	}
	ring, err := g.coldRandom(readers.Managed, n, false)
	if err != nil {
		return err
	}
	g.add(waitName(n, "Pread"), pread)
	g.add(waitName(n, "Ring"), ring)
	return nil
}

// measureBusy compares what the ring loses with what pread does when a goroutine
// for each processor computes.
func (g *rig) measureBusy() error {
	var ns [2][2]float64 // by way, idle and busy
	for i, way := range []readers.Way{readers.Pread, readers.Managed} {
		for j, busy := range []bool{false, true} {
			var err error
			if ns[i][j], err = g.coldRandom(way, manyReaders, busy); err != nil {
				return err
			}
		}
	}
	pread, ring := ns[0], ns[1]
	g.add("busyRingFactor", (ring[1]/ring[0])/(pread[1]/pread[0]))
	return nil
}

// coldRandom returns the time of all reads divided by their number, in
// nanoseconds.
func (g *rig) coldRandom(way readers.Way, n int, busy bool) (float64, error) {
	if err := g.chill(min(coldWarm, g.sizeBytes)); err != nil {
		return 0, err
	}
	g.seed++
	r, err := readers.Run(readers.Load{Way: way, File: g.name, BlockBytes: blockBytes, Goroutines: n, For: coldFor, Seed: g.seed, Busy: busy})
	if err != nil {
		return 0, err
	}
	if share := r.RingedShare(); way == readers.Managed && share < readers.LeastRinged {
		return 0, fmt.Errorf("%.3g of the reads came through the ring", share)
	}
	return float64(time.Second) / r.Rate(), nil
}
