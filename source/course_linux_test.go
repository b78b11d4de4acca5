package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/childtest"
	"github.com/oriel-go/oriel/internal/filtertest"
	"github.com/oriel-go/oriel/source/internal/plan"
	"github.com/oriel-go/oriel/uringsrc/uringtest"
)

// soon is within how many windows of a wrong way it is left.
const soon = 8

// mostlyCached is how much of a cached file is, at least: the machine may drop a page
// while it is looked at.
const mostlyCached = 0.9

// A file that is said to be cached, in large folios even, and is not, is not
// mapped for that.
func TestAPlanThatTakesAColdFileForACachedOne(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	rt.machine.amend = func(k *plan.Facts) { k.CachedShare, k.LargeFolios = 1, plan.Yes }
	text := random(planBytes)
	name := write(t, text)
	cold(t, name)
	f := openAt(t, name, &Options{Runtime: rt})
	r := f.NewReader(nil)
	if e := r.Explain(); e.Facts.CachedShare != 1 {
		t.Fatalf("nobody lies:\n%s", e)
	}
	r.Close()
	p := passOf(t, f, nil, text)
	if p.first != "pread" {
		t.Errorf("the first window by %s", p.first)
	}
	// Behind the first windows the facts were gathered where the Reader was.
	if p.Facts.LargeFolios != "yes" && p.windows["mmap"] > soon {
		t.Errorf("windows by %v:\n%s", p.windows, p)
	}
	if p.windows["mmap"] > 0 && len(p.Switches) == 0 {
		t.Errorf("no switch says why:\n%s", p)
	}
}

// A file that is said not to be cached, and is, is read once: not past the page
// cache, which is found to have it.
func TestAPlanThatTakesACachedFileForAColdOne(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	asked := 0
	rt.machine.amend = func(k *plan.Facts) {
		if asked++; asked <= 2 { // what Explain and the first plan are told: what is found out later is true
			k.CachedShare = 0
		}
	}
	const size = 48 << 20
	text := random(size)
	name := write(t, text)
	var p pass
	tries(func() bool { // windows that the machine has dropped come through the ring, and rightly
		warm(t, name)
		asked = 0
		f := openAt(t, name, &Options{Runtime: rt, Pattern: Once})
		if e := f.NewReader(nil).Explain(); chosen(t, e).Source != "uring direct" {
			t.Skip("this file cannot be read past the page cache here: ", e.Facts.NoRing, e.Facts.NoDirect)
		}
		p = passOf(t, f, nil, text)
		return p.Stats.Ringed == 0 && p.Facts.CachedShare >= mostlyCached
	})
	if p.Stats.Ringed != 0 {
		t.Errorf("%d windows came through the ring, of a file that is cached", p.Stats.Ringed)
	}
	if len(p.Switches) == 0 {
		t.Fatalf("the plan was not corrected:\n%s", p)
	}
	if s := p.Switches[0]; s.From != "uring direct" || s.To == "uring" || s.AfterBytes > soon*DirectWindowBytes || s.Reason == "" {
		t.Errorf("the first switch is %+v:\n%s", s, p)
	}
	if p.Facts.CachedShare < mostlyCached {
		t.Errorf("the facts that were gathered again say that %v of it is cached", p.Facts.CachedShare)
	}
}

// A file that cannot be kept still, though nothing says so before it is tried, is
// read in another way, and the reason is said.
func TestAPlanThatIsRefusedTheGuard(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	text := random(planBytes)
	name := write(t, text)
	p := cachedPass(t, name, text, Options{Runtime: rt})
	lent(t, p.Explanation)
	p.file.Close()
	openedForWriting(t, name)
	const why = "somebody has it open for writing"
	p = cachedPass(t, name, text, Options{Runtime: rt})
	f := p.file
	n := len(p.Switches)
	if n == 0 { // what was read again may lie in other folios
		inLargeFolios(t, p.Explanation)
	}
	if p.windows["mmap"] != 0 || p.Source != "pread" || rt.mapped.Load() != 0 {
		t.Errorf("windows by %v; %d Readers are counted as mapped", p.windows, rt.mapped.Load())
	}
	if n == 0 || p.Switches[n-1].From != "mmap" || p.Switches[n-1].To != "pread" || !strings.Contains(p.Switches[n-1].Reason, why) ||
		p.Switches[n-1].AfterBytes > soon*DefaultWindowBytes {
		t.Errorf("the switches are %+v", p.Switches)
	}
	// The File has learned it: the next Reader does not try.
	p = passOf(t, f, nil, text)
	if len(p.Switches) != 0 {
		t.Errorf("the next Reader's switches are %+v", p.Switches)
	}
	wantRefusal(t, p.Explanation, "mmap", why)
	rt.machine.amend = func(k *plan.Facts) { k.NoGuard = "" } // and if it does
	if p = passOf(t, f, nil, text); p.windows["mmap"] != 0 {
		t.Errorf("windows by %v", p.windows)
	}
}

// unringedRole is a process that is told that there is a ring, and has none.
func unringedRole(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	rt.machine.amend = func(k *plan.Facts) { k.NoRing, k.NoDirect, k.CachedShare = "", "", 0 }
	text := random(planBytes)
	f := openAt(t, write(t, text), &Options{Runtime: rt, Pattern: Once})
	if err := filtertest.Deny(unix.SYS_IO_URING_SETUP, unix.EPERM); err != nil {
		childtest.Tell("skip: system calls cannot be filtered: ", err)
		return
	}
	e := passOf(t, f, nil, text)
	if e.windows["uring"] != 0 || rt.engine != nil {
		t.Errorf("windows by %v", e.windows)
	}
	if len(e.Switches) == 0 || e.Switches[0].From != "uring direct" || e.Switches[0].AfterBytes != 0 ||
		!strings.Contains(e.Switches[0].Reason, unix.EPERM.Error()) {
		t.Errorf("the switches are %+v", e.Switches)
	}
	childtest.Tell("done")
}

func TestAPlanThatIsRefusedTheRing(t *testing.T) {
	c := childtest.Start(t, "unringed")
	c.Hear() // or it is skipped
	c.Good()

	rt := newRuntime(t, Limits{InFlight: -1}) // the same, switched off by the caller
	rt.machine.amend = func(k *plan.Facts) { k.NoRing, k.NoDirect, k.CachedShare = "", "", 0 }
	text := random(planBytes)
	p := passOf(t, openAt(t, write(t, text), &Options{Runtime: rt, Pattern: Once}), nil, text)
	if p.windows["uring"] != 0 || len(p.Switches) == 0 || !strings.Contains(p.Switches[0].Reason, "switched off by Limits.InFlight") {
		t.Errorf("windows by %v; the switches are %+v", p.windows, p.Switches)
	}
}

// What reads past the page cache are aligned to is only believed where it can be:
// the file is read in units that statx gave.
func TestAPlanWithAWrongUnit(t *testing.T) {
	text := random(planBytes)
	name := write(t, text)
	for _, unit := range []int{-512, 0, 1, 3, 4096, 1 << 20, 64 << 20, 3 << 20} {
		rt := newRuntime(t, Limits{LockBytes: fewLocked})
		rt.machine.amend = func(k *plan.Facts) { k.DirectUnit = unit }
		cold(t, name)
		p := passOf(t, openAt(t, name, &Options{Runtime: rt, Pattern: Once}), nil, text)
		switch unit {
		case -512, 3, 64 << 20, 3 << 20:
			if p.Facts.NoRing == "" && p.Facts.NoDirect == "" {
				wantRefusal(t, p.Explanation, "uring direct", "cannot be aligned")
			}
			if p.first != "pread" {
				t.Errorf("in units of %d windows by %v", unit, p.windows)
			}
		}
	}
}

// A file system that refuses what it said it could do is read through its page
// cache from then on.
func TestAPlanWhoseReadsPastTheCacheAreRefused(t *testing.T) {
	text := random(planBytes)
	name := write(t, text)
	for _, errno := range []syscall.Errno{syscall.EINVAL, syscall.EOPNOTSUPP} {
		var refused atomic.Int64
		rt, _ := simulated(t, Limits{LockBytes: fewLocked}, 1, uringtest.Options{Content: func(fd int, p []byte, off int64) (int, error) {
			if isDirect(fd) {
				refused.Add(1)
				return 0, errno
			}
			return uringtest.Pread(fd, p, off)
		}})
		cold(t, name)
		p := passOf(t, openAt(t, name, &Options{Runtime: rt, Pattern: Once}), nil, text)
		if p.Facts.NoDirect != "" {
			t.Skip("this file cannot be read past the page cache here: ", p.Facts.NoDirect)
		}
		// What is in flight when the first is refused is refused as well.
		if n := refused.Load(); n == 0 || n > 2*plan.MaxAheadBytes/DirectWindowBytes+1 {
			t.Errorf("%v: %d reads past the page cache were refused", errno, n)
		}
		if !strings.Contains(p.Direct, "refused") {
			t.Errorf("%v: of reads past the page cache is said: %q", errno, p.Direct)
		}
	}
}

// A log that is handed to a Runtime's Readers hears what Explain says.
func TestALogHearsOfSwitches(t *testing.T) {
	rt := newRuntime(t, Limits{InFlight: -1})
	rt.machine.amend = func(k *plan.Facts) { k.NoRing, k.NoDirect, k.CachedShare = "", "", 0 }
	text := random(planBytes)
	name := write(t, text)
	var log bytes.Buffer
	h := slog.NewJSONHandler(&log, nil)
	p := passOf(t, openAt(t, name, &Options{Runtime: rt, Pattern: Once, Logger: slog.New(h)}), nil, text)
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(p.Switches) == 0 || len(lines) != len(p.Switches) {
		t.Fatalf("%d switches, and in the log:\n%s", len(p.Switches), log.String())
	}
	for i, s := range p.Switches {
		var line struct {
			Level, Msg, Name, From, To, Reason string
			Trying                             bool
			Offset                             int64
		}
		if err := json.Unmarshal([]byte(lines[i]), &line); err != nil {
			t.Fatal(err)
		}
		if line.Level != "INFO" || line.Msg == "" || line.Name != name || line.From != s.From || line.To != s.To || line.Reason != s.Reason ||
			line.Trying != s.Trying || line.Offset != s.Off {
			t.Errorf("the log says %+v of %+v", line, s)
		}
	}
	log.Reset()
	quiet := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	passOf(t, openAt(t, name, &Options{Runtime: rt, Pattern: Once, Logger: quiet}), nil, text)
	if log.Len() != 0 {
		t.Errorf("a log from level Warn on hears %s", log.String())
	}
}

// Switches beyond those that are remembered push the first ones out.
func TestTheLastSwitchesAreRemembered(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	r := openAt(t, write(t, random(planBytes)), &Options{Runtime: rt}).NewReader(nil)
	defer r.Close()
	w, err := r.ReadManaged(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.Release()
	r.plan(false)
	before := len(r.Explain().Switches)
	for i := range 3 * maxSwitches {
		r.note(plan.Switch{From: plan.Pread, To: plan.Mmap, Bytes: int64(i)})
	}
	e := r.Explain()
	if n := len(e.Switches); n != maxSwitches || e.Switches[n-1].AfterBytes != r.pos+3*maxSwitches-1 || e.Switches[0].AfterBytes != r.pos+2*maxSwitches {
		t.Errorf("%d switches are remembered: %+v", n, e.Switches)
	}
	if e.Earlier != before+2*maxSwitches || !strings.Contains(e.String(), fmt.Sprintf("after %d changes before", e.Earlier)) {
		t.Errorf("%d switches are counted before them, want %d:\n%v", e.Earlier, before+2*maxSwitches, e)
	}
}

// What Explain says comes through JSON as it was, but for the Pattern, which is
// there by its name.
func TestAnExplanationAsJSON(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	text := random(planBytes)
	name := write(t, text)
	warm(t, name)
	f := openAt(t, name, &Options{Runtime: rt, Pattern: Sequential})
	p := passOf(t, f, nil, text)
	for what, e := range map[string]Explanation{"a Reader's": p.Explanation, "a File's": f.Explain()} {
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var got Explanation
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&got); err != nil {
			t.Fatal(err)
		}
		got.Pattern = e.Pattern
		if !reflect.DeepEqual(got, e) {
			t.Errorf("%s explanation is\n%+v\nand was\n%+v", what, got, e)
		}
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"name", "source", "forced", "why", "reads", "sizeBytes", "windowBytes", "facts", "candidates", "stats"} {
			if _, ok := fields[name]; !ok {
				t.Errorf("%s JSON lacks %q: %s", what, name, text)
			}
		}
		if fields["reads"] != "sequential" || len(e.Candidates) != plan.Ways {
			t.Errorf("%s JSON says %q, and has %d candidates", what, fields["reads"], len(e.Candidates))
		}
	}
}
