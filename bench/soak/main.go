package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Exit statuses.
const (
	exitFine   = 0 // all promises held
	exitBroken = 1 // one was broken, or could not be shown
	exitUsage  = 2 // wrong usage, not to be had here, or interrupted
)

// The first argument of copies of the program; the second is their plan.
const (
	stageMarker  = "oriel-soak-stage"
	attackMarker = "oriel-soak-attacker"
)

func main() {
	serve()
	ctx, end := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	end()
	os.Exit(status)
}

// serve returns in the program that somebody else started. In a copy that it
// started itself it does what the copy is for, and exits.
func serve() {
	if len(os.Args) != 3 {
		return
	}
	switch os.Args[1] {
	case stageMarker:
		os.Exit(stageMain(os.Args[2], os.Stdin, os.Stdout, os.Stderr))
	case attackMarker:
		os.Exit(attackMain(os.Args[2], os.Stdin, os.Stdout, os.Stderr))
	}
}

// run is the command: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitFine
	}
	if err == nil && !freezes {
		err = errors.New("this program was built with the tag orielnofreeze: it is the control, which the other one runs")
	}
	if err != nil {
		fmt.Fprintln(stderr, "soak:", err)
		return exitUsage
	}
	c := &campaign{options: o, stderr: stderr}
	status, err := c.run(ctx)
	if err == nil {
		c.record.page(stdout)
		err = errors.Join(
			writeFile(o.json, c.record.writeJSON),
			writeFile(o.markdown, func(w io.Writer) error { c.record.page(w); return nil }),
		)
		if err != nil {
			status = exitUsage
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, "soak:", err)
	}
	return status
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
