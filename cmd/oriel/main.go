package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// Writing to a pipe that nobody reads is an error then, not death by
	// signal: see outputError.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills as usual
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	os.Exit(status)
}

// run is the command: it returns the exit status, and ends soon after ctx.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	a.newEngine = a.newLibrary
	return a.run(ctx, args)
}

// An app is the command with what surrounds it.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	newEngine      func(engineOptions) (engine, error)
}

func (a *app) run(ctx context.Context, args []string) int {
	root := a.rootCommand()
	root.SetArgs(args)
	return finish(ctx, root.ExecuteContext(ctx), a.stderr)
}
