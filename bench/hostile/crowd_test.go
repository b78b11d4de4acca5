package hostile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/memgroup"
	"github.com/oriel-go/oriel/bench/volume"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

// Sizes of TestHeldWindowsStayInACrowdedGroup.
const (
	crowdBytes  = 8 << 30   // of the file
	pieceBytes  = 16 << 20  // of it that differ: the rest are the same blocks again
	groupBytes  = 400 << 20 // of memory, page cache included
	heldEvery   = 1 << 30   // a part of a window is held, which pins all of it
	heldBytes   = 64 << 10
	crowdLocked = 64 << 20
)

const crowdTask = "crowd"

// A crowding says what became of a process that read much in little memory.
type crowding struct {
	ReadBytes    int64
	Held         int
	Guarded      int   // of them, in the end
	MajorFaults  int64 // of touching the held windows in the end
	PlainFaults  int64 // of touching as much of a plain mapping that was populated with them
	WholeFaults  int64 // of the whole process
	PeakRSSBytes int64
	LockedBytes  int64 // before the end, as the kernel counts
}

// crowd reads a file from front to back by windows, holds some and touches them
// again in the end.
func crowd(args []string) (string, error) {
	ctx := context.Background()
	rt, err := source.NewRuntime(source.Limits{MemoryBytes: 16 << 20, LockBytes: crowdLocked, PinnedBytes: crowdLocked})
	if err != nil {
		return "", err
	}
	f, err := source.Open(ctx, args[0], &source.Options{Runtime: rt, Source: source.Mmap})
	if err != nil {
		return "", err
	}
	plain, err := populated(args[0])
	if err != nil {
		return "", err
	}
	var c crowding
	held, err := c.readWhole(ctx, f)
	if err != nil {
		return "", err
	}
	before := majorFaults()
	for _, w := range held {
		if !bytes.Equal(w.Bytes(), content(w.Off()%pieceBytes, w.Len())) {
			return "", fmt.Errorf("at %d the window has changed", w.Off())
		}
		if w.Info().Residency == window.Guarded && w.Info().Locked {
			c.Guarded++
		}
	}
	c.MajorFaults = majorFaults() - before
	before = majorFaults()
	for _, p := range plain {
		if !bytes.Equal(p, content(plainOff, len(p))) {
			return "", errors.New("the plain mapping has changed")
		}
	}
	c.WholeFaults = majorFaults()
	c.PlainFaults = c.WholeFaults - before
	c.LockedBytes = status("VmLck:")
	for _, w := range held {
		w.Release()
	}
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return "", err
	}
	c.PeakRSSBytes = u.Maxrss << 10
	b, err := json.Marshal(c)
	return string(b), errors.Join(err, f.Close(), rt.Close())
}

// plainOff is where pieces of the plain mapping begin, in as many bytes as the
// held windows are apart.
const plainOff = pieceBytes / 2

// populated maps a file in the plain way and populates pieces of it. Nothing is
// unmapped: the process ends.
func populated(name string) (pieces [][]byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for off := int64(plainOff); off < crowdBytes; off += heldEvery {
		p, err := unix.Mmap(int(f.Fd()), off, heldBytes, unix.PROT_READ, unix.MAP_SHARED)
		if err == nil {
			err = unix.Madvise(p, unix.MADV_POPULATE_READ)
		}
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, p)
	}
	return pieces, nil
}

// readWhole reads a file, checks it, and holds a window of every heldEvery
// bytes.
func (c *crowding) readWhole(ctx context.Context, f *source.File) (held []window.Window, err error) {
	want := content(0, pieceBytes)
	r := f.NewReader(nil)
	defer r.Close()
	for {
		w, err := r.ReadManaged(ctx)
		if err == io.EOF {
			c.Held = len(held)
			return held, nil
		}
		if err != nil {
			return held, err
		}
		at := w.Off() % pieceBytes
		for p := w.Bytes(); len(p) > 0; at = 0 {
			n := min(int64(len(p)), pieceBytes-at)
			if !bytes.Equal(p[:n], want[at:at+n]) {
				return held, fmt.Errorf("other bytes in the window at %d", w.Off())
			}
			p = p[n:]
		}
		if int64(len(held))*heldEvery <= w.Off() {
			held = append(held, w.Slice(0, heldBytes))
		}
		c.ReadBytes += int64(w.Len())
		w.Release()
	}
}

// status returns what the kernel says about this process in kB, in bytes.
func status(field string) int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(b)) {
		if w := strings.Fields(line); len(w) > 1 && w[0] == field {
			n, _ := strconv.ParseInt(w[1], 10, 64)
			return n << 10
		}
	}
	return -1
}

// newGroup makes a group that may use so much memory.
func newGroup(t *testing.T, limitBytes int64) *memgroup.Group {
	t.Helper()
	if err := memgroup.Available(); err != nil {
		t.Skip(err)
	}
	g, err := memgroup.Make(limitBytes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Remove(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// repeated makes a large file of the same blocks again and again, each of which
// is cached for itself.
func repeated(t *testing.T, name string) {
	t.Helper()
	write(t, name, pieceBytes)
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for have := uint64(pieceBytes); have < crowdBytes; have *= 2 {
		clone := unix.FileCloneRange{Src_fd: int64(f.Fd()), Src_length: have, Dest_offset: have}
		if err := unix.IoctlFileCloneRange(int(f.Fd()), &clone); err != nil {
			t.Skip("blocks cannot be shared:", err)
		}
	}
}

// TestHeldWindowsStayInACrowdedGroup: in a group with a twentieth of the memory
// that the file has, held windows stay where they are while everything is read.
func TestHeldWindowsStayInACrowdedGroup(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 8 GiB")
	}
	v := made(t, volume.Options{Kind: "xfs", SizeBytes: 1 << 30})
	g := newGroup(t, groupBytes)
	name := filepath.Join(v.Dir, "file")
	repeated(t, name)
	evict(t, name)
	task, err := child.Command(crowdTask, name)
	if err != nil {
		t.Fatal(err)
	}
	result, err := g.Run(task.Args[0], task.Args[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	if counts, err := g.Counts(); err != nil || counts.Kills != 0 {
		t.Errorf("%d processes were killed for want of memory, %v", counts.Kills, err)
	}
	var c crowding
	if err := json.Unmarshal([]byte(result.Stdout), &c); err != nil {
		t.Fatal(err)
	}
	if c.ReadBytes != crowdBytes || c.Held != crowdBytes/heldEvery || c.Guarded != c.Held {
		t.Errorf("%+v", c)
	}
	if c.MajorFaults != 0 {
		t.Errorf("touching %d held windows again waited %d times", c.Held, c.MajorFaults)
	}
	if c.PlainFaults == 0 {
		t.Error("a plain mapping that was populated stayed as well: the group was not crowded")
	}
	t.Logf("%.1f s; a plain mapping waited %d times; peak RSS %d MiB, %d MiB locked, %d major faults in the whole process",
		result.Seconds, c.PlainFaults, c.PeakRSSBytes>>20, c.LockedBytes>>20, c.WholeFaults)
}
