package workload

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oriel-go/oriel/bench/data"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/source"
)

// A Config says how large the workloads are.
type Config struct {
	Store     data.Store
	FileBytes int64         // of the file of seq, map, at, hot, scan and cold
	LineBytes int64         // of the files of lines
	Calls     int           // of at and hot, in a sample
	Leases    int           // files of lease
	Breaks    int           // of lease, in a sample
	Idle      time.Duration // for which lease does nothing
	PeakBytes []int64       // sizes of the files of rss
	Pairs     int           // of everything whose file is cached
	ColdPairs int           // of what reads a cold one
	States    []string      // of the page cache: "large", "small"
	Oriel     string        // the command; "" when scan is not run
	Tree      string        // the folder that scan walks
	StallFor  time.Duration // how long a run of stall takes; 0 is 1.5 s

	RingBytes   int64         // of the file of ringseq, ringrandom, ringreaders, ringmany and ringhit
	RingReads   int           // of ringrandom, in a sample
	RingFor     time.Duration // how long a run of ringreaders and of ringmany takes; 0 is 1.5 s and 4 s
	RingReaders int           // goroutines of ringmany

	OpenFiles  int   // of opens
	GroupBytes int64 // of the file of cgroup
	GroupPairs int   // of cgroup

	LockBudget int64 // bytes that regret's Runtimes may lock; 0 is the default

	ending []func() error // what Close has to do
}

// Close takes away what the workloads have made, apart from files.
func (c *Config) Close() error {
	var errs []error
	for _, end := range slices.Backward(c.ending) {
		errs = append(errs, end())
	}
	c.ending = nil
	return errors.Join(errs...)
}

// A Workload is a named set of experiments.
type Workload struct {
	Name  string
	About string
	// Experiments makes the files it needs, and what reads them.
	Experiments func(c *Config) ([]measure.Experiment, error)
}

// All returns every workload, in the order in which they are run.
func All() []Workload {
	return []Workload{
		{"seq", "count the newlines of a cached file, one goroutine", sequential},
		{"map", "count the newlines of a cached file through a mapping", mappings},
		{"lines", "read the lines of a cached file", lines},
		{"at", "read 4 KiB at random offsets of a cached file", at},
		{"hot", "read 4 KiB of a part of a file that is mapped and locked", hot},
		{"lease", "hold many leases, and keep writers waiting", leases},
		{"pool", "get and free memory", memory},
		{"scan", "count the newlines of a file and of a tree, as a process", scan},
		{"rss", "peak memory of a process that reads a file", peak},
		{"cold", "count the newlines of a file that is not cached", cold},
		{"stall", "read a cold file from a slow device beside a timer and the collector", stalls},
		{"ringseq", "read a cold file from front to back through the ring", ringSequential},
		{"ringrandom", "read 4 KiB of a cold file at random, many in flight in one goroutine", ringRandom},
		{"ringreaders", "read 4 KiB of a cold file at random in 1 to 64 goroutines", ringReaders},
		{"ringmany", "the same in thousands of goroutines", ringMany},
		{"ringhit", "read 4 KiB of a cached file that may be read through the ring", ringHits},
		{"opens", "open cached files, read of them and close them", opens},
		{"cgroup", "count the newlines of a cold file in groups that have little memory", groups},
		{"chosen", "count the newlines of a file by what Oriel chooses, against raw loops", chosen},
		{"regret", "let Oriel choose the source, against the best of those that are forced", regret},
	}
}

// Find returns the workloads of the given names, all for none. A name such as
// ringreaders/idle/direct is the experiments whose names begin so.
func Find(names []string) ([]Workload, error) {
	if len(names) == 0 {
		return All(), nil
	}
	var found []Workload
	for _, name := range names {
		whole, _, part := strings.Cut(name, "/")
		i := slices.IndexFunc(All(), func(w Workload) bool { return w.Name == whole })
		if i < 0 {
			return nil, fmt.Errorf("there is no workload %q", whole)
		}
		w := All()[i]
		if part {
			w = w.only(name)
		}
		found = append(found, w)
	}
	return found, nil
}

// only returns the workload with the experiment of a name and those below it.
func (w Workload) only(name string) Workload {
	all := w.Experiments
	w.Experiments = func(c *Config) ([]measure.Experiment, error) {
		list, err := all(c)
		if err != nil {
			return nil, err
		}
		list = slices.DeleteFunc(list, func(e measure.Experiment) bool { return !strings.HasPrefix(e.Name+"/", name+"/") })
		if len(list) == 0 {
			return nil, fmt.Errorf("there is no experiment %q", name)
		}
		return list, nil
	}
	return w
}

// inState returns e with its file in a state of the page cache.
func inState(e measure.Experiment, state, name string) (measure.Experiment, error) {
	e.File = name
	switch state {
	case large:
		e.Setup = func() error { return pagecache.CacheLarge(name) }
		e.Keep = func() error { return pagecache.KeepLarge(name) }
	case "small":
		e.Setup = func() error { return pagecache.CacheSmall(name) }
		e.Keep = func() error { return pagecache.KeepSmall(name) }
	default:
		return e, fmt.Errorf("there is no state %q of the page cache", state)
	}
	return e, nil
}

// large is the state that a file is in when it was read from front to back.
const large = "large"

// served is the source that has to serve what byPread opens.
var served = source.Pread.String()

var byPread = &source.Options{Source: source.Pread}
