package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const scanLong = `scan reads every PATH and counts bytes and lines, which are newlines.

A directory stands for all regular files below it, hidden ones too, in lexical
order; links in it are not followed. Files, pipes, devices and links that are
named themselves are read. "-" is standard input, and so is no PATH at all.

Words are those of wc -w in the C locale: separated by white space, and begun
by a byte from '!' to '~'. Matches are those of grep -aoF, matching lines those
of grep -acF. With --sum each file gets a line as sha256sum prints it, and the
totals are comments, so that sha256sum -c reads the output.

Results are in the order of the files, however many jobs there are. A scan that
is interrupted prints the totals so far. Progress is shown when standard error
is a terminal.`

const scanExample = `  oriel scan --words .
  find . -name '*.go' -print0 | oriel scan --match TODO --files-from - -0
  oriel scan --sum sha256 . | sha256sum -c --quiet
  zcat log.gz | oriel scan --json`

// scanFlags are the flags of scan.
type scanFlags struct {
	asked
	engineOptions
	jobs      int
	perFile   bool
	filesFrom string
	null      bool
	json      bool
	jsonLines bool
}

func (a *app) scanCommand() *cobra.Command {
	var o scanFlags
	c := &cobra.Command{
		Use:     "scan [PATH...]",
		Short:   "read files and trees, count and sum them",
		Long:    scanLong,
		Example: scanExample,
		RunE: func(c *cobra.Command, paths []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			if len(paths) == 0 && o.filesFrom == "" {
				paths = []string{"-"}
			}
			return a.scan(c.Context(), &o, paths)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&o.words, "words", false, "count words")
	f.StringVar(&o.match, "match", "", "count occurrences of `TEXT`, and lines with one")
	f.Var(&o.sum, "sum", "print a checksum of each file")
	f.BoolVar(&o.perFile, "per-file", false, "print the numbers of each file")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	f.BoolVar(&o.jsonLines, "json-lines", false, "print one JSON object for each file, and a last one for all")
	f.StringVar(&o.filesFrom, "files-from", "", "read the PATHs that `FILE` lists too, one a line; - is standard input")
	f.BoolVarP(&o.null, "null", "0", false, "paths of --files-from end in NUL")
	f.IntVar(&o.jobs, "jobs", runtime.GOMAXPROCS(0), "files to read at a time")
	o.engineOptions.addTo(c)
	c.MarkFlagsMutuallyExclusive("json", "json-lines", "per-file")
	return c
}

// check returns what is wrong with the flags.
func (o *scanFlags) check(c *cobra.Command) error {
	switch {
	case c.Flags().Changed("match") && o.match == "":
		return errors.New("--match: the text is empty")
	case strings.Contains(o.match, "\n"):
		return errors.New("--match: the text has a newline")
	case c.Flags().Changed("files-from") && o.filesFrom == "":
		return errors.New("--files-from: no file")
	case o.null && o.filesFrom == "":
		return errors.New("--null is for --files-from")
	case o.jobs < 1:
		return errors.New("--jobs: want at least 1")
	}
	return o.engineOptions.check()
}

// newPrinter returns what prints to w as the flags say.
func (o *scanFlags) newPrinter(w io.Writer) printer {
	if o.json || o.jsonLines {
		return newJSONPrinter(w, o.asked, o.jsonLines)
	}
	return &textPrinter{asked: o.asked, perFile: o.perFile, w: w}
}

// printsFiles reports whether there is a line for each file.
func (o *scanFlags) printsFiles() bool {
	return o.jsonLines || o.perFile || o.sum != "" && !o.json
}

// scan is the command after its flags were checked.
func (a *app) scan(ctx context.Context, o *scanFlags, paths []string) error {
	start := time.Now()
	e, err := a.newEngine(o.engineOptions)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	defer e.close() // its error names windows that a cancelled read still fills
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	l := &lister{paths: paths, from: o.filesFrom, null: o.null, stdin: a.stdin, open: e.open}
	stdout := bufio.NewWriterSize(a.stdout, 32<<10)
	r := &report{printer: o.newPrinter(stdout), stdout: stdout, stderr: a.stderr, stop: cancel}
	var m *meter
	if !o.printsFiles() || !isTerminal(a.stdout) { // else the lines show how far it is
		m = newMeter(ctx, a.stderr, l.survey)
	}
	if m != nil {
		r.stderr = m
	}
	s := &scanner{asked: o.asked, jobs: o.jobs, list: l.list, open: e.open, meter: m, out: r.result}
	s.run(ctx)
	m.stopped()

	r.totals.elapsed, r.totals.cpu = time.Since(start), cpuTime()
	return r.end(context.Cause(ctx))
}
