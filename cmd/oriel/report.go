package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// flushAfter is how long a line for a file may wait in the buffer while others
// follow it. Lines that come more slowly are written at once.
const flushAfter = 100 * time.Millisecond

// A printer prints the results of a scan.
type printer interface {
	file(r *result) error // called in order, for every file and every failure
	total(t *totals) error
}

// A report prints results as they come and keeps what they add up to.
type report struct {
	printer printer
	stdout  *bufio.Writer // what printer prints to
	stderr  io.Writer
	stop    context.CancelCauseFunc // ends the scan; an *exitError is how the command ends

	totals  totals
	status  int // the worst so far
	flushed time.Time
}

// result takes the next file.
func (p *report) result(r result) {
	if r.skipped {
		return
	}
	if r.err != nil {
		p.failed(&r)
	}
	p.totals.add(&r)
	err := p.printer.file(&r)
	if p.stdout.Buffered() > 0 && err == nil {
		if now := time.Now(); now.Sub(p.flushed) > flushAfter {
			err, p.flushed = p.stdout.Flush(), now
		}
	}
	if err != nil {
		p.stop(outputError(err))
	}
}

// failed says that a file could not be read.
func (p *report) failed(r *result) {
	switch {
	case errors.Is(r.err, context.Canceled): // finish says it for all files
		return
	case unusable(r.err):
		p.stop(&exitError{exitUsage, r.err})
		return
	case refused(r.err):
		p.status = exitUsage
	default:
		p.status = max(p.status, exitUnread)
	}
	fmt.Fprintf(p.stderr, "oriel: %s\n", oneLine(r.err.Error()))
}

// end prints the totals, those so far if the scan was interrupted, and returns
// how the command ends. cause is what ended the scan early, nil if nothing did.
func (p *report) end(cause error) error {
	exit, ended := cause.(*exitError)
	if !ended {
		err := p.printer.total(&p.totals)
		if err == nil {
			err = p.stdout.Flush()
		}
		switch {
		case err != nil:
			exit = outputError(err)
		case cause != nil:
			return cause
		default:
			exit = &exitError{}
		}
	}
	exit.status = max(exit.status, p.status)
	return exit
}
