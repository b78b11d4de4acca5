package workload

import (
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/internal/nowait"
)

// blockBytes is how much each read of at reads.
const blockBytes = 4 << 10

// at compares single reads of a cached file with pread(2).
func at(c *Config) ([]measure.Experiment, error) {
	name, err := c.Store.Random(c.FileBytes)
	if err != nil {
		return nil, err
	}
	var list []measure.Experiment
	for _, state := range c.States {
		b := newBlocks(name, c.FileBytes, c.Calls)
		raw := b.way("pread", b.pread)
		e, err := inState(measure.Experiment{
			Name:  "at/" + state,
			About: "read 4 KiB at random offsets of " + sizeName(c.FileBytes) + ", cached in " + state + " folios",
			Unit:  "read", Metric: measure.Time, Pairs: c.Pairs, Itself: &raw,
			Contests: []measure.Contest{
				{A: b.oriel("oriel ReadManagedAt+Release", b.managed), B: raw, Bound: stats.AtMost(1.15)},
				{A: b.oriel("oriel File.ReadAt", b.readAt), B: raw, Bound: stats.AtMost(1.05)},
				{A: b.oriel("oriel ReadManagedAt, ctx can end", b.managedEndable), B: raw},
				{A: b.way("os.File.ReadAt", b.osReadAt), B: raw},
				{A: b.way("preadv2 RWF_NOWAIT", b.nowait), B: raw},
			},
		}, state, name)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// blocks is a sequence of reads, the same for every way.
type blocks struct {
	name string
	offs []int64
	buf  []byte
}

func newBlocks(name string, size int64, calls int) *blocks {
	r := rand.New(rand.NewPCG(9, 10))
	b := &blocks{name: name, offs: make([]int64, calls), buf: make([]byte, blockBytes)}
	for i := range b.offs {
		b.offs[i] = r.Int64N(size/blockBytes) * blockBytes
	}
	return b
}

// mix makes an answer of a block: its two ends, in the order of the reads.
func mix(sum uint64, p []byte) uint64 {
	return sum*31 + (binary.LittleEndian.Uint64(p) ^ binary.LittleEndian.Uint64(p[len(p)-8:]))
}

// way returns a way whose runs read every block once, and open the file first.
func (b *blocks) way(name string, read func(f *os.File) (uint64, error)) measure.Way {
	return measure.Way{Name: name, Amount: float64(len(b.offs)), Run: func() (o measure.Outcome, err error) {
		f, err := os.Open(b.name)
		if err != nil {
			return o, err
		}
		defer f.Close()
		o.Answer, err = read(f)
		return o, err
	}}
}

// oriel is way for an oriel.File.
func (b *blocks) oriel(name string, read func(f *oriel.File) (uint64, error)) measure.Way {
	return measure.Way{
		Name: name, Amount: float64(len(b.offs)), Source: served, Bytes: int64(len(b.offs)) * blockBytes,
		Run: func() (o measure.Outcome, err error) {
			f, err := oriel.Open(context.Background(), b.name, byPread)
			if err != nil {
				return o, err
			}
			defer f.Close()
			if o.Answer, err = read(f); err != nil {
				return o, err
			}
			s := f.Stats()
			o.Source, o.Bytes, o.Waits = f.Source(), s.Bytes, s.Waits
			return o, nil
		},
	}
}

// pread is the system call with a buffer that is used again and again.
func (b *blocks) pread(f *os.File) (sum uint64, err error) {
	fd := int(f.Fd())
	for _, off := range b.offs {
		n, err := unix.Pread(fd, b.buf, off)
		for err == unix.EINTR {
			n, err = unix.Pread(fd, b.buf, off)
		}
		if err == nil && n < len(b.buf) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return sum, err
		}
		sum = mix(sum, b.buf)
	}
	return sum, nil
}

// nowait is preadv2(2) with RWF_NOWAIT, the system call beneath ReadManagedAt:
// what is left of its ratio above this one is the library's own.
func (b *blocks) nowait(f *os.File) (sum uint64, err error) {
	fd := int(f.Fd())
	for _, off := range b.offs {
		n, _ := nowait.Read(fd, b.buf, off)
		if n < len(b.buf) { // not cached after all
			if _, err := f.ReadAt(b.buf, off); err != nil {
				return sum, err
			}
		}
		sum = mix(sum, b.buf)
	}
	return sum, nil
}

// osReadAt is os.File's.
func (b *blocks) osReadAt(f *os.File) (sum uint64, err error) {
	for _, off := range b.offs {
		if _, err := f.ReadAt(b.buf, off); err != nil {
			return sum, err
		}
		sum = mix(sum, b.buf)
	}
	return sum, nil
}

// readAt is oriel.File's, into the caller's memory.
func (b *blocks) readAt(f *oriel.File) (sum uint64, err error) {
	for _, off := range b.offs {
		if _, err := f.ReadAt(b.buf, off); err != nil {
			return sum, err
		}
		sum = mix(sum, b.buf)
	}
	return sum, nil
}

// managed reads windows and releases them.
func (b *blocks) managed(f *oriel.File) (uint64, error) {
	return b.managedUntil(context.Background(), f)
}

// managedEndable is managed with a context that can end.
func (b *blocks) managedEndable(f *oriel.File) (uint64, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	return b.managedUntil(ctx, f)
}

func (b *blocks) managedUntil(ctx context.Context, f *oriel.File) (sum uint64, err error) {
	for _, off := range b.offs {
		w, err := f.ReadManagedAt(ctx, off, blockBytes)
		if err != nil {
			return sum, err
		}
		sum = mix(sum, w.Bytes())
		w.Release()
	}
	return sum, nil
}
