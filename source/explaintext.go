package source

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/valyala/bytebufferpool"
)

// String returns the explanation as text: what serves and why, what was known,
// what each way was expected to cost and did cost, and what happened so far.
func (e Explanation) String() string {
	b := bytebufferpool.Get()
	defer bytebufferpool.Put(b)
	t := lines{b, len(pastCache)}
	e.head(t)
	if e.Facts != nil {
		e.Facts.text(t)
	}
	e.expected(t)
	e.measured(t)
	e.changes(t)
	e.past(t)
	return strings.TrimSuffix(b.String(), "\n")
}

// pastCache is the longest name of a fact.
const pastCache = "past the page cache"

// head says what serves, and within what bounds.
func (e *Explanation) head(t lines) {
	name := e.Name
	if name == "" {
		name = "(no name)"
	}
	t.head("%s: read by %s (%s)", name, e.Source, e.Why)
	for _, c := range e.Candidates {
		if c.Chosen && !e.Forced {
			t.say("plan", "%s: %s", c.Source, c.Reason)
		}
	}
	if e.SizeBytes > 0 {
		t.say("size", "%s", sizeText(e.SizeBytes))
	}
	ahead := ""
	if e.AheadBytes > 0 {
		ahead = fmt.Sprintf(", at most %s read ahead", sizeText(e.AheadBytes))
	}
	t.say("windows", "%s, pattern %s%s", sizeText(int64(e.WindowBytes)), e.Reads, ahead)
	t.say("memory", "at most %s (%d bytes: %s)", sizeText(e.MemoryBytes), e.MemoryBytes, e.MemoryFrom)
	e.means(t)
}

// means says what the ways that were opened have.
func (e *Explanation) means(t lines) {
	switch {
	case e.Guard != "":
		t.say("mapping", "kept still by: %s; at most %s are locked (%s)", e.Guard, sizeText(e.LockBytes), e.LockFrom)
	case e.Unguarded != "":
		t.say("mapping", "none now, what is read is copied: %s", e.Unguarded)
	}
	if e.Breaks > 0 {
		t.say("mapping", "writers came %d times", e.Breaks)
	}
	switch {
	case e.Unringed != "":
		t.say("io_uring", "not any more, and pread serves: %s", e.Unringed)
	case e.InFlight > 0:
		t.say("io_uring", "at most %d reads at a time; past the page cache: %s", e.InFlight, e.Direct)
	}
	if e.Source == Pread.String() {
		waits := "cached or not cannot be told here, so that every read may wait"
		if e.NeverWaits {
			waits = "what is cached is read inline (RWF_NOWAIT)"
		}
		t.say("pread", "%s; at most %d reads wait at a time", waits, e.Threads)
	}
}

// text says what was known.
func (k *Facts) text(t lines) {
	t.head("what is known")
	t.say("file system", "%s", k.place())
	t.say("page cache", "%s", k.cached())
	t.say("kept still", "%s", orYes(k.NoGuard, fmt.Sprintf("as far as is known, and %s may be locked", sizeText(k.LockFreeBytes))))
	t.say("io_uring", "%s", orYes(k.NoRing, "there is one to read through"))
	t.say(pastCache, "%s", orYes(k.NoDirect, fmt.Sprintf("in units of %d bytes (O_DIRECT)", k.DirectUnit)))
	if k.CacheBytes > 0 {
		t.say("memory", "the page cache can take %s", sizeText(k.CacheBytes))
	}
	busy := ""
	if k.Busy == canYes {
		busy = ", all of them busy"
	}
	t.say("processors", "%d%s", k.Processors, busy)
	for _, f := range k.Failed {
		t.say("not known", "%s", strings.ReplaceAll(f, "\n", "; ")) // of errors that were joined
	}
}

// place says where the file lies.
func (k *Facts) place() string {
	s := orUnknown(k.FileSystem)
	switch {
	case k.InMemory == canYes:
		s += ", in memory"
	case k.Remote == canYes:
		s += ", which may be far away"
	}
	if k.Rotational == canYes {
		s += ", on a device that says it rotates"
	}
	if k.ReadAheadBytes > 0 {
		s += fmt.Sprintf(", reads %s ahead", sizeText(k.ReadAheadBytes))
	}
	return s
}

// cached says what the page cache has.
func (k *Facts) cached() string {
	var s string
	switch {
	case k.CachedShare < 0:
		return "not known"
	case k.CachedShare == 0:
		return "has nothing of what was looked at"
	case k.CachedShare == 1:
		s = "has all that was looked at"
	default:
		s = fmt.Sprintf("has %.0f %% of what was looked at", 100*k.CachedShare)
	}
	switch k.LargeFolios {
	case canYes:
		s += ", in large folios"
	case canNo:
		s += ", in small folios"
	}
	return s
}

func orYes(no, yes string) string {
	if no != "" {
		return canNo + ": " + no
	}
	return canYes + ": " + yes
}

// expected says what each way was expected to cost, and why it was not chosen.
func (e *Explanation) expected(t lines) {
	if len(e.Candidates) == 0 {
		return
	}
	t.head("what reading %s would cost", sizeText(e.WorkBytes))
	w := tabwriter.NewWriter(t.w, 0, 0, columnGap, ' ', 0)
	for _, c := range e.Candidates {
		mark, cost := " ", roundText(c.Cost)
		switch {
		case c.Chosen:
			mark = ">"
		case c.Refused:
			cost = "-"
		}
		fmt.Fprintf(w, "%s %-*s\t%s\t%s\n", mark, t.width, c.Source, cost, c.Reason)
	}
	w.Flush()
}

// columnGap is how many spaces there are between columns.
const columnGap = 2

// measured says what each way did cost.
func (e *Explanation) measured(t lines) {
	first := true
	for _, c := range e.Candidates {
		if c.Bytes <= 0 {
			continue
		}
		if first {
			t.head("what it did cost, the caller's work included")
			first = false
		}
		t.say(c.Source, "%s at %s", sizeText(c.Bytes), rateText(c.Bytes, c.Measured))
	}
}

// changes says how the way was changed.
func (e *Explanation) changes(t lines) {
	for i, s := range e.Switches {
		switch {
		case i > 0:
		case e.Earlier > 0:
			t.head(fmt.Sprintf("what was changed lately, after %d changes before", e.Earlier))
		default:
			t.head("what was changed")
		}
		to := s.To
		if s.Trying {
			to += " for a while"
		}
		t.say("at "+offText(s.Off), "from %s to %s: %s", s.From, to, s.Reason)
	}
}

// past says what happened so far.
func (e *Explanation) past(t lines) {
	s := e.Stats
	if s == (Stats{}) {
		return
	}
	t.head("so far")
	how := ""
	if s.Lent > 0 {
		how += fmt.Sprintf(", %d lent of a mapping", s.Lent)
	}
	if s.Ringed > 0 {
		how += fmt.Sprintf(", %d through io_uring", s.Ringed)
	}
	t.say("read", "%d reads of %d bytes%s", s.Reads, s.Bytes, how)
	if s.Waits > 0 {
		t.say("waited", "%d of them, for %s", s.Waits, roundText(s.WaitTime))
	}
	if s.AheadBytes > 0 {
		t.say("read ahead", "%s, %s of it in vain", sizeText(s.AheadBytes), sizeText(s.WastedBytes))
	}
	if s.Hits > 0 {
		t.say("hits", "%d in the caller's cache", s.Hits)
	}
}

// sizeText returns a size in the unit that suits it: "256 KiB".
func sizeText(n int64) string {
	units := [...]string{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	v, i := float64(n), 0
	for v >= 1<<10-0.5 && i < len(units)-1 { // which is rounded to 1024
		v, i = v/(1<<10), i+1
	}
	return digitsText(v) + " " + units[i]
}

// offText returns an offset, of which the windows around it tell others.
func offText(off int64) string {
	const mib, places = 1 << 20, 100
	if off < mib {
		return sizeText(off)
	}
	v := math.Round(float64(off)/mib*places) / places
	return strconv.FormatFloat(v, 'f', -1, 64) + " MiB"
}

// digitsText returns a number with three digits, or all that are whole.
func digitsText(v float64) string {
	const three = 100 // from here on there are three before the point
	if v >= three || v == math.Trunc(v) {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// rateText returns n bytes in d as GB/s, or as MB/s where that is less.
func rateText(n int64, d time.Duration) string {
	const mega, giga = 1e6, 1e9
	v := float64(n) / max(d.Seconds(), 1/giga)
	if v < giga {
		return digitsText(v/mega) + " MB/s"
	}
	return digitsText(v/giga) + " GB/s"
}

// roundText returns a duration with three digits.
func roundText(d time.Duration) string {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit).String()
}
