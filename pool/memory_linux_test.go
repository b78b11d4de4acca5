package pool

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// residentBytes returns how much of p is in memory.
func residentBytes(t *testing.T, p []byte) int {
	t.Helper()
	pages := make([]byte, (len(p)+pageBytes-1)/pageBytes)
	if err := mincore(p, pages); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, v := range pages {
		n += int(v&1) * pageBytes
	}
	return n
}

// isMapped reports whether an address lies in a mapping of the process.
func isMapped(t *testing.T, addr uintptr) bool {
	t.Helper()
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Skip("no /proc: ", err)
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var lo, hi uintptr
		if n, _ := fmt.Sscanf(strings.Fields(sc.Text())[0], "%x-%x", &lo, &hi); n == 2 && lo <= addr && addr < hi {
			return true
		}
	}
	return false
}

func skipHeap(t *testing.T) {
	if raceEnabled {
		t.Skip("with the race detector slabs lie in the Go heap")
	}
}

func TestReclaimedMemoryIsGivenBackToTheSystem(t *testing.T) {
	skipHeap(t)
	for _, size := range []int{4 * kib, 64 * kib, 1 << 20} {
		p := plainPool(t, &Options{HighBytes: 64 << 20})
		stay := get(t, p, size)
		out := []*Buffer{}
		for range slotsPerSlab(classOf(size)) - 1 {
			out = append(out, get(t, p, size))
		}
		sl := stay.slab
		touch(stay.Bytes())
		touch(out[0].Bytes())
		if got, want := residentBytes(t, sl.region.mem), 2*size; got != want {
			t.Errorf("%d bytes: two slots were touched, %d bytes are resident", size, got)
		}
		for _, b := range out {
			touch(b.Bytes())
			b.Free()
		}
		if got := residentBytes(t, sl.region.mem); got != len(sl.region.mem) {
			t.Errorf("%d bytes: of %d touched %d are resident", size, len(sl.region.mem), got)
		}
		p.Trim()
		if got := residentBytes(t, sl.region.mem); got != size {
			t.Errorf("%d bytes: %d are resident after Trim", size, got)
		}
		if stay.Bytes()[size-1] != 1 {
			t.Error("a held buffer lost its contents")
		}
		stay.Free()
	}
}

func TestHugePagesOnlyWhereTheySuit(t *testing.T) {
	skipHeap(t)
	p := newPool(t, &Options{BudgetBytes: 64 << 20})
	small := get(t, p, 64*kib)
	defer small.Free()
	clear(small.Bytes())
	if got := residentBytes(t, small.slab.region.mem); got != 64*kib {
		t.Errorf("one slot of 64 KiB made %d bytes resident", got)
	}
	mode, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if err != nil || strings.Contains(string(mode), "[never]") {
		t.Skip("the kernel gives no huge pages")
	}
	for _, n := range []int{2 << 20, 4 << 20, 6<<20 + 1} {
		b := get(t, p, n)
		b.Bytes()[0] = 1
		if got := residentBytes(t, b.Bytes()[:hugeBytes]); got != hugeBytes {
			t.Logf("%d bytes: one touched byte made %d resident: no huge page was free", n, got)
		}
		b.Free()
	}
}

func TestMappingsAreGoneAfterClose(t *testing.T) {
	skipHeap(t)
	p := plainPool(t, &Options{BudgetBytes: 256 << 20})
	var addrs []uintptr
	var out []*Buffer
	for c := range numClasses {
		b := get(t, p, classBytes(c))
		out = append(out, b)
		addrs = append(addrs, address(b.Bytes()))
	}
	out = append(out, get(t, p, 5<<20))
	large := address(out[len(out)-1].Bytes())
	if !isMapped(t, large) || !isMapped(t, addrs[0]) {
		t.Fatal("a held buffer is not mapped")
	}
	for _, b := range out {
		b.Free()
	}
	if isMapped(t, large) {
		t.Error("a mapping of its own outlives Free")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for c, addr := range addrs {
		if isMapped(t, addr) {
			t.Errorf("the slab of %d bytes is still mapped", classBytes(c))
		}
	}
}

func TestLockedMemoryIsGivenBackToo(t *testing.T) {
	skipHeap(t)
	p := plainPool(t, nil)
	stay, b := get(t, p, 64*kib), get(t, p, 64*kib)
	defer stay.Free()
	if err := unix.Mlock(b.Bytes()); err != nil {
		t.Skip("mlock: ", err)
	}
	mem := b.mem
	touch(mem)
	b.Free()
	p.Trim()
	if got := residentBytes(t, mem); got != 0 {
		t.Skipf("%d bytes are resident: MADV_DONTNEED_LOCKED needs Linux 5.18", got)
	}
}

func touch(p []byte) {
	for i := range p {
		p[i] = 1
	}
}
