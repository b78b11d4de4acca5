package workload

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/fio"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/source"
)

// What is claimed of reading a cold file from front to back.
const (
	leastOfBetter  = 0.95 // of the speed of fio, and of that of the better pread loop
	mostOfPreadCPU = 0.6  // of the CPU time of that
	mostCPUSeconds = 0.3  // for 4 GiB
	cpuBytes       = 4 << 30
)

// What fio reads by, as fast as the devices that were measured can be read.
const (
	fioSequentialBytes = 1 << 20
	fioSequentialDepth = 8
)

// ringSequential compares reading a cold file past the page cache through the
// ring with fio and with pread loops. Nobody looks at more than a word of every
// 64 KiB: it is about how the bytes come.
func ringSequential(c *Config) ([]measure.Experiment, error) {
	name, size, err := c.ringFile()
	if err != nil {
		return nil, err
	}
	rt, err := c.runtime(0)
	if err != nil {
		return nil, err
	}
	prepare := coldStart(name, size)
	fromCold := func(w measure.Way) measure.Way {
		w.Prepare = prepare
		return w
	}
	once := &source.Options{Runtime: rt, Source: source.Uring, Pattern: source.Once}
	direct := fromCold(markWindows("oriel windows, direct", name, size, ringOptions(rt, true), true))
	auto := fromCold(markWindows("oriel windows, to be read once", name, size, once, true))
	buffered := fromCold(markWindows("oriel windows, buffered", name, size, ringOptions(rt, false), false))
	itself := fromCold(markPread(name, size, 256<<10))
	peer := fioWay(fio.Job{File: name, BlockBytes: fioSequentialBytes, Depth: fioSequentialDepth, Direct: true,
		Reads: int(size / fioSequentialBytes)}, float64(size), prepare)
	return []measure.Experiment{{
		Name: "ringseq",
		About: "read " + sizeName(size) + " of random bytes from front to back, evicted before each run, in memory that was used before: " +
			"past the page cache through the ring, against the better of two raw pread loops and fio, which reads past it too",
		Unit: "byte", Metric: measure.Speed, Pairs: c.ColdPairs, Itself: &itself,
		Setup: ringServes(name, true, true),
		Best: &measure.Best{A: direct, Bound: stats.AtLeast(leastOfBetter), CPU: stats.AtMost(mostOfPreadCPU),
			Of: []measure.Way{fromCold(markPread(name, size, 256<<10)), fromCold(markPread(name, size, 1<<20))}},
		Contests: []measure.Contest{
			{A: direct, B: peer, Bound: stats.AtLeast(leastOfBetter)},
			{A: auto, B: peer},
			{A: buffered, B: itself},
		},
		Limits: []measure.Limit{
			cpuOf(direct, size, stats.AtMost(mostCPUSeconds)), cpuOf(auto, size, nil), cpuOf(buffered, size, nil),
			cpuOf(peer, size, nil), readCPUOf(peer), cpuOf(itself, size, nil),
			figureOf(buffered.Name, figureRinged, "of all windows"),
		},
	}}, nil
}

// cpuOf is a limit on the CPU time of a way, as long as it would be for a file
// of cpuBytes.
func cpuOf(w measure.Way, size int64, bound *stats.Bound) measure.Limit {
	return measure.Limit{Name: w.Name + ": CPU for " + sizeName(cpuBytes), Unit: "s", Bound: bound, Way: w.Name,
		Figure: func(s measure.Sample) float64 { return s.CPUSeconds * cpuBytes / float64(size) }}
}

// readCPUOf says what fio's reads take, which the CPU time of a process that is
// soon over says little of.
func readCPUOf(peer measure.Way) measure.Limit { return figureOf(peer.Name, figureReadCPU, "s") }

// markBytes is how far apart the words are that are looked at.
const markBytes = 64 << 10

// mixMarks adds the words that p has of those that are looked at. It holds the
// bytes at off.
func mixMarks(sum uint64, p []byte, off int64) uint64 {
	for i := int((markBytes - off%markBytes) % markBytes); i+8 <= len(p); i += markBytes {
		sum = sum*31 + binary.LittleEndian.Uint64(p[i:])
	}
	return sum
}

// markWindows reads windows from front to back, past the page cache or not.
// Where it is, all have to come through the ring; else what the kernel read
// ahead of them is copied, and on a fast device that can be everything.
func markWindows(way, name string, size int64, how *source.Options, direct bool) measure.Way {
	return measure.Way{
		Name: way, Amount: float64(size), Source: ringed, Bytes: size,
		Run: fromDevice(size, func() (o measure.Outcome, err error) {
			o, windows, err := readMarks(name, how)
			if err != nil {
				return o, err
			}
			if share := o.Figures[figureRinged]; direct && share < 1 {
				return o, fmt.Errorf("%.3g of %d windows came through the ring", share, windows)
			}
			if direct {
				err = stillCold(name)
			}
			return o, err
		}),
	}
}

// readMarks returns what is in a file, and how many windows it came in.
func readMarks(name string, how *source.Options) (o measure.Outcome, windows int, err error) {
	f, err := source.Open(context.Background(), name, how)
	if err != nil {
		return o, 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum, windows, rings, err := sumMarks(f)
	if err != nil {
		return o, windows, err
	}
	s := f.Stats()
	if s.Ringed != int64(rings) {
		return o, windows, fmt.Errorf("%d windows say that they came through the ring, and Stats %d", rings, s.Ringed)
	}
	o = measure.Outcome{Answer: sum, Source: ringed, Bytes: s.Bytes, Waits: s.Waits,
		Figures: map[string]float64{figureRinged: float64(rings) / float64(windows)}}
	return o, windows, nil
}

// sumMarks reads a file. rings of its windows came through the ring.
func sumMarks(f *source.File) (sum uint64, windows, rings int, err error) {
	ctx := context.Background()
	r := f.NewReader(nil)
	defer func() { err = errors.Join(err, r.Close()) }()
	for {
		w, err := r.ReadManaged(ctx)
		if err == io.EOF {
			return sum, windows, rings, nil
		}
		if err != nil {
			return 0, windows, rings, err
		}
		if w.Info().Source == ringed {
			rings++
		}
		sum = mixMarks(sum, w.Bytes(), w.Off())
		windows++
		w.Release()
	}
}

// markPread is a loop around pread(2) with one buffer, which is made once for
// all runs.
func markPread(name string, size int64, bufferBytes int) measure.Way {
	buf := make([]byte, bufferBytes)
	return measure.Way{
		Name: "pread " + sizeName(int64(bufferBytes)), Amount: float64(size),
		Run: fromDevice(size, func() (o measure.Outcome, err error) {
			f, err := os.Open(name)
			if err != nil {
				return o, err
			}
			defer f.Close()
			fd := int(f.Fd())
			for off := int64(0); ; {
				n, err := unix.Pread(fd, buf, off)
				switch {
				case err == unix.EINTR:
				case err != nil:
					return o, err
				case n == 0:
					return o, nil
				default:
					o.Answer = mixMarks(o.Answer, buf[:n], off)
					off += int64(n)
				}
			}
		}),
	}
}
