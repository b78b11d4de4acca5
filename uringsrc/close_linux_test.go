package uringsrc_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/uringsrc"
)

// files for cycles of Close: two with different content, whose descriptors and
// their numbers are used again by turns.
type cycleFiles struct {
	names    [2]string
	contents [2][]byte
}

// TestCloseInFlight ends engines with reads of a disk and of a pipe in them, ten
// thousand times. Each read ends once, before Close returns, with an error or the
// bytes of the file that the descriptor was of; nothing is written to the buffers
// afterwards; and the numbers of the descriptors go to other files at once.
func TestCloseInFlight(t *testing.T) {
	const block, reads = 4096, 4
	var f cycleFiles
	dir := t.TempDir()
	for i := range f.names {
		f.names[i] = filepath.Join(dir, string(rune('a'+i)))
		f.contents[i] = pattern(64*block, uint32(i))
		store(t, f.names[i], f.contents[i])
	}
	needEngine(t, uringsrc.Options{}) // or skips
	cycles := scale(10_000)
	// Buffers of the last cycles are looked at for a while.
	const behind = 64
	ring := make([][]byte, behind)
	for i := range ring {
		ring[i] = memory(t, reads*block)
	}
	closed, read, number := 0, 0, -1
	for c := range cycles {
		p := ring[c%behind]
		if c >= behind {
			for at, b := range p {
				if b != byte(c-behind) {
					t.Fatalf("cycle %d: byte %d of a buffer was overwritten after Close", c, at)
				}
			}
		}
		fill(p, 0)
		n, fd := f.cycle(t, p, c)
		closed, read = closed+reads-n, read+n
		if fd == number {
			number = -2
		} else if number != -2 {
			number = fd
		}
		fill(p, byte(c))
	}
	t.Logf("%d cycles: %d reads ended with ErrClosed, %d with their bytes", cycles, closed, read)
	if number != -2 {
		t.Log("no number of a descriptor was used again in the next cycle")
	}
}

// cycle makes and closes an engine, and returns how many reads came to an end
// before.
func (f *cycleFiles) cycle(t *testing.T, p []byte, c int) (completed, fd int) {
	const block = 4096
	e, err := uringsrc.New(uringsrc.Options{InFlight: 3}) // one queues
	if err != nil {
		t.Fatalf("cycle %d: %v", c, err)
	}
	which := c % 2
	if fd, err = unix.Open(f.names[which], unix.O_RDONLY|unix.O_CLOEXEC|unix.O_DIRECT, 0); err != nil {
		if fd, err = unix.Open(f.names[which], unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			t.Fatal(err)
		}
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	var rs []*owned
	var list []*uringsrc.Read
	for i := range len(p) / block {
		r := ask(fd, int64((c+i)%64)*block, 0)
		if i == 1 {
			r.FD, r.Off = fds[0], -1
		}
		r.Buf, r.Need = p[i*block:][:block], block
		rs, list = append(rs, r), append(list, &r.Read)
	}
	q := e.NewQueue()
	e.Start(q, list...)
	if c%3 == 0 {
		rs[0].Abandon()
	}
	if err := e.Close(context.Background()); err != nil {
		t.Fatalf("cycle %d: Close = %v", c, err)
	}
	unix.Close(fd)
	unix.Close(fds[0])
	unix.Close(fds[1])
	for i, r := range rs {
		if r.done.Load() != 1 {
			t.Fatalf("cycle %d: Close has returned, and read %d has ended %d times", c, i, r.done.Load())
		}
		switch {
		case r.abandoned.Load() == 1:
		case r.Err == nil && i != 1:
			completed++
			wantFile(t, &r.Read, f.contents[which])
		case !errors.Is(r.Err, uringsrc.ErrClosed):
			t.Errorf("cycle %d: read %d: %v", c, i, r.Err)
		}
	}
	return completed, fd
}

// TestAPipeThatDoesNotAnswer is one whose read the kernel can cancel.
func TestAPipeThatDoesNotAnswer(t *testing.T) {
	e := needEngine(t, uringsrc.Options{})
	in, _ := pipe(t)
	r := ask(in, -1, 4)
	e.Start(nil, &r.Read)
	began := time.Now()
	if err := e.Close(within(t, patience)); err != nil || !errors.Is(r.Err, uringsrc.ErrClosed) || r.done.Load() != 1 {
		t.Errorf("Close = %v, the read: %v", err, r.Err)
	}
	t.Logf("it took %v", time.Since(began))
}

// TestCloseWithAThousandReads in flight.
func TestCloseWithAThousandReads(t *testing.T) {
	e := needEngine(t, uringsrc.Options{InFlight: 1024})
	in, _ := pipe(t)
	var rs []*owned
	var list []*uringsrc.Read
	for range 1000 {
		r := ask(in, -1, 4)
		rs, list = append(rs, r), append(list, &r.Read)
	}
	e.Start(nil, list...)
	if s := e.Stats(); s.InKernel != 1000 {
		t.Errorf("%+v", s)
	}
	began := time.Now()
	if err := e.Close(within(t, patience)); err != nil {
		t.Errorf("Close = %v", err)
	}
	t.Logf("it took %v", time.Since(began))
	for i, r := range rs {
		if r.done.Load() != 1 || !errors.Is(r.Err, uringsrc.ErrClosed) {
			t.Fatalf("read %d: %v", i, r.Err)
		}
	}
}

// TestSixHundredReadsThrough64 places.
func TestSixHundredReadsThrough64(t *testing.T) {
	const block, reads, room = 4096, 600, 64
	content := pattern(reads*block, 1)
	fd := file(t, content, unix.O_DIRECT)
	e := needEngine(t, uringsrc.Options{InFlight: room})
	p := memory(t, reads*block)
	var list []*uringsrc.Read
	for _, i := range shuffled(reads) {
		r := ask(fd, int64(i)*block, 0)
		r.Buf, r.Need = p[i*block:][:block], block
		list = append(list, &r.Read)
	}
	q := e.NewQueue()
	e.Start(q, list...)
	seen := map[*uringsrc.Read]bool{}
	for range reads {
		if s := e.Stats(); s.InKernel > room || s.Queued > reads-room || s.QueuedBytes != int64(s.Queued)*block {
			t.Errorf("%+v", s)
		}
		r, err := q.Next(within(t, patience))
		if err != nil || seen[r] {
			t.Fatalf("Next = %v, %v", r, err)
		}
		seen[r] = true
		wantFile(t, r, content)
	}
	if r := q.TryNext(); r != nil {
		t.Errorf("%v once more", r)
	}
}

// shuffled returns the numbers below n in an order of no meaning.
func shuffled(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	slices.SortFunc(list, func(a, b int) int { return (a*7919)%n - (b*7919)%n })
	return list
}
