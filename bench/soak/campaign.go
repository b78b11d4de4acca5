package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/oriel-go/oriel/bench/machine"
	"github.com/oriel-go/oriel/bench/volume"
)

// A campaign is one run of the command: stages on several file systems, one
// after the other.
type campaign struct {
	*options
	stderr  io.Writer
	record  *record
	temp    string // a folder
	self    string // this program
	without string // this program without freezing; "" if there is no control
}

// A place is where a stage is to be.
type place struct {
	name string
	make func(context.Context) (dir string, close func() error, err error)
}

// run soaks all places and returns the exit status. An error means that there
// is no record.
func (c *campaign) run(ctx context.Context) (int, error) {
	c.record = &record{Schema: 1, Began: time.Now(), Command: c.recorded, Seed: c.plan.Seed, Machine: machine.Look("", "..")}
	temp, err := os.MkdirTemp("", "oriel-soak-")
	if err != nil {
		return exitUsage, err
	}
	defer os.RemoveAll(temp)
	c.temp = temp
	if c.self, err = os.Executable(); err != nil {
		return exitUsage, err
	}
	if c.controlled() {
		fmt.Fprintln(c.stderr, "building the control")
		if c.without, err = buildControl(ctx, temp); err != nil {
			return exitUsage, err
		}
	}
	places := c.places()
	for i, p := range places {
		if err := c.soak(ctx, p, len(places)-i); err != nil {
			return cmp.Or(c.record.status(), exitUsage), err
		}
	}
	if c.short && c.record.soaked() == 0 {
		folders := c.folders()
		for i, p := range folders {
			if err := c.soak(ctx, p, len(folders)-i); err != nil {
				return exitUsage, err
			}
		}
	}
	if c.record.NoOrdinary != "" {
		fmt.Fprintln(c.stderr, "an ordinary user: left out:", c.record.NoOrdinary)
	}
	c.record.Seconds = time.Since(c.record.Began).Seconds()
	c.enough()
	p99, _ := c.bounds()
	c.record.judgeFew(p99)
	status := c.record.status()
	if status == exitFine && (c.record.soaked() == 0 || !c.short && c.record.soaked() < len(c.record.Places)) {
		status = exitUsage
	}
	for _, p := range c.record.Problems {
		fmt.Fprintln(c.stderr, "BROKEN:", p)
	}
	return status, nil
}

// places returns what was asked for.
func (c *campaign) places() []place {
	var list []place
	for _, kind := range c.kinds {
		list = append(list, place{kind, func(ctx context.Context) (string, func() error, error) {
			var sum int64
			for _, n := range c.plan.FileBytes {
				sum += n
			}
			// Deleted files live on while readers have them open.
			v, err := volume.Make(ctx, volume.Options{Kind: kind, SizeBytes: 4*sum + 512<<20})
			if err != nil {
				return "", nil, err
			}
			return v.Dir, v.Close, nil
		}})
	}
	if c.dir != "" {
		list = append(list, folder(c.dir, "-dir"))
	}
	return list
}

// folders returns folders of this machine for the short form, where none of the
// file systems could be made.
func (c *campaign) folders() []place {
	var list []place
	for _, dir := range []string{os.TempDir(), "/dev/shm"} {
		kind := machine.Look(dir, "..").FileSystem
		// Nothing is mapped on others.
		if slices.Contains([]string{"ext4", "xfs", "btrfs", "tmpfs"}, kind) && !slices.ContainsFunc(list, func(p place) bool { return strings.HasPrefix(p.name, kind) }) {
			list = append(list, folder(dir, "there"))
		}
	}
	return list
}

// folder returns a place within a folder that exists.
func folder(dir, why string) place {
	return place{fmt.Sprintf("%s (%s)", machine.Look(dir, "..").FileSystem, why), func(context.Context) (string, func() error, error) {
		d, err := os.MkdirTemp(dir, "oriel-soak-")
		if err != nil {
			return "", nil, errors.Join(volume.ErrUnavailable, err)
		}
		return d, func() error { return os.RemoveAll(d) }, nil
	}}
}

// soak soaks one place, of which there are left with this one.
func (c *campaign) soak(ctx context.Context, p place, left int) (err error) {
	r := &placeRecord{FileSystem: p.name}
	dir, unmake, err := p.make(ctx)
	if ctx.Err() != nil {
		return errInterrupted
	}
	if errors.Is(err, volume.ErrUnavailable) {
		r.Unavailable = err.Error()
		c.record.Places = append(c.record.Places, r)
		fmt.Fprintf(c.stderr, "%s: left out: %v\n", p.name, err)
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unmake()) }()
	c.record.Places = append(c.record.Places, r)
	return c.stages(ctx, r, dir, int64(left))
}

// stages runs the stages of one place.
func (c *campaign) stages(ctx context.Context, r *placeRecord, dir string, left int64) (err error) {
	if c.baseline > 0 && !c.only {
		p := c.planFor(dir, r.FileSystem+", without leases", c.baseline, c.baseline)
		p.Source = "pread"
		r.Baseline, err = start(ctx, c.self, p, c.stderr)
		if err == errInterrupted {
			return err
		}
		c.record.judge(p, r.Baseline, err)
	}
	if !c.only {
		p := c.planFor(dir, r.FileSystem, c.seconds, c.limit)
		sum, g := c.record.total()
		p.Breaks = (c.breaks - g.Breaks + left - 1) / left
		p.Checks = (c.checks - sum[guardedChecks] + left - 1) / left
		if r.Account, err = c.stage(ctx, c.self, p); err != nil {
			return err
		}
		if r.Ordinary, err = c.asOrdinary(ctx, dir, r.FileSystem); err != nil {
			return err
		}
	}
	if c.without == "" {
		return nil
	}
	p := c.planFor(dir, r.FileSystem+", control", 0, c.control)
	p.UntilBroken = true
	a, err := start(ctx, c.without, p, io.Discard)
	if err == errInterrupted {
		return err
	}
	r.Control = judgeControl(a, err)
	if r.Control.Problem != "" {
		c.record.Problems = append(c.record.Problems, fmt.Sprintf("%s: %s", p.Name, r.Control.Problem))
	}
	if a != nil {
		fmt.Fprintf(c.stderr, "%s: %.0f s, %s\n", p.Name, a.Seconds, progress(a.Counts, a.Guard))
	}
	return nil
}

// stage runs a stage, judges it and says what came of it. An error means that
// it was interrupted.
func (c *campaign) stage(ctx context.Context, program string, p *plan) (*account, error) {
	a, err := start(ctx, program, p, c.stderr)
	if err == errInterrupted {
		return nil, err
	}
	c.record.judge(p, a, err)
	if a != nil {
		fmt.Fprintf(c.stderr, "%s: %.0f s, %s\n", p.Name, a.Seconds, progress(a.Counts, a.Guard))
	}
	return a, nil
}

// planFor returns the plan of a stage, which takes between least and limit.
func (c *campaign) planFor(dir, name string, least, limit time.Duration) *plan {
	p := c.plan
	p.Dir, p.Name, p.Least, p.Limit = dir, name, least, limit
	p.WaitP99, p.WaitWorst = c.bounds()
	return &p
}

// bounds returns what calls that met a lease may take.
func (c *campaign) bounds() (p99, worst time.Duration) {
	if c.short { // on a machine that others use
		return shortP99, shortWorst
	}
	return boundP99, boundWorst
}

// enough finds fault with too few broken leases or checks.
func (c *campaign) enough() {
	if c.only || c.record.soaked() == 0 {
		return
	}
	sum, g := c.record.total()
	if g.Breaks < c.breaks || sum[guardedChecks] < c.checks {
		c.record.Problems = append(c.record.Problems,
			fmt.Sprintf("only %d leases broke and %d hashes of guarded windows were compared: that shows too little", g.Breaks, sum[guardedChecks]))
	}
}
