package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/oriel-go/oriel/bench/sizes"
)

// options are the command line.
type options struct {
	dir       string // "": a temporary one
	sizeBytes int64
	rounds    int
	table     string
	json      string
	recorded  []string // the arguments, without where files are
}

// defaultRounds keep a run within two minutes or three.
const defaultRounds = 9

// parse returns the options, checked.
func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	size := sizes.Size(1 << 30)
	f := flag.NewFlagSet("calibrate", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprintln(stderr, "usage: calibrate [flags]")
		f.PrintDefaults()
	}
	f.StringVar(&o.dir, "dir", "", "`folder` on the file system to measure, where the file is made and kept (default: a temporary one)")
	f.Var(&size, "size", "`bytes` of the file")
	f.IntVar(&o.rounds, "rounds", defaultRounds, "samples of each constant; of cold files about half as many")
	f.StringVar(&o.table, "table", filepath.Join("..", "source", "internal", "plan", "costs.go"), "`file` of Go with the constants to compare with")
	f.StringVar(&o.json, "json", "", "`file` for all samples")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	o.sizeBytes = int64(size)
	f.Visit(func(g *flag.Flag) {
		if unsaid := []string{"dir", "table", "json"}; !slices.Contains(unsaid, g.Name) {
			o.recorded = append(o.recorded, "-"+g.Name+"="+g.Value.String())
		}
	})
	switch {
	case f.NArg() > 0:
		return nil, fmt.Errorf("%q: there are no arguments", f.Arg(0))
	case o.rounds < 1:
		return nil, errors.New("-rounds: want at least 1")
	case o.sizeBytes < leastFileBytes || o.sizeBytes%extentBytes != 0:
		return nil, fmt.Errorf("-size: want a multiple of 2MiB, at least %d of them", leastFileBytes/extentBytes)
	}
	return o, nil
}
