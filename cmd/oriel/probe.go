package main

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/spf13/cobra"
)

const probeLong = `probe says what this machine offers, and the file system of PATH, a file or a
folder, and why it refuses the rest: memory and what of it may be locked, mappings
that can be kept still, io_uring, the page cache and reads past it. Without PATH
it is the current folder.

What it says was tried. In a folder that takes a regular file: one that is there
and yours, or else a temporary one, which is removed again. A file that is tried
is leased for a moment, and nothing of it is changed.

To set ` + noRingVariable + ` in the environment, to anything, is to say --no-uring.`

const probeExample = `  oriel probe
  oriel probe --json /var/lib | jq .uring`

// probeFlags are the flags of probe.
type probeFlags struct {
	engineOptions
	json bool
}

func (a *app) probeCommand() *cobra.Command {
	var o probeFlags
	c := &cobra.Command{
		Use:     "probe [PATH]",
		Short:   "say what this machine and a file system offer",
		Long:    probeLong,
		Example: probeExample,
		Args: func(_ *cobra.Command, paths []string) error {
			if len(paths) > 1 {
				return errors.New("probe: more than one PATH")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, paths []string) error {
			if err := o.check(); err != nil {
				return err
			}
			path := ""
			if len(paths) > 0 {
				path = paths[0]
			}
			return a.probe(&o, path)
		},
	}
	c.Flags().SortFlags = false
	c.Flags().BoolVar(&o.json, "json", false, "print one JSON object")
	o.engineOptions.addLimitsTo(c)
	return c
}

// probe is the command after its flags were checked.
func (a *app) probe(o *probeFlags, path string) error {
	e, err := a.newEngine(o.engineOptions)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	defer e.close() // what it returns nobody can do anything about
	c, err := e.probe(path)
	if err != nil {
		return &exitError{exitUnread, err}
	}
	if o.json {
		enc := json.NewEncoder(a.stdout)
		enc.SetEscapeHTML(false)
		err = enc.Encode(&c)
	} else {
		c.Path = oneLine(c.Path)
		_, err = io.WriteString(a.stdout, c.String()+"\n")
	}
	if err != nil {
		return outputError(err)
	}
	return &exitError{status: exitFine}
}
