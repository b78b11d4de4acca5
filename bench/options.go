package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/oriel-go/oriel/bench/sizes"
	"github.com/oriel-go/oriel/bench/workload"
)

// options are the command line.
type options struct {
	config    workload.Config
	workloads []workload.Workload
	dir       string // "": a temporary one
	json      string
	markdown  string
	list      bool
	solo      int
	profile   string
	recorded  []string // the arguments, without where files are
}

// parse returns the options, checked.
func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	c := &o.config
	file, line, lock := sizeFlag(0), sizeFlag(256<<20), sizeFlag(0)
	peak := sizesFlag{64 << 20, 1 << 30, 4 << 30}
	grouped := sizeFlag(8 << 30)
	states := "large,small"

	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprintln(stderr, "usage: bench [flags] [workload…]")
		f.PrintDefaults()
	}
	f.Var(&file, "size", "`bytes` of the file of seq, map, at, hot, scan, cold, stall and regret (default 1GiB), and of the ring's workloads (default 4GiB)")
	f.Var(&line, "lines-size", "`bytes` of the files of lines")
	f.Var(&peak, "rss-sizes", "`bytes` of the files of rss, several by commas")
	f.IntVar(&c.Calls, "calls", 200_000, "reads in a sample of at; hot has more")
	f.IntVar(&c.Leases, "leases", 10_000, "files that lease opens")
	f.IntVar(&c.Breaks, "breaks", 200, "writers that come in a sample of lease")
	f.DurationVar(&c.Idle, "idle", 10*time.Second, "how long lease does nothing")
	f.IntVar(&c.RingReads, "ring-reads", 100_000, "reads in a sample of ringrandom")
	f.IntVar(&c.RingReaders, "ring-readers", 10_000, "goroutines of ringmany")
	f.DurationVar(&c.RingFor, "ring-for", 0, "how long a sample of ringreaders and of ringmany takes (default 1.5s and 4s)")
	f.Var(&lock, "lock-budget", "`bytes` that each Runtime of regret may lock (default: what RLIMIT_MEMLOCK allows)")
	f.IntVar(&c.OpenFiles, "open-files", 10_000, "small files that opens opens one after the other")
	f.Var(&grouped, "cgroup-size", "`bytes` of the file of cgroup")
	f.IntVar(&c.GroupPairs, "cgroup-pairs", 5, "pairs of cgroup, of which a run takes some seconds")
	f.IntVar(&c.Pairs, "pairs", 31, "interleaved pairs of each comparison")
	f.IntVar(&c.ColdPairs, "cold-pairs", 15, "the same, of cold files")
	f.StringVar(&states, "states", states, "states of the page cache")
	f.StringVar(&c.Oriel, "oriel", "", "the oriel command to measure (default: built from the module above)")
	f.StringVar(&c.Tree, "tree", filepath.Join(goroot(), "src"), "`folder` for scan to walk")
	f.StringVar(&o.dir, "dir", "", "`folder` on the file system to measure, where files are made and kept (default: a temporary one)")
	f.StringVar(&o.json, "json", "", "`file` for all samples")
	f.StringVar(&o.markdown, "markdown", "", "`file` for the tables")
	f.BoolVar(&o.list, "list", false, "list the workloads")
	f.IntVar(&o.solo, "solo", 0, "run nothing but Oriel's ways, so many times each")
	f.StringVar(&o.profile, "cpuprofile", "", "`file` for a CPU profile of -solo")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	c.FileBytes, c.RingBytes = cmp.Or(int64(file), 1<<30), cmp.Or(int64(file), 4<<30)
	c.LineBytes, c.PeakBytes, c.LockBudget = int64(line), peak, int64(lock)
	c.GroupBytes = int64(grouped)
	c.States = strings.Split(states, ",")
	o.recorded = recorded(f)
	var err error
	if o.workloads, err = workload.Find(f.Args()); err != nil {
		return nil, err
	}
	return o, o.check()
}

// check returns what is wrong with the options together.
func (o *options) check() error {
	c := &o.config
	switch {
	case c.Pairs < 1 || c.ColdPairs < 1 || c.Calls < 1:
		return errors.New("-pairs, -cold-pairs and -calls: want at least 1")
	case c.Leases < 1 || c.Breaks < 1 || c.Idle <= 0:
		return errors.New("-leases, -breaks and -idle: want more than 0")
	case c.RingReads < 1 || c.RingReaders < 1 || c.RingFor < 0:
		return errors.New("-ring-reads, -ring-readers and -ring-for: want more than 0")
	case c.OpenFiles < 1 || c.GroupPairs < 1:
		return errors.New("-open-files and -cgroup-pairs: want at least 1")
	case c.GroupBytes < 4<<20:
		return errors.New("-cgroup-size: want at least 4MiB")
	case c.FileBytes < 4<<20 || c.LineBytes < 4<<20:
		return errors.New("-size and -lines-size: want at least 4MiB")
	case o.profile != "" && o.solo == 0:
		return errors.New("-cpuprofile is for -solo")
	}
	return nil
}

// recorded returns the arguments as they are recorded: names of files and
// folders say nothing about a measurement.
func recorded(f *flag.FlagSet) []string {
	unsaid := []string{"dir", "json", "markdown", "oriel", "tree"}
	var list []string
	f.Visit(func(g *flag.Flag) {
		if !slices.Contains(unsaid, g.Name) {
			list = append(list, "-"+g.Name+"="+g.Value.String())
		}
	})
	return append(list, f.Args()...)
}

// prepareScan builds the command, if it is measured.
func (o *options) prepareScan(dir string) error {
	if o.config.Oriel != "" || !slices.ContainsFunc(o.workloads, func(w workload.Workload) bool { return w.Name == "scan" || w.Name == "cgroup" }) {
		return nil
	}
	o.config.Oriel = filepath.Join(dir, "oriel")
	build := exec.Command("go", "build", "-o", o.config.Oriel, "./cmd/oriel")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the oriel command in the folder above: %w\n%s", err, out)
	}
	return nil
}

// goroot returns where Go is installed.
func goroot() string {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return runtime.GOOS // there is no such folder: scan says so
	}
	return strings.TrimSpace(string(out))
}

// A sizeFlag is a number of bytes, such as 4GiB.
type sizeFlag = sizes.Size

// A sizesFlag is several sizes by commas.
type sizesFlag []int64

func (s *sizesFlag) Set(v string) error {
	*s = nil
	for one := range strings.SplitSeq(v, ",") {
		var n sizeFlag
		if err := n.Set(one); err != nil {
			return err
		}
		*s = append(*s, int64(n))
	}
	return nil
}

func (s *sizesFlag) String() string {
	var list []string
	for _, n := range *s {
		one := sizeFlag(n)
		list = append(list, one.String())
	}
	return strings.Join(list, ",")
}
