package source

import (
	"math/rand/v2"
	"os"
	"testing"

	"github.com/oriel-go/oriel/source/internal/plan"
)

// readsHere reads a file at offsets here and there and returns how many of the
// windows were lent of a mapping.
func readsHere(t *testing.T, f *File, text []byte, reads int, seed uint64) (lent int) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range reads {
		if wantAt(t, f, text, rnd.Int64N(int64(len(text))-Granularity), Granularity) == "mmap" {
			lent++
		}
	}
	return lent
}

// guardable skips where no file of the test's folder can be mapped.
func guardable(t *testing.T, f *File) {
	t.Helper()
	k := f.facts(false)
	if k.NoGuard != "" {
		t.Skip("files are not mapped here: ", k.NoGuard)
	}
}

// A file that fits what may be locked is mapped when it has been read from often
// enough to be expected to be read from again.
func TestAFileThatIsReadFromOftenIsMapped(t *testing.T) {
	const size = 4 << 20
	text := random(size)
	for _, p := range []Pattern{Detect, Random} {
		rt := newRuntime(t, Limits{LockBytes: fewLocked})
		rt.machine.amend = func(k *plan.Facts) { k.CachedShare = 1 } // even if the machine drops a page
		name := write(t, text)
		warm(t, name)
		f := openAt(t, name, &Options{Runtime: rt, Pattern: p})
		guardable(t, f)
		if n := readsHere(t, f, text, hotReads-1, 1); n != 0 || f.at.Load() != nil {
			t.Errorf("%v: %d of the first %d reads were lent", p, n, hotReads-1)
		}
		readsHere(t, f, text, 1, 2)
		if f.at.Load() == nil {
			inLargeFolios(t, f.Explain())
			t.Fatalf("%v: after %d reads it is not mapped:\n%s", p, hotReads, f.Explain())
		}
		n := 0
		if !tries(func() bool { // an extent of which a page was dropped is not loaded
			warm(t, name)
			readsHere(t, f, text, 6*hotReads, 3) // an extent is loaded after as many reads of it
			n = readsHere(t, f, text, 100, 4)
			return n == 100
		}) {
			t.Errorf("%v: %d of 100 reads were lent in the end", p, n)
		}
		buf := make([]byte, 1000)
		if n, err := f.ReadAt(buf, 3<<20); n != len(buf) || err != nil || string(buf) != string(text[3<<20:][:1000]) {
			t.Errorf("%v: read into memory: %d, %v", p, n, err)
		}
		s, e := f.Stats(), f.Explain()
		small := e.Facts.LargeFolios == "no" // what was read again may lie in such, and then it would not be mapped now
		if s.Lent < 100 || e.Guard == "" || chosen(t, e).Source != "mmap" && !small {
			t.Errorf("%v: %+v:\n%s", p, s, e)
		}
	}
}

// Who says that a file will be used again has it mapped at once.
func TestAFileThatIsReusedIsMappedAtOnce(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	text := random(4 << 20)
	name := write(t, text)
	warm(t, name)
	f := openAt(t, name, &Options{Runtime: rt, Pattern: Reuse})
	guardable(t, f)
	readsHere(t, f, text, 1, 1)
	if f.at.Load() == nil {
		inLargeFolios(t, f.Explain())
		t.Fatalf("after one read it is not mapped:\n%s", f.Explain())
	}
	readsHere(t, f, text, 50, 2) // of both extents
	if n := readsHere(t, f, text, 100, 3); n != 100 {
		t.Errorf("%d of 100 reads were lent", n)
	}
}

// A file that cannot be locked as a whole is copied from, however often: its
// extents would throw each other out. So is one that is small, or not cached, or
// whose reads another pattern declares to be no reads at offsets.
func TestFilesThatAreNotMappedForReadsAtOffsets(t *testing.T) {
	const reads = 3 * hotReads
	for _, tt := range []struct {
		what  string
		size  int
		o     Options
		state func(testing.TB, string)
		lie   func(*plan.Facts)
	}{
		{"larger than what may be locked", 64 << 20, Options{}, warm, nil},
		{"larger than what may be locked, and used again", 64 << 20, Options{Pattern: Reuse}, warm, nil},
		{"small", 1<<20 - 1, Options{}, warm, nil},
		{"not cached", 4 << 20, Options{}, cold, func(k *plan.Facts) { k.CachedShare = 0 }},
		{"read once", 4 << 20, Options{Pattern: Once}, warm, nil},
		{"read in order", 4 << 20, Options{Pattern: Sequential}, warm, nil},
		{"forced otherwise", 4 << 20, Options{Source: Pread}, warm, nil},
		{"where the locked memory is taken", 4 << 20, Options{}, warm, func(k *plan.Facts) { k.LockFreeBytes = 2 << 20 }},
	} {
		t.Run(tt.what, func(t *testing.T) {
			rt := newRuntime(t, Limits{LockBytes: fewLocked})
			rt.machine.amend = tt.lie
			text := random(tt.size)
			name := write(t, text)
			tt.state(t, name)
			tt.o.Runtime = rt
			f := openAt(t, name, &tt.o)
			if n := readsHere(t, f, text, reads, 1); n != 0 || f.at.Load() != nil || f.ways.mapped.Load() != nil {
				t.Errorf("%d of %d reads were lent:\n%s", n, reads, f.Explain())
			}
			if s := rt.Stats(); s.Guard.Leases != 0 {
				t.Errorf("%d leases are held", s.Guard.Leases)
			}
		})
	}
}

// A file that turns out not to be guardable is copied from as before.
func TestAFileThatIsReadFromOftenAndCannotBeMapped(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	text := random(4 << 20)
	name := write(t, text)
	h := openedForWriting(t, name)
	f := openAt(t, name, &Options{Runtime: rt})
	if n := readsHere(t, f, text, 3*hotReads, 1); n != 0 || f.at.Load() != nil {
		t.Errorf("%d reads were lent of a file that is open for writing", n)
	}
	h.Close()
	if n := readsHere(t, f, text, 10, 2); n != 0 {
		t.Errorf("%d reads were lent", n)
	}
}

// openedForWriting holds a file open as a writer does.
func openedForWriting(t *testing.T, name string) *os.File {
	t.Helper()
	h, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}
