package workload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

// The sets of blocks that hot reads again and again, in bytes.
const (
	hotBytes      = 16 << 20  // fits into claimedLockBytes
	wideBytes     = 256 << 20 // does not
	leastHotBytes = 32 << 20  // of the file
	extentBytes   = 2 << 20   // what is loaded at once
)

// What is claimed of a read of a hot block and its release.
const (
	hotNanoseconds    = 45  // in one goroutine
	sharedNanoseconds = 60  // in each of two
	leastCopied       = 0.8 // of the windows of a set that does not fit
)

// hotCalls is how many hot reads there are for one pread: they take little.
const hotCalls = 20

// hot compares reads of a part of a file that is mapped, resident and locked
// with pread.
func hot(c *Config) ([]measure.Experiment, error) {
	size := max(c.FileBytes, leastHotBytes)
	name, err := c.Store.Random(size)
	if err != nil {
		return nil, err
	}
	rt, err := c.runtime(claimedLockBytes)
	if err != nil {
		return nil, err
	}
	h := newHotSet(name, rt, hotBytes)
	calls := hotCalls * c.Calls
	raw, rawCount := h.pread(c.Calls, false), h.pread(c.Calls, true)
	list := []measure.Experiment{{
		Name:  "hot/untouched",
		About: "get 4 KiB of a locked set of " + sizeName(hotBytes) + " and give them back, not touched; pread copies them",
		Unit:  "read", Metric: measure.Time, Pairs: c.Pairs, Itself: &raw,
		Contests: []measure.Contest{{A: h.guarded(1, calls, false), B: raw}, {A: h.guarded(2, calls, false), B: raw}},
		Limits:   h.limits(calls, c.Pairs),
	}, {
		Name:  "hot/touched",
		About: "count the newlines in 4 KiB of a locked set of " + sizeName(hotBytes),
		Unit:  "read", Metric: measure.Time, Pairs: c.Pairs, Itself: &rawCount,
		Contests: []measure.Contest{{A: h.guarded(1, calls, true), B: rawCount}, {A: h.guarded(2, calls, true), B: rawCount}},
	}}
	for i := range list {
		if list[i], err = inState(list[i], large, name); err != nil {
			return nil, err
		}
	}
	for _, state := range c.States {
		e, err := hotWide(c, name, size, state)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// hotWide reads a set that does not fit into the lock budget. Oriel has to copy
// it: to lock other parts of it again and again would be dear, in small folios
// above all.
func hotWide(c *Config, name string, size int64, state string) (e measure.Experiment, err error) {
	set := min(size, wideBytes) / extentBytes * extentBytes
	budget := min(set/8/extentBytes*extentBytes, claimedLockBytes)
	rt, err := c.runtime(budget)
	if err != nil {
		return e, err
	}
	h := newHotSet(name, rt, set)
	raw := h.pread(c.Calls, true)
	return inState(measure.Experiment{
		Name: "hot/wide/" + state,
		About: "count the newlines in 4 KiB of a set of " + sizeName(set) + " of which " + sizeName(budget) +
			" may be locked, cached in " + state + " folios",
		Unit: "read", Metric: measure.Time, Pairs: c.Pairs, Itself: &raw,
		Contests: []measure.Contest{{A: h.copied(c.Calls), B: raw}},
		Limits: []measure.Limit{{
			Name: "windows that pread filled", Unit: "of all", Bound: stats.AtLeast(leastCopied), Runs: 3, Every: true,
			Measure: func() (float64, error) { _, share, err := h.readCopied(1); return share, err },
		}},
	}, state, name)
}

// limits are what is claimed of hot reads alone.
func (h *hotSet) limits(calls, runs int) []measure.Limit {
	nanoseconds := func(goroutines int) func() (float64, error) {
		rounds := h.rounds(calls)
		return func() (float64, error) {
			r, err := h.readGuarded(goroutines, rounds, false)
			return float64(r.took.Nanoseconds()) / float64(rounds*h.blocks), err
		}
	}
	return []measure.Limit{
		{Name: "ReadManagedAt+Release", Unit: "ns", Bound: stats.AtMost(hotNanoseconds), Runs: runs, Measure: nanoseconds(1)},
		{Name: "the same in each of two goroutines", Unit: "ns", Bound: stats.AtMost(sharedNanoseconds), Runs: runs, Measure: nanoseconds(2)},
		{Name: "allocations of 1,000 reads", Bound: stats.AtMost(0), Runs: 3, Every: true, Measure: h.allocs},
	}
}

// allocs returns how often 1,000 hot reads allocate: the least of some runs,
// because the runtime allocates now and then.
func (h *hotSet) allocs() (float64, error) {
	least := math.Inf(1)
	for range 3 {
		r, err := h.readGuarded(1, 1, false)
		if err != nil {
			return 0, err
		}
		least = min(least, 1000*float64(r.allocs)/float64(h.blocks))
	}
	return least, nil
}

// A hotSet is every block of the beginning of a file, in random order.
type hotSet struct {
	name   string
	rt     *source.Runtime
	blocks int
	offs   []int64 // all of them twice: a goroutine begins anywhere in the first half
}

func newHotSet(name string, rt *source.Runtime, size int64) *hotSet {
	h := &hotSet{name: name, rt: rt, blocks: int(size / blockBytes)}
	order := rand.New(rand.NewPCG(11, 12)).Perm(h.blocks)
	for _, i := range append(order, order...) {
		h.offs = append(h.offs, int64(i)*blockBytes)
	}
	return h
}

// rounds is how often the set has to be read for so many calls, about.
func (h *hotSet) rounds(calls int) int { return max(calls/h.blocks, 1) }

// open opens the file through a mapping.
func (h *hotSet) open() (*source.File, error) {
	return source.Open(context.Background(), h.name, &source.Options{Runtime: h.rt, Source: source.Mmap, Pattern: source.Reuse})
}

// look reads every block once and asks what its window is.
func (h *hotSet) look(f *source.File, ask func(window.Window) error) error {
	for _, off := range h.offs[:h.blocks] {
		w, err := f.ReadManagedAt(context.Background(), off, blockBytes)
		if err != nil {
			return err
		}
		err = ask(w)
		w.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// guarded reads the set in some goroutines at a time, each about so many
// blocks; a read is one of one goroutine. Opening the file and looking at every
// block before and afterwards are in its time, a hundredth of it.
func (h *hotSet) guarded(goroutines, calls int, touch bool) measure.Way {
	rounds := h.rounds(calls)
	name := "oriel ReadManagedAt+Release"
	if goroutines > 1 {
		name += fmt.Sprintf(", %d goroutines", goroutines)
	}
	return measure.Way{
		Name: name, Amount: float64(rounds * h.blocks),
		Source: mapped, Bytes: int64(goroutines*rounds+2) * int64(h.blocks) * blockBytes,
		Run: func() (measure.Outcome, error) {
			r, err := h.readGuarded(goroutines, rounds, touch)
			return r.Outcome, err
		},
	}
}

// A hotRun is what became of reading a hot set, and what it took.
type hotRun struct {
	measure.Outcome
	took   time.Duration
	allocs uint64
}

// readGuarded reads the set after every block of it has been touched once, and
// returns an error unless all of it is guarded before and afterwards: what is
// locked and in use as it is here has no reason not to be in between.
func (h *hotSet) readGuarded(goroutines, rounds int, touch bool) (r hotRun, err error) {
	f, err := h.open()
	if err != nil {
		return r, err
	}
	defer f.Close()
	if err := h.look(f, isGuarded); err != nil {
		return r, err
	}
	read := getBlocks
	if touch {
		read = countBlocks
	}
	if r, err = h.measured(goroutines, func(offs []int64) (uint64, error) { return read(f, offs, rounds) }); err != nil {
		return r, err
	}
	if err := h.look(f, isGuarded); err != nil {
		return r, err
	}
	s := f.Stats()
	r.Source, r.Bytes, r.Waits = mapped, s.Bytes, s.Waits
	return r, nil
}

// measured runs read in some goroutines, which begin at different blocks. All
// return the same.
func (h *hotSet) measured(goroutines int, read func(offs []int64) (uint64, error)) (r hotRun, err error) {
	answers, failed := make([]uint64, goroutines), make([]error, goroutines)
	part := func(i int) {
		first := i * h.blocks / goroutines
		answers[i], failed[i] = read(h.offs[first : first+h.blocks])
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	if goroutines == 1 {
		part(0)
	} else {
		var wg sync.WaitGroup
		for i := range goroutines {
			wg.Go(func() { part(i) })
		}
		wg.Wait()
	}
	r.took = time.Since(began)
	runtime.ReadMemStats(&after)
	r.allocs, r.Answer = after.Mallocs-before.Mallocs, answers[0]
	for _, a := range answers {
		if a != r.Answer {
			err = fmt.Errorf("goroutines computed %d", answers)
		}
	}
	return r, errors.Join(append(failed, err)...)
}

// getBlocks gets every block and gives it back.
func getBlocks(f *source.File, offs []int64, rounds int) (uint64, error) {
	ctx := context.Background()
	for range rounds {
		for _, off := range offs {
			w, err := f.ReadManagedAt(ctx, off, blockBytes)
			if err != nil {
				return 0, err
			}
			w.Release()
		}
	}
	return 0, nil
}

// countBlocks counts the newlines of a round.
func countBlocks(f *source.File, offs []int64, rounds int) (uint64, error) {
	ctx := context.Background()
	n := 0
	for range rounds {
		for _, off := range offs {
			w, err := f.ReadManagedAt(ctx, off, blockBytes)
			if err != nil {
				return 0, err
			}
			n += bytes.Count(w.Bytes(), newline)
			w.Release()
		}
	}
	return perRound(n, rounds)
}

// perRound returns the count of one of several rounds over the same blocks.
func perRound(n, rounds int) (uint64, error) {
	if n%rounds != 0 {
		return 0, fmt.Errorf("%d rounds over the same blocks counted %d", rounds, n)
	}
	return uint64(n / rounds), nil
}

// copied reads a set that is too large to be locked.
func (h *hotSet) copied(calls int) measure.Way {
	rounds := h.rounds(calls)
	return measure.Way{
		Name: "oriel ReadManagedAt+Release", Amount: float64((rounds + 1) * h.blocks),
		Source: source.Pread.String(), Bytes: int64(rounds+1) * int64(h.blocks) * blockBytes,
		Run: func() (measure.Outcome, error) {
			o, share, err := h.readCopied(rounds)
			if err == nil && share < leastCopied {
				err = fmt.Errorf("pread filled only %.3g of the windows", share)
			}
			return o, err
		},
	}
}

// readCopied reads the set, and once more to ask which share of the windows
// pread fills, which takes some nanoseconds of each.
func (h *hotSet) readCopied(rounds int) (o measure.Outcome, share float64, err error) {
	f, err := h.open()
	if err != nil {
		return o, 0, err
	}
	defer f.Close()
	if o.Answer, err = countBlocks(f, h.offs[:h.blocks], rounds); err != nil {
		return o, 0, err
	}
	n, again := 0, uint64(0)
	err = h.look(f, func(w window.Window) error {
		if w.Info().Source == source.Pread.String() {
			n++
		}
		again += uint64(bytes.Count(w.Bytes(), newline))
		return nil
	})
	if err == nil && again != o.Answer {
		err = fmt.Errorf("computed %d, then %d", o.Answer, again)
	}
	s := f.Stats()
	o.Source, o.Bytes, o.Waits = source.Pread.String(), s.Bytes, s.Waits
	return o, float64(n) / float64(h.blocks), err
}

// pread reads the set by the system call, into one buffer.
func (h *hotSet) pread(calls int, touch bool) measure.Way {
	rounds := h.rounds(calls)
	buf := make([]byte, blockBytes)
	return measure.Way{
		Name: "pread", Amount: float64(rounds * h.blocks),
		Run: func() (o measure.Outcome, err error) {
			f, err := os.Open(h.name)
			if err != nil {
				return o, err
			}
			defer f.Close()
			o.Answer, err = preadBlocks(int(f.Fd()), buf, h.offs[:h.blocks], rounds, touch)
			return o, err
		},
	}
}

// preadBlocks is countBlocks, or getBlocks, by the system call.
func preadBlocks(fd int, buf []byte, offs []int64, rounds int, touch bool) (uint64, error) {
	count := 0
	for range rounds {
		for _, off := range offs {
			n, err := unix.Pread(fd, buf, off)
			for err == unix.EINTR {
				n, err = unix.Pread(fd, buf, off)
			}
			if err == nil && n < len(buf) {
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				return 0, err
			}
			if touch {
				count += bytes.Count(buf, newline)
			}
		}
	}
	return perRound(count, rounds)
}
