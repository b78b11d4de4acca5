package windowtest

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/oriel-go/oriel/window"
)

// A Source is what [Run] tests. At least one of Reader and ReaderAt is set.
type Source struct {
	// Reader returns a new sequential reader over content, at its beginning.
	// Closing it is the maker's business, by t.Cleanup; a reader that has a
	// method Close() error is closed by some checks too. content belongs to
	// the maker, who may keep it but not change it.
	Reader func(t testing.TB, content []byte) window.Reader

	// ReaderAt returns a new random-access reader over content; likewise.
	ReaderAt func(t testing.TB, content []byte) window.ReaderAt

	// HeldBytes, when not nil, returns how much memory is held in windows
	// now. After every check, and what the maker's cleanups do, it must be
	// back within 5 s where it was before: anything else is a leak.
	HeldBytes func() int64

	// MaxBytes is the length of the longest content, and so of the largest
	// window asked for; 0 stands for 4 MiB and 5 bytes.
	MaxBytes int

	// MaxHeld is the number of windows held at once by one check, at least 2;
	// 0 stands for 8. A source with a small budget sets it lower.
	MaxHeld int
}

// Run tests that s keeps the contract of package window. Each check is a
// subtest, named after what it looks at.
func Run(t *testing.T, s Source) {
	t.Helper()
	if s.Reader == nil && s.ReaderAt == nil {
		t.Fatal("windowtest: a Source without Reader and ReaderAt")
	}
	run(t, checks(s), s.HeldBytes)
}

// A check is one look at a source, by a testing.TB, so that the suite's own
// tests can watch it fail.
type check struct {
	group, name string
	run         func(t testing.TB)
}

// run makes subtests of the checks, grouped.
func run(t *testing.T, list []check, held func() int64) {
	t.Helper()
	for len(list) > 0 {
		group := list[0].group
		n := slices.IndexFunc(list, func(c check) bool { return c.group != group })
		if n < 0 {
			n = len(list)
		}
		t.Run(group, func(t *testing.T) {
			for _, c := range list[:n] {
				t.Run(c.name, func(t *testing.T) { c.watched(t, held) })
			}
		})
		list = list[n:]
	}
}

// leakPatience is how long memory may take to come back after a check.
var leakPatience = 5 * time.Second

// watched runs the check and looks for leaks behind it. The look is the first
// cleanup to be registered, so the last to run: behind those of the makers.
func (c check) watched(t testing.TB, held func() int64) {
	if held != nil {
		before := held()
		t.Cleanup(func() {
			now := held()
			for end := time.Now().Add(leakPatience); now != before && time.Now().Before(end); now = held() {
				time.Sleep(time.Millisecond)
			}
			if now != before {
				broke(t, "every window is released once, by whoever has it",
					"%d bytes are held in windows after the check, %d were before", now, before)
			}
		})
	}
	c.run(t)
}

// checks lists every check that applies to s.
func checks(s Source) []check {
	if s.MaxBytes == 0 {
		s.MaxBytes = 4<<20 + 5
	}
	if s.MaxHeld == 0 {
		s.MaxHeld = 8
	}
	s.MaxHeld = max(s.MaxHeld, 2)
	var list []check
	if s.Reader != nil {
		list = append(list, readerChecks(s)...)
		list = append(list, ownerChecks("Reader window", s, s.firstWindow)...)
	}
	if s.ReaderAt != nil {
		list = append(list, readerAtChecks(s)...)
		list = append(list, ownerChecks("ReaderAt window", s, s.middleWindow)...)
	}
	return list
}

// sizes returns the content lengths to try: around every granularity that a
// source is likely to have, as far as MaxBytes goes, which comes last.
func (s *Source) sizes() []int {
	all := []int{
		0, 1, 2, 511, 512, 513, 4095, 4096, 4097, 64<<10 - 1, 64 << 10, 64<<10 + 1,
		256<<10 - 1, 256 << 10, 256<<10 + 1, 1<<20 + 3,
	}
	n, _ := slices.BinarySearch(all, s.MaxBytes)
	return append(all[:n:n], s.MaxBytes)
}

// size returns n, or MaxBytes if that is less.
func (s *Source) size(n int) int { return min(n, s.MaxBytes) }

func sized(name string, n int) string { return name + "=" + strconv.Itoa(n) }
