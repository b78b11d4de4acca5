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
	"github.com/oriel-go/oriel/bench/readers"
)

// Exit statuses.
const (
	exitFine  = 0 // everything was measured, and the table agrees
	exitError = 1 // something could not be measured
	exitUsage = 2
	exitOff   = 3 // something in the table is off
)

func main() {
	child.Serve(readers.Tasks())
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the command: it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitFine
	}
	if err != nil {
		fmt.Fprintln(stderr, "calibrate:", err)
		return exitUsage
	}
	r, err := o.run(stderr)
	if err == nil {
		r.print(stdout)
		err = o.record(r)
	}
	if err != nil {
		fmt.Fprintln(stderr, "calibrate:", err)
		return exitError
	}
	return r.status()
}

// run measures all constants.
func (o *options) run(stderr io.Writer) (*record, error) {
	temp, err := os.MkdirTemp(o.dir, "oriel-calibrate-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	dir := o.dir
	if dir == "" {
		dir = temp // the file goes when the run is over
	}
	// Before minutes are spent.
	known, unknown := readTable(o.table)
	began := time.Now()
	r := &record{Schema: 1, Began: began, Command: o.recorded, Machine: machine.Look(dir, "..")}
	if unknown != nil {
		r.Notes = append(r.Notes, "no table to compare with: "+unknown.Error())
	}
	g, err := newRig(data.Store{Dir: dir}, o.sizeBytes, o.rounds)
	if err != nil {
		return nil, err
	}
	for _, s := range sections() {
		fmt.Fprintf(stderr, "measuring %s\n", s.name)
		s.run(g)
	}
	if err := g.close(); err != nil {
		return nil, err
	}
	r.Notes = append(r.Notes, g.notes...)
	r.Constants = g.estimate(known)
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

// record writes the file that was asked for.
func (o *options) record(r *record) (err error) {
	if o.json == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(o.json), 0o777); err != nil {
		return err
	}
	f, err := os.Create(o.json)
	if err != nil {
		return err
	}
	return errors.Join(r.write(f), f.Close())
}
