package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/oriel-go/oriel/window"
)

// The exit statuses.
const (
	exitFine        = 0
	exitUnread      = 1   // something could not be read, or the output not written
	exitUsage       = 2   // the command line is wrong, or a forced source was refused
	exitInterrupted = 130 // SIGINT or SIGTERM, as a shell has it
)

// An exitError is how a command ends, exitFine included. err is what is still
// to be said; nil if everything has been.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// refused reports whether err says that a forced source cannot serve.
func refused(err error) bool { return errors.Is(err, window.ErrRefused) }

// unusable reports whether err says that a flag's value is out of its range,
// so that every other file would fail in the same way.
func unusable(err error) bool {
	return errors.Is(err, window.ErrOption) || errors.Is(err, window.ErrNoMemory)
}

// outputError returns how a command ends whose standard output failed, never
// nil: quietly if its reader has gone away, which is the reader's right.
func outputError(err error) *exitError {
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		return &exitError{status: exitFine}
	}
	return &exitError{exitUnread, fmt.Errorf("standard output: %w", err)}
}

// finish says what err has left to say and returns the exit status.
func finish(ctx context.Context, err error, stderr io.Writer) int {
	var exit *exitError
	switch {
	case err == nil:
		return exitFine
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "oriel: interrupted")
		return exitInterrupted
	case !errors.As(err, &exit): // of the flag parser
		fmt.Fprintf(stderr, "oriel: %s\nSee 'oriel help'.\n", err)
		return exitUsage
	case exit.err != nil:
		fmt.Fprintf(stderr, "oriel: %s\n", oneLine(exit.err.Error()))
	}
	return exit.status
}
