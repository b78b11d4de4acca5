package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/data"
	"github.com/oriel-go/oriel/bench/machine"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/report"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/bench/workload"
)

// Exit statuses.
const (
	exitFine  = 0 // everything was measured; claims hold or are undecided
	exitError = 1 // something could not be measured
	exitUsage = 2
	exitShort = 3 // a claim falls short
)

func main() {
	child.Serve(workload.Tasks())
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the command: it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitFine
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitUsage
	}
	if o.list {
		for _, w := range workload.All() {
			fmt.Fprintf(stdout, "%-11s %s\n", w.Name, w.About)
		}
		return exitFine
	}
	status, err := o.run(stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitError
	}
	return status
}

// run runs the workloads and records them.
func (o *options) run(stdout, stderr io.Writer) (int, error) {
	temp, err := os.MkdirTemp(o.dir, "oriel-bench-")
	if err != nil {
		return exitError, err
	}
	defer os.RemoveAll(temp)
	if o.dir == "" {
		o.dir = temp // files go when the run is over
	}
	o.config.Store = data.Store{Dir: o.dir}
	defer func() {
		if err := o.config.Close(); err != nil {
			fmt.Fprintln(stderr, "bench: cleaning up:", err)
		}
	}()
	if err := o.prepareScan(temp); err != nil {
		return exitError, err
	}
	if o.solo > 0 {
		return exitFine, o.runSolo(stdout)
	}
	r := &report.Run{Schema: 1, Began: time.Now(), Command: o.recorded, Machine: machine.Look(o.dir, "..")}
	for _, w := range o.workloads {
		fmt.Fprintf(stderr, "preparing %s\n", w.Name)
		list, err := w.Experiments(&o.config)
		if err != nil {
			return exitError, fmt.Errorf("%s: %w", w.Name, err)
		}
		if n := expected(list); n > 0 {
			fmt.Fprintf(stderr, "%s: %d experiments, about %v\n", w.Name, len(list), n)
		}
		for i := range list {
			fmt.Fprintf(stderr, "running %s\n", list[i].Name)
			e := list[i].Run()
			r.Experiments = append(r.Experiments, e)
			report.Text(stdout, e)
		}
	}
	r.Seconds = time.Since(r.Began).Seconds()
	if r.Regret = measure.RegretOf(r.Experiments); r.Regret != nil {
		report.RegretText(stdout, r.Regret)
	}
	fmt.Fprintln(stdout, r.Summary())
	return status(r), o.record(r)
}

// expected returns about how long experiments take that say so.
func expected(list []measure.Experiment) (d time.Duration) {
	for i := range list {
		d += list[i].Expected
	}
	return d.Round(time.Second)
}

// status returns the exit status of a run.
func status(r *report.Run) int {
	switch verdicts, failed := r.Count(); {
	case failed > 0:
		return exitError
	case verdicts[stats.FallsShort] > 0:
		return exitShort
	}
	return exitFine
}

// record writes the files that were asked for.
func (o *options) record(r *report.Run) error {
	return errors.Join(
		writeFile(o.json, r.WriteJSON),
		writeFile(o.markdown, func(w io.Writer) error { r.Markdown(w); return nil }),
	)
}

func writeFile(name string, write func(io.Writer) error) error {
	if name == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
