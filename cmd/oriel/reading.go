package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// noRingVariable is the environment variable that switches io_uring off. The
// command reads it; the library reads none.
const noRingVariable = "ORIEL_NO_URING"

// readingHelp ends the long help of every command that reads.
const readingHelp = `

What is in the page cache --source uring copies from there, and counts as read
by pread. It refuses pipes, and every file where there is no io_uring. --direct
always reads past the page cache, which then is neither used nor filled; with
auto that happens where nothing of a window is cached. To set
` + noRingVariable + ` in the environment, to anything, is to say --no-uring.`

// engineOptions are the flags that say how to read.
type engineOptions struct {
	source      sourceValue
	direct      directValue
	noRing      bool
	windowBytes sizeValue // 0: the library's default
	budgetBytes sizeValue // likewise
	lockBytes   sizeValue // likewise
}

// addTo adds the flags to a command.
func (o *engineOptions) addTo(c *cobra.Command) {
	o.source, o.direct = sourceAuto, directAuto
	f := c.Flags()
	f.Var(&o.source, "source", "how bytes arrive; pread and uring refuse pipes, mmap what cannot be kept still")
	f.Var(&o.direct, "direct", "whether uring reads past the page cache (O_DIRECT)")
	f.BoolVar(&o.noRing, "no-uring", false, "do not use io_uring")
	f.Var(&o.windowBytes, "window", "size of a window, a multiple of 4KiB up to 4MiB (default 256KiB for files, 2MiB past the page cache, 4MiB for mapped ones, 64KiB for pipes)")
	f.Var(&o.budgetBytes, "budget", "memory for windows (default an eighth of what there is, at most 256MiB)")
	f.Var(&o.lockBytes, "lock-budget", "mapped memory to lock, for mmap (default RLIMIT_MEMLOCK, at most a sixteenth of what there is and 256MiB)")
	c.Long += readingHelp
}

// check returns what is wrong with the flags, and looks into the environment.
func (o *engineOptions) check() error {
	off := "--no-uring"
	if !o.noRing && os.Getenv(noRingVariable) != "" {
		o.noRing, off = true, noRingVariable+" in the environment"
	}
	switch {
	case o.direct == directAlways && o.source != sourceUring:
		return errors.New("--direct always is for --source uring: no other source reads past the page cache")
	case o.source == sourceUring && o.noRing:
		return fmt.Errorf("--source uring: io_uring is switched off by %s", off)
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
