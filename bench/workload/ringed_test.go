package workload

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/bench/pagecache"
)

// TestMarksAreTheSame: whatever the bytes come in, the same words are looked at.
func TestMarksAreTheSame(t *testing.T) {
	p := make([]byte, 8*markBytes+100)
	for i := 0; i+8 <= len(p); i += 8 {
		binary.LittleEndian.PutUint64(p[i:], uint64(i)*0x9e3779b97f4a7c15)
	}
	sum := func(n int) (sum uint64) {
		for off := 0; off < len(p); off += n {
			sum = mixMarks(sum, p[off:min(off+n, len(p))], int64(off))
		}
		return sum
	}
	want := sum(len(p))
	for _, n := range []int{4 << 10, markBytes / 2, markBytes, 3 * markBytes, 12 << 10} {
		if got := sum(n); got != want {
			t.Errorf("%d bytes at a time: %#x, want %#x", n, got, want)
		}
	}
	p[5*markBytes] ^= 1
	if sum(markBytes) == want {
		t.Error("a wrong word makes no difference")
	}
}

// TestCachedIsNotCold: a file that is cached is not taken for one that was read
// from the device, and one that was read through the page cache not for one that
// was read past it.
func TestCachedIsNotCold(t *testing.T) {
	c := small(t)
	name, size, err := c.ringFile()
	if err != nil {
		t.Fatal(err)
	}
	if size%alignedBytes != 0 || size == 0 {
		t.Errorf("a file of %d bytes", size)
	}
	pread := markPread(name, size, 256<<10)
	if err := coldStart(name, 1<<20)(); err != nil {
		t.Fatal(err)
	}
	if _, err := pread.Run(); err != nil {
		t.Errorf("cold: %v", err)
	}
	if err := stillCold(name); err == nil {
		t.Error("a file that was read is still cold")
	}
	if err := pagecache.KeepLarge(name); err != nil {
		t.Fatal(err)
	}
	if _, err := pread.Run(); err == nil || !strings.Contains(err.Error(), "came from the device") {
		t.Errorf("cached: %v", err)
	}
}

// TestHitsAllocateNothing: a read of a cached block over the ring.
func TestHitsAllocateNothing(t *testing.T) {
	c := small(t)
	c.States = []string{large}
	list, err := ringHits(c)
	if err != nil {
		t.Fatal(err)
	}
	e := &list[0]
	if err := unavailable(e); err != nil {
		t.Skip(err)
	}
	if err := e.Setup(); err != nil {
		t.Fatal(err)
	}
	allocs, err := e.Limits[0].Measure()
	for again := 1; again < tries && err != nil; again++ { // the machine may have dropped a page
		t.Log(err)
		allocs, err = e.Limits[0].Measure()
	}
	if err != nil {
		t.Fatal(err)
	}
	if allocs > 0 && !raceEnabled {
		t.Errorf("%v allocations in %d reads", allocs, hitReads)
	}
}

// TestClaimsOfReaders: every claim is on an experiment there is.
func TestClaimsOfReaders(t *testing.T) {
	c := small(t)
	list, err := ringReaders(c)
	if err != nil {
		t.Fatal(err)
	}
	speed, cpu, even := 0, 0, 0
	for _, e := range list {
		if e.Contests[0].Bound != nil {
			speed++
		}
		if e.Contests[0].CPU != nil {
			cpu++
		}
		for _, l := range e.Limits {
			if l.Bound != nil && strings.HasSuffix(l.Name, figureEven) {
				even++
			}
		}
	}
	if want := 2 * len(leastOfPreads); speed != want {
		t.Errorf("%d claims of speed, want %d", speed, want)
	}
	if cpu != 2*len(mostPreadsCPU) || even != 2*len(leastEven) {
		t.Errorf("%d claims of CPU time, %d of how even it is", cpu, even)
	}
}
