package workload

import (
	"fmt"
	"strconv"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/memgroup"
	"github.com/oriel-go/oriel/bench/readers"
	"github.com/oriel-go/oriel/bench/slowfs"
	"github.com/oriel-go/oriel/bench/stall"
	"github.com/oriel-go/oriel/source"
)

// peakLineBytes is the length of lines in the files of rss, on average.
const peakLineBytes = 80

// peak measures the memory of processes that read files of several sizes.
func peak(c *Config) ([]measure.Experiment, error) {
	e := measure.Experiment{
		Name:  "rss",
		About: "peak memory of a process that reads a whole file of lines through Oriel",
	}
	for _, size := range c.PeakBytes {
		name, err := c.Store.Lines(size, peakLineBytes)
		if err != nil {
			return nil, err
		}
		for _, how := range []string{"windows", "lines"} {
			e.Limits = append(e.Limits, peakOf(sizeName(size)+" by "+how, func() (r child.Result, o measure.Outcome, err error) {
				r, err = child.Do("read", how, name, strconv.FormatInt(size, 10))
				return r, o, err
			}))
		}
	}
	return []measure.Experiment{e}, nil
}

// Tasks are what a copy of the program does for workloads, for child.Serve.
func Tasks() map[string]child.Task {
	tasks := map[string]child.Task{"read": readTask, "leases": leasesTask, "write": writeTask}
	for _, more := range []map[string]child.Task{slowfs.Tasks(), stall.Tasks(), readers.Tasks(), memgroup.Tasks()} {
		for name, task := range more {
			tasks[name] = task
		}
	}
	return tasks
}

// readTask reads a file: how, its name, its size.
func readTask(args []string) (string, error) {
	if len(args) != 3 {
		return "", fmt.Errorf("read: %d arguments", len(args))
	}
	size, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return "", err
	}
	way, err := readWay(args[0], args[1], size)
	if err != nil {
		return "", err
	}
	o, err := way.Run()
	if err == nil && (o.Source != way.Source || o.Bytes != way.Bytes) {
		err = fmt.Errorf("read: %d bytes by %q", o.Bytes, o.Source)
	}
	return strconv.FormatUint(o.Answer, 10), err
}

// readWay returns the way of reading that is called how.
func readWay(how, name string, size int64) (measure.Way, error) {
	switch how {
	case "windows":
		return countWindows(name, size), nil
	case "lines":
		return cursorLines(name, size), nil
	case "mapping":
		return countMapping(name, size), nil
	case "guarded":
		rt, err := source.NewRuntime(source.Limits{LockBytes: claimedLockBytes})
		if err != nil {
			return measure.Way{}, err
		}
		return countGuarded(name, size, rt), nil
	}
	return measure.Way{}, fmt.Errorf("read: there is no way %q", how)
}
