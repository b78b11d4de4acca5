package mmapsrc

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestWorthDependsOnUseAndBudget(t *testing.T) {
	x := guarded(t, pretended(), 8, 2, 8)
	last := int64(7)
	ask := func(u Use, n, times int) (yes int) {
		last-- // each time another extent, of which nothing is known
		for range times {
			if x.f.Worth(last<<extentShift, n, u) {
				yes++
			}
		}
		return yes
	}
	const times = 3 * missesBeforeLoad
	if n := ask(Reuse, 1, times); n != 4 {
		t.Errorf("%d of %d reads again and again were worth a try, want the first and one of %d", n, times, missesBeforeLoad)
	}
	if n := ask(Seldom, 1, times); n != 3 {
		t.Errorf("%d of %d seldom reads were worth a try, want one of %d", n, times, missesBeforeLoad)
	}
	if n := ask(Seldom, ExtentBytes, 5); n != 1 {
		t.Errorf("%d of 5 large reads were worth a try, want the first", n)
	}
	defer x.get(t, 0, 2<<extentShift, Reuse)() // all of the budget
	if n := ask(Once, 1, 5); n != 1 {
		t.Errorf("%d of 5 reads from front to back were worth another's memory, want the first", n)
	}
	if n := ask(Reuse, 1, times); n != 3 {
		t.Errorf("%d of %d reads were worth another's memory, want one of %d", n, times, missesBeforeLoad)
	}
}

// An extent that was closed for another is opened again by the next read, and
// needs no system call.
func TestLockedExtentIsOpenedAtOnce(t *testing.T) {
	k := pretended()
	calls := 0
	k.populate = func([]byte) error { calls++; return nil }
	k.cached = func(*os.File, int64, int64) (bool, bool) { calls++; return true, true }
	x := guarded(t, k, 4, 4, 1)
	x.get(t, 0, 10, Reuse)()
	x.get(t, ExtentBytes, 10, Reuse)()
	calls = 0
	for i := range int64(20) {
		off := i % 2 << extentShift
		if _, ok := x.f.Lend(nil, off, 10, Seldom, false); ok {
			t.Fatal("two extents are open in one slot")
		}
		if yes, known := x.f.Cached(off, 10); !yes || !known || !x.f.Worth(off, 10, Seldom) {
			t.Fatal("a locked extent is not worth opening")
		}
		x.get(t, off, 10, Seldom)()
	}
	if calls != 0 {
		t.Errorf("the system was called %d times", calls)
	}
}

// A reader from front to back has a run loaded at a time, and when it has passed
// it, it is unlocked with the last slice, not before, and at once.
func TestOnceLoadsARunAndGivesItUpBehind(t *testing.T) {
	k := pretended()
	var populated, dropped, drops int
	k.populate = func(p []byte) error { populated += len(p); return nil }
	k.drop = func(p []byte) { dropped += len(p); drops++ }
	x := guarded(t, k, 7, 8, 8)
	first := x.get(t, 0, ExtentBytes/2, Once)
	if populated != 4<<extentShift {
		t.Errorf("the first window populated %d bytes, want a run of 4 extents", populated)
	}
	second, ok := x.f.Lend(nil, ExtentBytes/2, ExtentBytes/2, Once, false)
	if !ok {
		t.Fatal("the second half of a loaded extent is not lent")
	}
	first()
	if dropped != 0 {
		t.Error("an extent was given up while a slice was out")
	}
	held := x.get(t, ExtentBytes, ExtentBytes, Once)
	x.get(t, 2*ExtentBytes, 2*ExtentBytes, Once)()
	held()
	if dropped != 0 {
		t.Errorf("%d bytes were given up while a slice of the run was out", dropped)
	}
	second.Release()
	if dropped != 4*ExtentBytes || drops != 1 {
		t.Errorf("%d bytes were given up behind the reader, in %d calls, want 4 extents in one", dropped, drops)
	}
	for off := int64(4 * ExtentBytes); off < 7<<extentShift; off += ExtentBytes {
		x.get(t, off, ExtentBytes, Once)()
	}
	if populated != 7<<extentShift || dropped != populated || x.account.Used() != 0 {
		t.Errorf("%d bytes were populated, %d given up, %d are locked", populated, dropped, x.account.Used())
	}
}

// A reader from front to back that goes elsewhere leaves nothing behind that the
// budget would be spent on, apart from what somebody has a slice of.
func TestWhoLeavesGivesUpWhatWasLoadedAhead(t *testing.T) {
	x := guarded(t, pretended(), 16, 4, 8)
	want := func(extents int64, when string) {
		t.Helper()
		if n := x.account.Used() >> extentShift; n != extents {
			t.Errorf("%d extents are locked %s, want %d", n, when, extents)
		}
	}
	const half = ExtentBytes / 2
	free := x.get(t, 0, half, Once)
	x.get(t, 2<<extentShift, half, Once)()
	want(4, "when the budget is spent")
	x.f.Leave(2<<extentShift+half, 0)
	want(2, "when the second run is left")
	x.f.Leave(half, half)
	want(1, "when the first is left, of which a slice is out")
	free()
	want(0, "when that is given back")

	x.get(t, 4<<extentShift, half, Once)()
	x.get(t, 6<<extentShift, half, Once)()
	x.f.Leave(4<<extentShift, 6<<extentShift+1)
	want(0, "when two runs are left")

	x.get(t, 5<<extentShift, half, Reuse)()
	for _, off := range []int64{5 << extentShift, -1, 16 << extentShift, 1 << 60} {
		x.f.Leave(off, off+ExtentBytes)
	}
	want(1, "when somebody else's is left")
}

// Whoever leaves takes nothing from others that they have slices of.
func TestLeavingBesideOthers(t *testing.T) {
	x := guarded(t, pretended(), 8, 4, 4)
	var all sync.WaitGroup
	for g := range int64(4) {
		all.Go(func() {
			for i := range int64(500) {
				off := (g + i) % 8 << extentShift
				w, ok := x.f.Lend(nil, off, 10, Once, false)
				if !ok {
					var err error
					if w, err = x.f.Load(nil, off, 10, Once); err != nil {
						continue // the budget is spent, or as many are pinned as may be
					}
				}
				x.f.Leave(off, off+int64(g)<<extentShift)
				if w.Bytes()[9] != 0 || !w.Info().Locked {
					t.Errorf("a slice that is out: %v", w.Info())
				}
				w.Release()
			}
		})
	}
	all.Wait()
}

// What the device would have to be waited for is not loaded ahead, but asked for.
func TestOnceDoesNotWaitForWhatIsAhead(t *testing.T) {
	k := pretended()
	populated, asked := 0, int64(0)
	k.populate = func(p []byte) error { populated += len(p); return nil }
	k.cached = func(*os.File, int64, int64) (bool, bool) { return false, true }
	k.need = func(_ *os.File, off, n int64) { asked = off<<32 | n }
	x := guarded(t, k, 7, 8, 8)
	x.get(t, 0, 10, Once)()
	if populated != ExtentBytes || asked != ExtentBytes<<32|3<<extentShift {
		t.Errorf("%d bytes were populated, want an extent; asked for %d at %d", populated, asked&(1<<32-1), asked>>32)
	}
}

// What is read again and again is not given up because somebody read past it.
func TestOnceLeavesWhatOthersUse(t *testing.T) {
	x := guarded(t, pretended(), 4, 8, 8)
	x.get(t, ExtentBytes, 10, Reuse)()
	for off := int64(0); off < 4<<extentShift; off += ExtentBytes {
		x.get(t, off, ExtentBytes, Once)()
	}
	if x.account.Used() != ExtentBytes {
		t.Errorf("%d bytes are locked, want the extent that is used", x.account.Used())
	}
}

// When the budget is spent, what is used much less makes room for what is used
// more; what is used as much does not, and what is lent never does.
func TestBudgetGoesToWhatIsUsed(t *testing.T) {
	x := guarded(t, pretended(), 8, 2, 8)
	var clock time.Duration
	x.now = func() time.Duration { return clock }
	x.get(t, 0, 10, Reuse)()
	held := x.get(t, ExtentBytes, 10, Reuse)
	// ask wants an extent as often as it takes until it is worth trying, and
	// reads extent 0 so many times for each.
	ask := func(other int) error {
		for !x.f.Worth(2<<extentShift, 10, Reuse) {
			clock += time.Microsecond
			for range other {
				b, ok := x.f.Lend(nil, 0, 10, Reuse, false)
				if !ok {
					t.Fatal("an extent in use was given up")
				}
				b.Release()
			}
		}
		b, err := x.f.Load(nil, 2<<extentShift, 10, Reuse)
		if err == nil {
			b.Release()
		}
		return err
	}
	for range 10 {
		if err := ask(1); !errors.Is(err, errBudget) {
			t.Fatalf("a third extent was loaded into a budget of two that are used: %v", err)
		}
	}
	for tries := 0; ask(0) != nil; tries++ {
		if tries == 3 {
			t.Fatal("an extent that nobody uses makes no room")
		}
	}
	if _, ok := x.f.Lend(nil, 0, 10, Reuse, false); ok {
		t.Error("three extents are loaded in a budget of two")
	}
	held()
}

// At most so many extents are lent at a time. One that nobody has a slice of
// makes room without being unlocked.
func TestPinsAreBounded(t *testing.T) {
	x := guarded(t, pretended(), 8, 8, 2)
	a := x.get(t, 0, 10, Reuse)
	b := x.get(t, ExtentBytes, 10, Reuse)
	if _, err := x.f.Load(nil, 2<<extentShift, 10, Reuse); !errors.Is(err, errPinned) {
		t.Fatalf("a third extent was lent where two may be: %v", err)
	}
	a()
	c := x.get(t, 2<<extentShift, 10, Reuse)
	if _, ok := x.f.Lend(nil, 0, 10, Reuse, false); ok {
		t.Error("a third extent was lent where two may be")
	}
	if x.account.Used() != 3<<extentShift {
		t.Errorf("%d bytes are locked, want 3 extents", x.account.Used())
	}
	if _, err := x.f.Load(nil, 3<<extentShift, 3<<extentShift, Reuse); !errors.Is(err, errPinned) {
		t.Errorf("a window of three extents where two may be lent: %v", err)
	}
	b()
	c()
}

// An extent that cannot be populated is tried once, and its neighbours of the
// same run are had.
func TestExtentThatCannotBePopulatedIsCopied(t *testing.T) {
	k := pretended()
	tries := 0
	x := fixture{}
	k.populate = func(p []byte) error {
		for off := 0; off < len(p); off += ExtentBytes {
			if &p[off] == &x.f.cur.Load().data[ExtentBytes] {
				tries++
				return fmt.Errorf("%w: bad address", errBad)
			}
		}
		return nil
	}
	x = guarded(t, k, 4, 8, 8)
	x.get(t, 0, ExtentBytes, Once)()
	for range 3 {
		if _, err := x.f.Load(nil, ExtentBytes, 10, Once); !errors.Is(err, errBad) {
			t.Errorf("the extent was lent: %v", err)
		}
	}
	x.get(t, 2<<extentShift, 2<<extentShift, Once)()
	if tries != 3 { // in the run before, in its own, and by itself
		t.Errorf("it was populated %d times, want 3", tries)
	}
	if x.account.Used() != 0 {
		t.Errorf("%d bytes are in the account", x.account.Used())
	}
}

func TestKernelThatDoesNotLockIsCopied(t *testing.T) {
	k := pretended()
	k.lock = func([]byte) error { return errors.New("memlock is exhausted") }
	x := guarded(t, k, 4, 8, 8)
	if _, err := x.f.Load(nil, 0, 10, Reuse); !errors.Is(err, errBudget) {
		t.Errorf("what cannot be locked was lent: %v", err)
	}
	if s := x.Stats(); s.LockRefused != 1 || s.LockedBytes != 0 {
		t.Errorf("%+v", s)
	}
}

func TestKernelThatCannotPopulateIsRefused(t *testing.T) {
	k := pretended()
	k.probe = func() error { return errors.New("MADV_POPULATE_READ: invalid argument") }
	x := guarded(t, pretended(), 1, 1, 1)
	g := newGuard(k, x.account, 0)
	if _, err := g.Open(sparse(t, ExtentBytes), Options{}); err == nil {
		t.Error("a file was mapped that cannot be populated")
	}
}

// A writer that comes while a range is being loaded: it is not lent, and
// nothing stays behind.
func TestGuardBreaksWhileLoading(t *testing.T) {
	k := pretended()
	begun, goOn := make(chan bool), make(chan bool)
	k.populate = func([]byte) error { begun <- true; <-goOn; return nil }
	x := guarded(t, k, 4, 8, 8)
	m := x.f.cur.Load()
	var failed error
	var wg sync.WaitGroup
	wg.Go(func() { _, failed = x.f.Load(nil, 0, 10, Reuse) })
	<-begun
	if !breakGuard(m) {
		t.Error("the freeze waits for a load")
	}
	if m.phase.Load() == ended {
		t.Error("the mapping ended while it was being loaded")
	}
	close(goOn)
	wg.Wait()
	if !errors.Is(failed, errOver) {
		t.Errorf("the range was lent after the guard broke: %v", failed)
	}
	eventually(t, "the mapping to end", func() bool { return m.phase.Load() == ended })
}

// Many want the same extents, in either order: nobody waits for ever, and they
// are populated once.
func TestLoadsOfTheSameExtents(t *testing.T) {
	k := pretended()
	var populated atomic.Int64
	k.populate = func(p []byte) error { populated.Add(int64(len(p))); return nil }
	x := guarded(t, k, 8, 8, 8)
	var wg sync.WaitGroup
	for i := range int64(8) {
		wg.Go(func() {
			for j := range int64(50) {
				x.get(t, (i+j)%7<<extentShift, 2<<extentShift, Reuse)()
			}
		})
	}
	wg.Wait()
	if n := populated.Load(); n != 8<<extentShift {
		t.Errorf("%d bytes were populated, want each of 8 extents once", n)
	}
	if s := x.f.Stats(); s.Reads != 0 {
		t.Errorf("%d reads were counted, which the callers count", s.Reads)
	}
}

func TestStatsCountWhatIsLent(t *testing.T) {
	x := guarded(t, pretended(), 4, 8, 8)
	x.get(t, 0, 4<<extentShift, Reuse)()
	for i := range int64(10) {
		b, ok := x.f.Lend(nil, i*100_000, 1<<extentShift, Reuse, true) // most of them in two extents
		if !ok {
			t.Fatal("not lent")
		}
		b.Release()
	}
	want := FileStats{Reads: 10, Bytes: 10 << extentShift, Guard: "seals"}
	if s := x.f.Stats(); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
	x.f.Close()
	want.Guard, want.Why = "", errOver.Error()
	if s := x.f.Stats(); s != want {
		t.Errorf("after Close %+v, want %+v", s, want)
	}
}

// A load that nobody waits for any more is not seen in Stats while it is under way
// either, nor are its pins that fail because others want the slots.
func TestStatsAreNeverAhead(t *testing.T) {
	x := guarded(t, pretended(), 8, 8, 4)
	var wg sync.WaitGroup
	for i := range int64(3) {
		wg.Go(func() {
			for j := range int64(3000) {
				if w, err := x.f.Load(nil, (3*i+j)%7<<extentShift, 2<<extentShift, Reuse); err == nil {
					w.Release()
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for under := true; under; {
		select {
		case <-done:
			under = false
		default:
		}
		if s := x.f.Stats(); s.Reads != 0 {
			t.Errorf("%d reads of nobody are counted", s.Reads)
			break
		}
	}
	<-done
}

// After a break the file is mapped again, with the slots that the windows of
// the earlier mappings leave.
func TestFileIsMappedAgainAfterABreak(t *testing.T) {
	k := pretended()
	writer := errors.New("a writer has it")
	var refuse atomic.Bool
	k.guardOf = func(*os.File) (guardKind, error) {
		if refuse.Load() {
			return 0, writer
		}
		return sealed, nil
	}
	x := guarded(t, k, 8, 16, 4)
	clock := time.Hour // stands still, or the pause might be over before the second try
	x.now = func() time.Duration { return clock }
	a := x.get(t, 0, 10, Reuse)
	b := x.get(t, ExtentBytes, 10, Reuse)
	refuse.Store(true)
	breakGuard(x.f.cur.Load())
	if _, err := x.f.Load(nil, 0, 10, Reuse); !errors.Is(err, writer) {
		t.Errorf("while a writer has the file: %v", err)
	}
	if _, err := x.f.Load(nil, 0, 10, Reuse); !errors.Is(err, errOver) {
		t.Errorf("it was tried again at once: %v", err)
	}
	refuse.Store(false)
	again := func() (free func()) {
		eventually(t, "the file to be mapped again", func() bool {
			clock += lastPause
			if !x.f.Worth(0, 10, Reuse) {
				return false
			}
			b, err := x.f.Load(nil, 0, 10, Reuse)
			if err == nil {
				free = b.Release
			}
			return err == nil
		})
		return free
	}
	c := again()
	if n := len(x.f.cur.Load().slots); n != 2 {
		t.Errorf("it was mapped with %d slots, want 2 of 4 that are not taken", n)
	}
	d := x.get(t, ExtentBytes, 10, Reuse)
	breakGuard(x.f.cur.Load())
	clock += lastPause
	if _, err := x.f.Load(nil, 0, 10, Reuse); !errors.Is(err, errPinned) {
		t.Errorf("mapped again with as many copies out as may be: %v", err)
	}
	a()
	b()
	again()()
	c()
	d()
	eventually(t, "both breaks to be counted", func() bool { return x.f.Stats().Breaks == 2 })
}

func TestPauseBetweenTriesGrows(t *testing.T) {
	x := guarded(t, pretended(), 1, 1, 1)
	clock := time.Hour
	x.now = func() time.Duration { return clock }
	var pauses []time.Duration
	for range 9 {
		if _, err := x.f.begin(); err != nil {
			t.Fatal(err)
		}
		x.f.trying = false
		pauses = append(pauses, x.f.due()-clock)
		if _, err := x.f.begin(); err == nil {
			t.Error("it is tried again at once")
		}
		clock = x.f.due()
	}
	for i, p := range pauses {
		if p != min(firstPause<<i, lastPause) {
			t.Errorf("pauses of %v", pauses)
			break
		}
	}
	clock += 2 * lastPause // nobody has read it for a while
	if _, err := x.f.begin(); err != nil || x.f.due()-clock != firstPause {
		t.Errorf("after a quiet time the pause is %v, %v", x.f.due()-clock, err)
	}
}

// The system refuses to lock several extents together: each is locked by itself,
// and none is lent that is not.
func TestRunThatCannotBeLockedIsLockedOneByOne(t *testing.T) {
	k := pretended()
	var locked, populated int
	k.lock = func(p []byte) error {
		if len(p) > ExtentBytes {
			return errors.New("cannot allocate memory")
		}
		locked += len(p)
		return nil
	}
	k.populate = func(p []byte) error { populated += len(p); return nil }
	x := guarded(t, k, 6, 8, 8)
	x.get(t, ExtentBytes/2, 3<<extentShift, Reuse)()
	if locked != 4<<extentShift || populated != locked || x.account.Used() != int64(locked) {
		t.Errorf("%d bytes were locked, %d populated, %d are in the account; want 4 extents", locked, populated, x.account.Used())
	}
	for i := range int64(4) {
		if e := x.f.cur.Load().extent(i); !e.locked || !e.has(extentLocked) {
			t.Errorf("extent %d is lent and not locked", i)
		}
	}
	// And where only so many can be locked, nothing is lent that is not.
	room := 1
	k.lock = func(p []byte) error {
		if len(p) > ExtentBytes || room == 0 {
			return errors.New("cannot allocate memory")
		}
		room--
		return nil
	}
	y := guarded(t, k, 6, 8, 8)
	if w, err := y.f.Load(nil, 0, 2<<extentShift, Reuse); !errors.Is(err, errBudget) {
		t.Errorf("%v, %v: lent although one of two extents is not locked", w, err)
	}
}
