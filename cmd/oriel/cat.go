package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

const catLong = `cat writes every FILE to standard output, straight from the windows it is read in.
"-" is standard input, and so is no FILE at all.

With --range only LEN bytes from offset OFF of each FILE are written: fewer, or
none, where it ends before that. Without LEN it is all from OFF.`

const catExample = `  oriel cat --range 1MiB:64KiB disk.img | xxd | less
  oriel cat --range 4k: /proc/kallsyms`

// catFlags are the flags of cat.
type catFlags struct {
	engineOptions
	part rangeValue
}

func (a *app) catCommand() *cobra.Command {
	var o catFlags
	c := &cobra.Command{
		Use:     "cat [FILE...]",
		Short:   "write files to standard output",
		Long:    catLong,
		Example: catExample,
		RunE: func(c *cobra.Command, paths []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if len(paths) == 0 {
				paths = []string{"-"}
			}
			return a.cat(c.Context(), &o, paths)
		},
	}
	c.Flags().SortFlags = false
	c.Flags().Var(&o.part, "range", "write only a part: an offset and a length, both SIZEs")
	o.engineOptions.addTo(c)
	return c
}

// cat is the command after its flags were checked.
func (a *app) cat(ctx context.Context, o *catFlags, paths []string) error {
	e, err := a.newEngine(o.engineOptions)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	defer e.close() // its error names windows that a cancelled read still fills
	status := exitFine
	for _, path := range paths {
		err := a.catFile(ctx, e, path, o.part)
		var exit *exitError
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			return err
		case errors.As(err, &exit):
			exit.status = max(exit.status, status)
			return exit
		case unusable(err):
			return &exitError{exitUsage, err}
		case refused(err):
			status = exitUsage
		default:
			status = max(status, exitUnread)
		}
		fmt.Fprintf(a.stderr, "oriel: %s\n", oneLine(err.Error()))
	}
	return &exitError{status: status}
}

// catFile writes a part of one file. An *exitError is standard output's, any
// other error the file's.
func (a *app) catFile(ctx context.Context, e engine, path string, part rangeValue) (err error) {
	in, err := e.open(ctx, path)
	if err != nil {
		return err
	}
	defer closeInput(in, &err)
	if part.off > 0 {
		_ = in.seek(part.off) // what cannot seek is read up to there
	}
	for at, end := int64(0), part.end(); max(at, part.off) < end; {
		w, err := in.ReadManaged(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		at = w.Off() + int64(w.Len())
		lo, hi := max(part.off, w.Off()), min(end, at)
		if lo < hi {
			_, err = a.stdout.Write(w.Bytes()[lo-w.Off() : hi-w.Off()])
		}
		w.Release()
		if err != nil {
			return outputError(err)
		}
	}
	return nil
}
