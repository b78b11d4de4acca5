package main

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

const rootLong = `oriel reads files, trees, pipes and devices through managed windows: slices of
memory that are resident, do not change, and are bounded by a budget.

Exit status: 0 fine; 1 something could not be read (a line each on standard
error, the rest is read); 2 wrong usage, or a forced --source was refused;
130 interrupted. If the reader of standard output goes away, oriel stops
quietly with 0.

A SIZE is a number of bytes, or one with k, M, G or T or KiB, MiB, GiB or TiB:
powers of 1024.`

// rootCommand returns the command line's grammar.
func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "oriel COMMAND",
		Short:         "read anything in windows",
		Long:          rootLong,
		Version:       version(),
		SilenceErrors: true, // finish says them
		SilenceUsage:  true,
		RunE:          func(*cobra.Command, []string) error { return errors.New("no command") },

		DisableFlagsInUseLine: true,
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(a.scanCommand(), a.catCommand(), a.explainCommand(), a.probeCommand())
	root.SetHelpCommand(&cobra.Command{
		Use:   "help [COMMAND]",
		Short: "say what a command does",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return fmt.Errorf("no help for %q", args)
			}
			c.InitDefaultHelpFlag()
			c.InitDefaultVersionFlag()
			return c.Help()
		},
	})
	return root
}

// version returns the module's version, Go's and the platform.
func version() string {
	v := "(unknown)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	return fmt.Sprintf("%s %s %s/%s", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
