package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/oriel-go/oriel/internal/probe"
	"github.com/oriel-go/oriel/window"
)

// Capabilities are what a machine, and the file system of some path, offer a
// [Runtime], and why they refuse the rest. Their JSON is for programs, their
// String for people.
type Capabilities struct {
	Path   string `json:"path"`             // that was asked about
	By     string `json:"by"`               // the file that it was tried on, "" for none; Path itself, or a file in it
	NoFile string `json:"noFile,omitempty"` // why there was none

	FileSystem string       `json:"fileSystem"` // "" where it is unknown
	InMemory   string       `json:"inMemory"`   // "yes", "no" or "unknown": whether reading never waits for a device
	Remote     string       `json:"remote"`     // whether it is a network file system or FUSE
	Device     DeviceFacts  `json:"device"`
	Machine    MachineFacts `json:"machine"`
	Memory     MemoryFacts  `json:"memory"`
	Pread      PreadFacts   `json:"pread"`
	Mmap       MmapFacts    `json:"mmap"`
	Uring      UringFacts   `json:"uring"`
	Bounds     BoundFacts   `json:"bounds"`
	Failed     []string     `json:"failed,omitempty"` // what could not be asked
}

// An Ability says whether something can be done.
type Ability struct {
	Can string `json:"can"`           // "yes", "no" or "unknown"
	Why string `json:"why,omitempty"` // why not, or why that is unknown
}

// MachineFacts say what a program runs on.
type MachineFacts struct {
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	Kernel     string `json:"kernel"` // its release, "" where it is unknown
	Go         string `json:"go"`
	Processors int    `json:"processors"` // that goroutines may run on (GOMAXPROCS)
	PageBytes  int    `json:"pageBytes"`
}

// MemoryFacts say how much memory there is, and what the Runtime takes of it.
type MemoryFacts struct {
	TotalBytes       int64  `json:"totalBytes"`       // the machine's; 0: unknown, as in the next
	AvailableBytes   int64  `json:"availableBytes"`   // what the kernel thinks can be had
	CgroupLimitBytes int64  `json:"cgroupLimitBytes"` // the smallest of the control groups; 0: none that is known
	CgroupRoomBytes  int64  `json:"cgroupRoomBytes"`  // what can be had within it, where there is one
	GoLimitBytes     int64  `json:"goLimitBytes"`     // GOMEMLIMIT; 0: none
	HugePages        string `json:"hugePages"`        // "always", "madvise" or "never"; "" where it is unknown
	BudgetBytes      int64  `json:"budgetBytes"`      // Limits.MemoryBytes,
	BudgetFrom       string `json:"budgetFrom"`       // and what set it
	ReserveBytes     int64  `json:"reserveBytes"`     // Limits.ReserveBytes
	LockBytes        int64  `json:"lockBytes"`        // Limits.LockBytes,
	LockFrom         string `json:"lockFrom"`         // and what set it
	LockFreeBytes    int64  `json:"lockFreeBytes"`    // of that, what is free now
}

// PreadFacts say what reading through the page cache can do on the file system.
type PreadFacts struct {
	Cachestat Ability `json:"cachestat"` // whether it is told what is cached, which it is not of files of other owners
	NoWait    Ability `json:"noWait"`    // whether what is cached can be read without waiting for what is not (RWF_NOWAIT)
	DontCache Ability `json:"dontCache"` // whether what is read once can be given up at once (RWF_DONTCACHE)
}

// MmapFacts say what can be mapped.
type MmapFacts struct {
	Locks        Ability `json:"locks"`        // whether a mapping can be populated and locked, by doing it
	Leases       Ability `json:"leases"`       // whether the kernel gives leases
	BreakSeconds int     `json:"breakSeconds"` // after how long it takes one away; 0: unknown
	Still        Ability `json:"still"`        // whether files of the file system can be kept still
	File         Ability `json:"file"`         // whether the file can, by doing it
}

// UringFacts say what can be read through io_uring.
type UringFacts struct {
	Rings       Ability `json:"rings"`       // whether there are rings, by reading a pipe through each
	Setting     int     `json:"setting"`     // kernel.io_uring_disabled: 0 all may, 1 the privileged and a group, 2 nobody; -1: unknown, or before Linux 6.6
	InFlight    int     `json:"inFlight"`    // reads that may be in the kernel at a time, where there are rings
	MemoryBytes int64   `json:"memoryBytes"` // that the rings take of what may be locked
	Leads       bool    `json:"leads"`       // whether goroutines wait in the kernel, rather than in the runtime's poller
	File        Ability `json:"file"`        // whether the file can be read through them, by doing it
	Direct      Ability `json:"direct"`      // and past the page cache (O_DIRECT),
	DirectUnit  int     `json:"directUnit"`  // in multiples of this, in bytes; 0: unknown
	DirectAlign int     `json:"directAlign"` // into memory that is aligned to this
}

// DeviceFacts say what a file system lies on.
type DeviceFacts struct {
	Name           string `json:"name"`           // the kernel's; "" where it is unknown, or there is none
	ReadAheadBytes int64  `json:"readAheadBytes"` // how far the kernel reads ahead; 0: not at all, or unknown
	Rotational     string `json:"rotational"`     // "yes", "no" or "unknown": what the device says
}

// BoundFacts are bounds of the Runtime; see [Limits].
type BoundFacts struct {
	Threads       int   `json:"threads"`
	InFlight      int   `json:"inFlight"` // negative: the ring is switched off
	InFlightBytes int64 `json:"inFlightBytes"`
	PinnedBytes   int64 `json:"pinnedBytes"`
	Files         int   `json:"files"` // 0: no bound but the system's
}

// The values of Ability.Can, and of facts that may be unknown.
const (
	canYes     = "yes"
	canNo      = "no"
	canUnknown = "unknown"
)

// Probe finds out what this machine offers the Runtime, and the file system that
// path, a file or a folder, lies on; "" is the current folder. It tries what it
// tells of: it maps a page, and reads it through io_uring and past the page cache,
// and makes the Runtime's rings if there are none yet. That takes milliseconds,
// and on a network file system as long as that likes.
//
// What only a file can tell is found out by path itself, if that is a file. Of a
// folder it is a regular file in it that the process owns, one of the first few
// hundred; else a temporary file, which is removed again; else a file of another
// owner. Where there is none it is unknown, which is no error. A file is leased
// for the moment, so that a writer of it waits.
//
// Anything else, such as a pipe, is an error that wraps window.ErrUnsupported.
func (rt *Runtime) Probe(path string) (Capabilities, error) {
	if path == "" {
		path = "."
	}
	c := Capabilities{Path: path}
	s, err := sampleOf(path)
	if err != nil {
		return c, &window.Error{Op: "probe", Path: path, Err: reason(err)}
	}
	defer s.close()
	c.By = s.by
	if s.none != nil {
		c.NoFile = s.none.Error()
	}
	c.ofMachine()
	c.ofRuntime(rt)
	c.ofPlace(s)
	c.ofPread(s)
	c.ofMmap(rt, s)
	c.ofUring(rt, s)
	return c, nil
}

// fail notes a fact that could not be asked. What this system does not have is
// not one.
func (c *Capabilities) fail(err error) {
	if err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrNotExist) {
		c.Failed = append(c.Failed, plainly(err))
	}
}

func (c *Capabilities) ofMachine() {
	kernel, err := probe.Kernel()
	c.fail(err)
	c.Machine = MachineFacts{
		OS:         runtime.GOOS,
		Arch:       runtime.GOARCH,
		Kernel:     kernel,
		Go:         runtime.Version(),
		Processors: runtime.GOMAXPROCS(0),
		PageBytes:  os.Getpagesize(),
	}
	m, err := probe.MemoryNow()
	c.fail(err)
	c.Memory = MemoryFacts{
		TotalBytes:       m.TotalBytes,
		AvailableBytes:   m.AvailableBytes,
		CgroupLimitBytes: m.CgroupLimitBytes,
		CgroupRoomBytes:  m.CgroupRoomBytes,
	}
	if n := debug.SetMemoryLimit(-1); n < math.MaxInt64 {
		c.Memory.GoLimitBytes = n
	}
	c.Memory.HugePages, err = probe.HugePages()
	c.fail(err)
}

func (c *Capabilities) ofRuntime(rt *Runtime) {
	l, m := rt.Limits(), &c.Memory
	m.BudgetFrom, m.LockFrom = rt.origins()
	m.BudgetBytes, m.ReserveBytes = l.MemoryBytes, l.ReserveBytes
	m.LockBytes, m.LockFreeBytes = rt.locked.Limit(), rt.locked.Free()
	c.Bounds = BoundFacts{
		Threads: l.Threads, InFlight: l.InFlight, InFlightBytes: l.InFlightBytes, PinnedBytes: l.PinnedBytes,
	}
	if l.Files < math.MaxInt {
		c.Bounds.Files = l.Files
	}
}

// ofPlace says what the file system is.
func (c *Capabilities) ofPlace(s *sample) {
	c.InMemory, c.Remote, c.Device.Rotational = canUnknown, canUnknown, canUnknown
	if s.at == nil {
		return
	}
	dev := device(s.info)
	if s.isDevice() { // whose node may lie anywhere
		c.InMemory, c.Remote = canNo, canNo
	} else {
		fd, err := descriptor(s.at)
		var f probe.FileSystem
		if err == nil {
			f, err = probe.FileSystemOf(fd)
		}
		c.fail(err)
		if c.FileSystem = f.Name; err == nil {
			c.InMemory, c.Remote = yesOrNo(f.InMemory), yesOrNo(f.Remote)
		}
		if f.InMemory {
			return
		}
	}
	d, err := probe.DeviceOf(dev)
	c.fail(err)
	c.Device.Name, c.Device.ReadAheadBytes = d.Name, d.ReadAheadBytes
	if d.Known {
		c.Device.Rotational = yesOrNo(d.Rotational)
	}
}

func (c *Capabilities) ofPread(s *sample) {
	fd, err := s.descriptor()
	if err != nil {
		c.Pread = PreadFacts{untried, untried, untried}
		return
	}
	_, _, err = probe.Cached(fd, 0, 1)
	c.Pread.Cachestat = abilityOf(err)
	heeds := func(ok bool, err error) Ability {
		if err == nil && !ok {
			return Ability{canNo, "the file system does not know it"}
		}
		return abilityOf(err)
	}
	c.Pread.NoWait = heeds(probe.NoWait(fd))
	c.Pread.DontCache = heeds(probe.DontCache(fd))
}

func (c *Capabilities) ofMmap(rt *Runtime, s *sample) {
	m := &c.Mmap
	on, seconds, err := probe.Leases()
	switch {
	case err != nil:
		m.Leases = Ability{canUnknown, plainly(err)}
	case !on:
		m.Leases = Ability{canNo, "they are switched off (/proc/sys/fs/leases-enable)"}
	default:
		m.Leases, m.BreakSeconds = Ability{Can: canYes}, seconds
	}
	// A promise needs no guard. Nothing is touched, so it need not be kept.
	m.Locks = s.tried(rt, Options{Source: Mmap, Immutable: true, Pattern: Reuse})
	m.File = s.tried(rt, Options{Source: Mmap, Pattern: Reuse})
	switch {
	case s.f == nil:
		m.Still = untried
	case s.isDevice():
		m.Still = Ability{canNo, "a block device"}
	default:
		m.Still = abilityOf(rt.guard.Guards(s.f))
	}
}

func (c *Capabilities) ofUring(rt *Runtime, s *sample) {
	u := &c.Uring
	var err error
	if u.Setting, err = probe.RingSetting(); err != nil {
		u.Setting = -1
		c.fail(err)
	}
	if fd, err := s.descriptor(); err == nil {
		u.DirectAlign, u.DirectUnit, err = probe.DirectIO(fd)
		u.Direct = abilityOf(err)
	}
	e, err := rt.ring()
	u.Rings = abilityOf(err)
	if err != nil {
		u.File = Ability{canNo, "there are no rings"}
		if u.Direct.Can != canNo {
			u.Direct = u.File
		}
		return
	}
	i := e.Info()
	u.InFlight, u.MemoryBytes, u.Leads = i.InFlight, i.MemoryBytes, i.Leads
	u.File = s.tried(rt, Options{Source: Uring, Direct: DirectNever})
	u.Direct = s.tried(rt, Options{Source: Uring, Direct: DirectAlways})
}

// tried says whether the sample can be read as o says, by reading a few bytes so.
func (s *sample) tried(rt *Runtime, o Options) Ability {
	if s.f == nil {
		return untried
	}
	o.Runtime = rt
	err := readSo(s.f, &o)
	if errors.Is(err, errNoBytes) {
		return Ability{canUnknown, err.Error()}
	}
	return abilityOf(err)
}

// untried is said of what only a file can tell, where there is none.
var untried = Ability{canUnknown, "there is no file to try it on"}

var errNoBytes = errors.New("the file says to be empty")

// readSo reads the beginning of h as o says. An error says why that cannot be.
func readSo(h *os.File, o *Options) error {
	f, err := NewFile(h, o)
	if err != nil {
		return err
	}
	defer f.Close()
	if f.Size() == 0 {
		return errNoBytes
	}
	// Or what is cached would be copied, whatever o says.
	f.pread.nowait.Store(false)
	w, err := f.ReadManagedAt(context.Background(), 0, Granularity)
	if err == io.EOF { // it was truncated
		return errNoBytes
	}
	if err != nil {
		return err
	}
	by := w.Info().Source
	w.Release()
	if by == o.Source.String() {
		return nil
	}
	e := f.Explain()
	for _, why := range []string{e.Unguarded, e.Unringed} {
		if why != "" {
			return errors.New(why)
		}
	}
	return fmt.Errorf("it was read by %s", by)
}

// abilityOf returns yes, or no and err.
func abilityOf(err error) Ability {
	if err != nil {
		return Ability{canNo, plainly(err)}
	}
	return Ability{Can: canYes}
}

func yesOrNo(yes bool) string {
	if yes {
		return canYes
	}
	return canNo
}

// plainly returns what err says, without that it is a refusal: nobody has forced
// anything. Nor does it say what was refused, which the reader sees.
func plainly(err error) string {
	text := reason(err).Error()
	for _, known := range []string{
		Mmap.String() + ": ", Uring.String() + ": ", window.ErrRefused.Error() + ": ", "Direct: " + DirectAlways.String() + ": ",
	} {
		text = strings.TrimPrefix(text, known)
	}
	return strings.ReplaceAll(text, "\n", "; ") // of errors that were joined
}
