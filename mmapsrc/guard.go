package mmapsrc

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oriel-go/oriel/internal/memlock"
	"github.com/oriel-go/oriel/window"
)

// DefaultPinnedBytes is how much of a file is lent at a time unless set: 16
// extents. With 32, of which each was lent at every break, a writer waited 12 ms
// in the middle and 117 ms in one of a hundred cases, when memory for the copies
// had to be got from the host of a virtual machine (decision 0008).
const DefaultPinnedBytes = 32 << 20

// A Guard keeps files still while they are mapped, and owns the keeper that
// meets their writers. Its methods may be called by any number of goroutines.
type Guard struct {
	k       kernel
	account *memlock.Account
	able    atomic.Bool          // the kernel's probe has succeeded
	now     func() time.Duration // its clock
	slots   atomic.Int64         // of the mappings to come
	keeper  keeper
	reserve reserve

	mu    sync.Mutex // never held across a system call
	files map[*File]struct{}
	list  []heldExtent
	hand  int // where the search for an extent to give up goes on

	copying atomic.Int64 // mappings that the keeper is at: loads would keep mmap_lock from it

	leases, breaks, frozenBreaks, extents, sweeps, lost, lockRefused atomic.Int64
	longest                                                          atomic.Int64 // freeze, in nanoseconds
}

// A heldExtent is one that is locked.
type heldExtent struct {
	m *mapping
	x *extent
}

// NewGuard returns a Guard that locks what account lends, and lends at most
// pinnedBytes of a file at a time, of which multiples of ExtentBytes count; 0
// is DefaultPinnedBytes. The keeper is started with the first lease, and ends
// a second after the last.
func NewGuard(account *memlock.Account, pinnedBytes int64) *Guard {
	return newGuard(systemKernel(), account, pinnedBytes)
}

func newGuard(k kernel, account *memlock.Account, pinnedBytes int64) *Guard {
	began := time.Now()
	g := &Guard{k: k, account: account, files: map[*File]struct{}{}, now: func() time.Duration { return time.Since(began) }}
	g.keeper.g = g
	g.SetPinned(pinnedBytes)
	return g
}

// SetPinned changes how many bytes of a file are lent at a time, for files that
// are mapped from now on.
func (g *Guard) SetPinned(pinnedBytes int64) {
	if pinnedBytes == 0 {
		pinnedBytes = DefaultPinnedBytes
	}
	g.slots.Store(min(max(pinnedBytes>>extentShift, 1), mostSlots))
}

// Slots returns how many extents of a file are lent at a time.
func (g *Guard) Slots() int { return int(g.slots.Load()) }

// Close ends the lending of all Files. Slices that are out stay valid, and
// guarded, until they are given back; it returns of how many extents there are
// any. The keeper ends when it keeps nothing any more.
func (g *Guard) Close() (pinned int) {
	pinned = g.pinned()
	for _, s := range g.open() {
		s.Close()
	}
	g.keeper.hurry()
	return pinned
}

// Guards returns nil if files like f, a regular file, can be kept still as far as
// their file system goes, and otherwise why not. Whether the file itself can be is
// known when it is opened. It takes some microseconds.
func (g *Guard) Guards(f *os.File) error {
	err := g.ability()
	if err == nil {
		_, err = g.k.guardOf(f)
	}
	return err
}

// ability returns why nothing can be mapped, populated and locked here, nil if it
// can.
func (g *Guard) ability() error {
	if g.able.Load() {
		return nil
	}
	err := g.k.probe()
	if err == nil {
		g.able.Store(true)
	}
	return err
}

// open returns the Files that are open.
func (g *Guard) open() []*File {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Keys(g.files))
}

// pinned returns of how many extents there are slices.
func (g *Guard) pinned() (n int) {
	for _, s := range g.open() {
		n += s.pinned()
	}
	return n
}

// run returns how many extents are loaded at a time for a reader from front to
// back, a power of two: half of the budget at most, so that the next are loaded
// before the last are given up, and no more than may be lent.
func (g *Guard) run() int64 {
	n := int64(runExtents)
	for n > 1 && (n<<(extentShift+1) > g.account.Limit() || n > g.slots.Load()) {
		n /= 2
	}
	return n
}

// RunBytes returns how much is loaded at a time for a reader from front to back:
// a window of more may not fit into the budget.
func (g *Guard) RunBytes() int { return int(g.run() << extentShift) }

// A guardKind is what keeps a mapped file still.
type guardKind uint8

const (
	leased   guardKind = iota + 1 // a read lease, until it is broken
	sealed                        // a memfd's seals
	readOnly                      // the file system cannot be written
	promised                      // the caller said so
)

func (k guardKind) String() string {
	switch k {
	case leased:
		return "read lease"
	case sealed:
		return "seals"
	case readOnly:
		return "read-only file system"
	case promised:
		return "the caller's promise"
	}
	return fmt.Sprintf("guardKind(%d)", uint8(k))
}

// refuse returns the error of a file that cannot be guarded, or mapped.
func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %w", window.ErrRefused, fmt.Errorf(format, args...))
}

// mapNow maps the file, under a guard that it takes first: what is mapped
// afterwards is what the guard keeps.
func (s *File) mapNow(slots int) (_ *mapping, err error) {
	if n := s.g.account.Limit(); n < ExtentBytes {
		return nil, refuse("%d bytes may be locked, and an extent has %d", n, ExtentBytes)
	}
	if err := s.g.ability(); err != nil {
		return nil, refuse("%w", err)
	}
	fi, err := s.f.Stat()
	if err != nil {
		return nil, refuse("%w", err)
	}
	if !fi.Mode().IsRegular() {
		return nil, refuse("not a regular file")
	}
	kind := promised
	if !s.opts.Immutable {
		if kind, err = s.g.k.guardOf(s.f); err != nil {
			return nil, refuse("%w", err)
		}
	}
	file, fd, err := s.g.k.reopen(s.f)
	if err != nil {
		return nil, refuse("re-opening it: %w", err)
	}
	// No more slots than the file has extents, or had just now.
	slots = int(min(int64(slots), max(fi.Size()+ExtentBytes-1, ExtentBytes)>>extentShift))
	m := newMapping(s, file, fd, kind, slots)
	s.mu.Lock()
	s.all = append(s.all, m)
	s.mu.Unlock()
	// A writer may come as soon as there is a lease. The mapping does not end
	// before loaded, and broke waits for filled.
	m.loads.Add(1)
	defer m.loaded()
	defer close(m.filled)
	if err = s.g.guard(m); err == nil {
		err = m.fill(fi)
	}
	if err != nil {
		m.over.Store(true)
		return nil, refuse("%w", err)
	}
	return m, nil
}

// fill maps what is guarded now. was is the file that it is to be.
func (m *mapping) fill(was os.FileInfo) error {
	fi, err := m.file.Stat()
	switch {
	case err != nil:
		return err
	case !os.SameFile(fi, was):
		return errors.New("another file was opened in its place")
	case fi.Size() > mostBytes:
		return fmt.Errorf("%d bytes do not fit into the address space", fi.Size())
	case fi.Size() == 0:
		return nil // and lends nothing
	}
	return m.mapFile(fi.Size())
}

// mostSlots bounds how much of a file is lent at a time, so that a slice of all of
// it is counted in a shard's 40 bits of bytes: 64 GiB.
const mostSlots = 1 << 15

// mostBytes bounds a file that is mapped: a quarter of the addresses there are.
const mostBytes = 1 << (28 + 17*(^uint(0)>>63))

// guard takes the guard of m.
func (g *Guard) guard(m *mapping) (err error) {
	if m.kind == leased {
		err = g.keeper.watch(m)
		m.watched = err == nil
	}
	return err
}

// unguard gives the guard of m up. m's phase is ended, or is frozen and stays so,
// so that the keeper lets it alone.
func (g *Guard) unguard(m *mapping) {
	if m.watched {
		m.watched = false
		g.keeper.unwatch(m)
	}
}

// Stats says what a Guard has done and holds.
type Stats struct {
	Leases        int64         // leases held now
	Breaks        int64         // leases that were given up because a writer came
	FrozenBreaks  int64         // of Breaks, those that had something to copy
	FrozenExtents int64         // extents copied in place for it
	LongestFreeze time.Duration // from when the keeper saw a break to when it gave the lease up
	Sweeps        int64         // times that all leases were looked at
	LostSignals   int64         // of those, because signals had been lost
	LockedBytes   int64         // locked now, in all of the account
	PinnedExtents int           // extents of which there are slices now, of Files that are open
	LockRefused   int64         // times that the system refused to lock within the account
}

// Stats returns what the Guard has done and holds.
func (g *Guard) Stats() Stats {
	return Stats{
		Leases:        g.leases.Load(),
		Breaks:        g.breaks.Load(),
		FrozenBreaks:  g.frozenBreaks.Load(),
		FrozenExtents: g.extents.Load(),
		LongestFreeze: time.Duration(g.longest.Load()),
		Sweeps:        g.sweeps.Load(),
		LostSignals:   g.lost.Load(),
		LockedBytes:   g.account.Used(),
		PinnedExtents: g.pinned(),
		LockRefused:   g.lockRefused.Load(),
	}
}
