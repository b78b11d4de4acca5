package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oriel-go/oriel/bench/volume"
)

// options are the command line.
type options struct {
	plan      plan // of every stage; what differs between them is empty
	kinds     []string
	dir       string
	seconds   time.Duration // of a stage, at least
	breaks    int64         // of all stages together
	checks    int64
	limit     time.Duration // of a stage
	baseline  time.Duration
	ordinary  time.Duration
	short     bool
	only      bool // the control only
	nocontrol bool
	control   time.Duration // limit of a control
	json      string
	markdown  string
	recorded  []string // the arguments, without where files are
}

// shortForm is what -short changes, where it is not set.
var shortForm = map[string]string{
	"d": "5s", "breaks": "1000", "checks": "100000", "limit": "60s",
	"baseline": "0s", "ordinary": "3s", "files": "4", "largest": "8MiB",
}

// parse returns the options, checked.
func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	p := &o.plan
	smallest, largest := bytesFlag(1<<20), bytesFlag(64<<20)
	lock, pinned := bytesFlag(64<<20), bytesFlag(0)
	kinds, files := "", 0

	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&kinds, "fs", "ext4,xfs,btrfs,tmpfs", "`kinds` of file systems to make and soak; empty is none")
	f.StringVar(&o.dir, "dir", "", "`folder` of a file system that exists, to be soaked as well")
	f.DurationVar(&o.seconds, "d", 30*time.Second, "how long on each file system, at least; 0s if -breaks or -checks is set")
	f.Int64Var(&o.breaks, "breaks", 0, "go on until so many leases broke, on all file systems together")
	f.Int64Var(&o.checks, "checks", 0, "go on until so many hashes of guarded windows were compared, likewise")
	f.DurationVar(&o.limit, "limit", time.Hour, "how long on each file system, at most")
	f.IntVar(&p.Readers, "g", 4, "goroutines that read")
	f.IntVar(&p.Attackers, "attackers", 2, "processes that attack")
	f.IntVar(&p.Insiders, "insiders", 1, "goroutines of the readers' process that attack")
	f.DurationVar(&p.Pace, "pace", 2*time.Millisecond, "mean pause between two attacks of one attacker")
	f.IntVar(&files, "files", 6, "files on each file system")
	f.Var(&smallest, "smallest", "`bytes` of the smallest of them, at least 1MiB")
	f.Var(&largest, "largest", "`bytes` of the largest")
	f.Var(&lock, "lock", "`bytes` of mapped memory that may be locked; 0 is the library's default")
	f.Var(&pinned, "pinned", "`bytes` of one file in windows at a time; 0 is the library's default")
	f.DurationVar(&p.Hold, "hold", 20*time.Millisecond, "the longest that a window is held, but for one in 50: up to 5s")
	f.DurationVar(&o.baseline, "baseline", 5*time.Second, "how long to measure the attackers' calls while the readers copy; 0s is not")
	f.DurationVar(&o.ordinary, "ordinary", 5*time.Second, "how long as an ordinary user, on the first of them; 0s is not")
	f.BoolVar(&o.short, "short", false, "the short form, for continuous integration: what can be had here of the file systems")
	f.BoolVar(&o.only, "control", false, "the control only")
	f.BoolVar(&o.nocontrol, "nocontrol", false, "no control")
	f.DurationVar(&o.control, "control-limit", 60*time.Second, "how long the control may look for what it has to find")
	f.StringVar(&p.Source, "source", "mmap", "how files are read: mmap; pread and auto are for finding faults of this program")
	f.Uint64Var(&p.Seed, "seed", 0, "`number` that the order of things begins with; 0 is a random one")
	f.StringVar(&o.json, "json", "", "`file` for the record with all histograms")
	f.StringVar(&o.markdown, "markdown", "", "`file` for the tables")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	set := visited(f)
	if o.short {
		for name, value := range shortForm {
			if !slices.Contains(set, name) {
				f.Set(name, value)
			}
		}
	}
	if (slices.Contains(set, "breaks") || slices.Contains(set, "checks")) && !slices.Contains(set, "d") {
		o.seconds = 0
	}
	o.recorded = recorded(f, set)
	if p.Seed == 0 {
		p.Seed = rand.Uint64()
	}
	o.kinds = slices.DeleteFunc(strings.Split(kinds, ","), func(s string) bool { return s == "" })
	p.LockBytes, p.PinnedBytes = int64(lock), int64(pinned)
	if f.NArg() > 0 {
		return nil, fmt.Errorf("there are no arguments beside flags: %q", f.Args())
	}
	if files < 1 || files > 200 || smallest < 1<<20 || largest < smallest || largest > 1<<32 {
		return nil, errors.New("-files, -smallest and -largest: want 1 to 200 files of 1MiB to 4GiB")
	}
	p.FileBytes = fileSizes(files, int64(smallest), int64(largest))
	return o, o.check()
}

// check returns what is wrong with the options together.
func (o *options) check() error {
	p := &o.plan
	if o.short && p.Source != "mmap" {
		o.breaks = 0
	}
	for _, k := range o.kinds {
		if !slices.Contains(volume.Kinds(), k) {
			return fmt.Errorf("-fs: there is no kind %q", k)
		}
	}
	if _, err := sourceKind(p.Source); err != nil {
		return fmt.Errorf("-source: %w", err)
	}
	switch {
	case len(o.kinds) == 0 && o.dir == "":
		return errors.New("-fs is empty and there is no -dir: nothing to soak")
	case p.Readers < 1 || p.Attackers < 0 || p.Insiders < 0 || p.Attackers+p.Insiders > 1<<writerBits-1:
		return errors.New("-g, -attackers and -insiders: want at least one reader and fewer than 63 attackers")
	case p.Hold <= 0 || p.Pace <= 0 || o.limit <= 0 || o.control <= 0:
		return errors.New("-hold, -pace, -limit and -control-limit: want more than 0s")
	case p.Source != "mmap" && (o.breaks > 0 || o.only):
		return errors.New("-source: only what is mapped has leases to break, and a control")
	case o.only && o.nocontrol:
		return errors.New("-control and -nocontrol contradict each other")
	}
	return nil
}

// controlled reports whether there is a control.
func (o *options) controlled() bool { return !o.nocontrol && o.plan.Source == "mmap" }

func visited(f *flag.FlagSet) (names []string) {
	f.Visit(func(g *flag.Flag) { names = append(names, g.Name) })
	return names
}

// recorded returns the flags that were given as they are recorded: names of
// files and folders say nothing about a run.
func recorded(f *flag.FlagSet, set []string) []string {
	var list []string
	for _, name := range set {
		switch name {
		case "dir", "json", "markdown":
		default:
			list = append(list, "-"+name+"="+f.Lookup(name).Value.String())
		}
	}
	return list
}

// A bytesFlag is a number of bytes, such as 64MiB.
type bytesFlag int64

var units = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

func (s *bytesFlag) Set(v string) error {
	times := int64(1)
	for _, u := range units {
		if number, ok := strings.CutSuffix(v, u.name); ok {
			v, times = number, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 || n > 1<<62/times {
		return errors.New("want a number of bytes, KiB, MiB or GiB")
	}
	*s = bytesFlag(n * times)
	return nil
}

func (s *bytesFlag) String() string {
	for _, u := range units {
		if n := int64(*s); n >= u.bytes && n%u.bytes == 0 {
			return fmt.Sprintf("%d%s", n/u.bytes, u.name)
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}
