package workload

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/stats"
)

// peakLimitMiB is what a process that reads files may have at its peak.
const peakLimitMiB = 64

// scan compares the command with wc as whole processes.
func scan(c *Config) ([]measure.Experiment, error) {
	name, err := c.Store.Random(c.FileBytes)
	if err != nil {
		return nil, err
	}
	command := c.orielScan("oriel scan --jobs 1", float64(c.FileBytes), "--jobs", "1", name)
	command.Bytes = c.FileBytes
	wc := measure.Way{Name: "wc -l", Amount: float64(c.FileBytes), Process: wcLines("wc", "-l", name)}
	file, err := inState(measure.Experiment{
		Name:  "scan/file",
		About: "count the newlines of " + sizeName(c.FileBytes) + " of random bytes, cached in large folios, as a process",
		Unit:  "byte", Metric: measure.Time, Pairs: c.Pairs, Itself: &wc,
		Contests: []measure.Contest{{A: command, B: wc, Bound: stats.AtMost(0.8)}},
		Limits:   []measure.Limit{peakOf("peak memory of oriel scan", command.Process)},
	}, large, name)
	if err != nil {
		return nil, err
	}
	through, err := scanMapped(c, name, wc)
	if err != nil || c.Tree == "" {
		return []measure.Experiment{file, through}, err
	}
	tree, err := scanTree(c)
	return []measure.Experiment{file, through, tree}, err
}

// scanMapped compares the command, told to map, with wc. An ordinary user has
// to be allowed to lock as much.
func scanMapped(c *Config, name string, wc measure.Way) (measure.Experiment, error) {
	command := func(lockBytes int64) measure.Way {
		budget := strconv.FormatInt(lockBytes, 10)
		w := c.orielScan("oriel scan --jobs 1 --source mmap, "+sizeName(lockBytes)+" locked", float64(c.FileBytes),
			"--jobs", "1", "--source", mapped, "--lock-budget", budget, name)
		w.Source, w.Bytes = mapped, c.FileBytes
		return w
	}
	subject := command(claimedLockBytes)
	return inState(measure.Experiment{
		Name:  "scan/map",
		About: "count the newlines of " + sizeName(c.FileBytes) + " of random bytes, cached in large folios, as a process that maps them",
		Unit:  "byte", Metric: measure.Time, Pairs: c.Pairs, Itself: &wc,
		Contests: []measure.Contest{{A: subject, B: wc}, {A: command(defaultLockBytes), B: wc}},
		Limits:   []measure.Limit{peakOf("peak memory of oriel scan --source mmap", subject.Process)},
	}, large, name)
}

// scanTree walks a tree of small files.
func scanTree(c *Config) (measure.Experiment, error) {
	command := c.orielScan("oriel scan", 1, c.Tree)
	// The first run says how much there is, and caches it.
	_, first, err := command.Process()
	if err != nil {
		return measure.Experiment{}, err
	}
	command.Bytes, command.Amount = first.Bytes, float64(first.Bytes)
	find := measure.Way{Name: "find | xargs wc -l", Amount: float64(first.Bytes),
		Process: wcLines("sh", "-c", `find "$1" -type f -print0 | xargs -0 wc -l`, "sh", c.Tree)}
	return measure.Experiment{
		Name:  "scan/tree",
		About: "count the newlines of the files of Go's own source, cached, as a process",
		Unit:  "byte", Metric: measure.Time, Pairs: c.Pairs, Itself: &find,
		Contests: []measure.Contest{{A: command, B: find}},
		Limits:   []measure.Limit{peakOf("peak memory of oriel scan", command.Process)},
	}, nil
}

// orielScan returns the way of the command with the given arguments.
func (c *Config) orielScan(name string, amount float64, args ...string) measure.Way {
	args = append([]string{"scan", "--json"}, args...)
	return measure.Way{Name: name, Amount: amount, Source: measure.Chosen, Process: func() (r child.Result, o measure.Outcome, err error) {
		if r, err = child.Run(c.Oriel, args...); err != nil {
			return r, o, err
		}
		o, err = scanned(r.Stdout)
		return r, o, err
	}}
}

// A scanSaid is what the command prints, as far as it is looked at.
type scanSaid struct {
	Bytes   int64
	Lines   uint64
	Sources map[string]struct{ Bytes int64 }
	Errors  []struct{ Path, Error string }
}

// readScan reads what the command printed. What it could not read is an error.
func readScan(stdout string) (said scanSaid, err error) {
	if err = json.Unmarshal([]byte(stdout), &said); err == nil && len(said.Errors) > 0 {
		err = fmt.Errorf("%s: %s", said.Errors[0].Path, said.Errors[0].Error)
	}
	return said, err
}

// scanned returns what the command says that it did.
func scanned(stdout string) (o measure.Outcome, err error) {
	said, err := readScan(stdout)
	if err != nil {
		return o, err
	}
	o.Answer = said.Lines
	var by []string // several for a tree, and for a file whose plan was corrected
	for name, s := range said.Sources {
		if s.Bytes == 0 {
			continue // files that are empty, whatever served them
		}
		by = append(by, name)
		o.Bytes += s.Bytes
	}
	slices.Sort(by)
	o.Source = strings.Join(by, " and ")
	return o, nil
}

// wcLines returns what runs a command that prints as wc -l does.
func wcLines(command string, args ...string) func() (child.Result, measure.Outcome, error) {
	return func() (r child.Result, o measure.Outcome, err error) {
		if r, err = child.Run(command, args...); err != nil {
			return r, o, err
		}
		o.Answer, err = sumOfWC(r.Stdout)
		return r, o, err
	}
}

// sumOfWC adds up the counts of files, and leaves out the totals that wc adds
// when it was given several.
func sumOfWC(stdout string) (sum uint64, err error) {
	for line := range strings.Lines(stdout) {
		count, name, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			return 0, fmt.Errorf("wc printed %q", line)
		}
		n, err := strconv.ParseUint(count, 10, 64)
		if err != nil {
			return 0, err
		}
		if name != "total" {
			sum += n
		}
	}
	return sum, nil
}

// peakOf claims that a process stays small.
func peakOf(name string, process func() (child.Result, measure.Outcome, error)) measure.Limit {
	return measure.Limit{
		Name: name, Unit: "MiB", Bound: stats.AtMost(peakLimitMiB), Runs: 5, Every: true,
		Measure: func() (float64, error) {
			r, _, err := process()
			return float64(r.PeakRSSBytes) / (1 << 20), err
		},
	}
}
