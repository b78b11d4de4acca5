package main

import (
	"context"
	"math/rand/v2"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/source"
)

// meanLimits is how long the Runtime's limits stay as they are, on average.
const meanLimits = 250 * time.Millisecond

// relimit changes the limits of locked and of pinned memory until ctx ends, and
// sets them back. Half of the time they are what they were; otherwise they are
// less, so that extents are given up for others, or windows cannot be lent.
func (s *stage) relimit(ctx context.Context) {
	rng := rand.New(rand.NewPCG(s.plan.Seed, 1<<63))
	usual := s.rt.Limits()
	set := func(lock, pinned int64) {
		if err := s.rt.SetLimits(source.Limits{LockBytes: lock, PinnedBytes: pinned}); err != nil {
			s.found.add("limits: %v", err)
		}
		s.total.add(relimited, 1)
	}
	defer set(usual.LockBytes, usual.PinnedBytes)
	for ctx.Err() == nil {
		lock, pinned := usual.LockBytes, usual.PinnedBytes
		if rng.IntN(2) == 0 {
			lock = min(lock, 2<<20<<rng.IntN(4))
		}
		if rng.IntN(2) == 0 {
			pinned = min(pinned, 2<<20<<rng.IntN(5))
		}
		set(lock, pinned)
		pause(ctx, time.Duration(rng.ExpFloat64()*float64(meanLimits)))
	}
}

// limitLocked sets RLIMIT_MEMLOCK of this process, or leaves it if it is less.
func limitLocked(bytes uint64) error {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &r); err != nil {
		return err
	}
	r.Cur = min(r.Cur, bytes)
	r.Max = r.Cur
	return unix.Setrlimit(unix.RLIMIT_MEMLOCK, &r)
}
