package workload

import (
	"errors"
	"fmt"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/memgroup"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/bench/stats"
)

// groupLimits are what the groups of cgroup may use, in bytes: a file of 8 GiB is
// 4 and 32 times as large.
var groupLimits = []int64{2 << 30, 256 << 20}

// leastOfFree is what is claimed of a scan in a group: its speed, compared with
// one that may use all memory.
const leastOfFree = 0.9

// Figures of a run of cgroup.
const (
	figureGroupPeak = "peak of the group, the page cache included"
	figureMet       = "times that the group met its limit"
	figureKills     = "processes killed for want of memory"
)

// groups compares the command that scans a cold file with little memory with the
// same that may have all of it. Where no groups can be made it says so, and
// measures nothing.
func groups(c *Config) (list []measure.Experiment, err error) {
	missing := memgroup.Available()
	for _, limit := range groupLimits {
		name := "cgroup/" + compact(limit)
		if missing != nil {
			list = append(list, measure.Experiment{
				Name: name, About: "scan a cold file with " + sizeName(limit) + " of memory", Notes: []string{"LEFT OUT: " + missing.Error()},
			})
			continue
		}
		e, err := c.inGroup(name, limit)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// inGroup is the experiment with a group of a limit.
func (c *Config) inGroup(name string, limit int64) (e measure.Experiment, err error) {
	file, err := c.Store.Random(c.GroupBytes)
	if err != nil {
		return e, err
	}
	within := c.scanIn(file, limit)
	free := c.scanIn(file, 0)
	peak := func(w measure.Way) measure.Limit {
		return measure.Limit{Name: w.Name + ": peak RSS", Unit: "MiB", Bound: stats.AtMost(peakLimitMiB), Every: true, Way: w.Name,
			Figure: func(s measure.Sample) float64 { return float64(s.PeakRSSBytes) / (1 << 20) }}
	}
	kills := figureOf(within.Name, figureKills, "")
	kills.Bound, kills.Every = stats.AtMost(0), true
	return measure.Experiment{
		Name: name,
		About: "count the newlines of " + sizeName(c.GroupBytes) + " of random bytes, evicted before each run, in memory that was used before: " +
			"as a process in a control group that may use " + sizeName(limit) + ", against the same that may use all memory",
		Unit: "byte", Metric: measure.Speed, Pairs: c.GroupPairs, Itself: &free,
		Contests: []measure.Contest{{A: within, B: free, Bound: stats.AtLeast(leastOfFree)}},
		Limits: []measure.Limit{
			peak(within), peak(free), kills,
			figureOf(within.Name, figureMet, ""), figureOf(within.Name, figureGroupPeak, "MiB"),
			figureOf(within.Name, figureRinged, "of all bytes"), figureOf(free.Name, figureRinged, "of all bytes"),
		},
	}, nil
}

// scanIn is the command in a group of a limit that is made for each run, or of
// limit 0 in none. Whatever serves the bytes is right here.
func (c *Config) scanIn(file string, limit int64) measure.Way {
	name := "oriel scan"
	if limit > 0 {
		name += " in " + sizeName(limit)
	}
	return measure.Way{
		Name: name, Amount: float64(c.GroupBytes), Prepare: coldStart(file, c.GroupBytes),
		Process: func() (r child.Result, o measure.Outcome, err error) {
			var g *memgroup.Group
			if limit > 0 {
				if g, err = memgroup.Make(limit); err != nil {
					return r, o, err
				}
				defer func() { err = errors.Join(err, g.Remove()) }()
			}
			if r, err = g.Run(c.Oriel, "scan", "--json", file); err != nil {
				return r, o, err
			}
			if err = pagecache.CameFromDevice(r.DeviceBytes, c.GroupBytes); err != nil {
				return r, o, err
			}
			if o, err = scannedWhole(r.Stdout, c.GroupBytes); err != nil || g == nil {
				return r, o, err
			}
			counts, err := g.Counts()
			o.Figures[figureGroupPeak] = float64(counts.PeakBytes) / (1 << 20)
			o.Figures[figureMet] = float64(counts.Failed)
			o.Figures[figureKills] = float64(counts.Kills)
			return r, o, err
		},
	}
}

// scannedWhole returns what the command says that it did with one file, of which
// several sources may have served parts.
func scannedWhole(stdout string, size int64) (o measure.Outcome, err error) {
	said, err := readScan(stdout)
	if err != nil {
		return o, err
	}
	if said.Bytes != size {
		return o, fmt.Errorf("scanned %d bytes of %d", said.Bytes, size)
	}
	o.Answer = said.Lines
	o.Figures = map[string]float64{figureRinged: float64(said.Sources[ringed].Bytes) / float64(size)}
	return o, nil
}
