package source

import (
	"fmt"
	"io"
	"strings"

	"github.com/valyala/bytebufferpool"
)

// String returns the capabilities as text: a section for each part, a line for
// each fact, and the reason of each refusal.
func (c Capabilities) String() string {
	b := bytebufferpool.Get()
	defer bytebufferpool.Put(b)
	t := lines{b, len("control group")}
	c.place(t)
	c.Machine.text(t)
	c.Memory.text(t)
	c.Pread.text(t)
	c.Mmap.text(t)
	c.Uring.text(t)
	c.Bounds.text(t)
	for i, f := range c.Failed {
		if i == 0 {
			t.head("what could not be asked")
		}
		t.head("  %s", f)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// lines are text under headings, a name and what there is to say of it on each.
type lines struct {
	w     io.Writer
	width int // of the longest name
}

func (t lines) head(format string, args ...any) { fmt.Fprintf(t.w, format+"\n", args...) }

func (t lines) say(name, format string, args ...any) {
	fmt.Fprintf(t.w, "  %-*s  %s\n", t.width, name, fmt.Sprintf(format, args...))
}

// can says whether something can be done: why not, or what that means.
func (t lines) can(name string, a Ability, means string) {
	if a.Why != "" {
		means = a.Why
	}
	t.say(name, "%s: %s", a.Can, means)
}

func (c *Capabilities) place(t lines) {
	switch {
	case c.By == c.Path || c.By == "":
		t.head("%s", c.Path)
	default:
		t.head("%s, tried on %s", c.Path, c.By)
	}
	if c.NoFile != "" {
		t.say("no file", "%s", c.NoFile)
	}
	f := orUnknown(c.FileSystem)
	switch {
	case c.InMemory == canYes:
		f += ", in memory"
	case c.Remote == canYes:
		f += ", which may be far away"
	}
	t.say("file system", "%s", f)
	if c.InMemory == canYes {
		return
	}
	d := orUnknown(c.Device.Name)
	if n := c.Device.ReadAheadBytes; n > 0 {
		d += fmt.Sprintf(", reads %s ahead", sizeText(n))
	}
	switch c.Device.Rotational {
	case canYes:
		d += ", says that it rotates"
	case canNo:
		d += ", says that it does not rotate"
	}
	t.say("device", "%s", d)
}

func (m *MachineFacts) text(t lines) {
	t.head("machine")
	t.say("system", "%s/%s, kernel %s", m.OS, m.Arch, orUnknown(m.Kernel))
	t.say("processors", "%d (GOMAXPROCS), %s", m.Processors, m.Go)
	t.say("page", "%s", sizeText(int64(m.PageBytes)))
}

func (m *MemoryFacts) text(t lines) {
	t.head("memory")
	if m.TotalBytes > 0 {
		t.say("machine", "%s, of which %s can be had", sizeText(m.TotalBytes), sizeText(m.AvailableBytes))
	} else {
		t.say("machine", canUnknown)
	}
	if m.CgroupLimitBytes > 0 {
		t.say("control group", "at most %s, of which %s can be had", sizeText(m.CgroupLimitBytes), sizeText(m.CgroupRoomBytes))
	} else {
		t.say("control group", "no limit that is known")
	}
	if m.GoLimitBytes > 0 {
		t.say("GOMEMLIMIT", "%s", sizeText(m.GoLimitBytes))
	} else {
		t.say("GOMEMLIMIT", "none")
	}
	t.say("huge pages", "%s", orUnknown(m.HugePages))
	t.say("windows", "at most %s (%s), and %s in reserve", sizeText(m.BudgetBytes), m.BudgetFrom, sizeText(m.ReserveBytes))
	t.say("locked", "at most %s (%s), of which %s can be had", sizeText(m.LockBytes), m.LockFrom, sizeText(m.LockFreeBytes))
}

func (p *PreadFacts) text(t lines) {
	t.head("reading through the page cache (pread)")
	t.can("cachestat", p.Cachestat, "it is told what is cached")
	t.can("RWF_NOWAIT", p.NoWait, "what is cached is read without waiting for the rest")
	t.can("RWF_DONTCACHE", p.DontCache, "what is read once is given up at once")
}

func (m *MmapFacts) text(t lines) {
	t.head("reading from a mapping (mmap)")
	t.can("locking", m.Locks, "a page of a file was populated and locked")
	t.can("leases", m.Leases, fmt.Sprintf("for up to %d s after a writer has come (lease-break-time)", m.BreakSeconds))
	t.can("file system", m.Still, "its files can be kept still")
	t.can("file", m.File, "it was mapped and kept still")
}

func (u *UringFacts) text(t lines) {
	t.head("reading through io_uring (uring)")
	rings := fmt.Sprintf("%d reads in flight, %s of memory", u.InFlight, sizeText(u.MemoryBytes))
	if !u.Leads {
		rings += ", waited for in the runtime's poller"
	}
	t.can("rings", u.Rings, rings)
	may := [...]string{"all may have rings", "the privileged and a group may", "nobody may"}
	if u.Setting >= 0 && u.Setting < len(may) {
		t.say("sysctl", "io_uring_disabled is %d: %s", u.Setting, may[u.Setting])
	}
	t.can("file", u.File, "it was read so")
	t.can("O_DIRECT", u.Direct, fmt.Sprintf("it was read past the page cache, in units of %d bytes", u.DirectUnit))
}

func (l *BoundFacts) text(t lines) {
	t.head("bounds")
	t.say("waiting", "%d reads by pread, each of which holds a thread", l.Threads)
	if l.InFlight < 0 {
		t.say("in flight", "no reads through io_uring")
	} else {
		t.say("in flight", "%d reads through io_uring, of %s together", l.InFlight, sizeText(l.InFlightBytes))
	}
	t.say("lent", "%s of a mapping at a time", sizeText(l.PinnedBytes))
	if l.Files > 0 {
		t.say("open", "%d files", l.Files)
	} else {
		t.say("open", "as many files as the system allows")
	}
}

func orUnknown(s string) string {
	if s == "" {
		return canUnknown
	}
	return s
}
