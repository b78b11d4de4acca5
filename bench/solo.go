package main

import (
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"time"

	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/stats"
)

// runSolo runs Oriel's ways without anything to compare them with, under the
// profiler if that was asked for.
func (o *options) runSolo(stdout io.Writer) error {
	var list []measure.Experiment
	for _, w := range o.workloads {
		more, err := w.Experiments(&o.config)
		if err != nil {
			return err
		}
		list = append(list, more...)
	}
	if o.profile != "" {
		f, err := os.Create(o.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	for i := range list {
		if err := soloExperiment(stdout, &list[i], o.solo); err != nil {
			return fmt.Errorf("%s: %w", list[i].Name, err)
		}
	}
	return nil
}

// soloExperiment runs every way of an experiment that comes first in a contest.
func soloExperiment(stdout io.Writer, e *measure.Experiment, times int) error {
	if e.Setup != nil {
		if err := e.Setup(); err != nil {
			return err
		}
	}
	var ways []measure.Way
	if e.Best != nil {
		ways = append(ways, e.Best.A)
	}
	for _, c := range e.Contests {
		ways = append(ways, c.A)
	}
	done := map[string]bool{}
	for _, w := range ways {
		if done[w.Name] || w.Run == nil || w.Source == "" && e.File != "" {
			continue // a process, or not Oriel's
		}
		done[w.Name] = true
		var seconds []float64
		for range times {
			if w.Prepare != nil { // in the profile, but not in the time
				if err := w.Prepare(); err != nil {
					return err
				}
			}
			began := time.Now()
			if _, err := w.Run(); err != nil {
				return err
			}
			seconds = append(seconds, time.Since(began).Seconds())
		}
		fmt.Fprintf(stdout, "%s: %s: %.4g s\n", e.Name, w.Name, stats.Median(seconds))
	}
	return nil
}
