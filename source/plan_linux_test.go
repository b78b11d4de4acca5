package source

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/source/internal/plan"
	"github.com/oriel-go/oriel/window"
)

// planBytes is a file over which a plan has all ways to choose from, and of which
// the trial has time to correct it.
const planBytes = 24<<20 + 123

// fewLocked is what the plan's tests lock: enough for two Readers.
const fewLocked = 8 << 20

// A pass is what reading a file from front to back has come to.
type pass struct {
	Explanation
	file    *File
	windows map[string]int // by what their windows said that served them
	first   string         // what the first window said
}

// passOf reads all of f, compares it, and says how it came.
func passOf(t testing.TB, f *File, o *Options, text []byte) pass {
	t.Helper()
	r := f.NewReader(o)
	defer r.Close()
	p := pass{file: f, windows: map[string]int{}}
	off := 0
	for {
		w, err := r.ReadManaged(t.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if w.Off() != int64(off) || off+w.Len() > len(text) || !bytes.Equal(w.Bytes(), text[off:off+w.Len()]) {
			t.Fatalf("other bytes at %d: a window of %d at %d, by %s", off, w.Len(), w.Off(), w.Info().Source)
		}
		if off == 0 {
			p.first = w.Info().Source
		}
		p.windows[w.Info().Source]++
		off += w.Len()
		w.Release()
	}
	if off != len(text) {
		t.Fatalf("the Reader ended at %d, want %d", off, len(text))
	}
	p.Explanation = r.Explain()
	return p
}

// wantAt fails unless a read at an offset is right, and returns what its window
// says that served it.
func wantAt(t testing.TB, f window.ReaderAt, text []byte, off int64, n int) (source string) {
	t.Helper()
	w, err := f.ReadManagedAt(t.Context(), off, n)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Release()
	if want := text[off:min(off+int64(n), int64(len(text)))]; w.Off() != off || !bytes.Equal(w.Bytes(), want) {
		t.Fatalf("other bytes at %d: %d of them, want %d", off, w.Len(), len(want))
	}
	return w.Info().Source
}

// cachedPass is passOf of a cached file, which is opened for that: once more where a
// read had to wait, because the machine had dropped some of it.
func cachedPass(t testing.TB, name string, text []byte, o Options) (p pass) {
	t.Helper()
	if !tries(func() bool {
		if p.file != nil {
			p.file.Close()
		}
		warm(t, name)
		p = passOf(t, openAt(t, name, &o), nil, text)
		return p.Stats.Waits == 0
	}) {
		t.Fatal("reads of a file that was just read have to wait")
	}
	return p
}

// candidate returns what a plan says of a way.
func candidate(t testing.TB, e Explanation, source string) Candidate {
	t.Helper()
	for _, c := range e.Candidates {
		if c.Source == source {
			return c
		}
	}
	t.Fatalf("no candidate %q in\n%s", source, e)
	return Candidate{}
}

// chosen returns the candidate that the plan has chosen.
func chosen(t testing.TB, e Explanation) Candidate {
	t.Helper()
	for _, c := range e.Candidates {
		if c.Chosen {
			return c
		}
	}
	t.Fatalf("no candidate is chosen in\n%s", e)
	return Candidate{}
}

// wantRefusal fails unless a plan has refused a way for a reason.
func wantRefusal(t testing.TB, e Explanation, source, reason string) {
	t.Helper()
	if c := candidate(t, e, source); !c.Refused || !strings.Contains(c.Reason, reason) {
		t.Errorf("%s is refused: %v, because %q; want a reason with %q", source, c.Refused, c.Reason, reason)
	}
	if !strings.Contains(e.String(), reason) {
		t.Errorf("the text lacks %q:\n%s", reason, e)
	}
}

// halfCached has the page cache hold the first half of a file, or skips.
func halfCached(t testing.TB, name string, size int64) {
	t.Helper()
	cold(t, name)
	warm(t, name)
	h, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := unix.Fadvise(int(h.Fd()), size/2, 0, unix.FADV_DONTNEED); err != nil {
		t.Skip("the page cache cannot be emptied here: ", err)
	}
}

// lent skips where a cached file would not be mapped on this machine, for a
// reason that the plan of a pass gives.
func lent(t testing.TB, e Explanation) {
	t.Helper()
	if c := candidate(t, e, "mmap"); c.Refused {
		t.Skip("files are not mapped here: ", c.Reason)
	}
	inLargeFolios(t, e)
}

// inLargeFolios skips where the page cache has a file in small folios, though it was
// read in order: memory may be in pieces.
func inLargeFolios(t testing.TB, e Explanation) {
	t.Helper()
	if e.Facts.LargeFolios == "no" {
		t.Skip("the page cache has no large folios here, so that copying costs less than mapping")
	}
}

func TestPlanForAnEmptyFile(t *testing.T) {
	rt := newRuntime(t, Limits{})
	f := openAt(t, write(t, nil), &Options{Runtime: rt})
	e := passOf(t, f, nil, nil).Explanation
	if e.Source != "pread" || chosen(t, e).Reason != "there is nothing to read" {
		t.Errorf("an empty file:\n%s", e)
	}
}

// Of a file that is read at once nothing is asked, and nothing is set up.
func TestPlanForATinyFile(t *testing.T) {
	rt := newRuntime(t, Limits{})
	asked := 0
	rt.machine.amend = func(*plan.Facts) { asked++ }
	for _, size := range []int{1, 100, 4096, 64 << 10, 1<<20 - 1} {
		text := random(size)
		f := openAt(t, write(t, text), &Options{Runtime: rt})
		r := f.NewReader(nil)
		wantBytes(t, r, text)
		if r.steer.Load() != nil || asked != 0 || r.Source() != "pread" {
			t.Errorf("%d bytes are read by %s; facts were asked for %d times", size, r.Source(), asked)
		}
		asked = 0
		if e := r.Explain(); e.Facts == nil || !strings.Contains(chosen(t, e).Reason, "needs no set-up") || len(e.Switches) != 0 {
			t.Errorf("of %d bytes is said:\n%s", size, e)
		}
		asked = 0
		r.Close()
	}
	if s := rt.Stats(); rt.engine != nil || s.Guard.Leases != 0 {
		t.Errorf("something was set up for tiny files: %+v", s)
	}
}

// What is cached in large folios is lent of a mapping once the caller has stayed.
func TestPlanForACachedFile(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	text := random(planBytes)
	name := write(t, text)
	p := cachedPass(t, name, text, Options{Runtime: rt})
	lent(t, p.Explanation)
	if p.first != "pread" || p.windows["mmap"] == 0 || p.Stats.Lent == 0 {
		t.Errorf("windows by %v, the first by %s; %+v", p.windows, p.first, p.Stats)
	}
	if len(p.Switches) == 0 {
		t.Fatalf("no switch is recorded:\n%s", p)
	}
	s := p.Switches[0]
	if s.From != "pread" || s.To != "mmap" || s.Off < plan.LeastBytes || s.Off >= 2*plan.LeastBytes || s.AfterBytes != s.Off || !strings.Contains(s.Reason, "large folios") {
		t.Errorf("the first switch is %+v", s)
	}
	if c := candidate(t, p.Explanation, "mmap"); c.Bytes == 0 || c.Measured == 0 || c.Cost == 0 {
		t.Errorf("what was measured of the mapping: %+v", c)
	}
}

// A caller of small windows, which cost pread more, has stayed sooner.
func TestPlanForSmallWindows(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	text := random(planBytes)
	name := write(t, text)
	p := cachedPass(t, name, text, Options{Runtime: rt, WindowBytes: 4096})
	lent(t, p.Explanation)
	if len(p.Switches) == 0 || p.Switches[0].To != "mmap" || p.Switches[0].Off < 64*4096 || p.Switches[0].Off >= plan.LeastBytes {
		t.Errorf("the first switches are %+v", p.Switches[:min(len(p.Switches), 1)])
	}
}

// Where a mapping serves one Reader the next is lent of it sooner, after three windows,
// for as long as that is no old news.
func TestTheNextReaderIsLentSooner(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	text := random(planBytes)
	name := write(t, text)
	f := openAt(t, name, &Options{Runtime: rt})
	if _, err := f.mapping(); err != nil {
		t.Skip("files are not mapped here: ", err)
	}
	rt.machine.amend = func(k *plan.Facts) { k.CachedShare = 1 } // even if the machine drops a page
	for learned, want := range map[time.Duration]int64{time.Hour: 3 * DefaultWindowBytes, -time.Hour: plan.LeastBytes} {
		var p pass
		tries(func() bool {
			warm(t, name)
			f.folios.Store(&folios{plan.Yes, time.Now().Add(learned)})
			p = passOf(t, f, nil, text)
			return p.Stats.Waits == 0
		})
		lent(t, p.Explanation)
		if len(p.Switches) == 0 || p.Switches[0].Off != want || p.Switches[0].To != "mmap" || candidate(t, p.Explanation, "pread").Bytes < want {
			t.Errorf("what was learned %v ago: the first switches are %+v, want one at %d", -learned, p.Switches[:min(1, len(p.Switches))], want)
		}
	}
}

// A caller that leaves after three windows has paid for no mapping.
func TestNoMappingForACallerThatLeaves(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	name := write(t, random(planBytes))
	warm(t, name)
	f := openAt(t, name, &Options{Runtime: rt})
	r := f.NewReader(nil)
	defer r.Close()
	for range 3 {
		w, err := r.ReadManaged(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.Release()
	}
	if f.ways.mapped.Load() != nil || rt.Stats().Guard.Leases != 0 {
		t.Error("the file is mapped after three windows")
	}
}

// In small folios a mapping costs more than copying, and is not even tried.
func TestPlanForAFileThatIsCachedInSmallFolios(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	text := random(planBytes)
	name := write(t, nil)
	h, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for off := 0; off < len(text); off += Granularity { // which makes a folio of each
		if _, err := h.Write(text[off:min(off+Granularity, len(text))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	p := passOf(t, openAt(t, name, &Options{Runtime: rt}), nil, text)
	if c := candidate(t, p.Explanation, "mmap"); c.Refused {
		t.Skip("files are not mapped here: ", c.Reason)
	}
	if p.Facts.LargeFolios == "yes" {
		t.Skip("what is written in small pieces lies in large folios here")
	}
	if p.windows["mmap"] != 0 || len(p.Switches) != 0 || chosen(t, p.Explanation).Source != "pread" {
		t.Errorf("windows by %v:\n%s", p.windows, p)
	}
	if c := candidate(t, p.Explanation, "mmap"); !strings.Contains(c.Reason, "small folios") {
		t.Errorf("a mapping lost because %q", c.Reason)
	}
}

func TestPlanForAHalfCachedFile(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	text := random(planBytes)
	name := write(t, text)
	halfCached(t, name, planBytes)
	f := openAt(t, name, &Options{Runtime: rt})
	e := f.NewReader(nil).Explain() // a Reader that has not begun
	if share := e.Facts.CachedShare; share < 0.3 || share > 0.7 {
		t.Skipf("the page cache has %v of the file", share)
	}
	if c := chosen(t, e); c.Source != "pread" || e.Source != "pread" {
		t.Errorf("half cached:\n%s", e)
	}
	wantRefusal(t, e, "mmap", "read ahead, not faulted in")
	if p := passOf(t, f, nil, text); p.first != "pread" {
		t.Errorf("the first window by %s:\n%s", p.first, p)
	}
}

func TestPlanForAColdFile(t *testing.T) {
	text := random(planBytes)
	name := write(t, text)
	for _, tt := range []struct {
		p      Pattern
		source string
	}{
		{Detect, "pread"}, {Sequential, "pread"}, {Random, "pread"}, {Reuse, "pread"}, {Once, "uring direct"},
	} {
		t.Run(tt.p.String(), func(t *testing.T) {
			rt := newRuntime(t, Limits{LockBytes: fewLocked})
			cold(t, name)
			f := openAt(t, name, &Options{Runtime: rt, Pattern: tt.p})
			e := f.NewReader(nil).Explain()
			if e.Facts.NoRing != "" || e.Facts.NoDirect != "" {
				t.Skip("this file cannot be read past the page cache here: ", e.Facts.NoRing, e.Facts.NoDirect)
			}
			if c := chosen(t, e); c.Source != tt.source || e.Facts.CachedShare != 0 {
				t.Errorf("a cold file would be read by %s, want %s:\n%s", c.Source, tt.source, e)
			}
			if tt.p == Once && e.WindowBytes != DirectWindowBytes {
				t.Errorf("in windows of %d bytes, want %d", e.WindowBytes, DirectWindowBytes)
			}
			p := passOf(t, f, nil, text) // which may end in another way, if the device is slow meanwhile
			if tt.p == Once && (p.first != "uring" || p.Stats.Ringed == 0) {
				t.Errorf("windows by %v, the first by %s; %+v", p.windows, p.first, p.Stats)
			}
			if tt.p != Once && p.Stats.Ringed != 0 {
				t.Errorf("%d windows came through the ring", p.Stats.Ringed)
			}
		})
	}
}

func TestPlanWithoutTheRing(t *testing.T) {
	rt := newRuntime(t, Limits{InFlight: -1, LockBytes: fewLocked})
	text := random(planBytes)
	name := write(t, text)
	cold(t, name)
	p := passOf(t, openAt(t, name, &Options{Runtime: rt, Pattern: Once}), nil, text)
	if p.first != "pread" || p.windows["uring"] != 0 {
		t.Errorf("windows by %v", p.windows)
	}
	wantRefusal(t, p.Explanation, "uring", "switched off by Limits.InFlight")
	wantRefusal(t, p.Explanation, "uring direct", "switched off by Limits.InFlight")
}

func TestPlanWithLittleLockedMemory(t *testing.T) {
	text := random(planBytes)
	name := write(t, text)
	warm(t, name)
	for limit, reason := range map[int64]string{
		64 << 10: "64 KiB may be locked, and a mapping needs 2 MiB",
		-1:       "0 bytes may be locked, and a mapping needs 2 MiB",
		2 << 20:  "2 MiB of locked memory are free, and a Reader needs 4 MiB",
	} {
		rt := newRuntime(t, Limits{LockBytes: limit})
		p := passOf(t, openAt(t, name, &Options{Runtime: rt}), nil, text)
		if p.windows["mmap"] != 0 || p.Facts.NoGuard != "" && limit == 2<<20 {
			t.Errorf("with %d bytes to lock windows by %v", limit, p.windows)
		}
		if p.Facts.NoGuard != "" {
			continue // files are not mapped here for another reason
		}
		wantRefusal(t, p.Explanation, "mmap", reason)
	}
}

// However many Readers are lent mappings at a time, no more is locked than may be.
func TestPlanForManyFilesAtOnce(t *testing.T) {
	const files, each = 10, 18 << 20
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	text := random(each)
	readers := make([]*Reader, files)
	for i := range readers {
		name := write(t, text)
		warm(t, name)
		readers[i] = openAt(t, name, &Options{Runtime: rt}).NewReader(nil)
		defer readers[i].Close()
	}
	var most, locked int64
	for open := files; open > 0; {
		open = 0
		for i, r := range readers {
			if r.pos == each {
				continue
			}
			open++
			w, err := r.ReadManaged(t.Context())
			if err != nil || !bytes.Equal(w.Bytes(), text[w.Off():][:w.Len()]) {
				t.Fatalf("file %d: %v, %v", i, w, err)
			}
			most = max(most, rt.mapped.Load())
			locked = max(locked, rt.Stats().Guard.LockedBytes)
			w.Release()
		}
	}
	if lent(t, readers[0].Explain()); most < 2 || locked > fewLocked || locked == 0 {
		t.Errorf("%d Readers were lent mappings at a time, and %d bytes locked, of %d", most, locked, fewLocked)
	}
	for _, r := range readers {
		r.Close()
	}
	if n := rt.mapped.Load(); n != 0 {
		t.Errorf("%d Readers are counted as mapped when all are closed", n)
	}
}

// Where very many Readers share it, one more copies.
func TestPlanForOneReaderMoreThanShareTheLockedMemory(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	text := random(planBytes)
	name := write(t, text)
	warm(t, name)
	const others = 100_000
	rt.mapped.Store(others)
	p := passOf(t, openAt(t, name, &Options{Runtime: rt}), nil, text)
	if p.windows["mmap"] != 0 || rt.mapped.Load() != others {
		t.Errorf("windows by %v", p.windows)
	}
	if p.Facts.NoGuard == "" {
		wantRefusal(t, p.Explanation, "mmap", "100000 Readers share")
	}
}
