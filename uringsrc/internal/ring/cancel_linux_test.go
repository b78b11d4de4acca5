package ring

import (
	"bytes"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func write(t testing.TB, fd int, s string) {
	t.Helper()
	if _, err := io.WriteString(fdWriter(fd), s); err != nil {
		t.Fatal(err)
	}
}

type fdWriter int

func (w fdWriter) Write(p []byte) (int, error) { return unix.Write(int(w), p) }

func TestACancelledReadHasOneCompletion(t *testing.T) {
	r := needRing(t, Config{Entries: 8})
	in, out := pipe(t)
	p := make([]byte, 10)
	push(t, r, Read(in, p, -1, 0, 1))
	r.Enter(0, 0)
	push(t, r, Cancel(1, 2), Cancel(77, 3))
	cs := byUserData(t, results(t, r, 3))
	wantErr(t, cs[1], syscall.ECANCELED)
	wantN(t, cs[2], 0)
	wantErr(t, cs[3], syscall.ENOENT)
	push(t, r, Cancel(1, 4))
	wantErr(t, results(t, r, 1)[0], syscall.ENOENT)
	// What comes after the terminal completion goes elsewhere.
	write(t, out, "later")
	if got := make([]byte, 10); string(p) != string(make([]byte, 10)) {
		t.Errorf("the buffer holds %q", p)
	} else if n, err := unix.Read(in, got); err != nil || string(got[:n]) != "later" {
		t.Errorf("the pipe holds %q, %v", got[:n], err)
	}
}

// TestWhatCannotBeCancelledGoesOn reads from the disk, where a cancel finds the
// read under way, finished, or not begun: whatever it says, the read has one
// completion, and when that says success the buffer has all bytes.
func TestWhatCannotBeCancelledGoesOn(t *testing.T) {
	const rounds, size = 200, 1 << 20
	content := pattern(size)
	f := file(t, content)
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(f.Name(), unix.O_RDONLY|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("no direct reads here: ", err)
	}
	defer unix.Close(fd)
	p, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	r := needRing(t, Config{Entries: 8})
	defer unix.Munmap(p) // after its last completion
	ends, cancels := map[error]int{}, map[error]int{}
	for round := range uint64(rounds) {
		clear(p)
		flags := Flags(0)
		if round%2 == 1 {
			flags = Async
		}
		push(t, r, Read(fd, p, 0, 0, 2*round).With(flags))
		if round%4 < 2 {
			r.Enter(0, 0)
		}
		push(t, r, Cancel(2*round, 2*round+1))
		cs := byUserData(t, results(t, r, 2))
		end, cancel := cs[2*round].Err(), cs[2*round+1].Err()
		ends[end]++
		cancels[cancel]++
		switch {
		case end == syscall.ECANCELED, end == syscall.EINTR:
		case end != nil:
			t.Fatalf("round %d: the read %v, the cancel %v", round, end, cancel)
		case cs[2*round].N() == size && !bytes.Equal(p, content):
			t.Fatalf("round %d: success with other bytes", round)
		}
		if cancel != nil && cancel != syscall.EALREADY && cancel != syscall.ENOENT {
			t.Fatalf("round %d: the cancel %v", round, cancel)
		}
	}
	t.Logf("reads ended with %v, cancels said %v", ends, cancels)
}

// TestCancelAndCompleteRace counts: each read has one completion and each
// cancel one, and what a read says it got is what the pipe lost.
func TestCancelAndCompleteRace(t *testing.T) {
	const rounds = 2000
	r := needRing(t, Config{Entries: 8})
	in, out := pipe(t)
	p := make([]byte, 1)
	begin := make(chan struct{})
	defer close(begin)
	go func() {
		for range begin {
			unix.Write(out, []byte("x"))
		}
	}()
	got, cancelled := 0, 0
	for round := range uint64(rounds) {
		push(t, r, Read(in, p, -1, 0, 2*round))
		r.Enter(0, 0)
		begin <- struct{}{}
		push(t, r, Cancel(2*round, 2*round+1))
		cs := byUserData(t, results(t, r, 2))
		c, ok := cs[2*round]
		if !ok || cs[2*round+1].UserData == 0 {
			t.Fatalf("round %d: %v", round, cs)
		}
		switch c.Err() {
		case nil:
			got++
		case syscall.ECANCELED:
			cancelled++
			if n, err := unix.Read(in, p); n != 1 || err != nil {
				t.Fatalf("round %d: %d, %v after a cancelled read", round, n, err)
			}
		default:
			t.Fatalf("round %d: %v", round, c.Err())
		}
	}
	t.Logf("%d read, %d cancelled", got, cancelled)
}

// TestCloseAfterAllHasEnded is how a ring ends: cancel, reap every terminal
// completion, close. Nothing is written to a buffer afterwards.
func TestCloseAfterAllHasEnded(t *testing.T) {
	const reads = 16
	r := needRing(t, Config{Entries: 2 * reads})
	in, out := pipe(t)
	p := make([]byte, reads)
	for i := range reads {
		e := Read(in, p[i:i+1], -1, 0, uint64(i))
		if i%4 == 3 {
			e = e.With(Async) // in a worker of the kernel
		}
		push(t, r, e)
	}
	r.Enter(0, 0)
	inFlight := map[uint64]bool{}
	for i := range uint64(reads) {
		inFlight[i] = true
	}
	for deadline := time.Now().Add(patience); len(inFlight) > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d reads left after %v", len(inFlight), patience)
		}
		for i := range inFlight {
			push(t, r, Cancel(i, reads+i))
		}
		enter(t, r, 1)
		var cs [4 * reads]Completion
		for _, c := range cs[:r.Reap(cs[:])] {
			delete(inFlight, c.UserData)
		}
	}
	r.Close()
	write(t, out, "0123456789abcdef")
	got := make([]byte, 100)
	if n, err := unix.Read(in, got); n != reads || err != nil || !bytes.Equal(p, make([]byte, reads)) {
		t.Errorf("the pipe holds %q, %v and the buffers %q", got[:n], err, p)
	}
}

// TestADescriptorIsLookedUpWhenSubmitted shows two hazards. Whoever uses a Ring
// keeps the file open from the push to the completion.
func TestADescriptorIsLookedUpWhenSubmitted(t *testing.T) {
	r := needRing(t, Config{Entries: 8})
	a, b := file(t, []byte("this")), file(t, []byte("that"))
	fd, err := unix.FcntlInt(a.Fd(), unix.F_DUPFD_CLOEXEC, 100)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 4)

	push(t, r, Read(fd, p, 0, 0, 1))
	unix.Close(fd)
	wantErr(t, results(t, r, 1)[0], syscall.EBADF)

	if err := unix.Dup3(int(a.Fd()), fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	push(t, r, Read(fd, p, 0, 0, 2))
	unix.Close(fd)
	if err := unix.Dup3(int(b.Fd()), fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	wantN(t, results(t, r, 1)[0], 4)
	if string(p) != "that" {
		t.Errorf("read %q; it used to be the other file", p)
	}
}

// TestADescriptorIsNotNeededAfterSubmission: the kernel holds the file.
func TestADescriptorIsNotNeededAfterSubmission(t *testing.T) {
	r := needRing(t, Config{Entries: 8})
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p := make([]byte, 4)
	push(t, r, Read(int(in.Fd()), p, -1, 0, 1))
	r.Enter(0, 0)
	in.Close()
	out.WriteString("text")
	wantN(t, results(t, r, 1)[0], 4)
	if string(p) != "text" {
		t.Errorf("read %q", p)
	}
}
