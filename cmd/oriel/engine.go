package main

import (
	"context"
	"time"

	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

// An engine opens what the command line names. It is what the command knows of
// the library, so that tests can put another in its place.
type engine interface {
	// open opens a file, pipe or device, or standard input for "-".
	open(ctx context.Context, path string) (input, error)

	// probe says what the machine, and the file system of a path, offer.
	probe(path string) (source.Capabilities, error)

	// close gives the memory back, when every input is closed.
	close() error
}

// An input is one open file, read by one goroutine.
type input interface {
	window.Reader

	// seek makes off the offset of the next window. An input that cannot do
	// that returns an error and goes on as before.
	seek(off int64) error

	// source names what serves, such as "pread".
	source() string

	// explain says how it is read, or is going to be, and why.
	explain() source.Explanation

	// waited returns how long reads have waited.
	waited() time.Duration

	close() error
}

// closeInput closes in and makes its error *err if there is none yet.
func closeInput(in input, err *error) {
	if closing := in.close(); *err == nil {
		*err = closing
	}
}
