package source

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/oriel-go/oriel/internal/probe"
	"github.com/oriel-go/oriel/source/internal/plan"
	"github.com/oriel-go/oriel/window"
)

// What it costs to know what a plan is made of, on the machines that were
// measured:
//
//	of the file:         cachestat of some samples, statx          about 3 µs
//	of the file system:  statfs, two files of /sys, two of /proc   about 60 µs, once in systemFor
//	of the machine:      /proc/meminfo, the control groups' files  about 60 µs, once in memoryFor,
//	                     for files of at least manyBytes that are not read once
//	of the page cache:   mapping and populating a few pages        15 µs in large folios, 55 in small
//	                     ones, when a Reader has read plannedFrom
//
// A file below plan.LeastBytes is read by pread whatever is known of it, so
// nothing is asked.

const (
	systemFor = 10 * time.Second // a device's number may be another's after that
	memoryFor = time.Second
	// manyBytes is the size of a file from which on it matters how much memory
	// the page cache can have.
	manyBytes = 64 << 20
	// mostSystems bounds how many file systems are remembered.
	mostSystems = 1024
)

// A machine remembers what is known of file systems and of memory.
type machine struct {
	mu      sync.Mutex
	systems map[uint64]system
	memory  probe.Memory
	memErr  error
	at      time.Time // of memory

	amend func(*plan.Facts) // nil but in tests, which lie
}

// A system is what is known of a file system.
type system struct {
	fs      probe.FileSystem
	device  probe.Device
	noGuard error
	failed  []string
	at      time.Time
}

// system returns what is known of where b lies.
func (rt *Runtime) system(b *preadSource) system {
	m := &rt.machine
	now := time.Now()
	m.mu.Lock()
	s, ok := m.systems[b.dev]
	m.mu.Unlock()
	if ok && now.Sub(s.at) < systemFor {
		return s
	}
	s = system{at: now}
	var err error
	if b.block {
		s.fs.Name = "a block device"
	} else if s.fs, err = probe.FileSystemOf(b.fd); err != nil {
		s.failed = append(s.failed, err.Error())
	}
	if !s.fs.InMemory {
		if s.device, err = probe.DeviceOf(b.dev); err != nil && !s.fs.Remote {
			s.failed = append(s.failed, err.Error())
		}
	}
	s.noGuard = rt.guard.Guards(b.f)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.systems == nil || len(m.systems) >= mostSystems {
		m.systems = map[uint64]system{}
	}
	m.systems[b.dev] = s
	return s
}

// memoryNow returns how much memory there is, as it was a moment ago.
func (rt *Runtime) memoryNow() (probe.Memory, error) {
	m := &rt.machine
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at.IsZero() || now.Sub(m.at) >= memoryFor {
		m.memory, m.memErr = probe.MemoryNow()
		m.at = now
	}
	return m.memory, m.memErr
}

// isHeld reports whether the page cache can hold the file, as far as that is known.
func (f *File) isHeld() bool {
	if f.Size() < manyBytes {
		return true
	}
	m, err := f.rt.memoryNow()
	can := cacheBytes(m)
	return err != nil || can == 0 || f.Size() < can
}

// cacheBytes returns how much memory the page cache can take, 0 if that is not
// known.
func cacheBytes(m probe.Memory) int64 {
	if m.CgroupLimitBytes > 0 && (m.AvailableBytes == 0 || m.CgroupRoomBytes < m.AvailableBytes) {
		return max(m.CgroupRoomBytes, 1)
	}
	return m.AvailableBytes
}

// facts returns what is known of a file: all but what a Reader of it learns
// later. How much memory there is does not matter to what is read once.
func (f *File) facts(once bool) plan.Facts {
	b := f.pread
	k := plan.Facts{
		SizeBytes:      f.Size(),
		LockFreeBytes:  f.rt.locked.Free(),
		LockLimitBytes: f.rt.locked.Limit(),
		PoolBytes:      f.rt.memoryBytes(),
		Processors:     runtime.GOMAXPROCS(0),
		Busy:           known(f.rt.crowd.isBusy()),
		Mapped:         int(f.rt.mapped.Load()),
	}
	fail := func(err error) {
		if err != nil && !errors.Is(err, errors.ErrUnsupported) {
			k.Failed = append(k.Failed, err.Error())
		}
	}
	s := f.rt.system(b)
	k.Failed = append(k.Failed, s.failed...)
	k.FileSystem = s.fs.Name
	if s.fs.Name != "" {
		k.InMemory, k.Remote = known(s.fs.InMemory), known(s.fs.Remote)
	}
	k.ReadAheadBytes = s.device.ReadAheadBytes
	if s.device.Known && !isVirtual(s.device.Name) {
		k.Rotational = known(s.device.Rotational)
	}
	k.NeverWaits = known(b.nowait.Load() || b.memory.Load())
	k.NoGuard, k.NoRing = f.noGuard(s), f.noRing()
	var err error
	if k.CachedShare, err = probe.CachedShare(b.fd, k.SizeBytes); err != nil {
		k.CachedShare = unknownShare
		fail(err)
	}
	if _, k.DirectUnit, err = probe.DirectIO(b.fd); err != nil {
		k.NoDirect = plainly(err)
	}
	if k.SizeBytes >= manyBytes && !once {
		m, err := f.rt.memoryNow()
		k.CacheBytes = cacheBytes(m)
		fail(err)
	}
	if lie := f.rt.machine.amend; lie != nil {
		lie(&k)
	}
	return k
}

// factsFrom is facts for a Reader that has come to off: what counts is how much of
// what comes next is cached.
func (f *File) factsFrom(off int64, once bool) plan.Facts {
	k := f.facts(once)
	if pages, of, err := probe.Cached(f.pread.fd, off, min(soonBytes, k.SizeBytes-off)); err == nil && of > 0 {
		k.CachedShare = float64(pages) / float64(of)
	}
	return k
}

// soonBytes is what of a file is looked at when a plan turns out to be wrong.
const soonBytes = 8 << 20

// isVirtual reports whether a block device is one of a virtual machine, which says
// that it rotates whatever it lies on.
func isVirtual(device string) bool {
	return strings.HasPrefix(device, "vd") || strings.HasPrefix(device, "xvd")
}

// unknownShare says that it is not known how much of a file is cached.
const unknownShare = -1

// learn adds what is learned of the page cache by mapping a little of the file
// behind off: in the second half, because the kernel's read-ahead begins with small
// folios.
func (f *File) learn(k *plan.Facts, off int64) {
	large, err := probe.LargeFolios(f.pread.fd, max(off, k.SizeBytes/2), k.SizeBytes)
	switch {
	case err == nil:
		k.LargeFolios = known(large)
		f.folios.Store(&folios{k.LargeFolios, time.Now()})
	case errors.Is(err, probe.ErrNotCached), errors.Is(err, probe.ErrTooSmall), errors.Is(err, errors.ErrUnsupported):
	default:
		k.Failed = append(k.Failed, err.Error())
	}
}

// A folios is what was learned of a file's folios.
type folios struct {
	large plan.Known
	at    time.Time
}

// foliosFor is how long that is believed of other Readers of the file.
const foliosFor = time.Second

// lendsNow reports whether a mapping of the file is open and serves others, who have
// learned that it pays: then it does for one more.
func (f *File) lendsNow() bool {
	l := f.folios.Load()
	return l != nil && l.large == plan.Yes && time.Since(l.at) < foliosFor && f.ways.mapped.Load() != nil
}

// noGuard returns why the file cannot be kept still, as far as that is known
// without trying.
func (f *File) noGuard(s system) string {
	noMap, _ := f.ways.refusals()
	switch {
	case f.pread.block:
		return "a block device"
	case noMap != nil:
		return plainly(noMap)
	case f.set.immutable:
		return ""
	case s.noGuard != nil:
		return plainly(s.noGuard)
	case !f.pread.owned:
		return "a lease needs the owner of the file, or root"
	}
	return ""
}

// noRing returns why the file cannot be read through the ring, as far as that is
// known.
func (f *File) noRing() string {
	_, noRing := f.ways.refusals()
	if noRing == nil {
		noRing = f.rt.ringRefusal()
	}
	if noRing == nil {
		return ""
	}
	return plainly(noRing)
}

// ringRefusal returns why there is no ring, as far as that was tried.
func (rt *Runtime) ringRefusal() error {
	off := rt.Limits().InFlight < 0
	rt.ringMu.Lock()
	defer rt.ringMu.Unlock()
	if off {
		return errRingOff
	}
	return rt.noRing
}

var errRingOff = fmt.Errorf("%w: io_uring is switched off by Limits.InFlight", window.ErrRefused)

// known returns what is known when yes is.
func known(yes bool) plan.Known {
	if yes {
		return plan.Yes
	}
	return plan.No
}
