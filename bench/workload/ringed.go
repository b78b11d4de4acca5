package workload

import (
	"context"
	"errors"
	"fmt"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/fio"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/bench/readers"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/source"
)

// What the workloads of the ring share.

// ringed is the source that has to serve what comes through the ring.
var ringed = source.Uring.String()

// alignedBytes is what the size of a file of theirs is a multiple of.
const alignedBytes = 1 << 20

// ringFile returns the file of the workloads of the ring and its size.
func (c *Config) ringFile() (name string, size int64, err error) {
	size = c.RingBytes / alignedBytes * alignedBytes
	name, err = c.Store.Random(size)
	return name, size, err
}

// ringOptions returns how a file is read through the ring, past the page cache
// or through it.
func ringOptions(rt *source.Runtime, direct bool) *source.Options {
	o := &source.Options{Runtime: rt, Source: source.Uring, Direct: source.DirectNever}
	if direct {
		o.Direct = source.DirectAlways
	}
	return o
}

// ringServes returns a Setup: why the file cannot be read through the ring, or
// that there is no fio, if that is compared with.
func ringServes(name string, direct, withFio bool) func() error {
	return func() error {
		rt, err := source.NewRuntime(source.Limits{})
		if err != nil {
			return err
		}
		f, err := source.Open(context.Background(), name, ringOptions(rt, direct))
		if err == nil {
			err = f.Close()
		}
		if err = errors.Join(err, rt.Close()); err != nil {
			return err
		}
		if withFio {
			return fio.Available()
		}
		return nil
	}
}

// through returns how reads go, for names.
func through(direct bool) string {
	if direct {
		return "direct"
	}
	return "buffered"
}

// fioWay reads by fio.
func fioWay(j fio.Job, amount float64, prepare func() error) measure.Way {
	name := fmt.Sprintf("fio io_uring, %s × %d", sizeName(int64(j.BlockBytes)), j.Depth)
	return measure.Way{Name: name, Amount: amount, Prepare: prepare, Process: func() (c child.Result, o measure.Outcome, err error) {
		j.Seed++ // another order, or what the device caches would count
		r, err := fio.Run(j)
		if err != nil {
			return c, o, err
		}
		c = r.Process
		if err = pagecache.CameFromDevice(c.DeviceBytes, r.Bytes); err == nil && j.Direct {
			err = stillCold(j.File)
		}
		c.Seconds = r.Seconds
		return c, measure.Outcome{Unanswered: true, Figures: map[string]float64{figureReadCPU: r.CPUSeconds}}, err
	}}
}

// fromDevice has run read a cold file of size bytes in this process.
func fromDevice(size int64, run func() (measure.Outcome, error)) func() (measure.Outcome, error) {
	return func() (o measure.Outcome, err error) {
		before, err := pagecache.DeviceBytes()
		if err != nil {
			return o, err
		}
		if o, err = run(); err != nil {
			return o, err
		}
		after, err := pagecache.DeviceBytes()
		if err == nil {
			err = pagecache.CameFromDevice(after-before, size)
		}
		return o, err
	}
}

// stillCold returns an error if something of a file is cached that was read past
// the page cache.
func stillCold(name string) error {
	share, err := pagecache.Share(name)
	if err == nil && share > 0 {
		err = fmt.Errorf("%.3g of the file are cached after it was read past the page cache", share)
	}
	return err
}

// figureReadCPU is the CPU time of fio without its start, in seconds.
const figureReadCPU = "CPU without its start"

// Figures of a run of readers.
const (
	figureRate    = "reads per second"
	figureRinged  = "ringed"
	figureEven    = "slowest to fastest"
	figureUnits   = "units per second"
	figureThreads = "threads"
	figureWindow  = "window MiB"
	figureP1      = "p1"
	figureP50     = "p50"
	figureP99     = "p99"
	figureLeast   = "least"
	figureMost    = "most"
)

// readersWay is what goroutines do in a process of their own, which sees to its
// bytes itself. A run does as many reads as it comes to.
func readersWay(name string, l readers.Load, prepare func() error) measure.Way {
	w := measure.Way{Name: name, Amount: 1, Prepare: prepare}
	if l.Way != readers.Pread {
		w.Source, w.Bytes = ringed, int64(l.BlockBytes)
	}
	w.Process = func() (c child.Result, o measure.Outcome, err error) {
		l.Seed++
		r, err := readers.Run(l)
		if err != nil {
			return c, o, err
		}
		c = child.Result{Seconds: r.Seconds, CPUSeconds: r.CPUSeconds, PeakRSSBytes: r.PeakRSSBytes}
		return c, measure.Outcome{
			Unanswered: true, Amount: float64(r.Reads), Allocs: r.Allocs,
			Source: w.Source, Bytes: r.Bytes, // of which the run has seen that they came so
			Figures: map[string]float64{
				figureRate:    r.Rate(),
				figureRinged:  r.RingedShare(),
				figureEven:    r.Evenness(),
				figureUnits:   r.Units / r.Seconds,
				figureThreads: float64(r.Threads),
				figureWindow:  float64(r.WindowBytes) / (1 << 20),
				figureP1:      r.Quantile(0.01),
				figureP50:     r.Quantile(0.5),
				figureP99:     r.Quantile(0.99),
				figureLeast:   r.Quantile(0),
				figureMost:    r.Quantile(1),
			},
		}, nil
	}
	return w
}

// ringedOf is a limit on the reads of a way that came through the ring.
func ringedOf(way string) measure.Limit {
	l := figureOf(way, figureRinged, "of all reads")
	l.Bound = stats.AtLeast(readers.LeastRinged)
	return l
}

// figureOf is a limit on a figure of a way's samples.
func figureOf(way, figure, unit string) measure.Limit {
	return measure.Limit{Name: way + ": " + figure, Unit: unit, Way: way,
		Figure: func(s measure.Sample) float64 { return s.Figures[figure] }}
}
