package workload

import (
	"fmt"
	"strconv"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/measure"
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
func Tasks() map[string]child.Task { return map[string]child.Task{"read": readTask} }

// readTask reads a file: how, its name, its size.
func readTask(args []string) (string, error) {
	if len(args) != 3 {
		return "", fmt.Errorf("read: %d arguments", len(args))
	}
	size, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return "", err
	}
	way := countWindows(args[1], size)
	if args[0] == "lines" {
		way = cursorLines(args[1], size)
	}
	o, err := way.Run()
	if err == nil && (o.Source != way.Source || o.Bytes != size) {
		err = fmt.Errorf("read: %d bytes by %q", o.Bytes, o.Source)
	}
	return strconv.FormatUint(o.Answer, 10), err
}
