package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/oriel-go/oriel/source"
)

// noRingVariable is the environment variable that switches io_uring off. The
// command reads it; the library reads none.
const noRingVariable = "ORIEL_NO_URING"

// readingHelp ends the long help of every command that reads.
const readingHelp = `

By default a plan chooses how each file is read, by what is known of it, and
what that turns out to cost corrects the plan; 'oriel explain' prints it.
--source forces one way instead, which is for finding faults: mmap refuses
what cannot be kept still, uring every file where there is no io_uring, and all
of them pipes. What is in the page cache --source uring copies from there, and
counts as read by pread. --direct always reads past the page cache, which then
is neither used nor filled; it takes io_uring, and what cannot be read so is
refused, pipes too. To set ` + noRingVariable + ` in the environment, to anything, is
to say --no-uring.`

// engineOptions are the flags that say how to read.
type engineOptions struct {
	source      sourceValue
	direct      directValue
	pattern     patternValue // "" is once; only explain has a flag for it
	noRing      bool
	ringOff     string    // what has set noRing, "" for nothing; check fills it in
	windowBytes sizeValue // 0: the library's default
	budgetBytes sizeValue // likewise
	lockBytes   sizeValue // likewise
}

// addTo adds the flags to a command that reads.
func (o *engineOptions) addTo(c *cobra.Command) {
	o.source, o.direct = sourceAuto, directAuto
	f := c.Flags()
	f.Var(&o.source, "source", "how bytes arrive; pread and uring refuse pipes, mmap what cannot be kept still")
	f.Var(&o.direct, "direct", "whether files are read past the page cache (O_DIRECT), by io_uring")
	f.Var(&o.windowBytes, "window", "size of a window, a multiple of 4KiB up to 4MiB (default 256KiB for files, 2MiB past the page cache, 4MiB for mapped ones, 64KiB for pipes)")
	o.addLimitsTo(c)
	c.Long += readingHelp
}

// addLimitsTo adds the flags that bound what the command uses.
func (o *engineOptions) addLimitsTo(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&o.noRing, "no-uring", false, "do not use io_uring")
	f.Var(&o.budgetBytes, "budget", "memory for windows (default an eighth of what there is, at most 256MiB)")
	f.Var(&o.lockBytes, "lock-budget", "mapped memory to lock, for mmap (default RLIMIT_MEMLOCK, at most a sixteenth of what there is and 256MiB)")
}

// check returns what is wrong with the flags, and looks into the environment.
func (o *engineOptions) check() error {
	switch {
	case o.noRing:
		o.ringOff = "--no-uring"
	case os.Getenv(noRingVariable) != "":
		o.noRing, o.ringOff = true, noRingVariable+" in the environment"
	}
	switch {
	case o.direct == directAlways && (o.source == sourcePread || o.source == sourceMmap):
		return fmt.Errorf("--direct always and --source %s: only io_uring reads past the page cache", o.source)
	case o.direct == directAlways && o.noRing:
		return fmt.Errorf("--direct always: only io_uring reads past the page cache, and it is switched off by %s", o.ringOff)
	case o.source == sourceUring && o.noRing:
		return fmt.Errorf("--source uring: io_uring is switched off by %s", o.ringOff)
	}
	return nil
}

// sourceValue is the value of --source.
type sourceValue string

const (
	sourceAuto  sourceValue = "auto"
	sourcePread sourceValue = "pread"
	sourceMmap  sourceValue = "mmap"
	sourceUring sourceValue = "uring"
)

func (v *sourceValue) Set(s string) error {
	switch sourceValue(s) {
	case sourceAuto, sourcePread, sourceMmap, sourceUring:
		*v = sourceValue(s)
		return nil
	}
	return errors.New("want auto, pread, mmap or uring")
}

func (v *sourceValue) String() string { return string(*v) }

func (v *sourceValue) Type() string { return "auto|pread|mmap|uring" }

// directValue is the value of --direct.
type directValue string

const (
	directAuto   directValue = "auto"
	directAlways directValue = "always"
	directNever  directValue = "never"
)

func (v *directValue) Set(s string) error {
	switch directValue(s) {
	case directAuto, directAlways, directNever:
		*v = directValue(s)
		return nil
	}
	return errors.New("want auto, always or never")
}

func (v *directValue) String() string { return string(*v) }

func (v *directValue) Type() string { return "auto|always|never" }

// patternValue is the value of --pattern.
type patternValue string

// patterns are its values. The first is that of commands without the flag.
var patterns = []source.Pattern{source.Once, source.Detect, source.Sequential, source.Random, source.Reuse}

func (v *patternValue) Set(s string) error {
	for _, p := range patterns {
		if p.String() == s {
			*v = patternValue(s)
			return nil
		}
	}
	return errors.New("want detect, sequential, random, once or reuse")
}

func (v *patternValue) String() string { return string(*v) }

func (v *patternValue) Type() string { return "detect|sequential|random|once|reuse" }

// pattern returns what v stands for.
func (v patternValue) pattern() source.Pattern {
	for _, p := range patterns {
		if p.String() == string(v) {
			return p
		}
	}
	return patterns[0]
}
