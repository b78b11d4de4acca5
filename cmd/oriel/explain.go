package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

const explainLong = `explain says how every FILE would be read, and why, without reading it: what is
known of it, what each way would cost, and why the others lost. "-" is standard
input.

With --analyze each FILE is read to its end, and explain says besides what
happened: what each way did cost, what was changed on the way, and what it took.
Every page is touched, and nothing else is done with it. A FILE whose reading is
interrupted is explained as far as it was read.

How a FILE will be used makes a difference, and --pattern says that: to scan and
cat it is once. With --json there is one object a line for each FILE.`

const explainExample = `  oriel explain disk.img
  oriel explain --analyze --pattern reuse index.db
  oriel explain --json *.log | jq -r '[.path, .explanation.source] | @tsv'`

// explainFlags are the flags of explain.
type explainFlags struct {
	engineOptions
	analyze bool
	json    bool
}

func (a *app) explainCommand() *cobra.Command {
	var o explainFlags
	c := &cobra.Command{
		Use:     "explain FILE...",
		Short:   "say how files are read, and why",
		Long:    explainLong,
		Example: explainExample,
		Args: func(_ *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				return errors.New("explain: no FILE")
			}
			return nil
		},
		RunE: func(c *cobra.Command, paths []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return a.explain(c.Context(), &o, paths)
		},
	}
	o.pattern = patternValue(source.Detect.String())
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&o.analyze, "analyze", false, "read each file, and say what that took")
	f.BoolVar(&o.json, "json", false, "print one JSON object for each file")
	f.Var(&o.pattern, "pattern", "how the files will be read")
	o.engineOptions.addTo(c)
	return c
}

// explained is what there is to say of one file.
type explained struct {
	path     string
	how      *source.Explanation // nil for a file that was not opened
	analysis *analysis           // nil unless it was read
	err      error
}

// explain is the command after its flags were checked.
func (a *app) explain(ctx context.Context, o *explainFlags, paths []string) error {
	e, err := a.newEngine(o.engineOptions)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	defer e.close() // its error names windows that a cancelled read still fills
	status := exitFine
	show := explainedText(a.stdout)
	if o.json {
		show = explainedJSON(a.stdout)
	}
	for _, path := range paths {
		x := explainFile(ctx, e, path, o.analyze)
		if unusable(x.err) {
			return &exitError{exitUsage, x.err}
		}
		if ctx.Err() == nil || x.how != nil {
			if err := show(&x); err != nil {
				exit := outputError(err)
				exit.status = max(exit.status, status)
				return exit
			}
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case x.err == nil:
			continue
		case refused(x.err):
			status = exitUsage
		default:
			status = max(status, exitUnread)
		}
		fmt.Fprintf(a.stderr, "oriel: %s\n", oneLine(x.err.Error()))
	}
	return &exitError{status: status}
}

// explainFile explains one file, after reading it if it is to be analyzed.
func explainFile(ctx context.Context, e engine, path string, analyze bool) (x explained) {
	x.path = path
	in, err := e.open(ctx, path)
	if err != nil {
		x.err = err
		return x
	}
	defer closeInput(in, &x.err)
	how := in.explain()
	if analyze {
		x.analysis, x.err = analyzed(ctx, in)
		how = hindsight(how, in.explain())
	}
	x.how = &how
	return x
}

// hindsight returns what there is to say of an input after it was read, but with
// the facts and expectations from before: reading has changed the former.
func hindsight(before, after source.Explanation) source.Explanation {
	if before.Facts == nil || after.Facts == nil {
		return after
	}
	measured := map[string]source.Candidate{}
	for _, c := range after.Candidates {
		measured[c.Source] = c
	}
	after.Facts, after.WorkBytes, after.Candidates = before.Facts, before.WorkBytes, before.Candidates
	for i := range after.Candidates {
		c := &after.Candidates[i]
		c.Bytes, c.Measured = measured[c.Source].Bytes, measured[c.Source].Measured
	}
	return after
}

// An analysis is what reading a file has taken.
type analysis struct {
	bytes, windows int64
	bySource       map[string]windowTotals
	elapsed        time.Duration
	cpu            time.Duration // of the process, user and system; 0 where that is unknown
	waited         time.Duration
	sum            byte // of a byte of each page, so that they are read
}

// windowTotals is what one source has brought.
type windowTotals struct {
	Windows int64 `json:"windows"`
	Bytes   int64 `json:"bytes"`
}

// analyzed reads in to its end, or to an error or the end of ctx.
func analyzed(ctx context.Context, in input) (*analysis, error) {
	a := &analysis{bySource: map[string]windowTotals{}}
	start, cpu := time.Now(), cpuTime()
	var err error
	for err == nil {
		var w window.Window
		if w, err = in.ReadManaged(ctx); err == nil {
			a.add(w)
			w.Release()
		}
	}
	a.elapsed, a.cpu, a.waited = time.Since(start), cpuTime()-cpu, in.waited()
	if err == io.EOF {
		err = nil
	}
	return a, err
}

// touchStep is how far apart the bytes are that are touched: one of each page,
// which has at least as many bytes everywhere.
const touchStep = 4 << 10

// add counts a window and touches its pages.
func (a *analysis) add(w window.Window) {
	p := w.Bytes()
	a.bytes += int64(len(p))
	a.windows++
	name := w.Info().Source
	s := a.bySource[name]
	s.Windows++
	s.Bytes += int64(len(p))
	a.bySource[name] = s
	for i := 0; i < len(p); i += touchStep {
		a.sum += p[i]
	}
}
