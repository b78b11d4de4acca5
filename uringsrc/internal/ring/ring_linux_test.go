package ring

import (
	"bytes"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestReads(t *testing.T) {
	r := needRing(t, Config{Entries: 8, Allow: []Op{OpRead}})
	content := pattern(10_000)
	f := file(t, content)
	fd := int(f.Fd())
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	closed, w := pipe(t)
	unix.Close(w)
	p := make([][]byte, 8)
	for i := range p {
		p[i] = make([]byte, 4096)
	}
	push(t, r,
		Read(fd, p[0], 0, 0, 0),
		Read(fd, p[1], 5001, 0, 1),
		Read(fd, p[2], 9000, 0, 2),   // a short one at the end
		Read(fd, p[3], 10_000, 0, 3), // nothing at the end
		Read(-1, p[4], 0, 0, 4),
		Read(int(dir.Fd()), p[5], 0, 0, 5),
		Read(closed, p[6], -1, 0, 6),
		Read(fd, p[7][:0], 0, 0, 7))
	if r.Pending() != 8 || r.Space() != 0 {
		t.Errorf("pending %d, space %d", r.Pending(), r.Space())
	}
	got := byUserData(t, results(t, r, 8))
	wantN(t, got[0], 4096)
	wantN(t, got[1], 4096)
	wantN(t, got[2], 1000)
	wantN(t, got[3], 0)
	wantErr(t, got[4], syscall.EBADF)
	wantErr(t, got[5], syscall.EISDIR)
	wantN(t, got[6], 0)
	wantN(t, got[7], 0)
	if !bytes.Equal(p[0], content[:4096]) || !bytes.Equal(p[1], content[5001:9097]) || !bytes.Equal(p[2][:1000], content[9000:]) {
		t.Error("other bytes than the file has")
	}
	if n := r.Dropped() + r.Lost(); n != 0 {
		t.Errorf("%d dropped or lost", n)
	}
}

func TestSizes(t *testing.T) {
	for _, s := range []struct{ entries, completions, wantE, wantC int }{
		{1, 0, 1, 2}, {3, 0, 4, 8}, {64, 64, 64, 64}, {5, 100, 8, 128}, {4096, 8192, 4096, 8192},
	} {
		r := needRing(t, Config{Entries: s.entries, Completions: s.completions})
		if r.Entries() != s.wantE || r.Completions() != s.wantC {
			t.Errorf("%d, %d: %d entries, %d completions", s.entries, s.completions, r.Entries(), r.Completions())
		}
		if r.Space() != s.wantE || r.Bytes() < int64(64*s.wantE+16*s.wantC) || r.Bytes()%int64(os.Getpagesize()) != 0 {
			t.Errorf("space %d, %d bytes", r.Space(), r.Bytes())
		}
		flags, err := unix.FcntlInt(uintptr(r.FD()), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor flags %#x, %v: inherited by children", flags, err)
		}
		r.Close()
	}
	if _, err := New(Config{Entries: 64, Completions: 8}); err == nil {
		t.Error("fewer completions than entries")
	}
}

func TestManySubmissionsThroughASmallRing(t *testing.T) {
	const reads, block = 600, 512
	r := needRing(t, Config{Entries: 64})
	content := pattern(reads * block)
	fd := int(file(t, content).Fd())
	got := make([]byte, len(content))
	var cs [64]Completion
	pushed, reaped := 0, 0
	seen := make([]bool, reads)
	for reaped < reads {
		for pushed < reads {
			e := Read(fd, got[pushed*block:][:block], int64(pushed*block), 0, uint64(pushed))
			if !r.Push(&e) {
				if r.Space() != 0 {
					t.Fatalf("Push = false with space for %d", r.Space())
				}
				break
			}
			pushed++
		}
		enter(t, r, 1)
		for _, c := range cs[:r.Reap(cs[:])] {
			wantN(t, c, block)
			if seen[c.UserData] {
				t.Fatalf("entry %d has two completions", c.UserData)
			}
			seen[c.UserData] = true
			reaped++
		}
	}
	if !bytes.Equal(got, content) {
		t.Error("other bytes than the file has")
	}
}

func TestCompletionsBeyondTheQueueAreKept(t *testing.T) {
	const batches, size = 4, 8
	r := needRing(t, Config{Entries: size, Completions: size})
	event := eventFD(t)
	if err := r.RegisterEventFD(event); err != nil {
		t.Fatal(err)
	}
	for i := range batches * size {
		push(t, r, Nop(uint64(i)))
		if r.Space() == 0 {
			if n, err := r.Enter(0, 0); n != size || err != nil {
				t.Fatalf("Enter = %d, %v", n, err)
			}
			if signalled(t, event, 0) == 0 && i < size {
				t.Error("no event for the first batch")
			} else if i == size-1 && r.Overflowed() {
				t.Error("overflowed when it was just full")
			}
		}
	}
	if !r.Overflowed() || r.Ready() != size {
		t.Errorf("overflowed %v, %d ready", r.Overflowed(), r.Ready())
	}
	var got []Completion
	for len(got) < batches*size {
		var cs [size]Completion
		n := r.Reap(cs[:])
		got = append(got, cs[:n]...)
		if n == 0 && !r.Overflowed() {
			t.Fatalf("%d completions and no more", len(got))
		}
		if n, err := r.Enter(0, 0); n != 0 || err != nil {
			t.Fatalf("Enter = %d, %v", n, err)
		}
	}
	for i, c := range got {
		if c.UserData != uint64(i) {
			t.Errorf("completion %d is of entry %d", i, c.UserData)
		}
	}
	if r.Overflowed() || r.Lost() != 0 {
		t.Errorf("overflowed %v, %d lost", r.Overflowed(), r.Lost())
	}
}

// TestAnOverflowHoldsBackEverythingBehindIt, even with room in the queue.
func TestAnOverflowHoldsBackEverythingBehindIt(t *testing.T) {
	r := needRing(t, Config{Entries: 8, Completions: 8})
	for i := range 9 {
		push(t, r, Nop(uint64(i)))
		r.Enter(0, 0)
	}
	var cs [8]Completion
	if n := r.Reap(cs[:]); n != 8 || !r.Overflowed() {
		t.Fatalf("%d reaped, overflowed %v", n, r.Overflowed())
	}
	if n := r.Ready(); n != 0 {
		t.Errorf("%d ready before an Enter", n)
	}
	for i, c := range results(t, r, 1) {
		if c.UserData != uint64(8+i) {
			t.Errorf("completion of %d", c.UserData)
		}
	}
}

func TestOtherOperationsAreRefused(t *testing.T) {
	r := needRing(t, Config{Entries: 8, Allow: []Op{OpRead, OpAsyncCancel}})
	if !r.Features().Restricted {
		t.Skip("this kernel has no restrictions")
	}
	content := pattern(100)
	fd, p := int(file(t, content).Fd()), make([]byte, 100)
	push(t, r, Read(fd, p, 0, 0, 0), Write(fd, p, 0, 0, 1), Nop(2), Fsync(fd, 0, 3), Cancel(99, 4),
		ReadFixed(fd, p, 0, 0, 0, 5), Read(fd, p, 0, 0, 6).With(Drain|Async))
	got := byUserData(t, results(t, r, 7))
	wantN(t, got[0], 100)
	for _, i := range []uint64{1, 2, 3, 5} {
		wantErr(t, got[i], syscall.EACCES)
	}
	wantErr(t, got[4], syscall.ENOENT)
	wantN(t, got[6], 100)
	// Nor is the list changed, or anything registered that has no method here.
	rules := restrictions([]Op{OpWrite})
	if e := sysRegister(r.FD(), registerRestrictions, restrictionsArg(rules), len(rules)); e != syscall.EACCES {
		t.Errorf("a second list: %v, want EACCES", e)
	}
	const personality = 9
	if e := sysRegister(r.FD(), personality, nil, 0); e != syscall.EACCES {
		t.Errorf("a personality: %v, want EACCES", e)
	}
	if err := r.RegisterFiles([]int{fd}); err != nil {
		t.Errorf("files: %v", err)
	}
}

func TestAnOperationThatIsNotThere(t *testing.T) {
	r := needRing(t, Config{Entries: 8, Allow: []Op{OpRead, 250}})
	if r.Features().Restricted {
		t.Error("an operation that no kernel has was restricted to")
	}
	push(t, r, Entry{op: 250}, Nop(1))
	got := byUserData(t, results(t, r, 2))
	wantErr(t, got[0], syscall.EINVAL)
	wantN(t, got[1], 0) // SubmitAll, or Enter came again
}

func TestEnterForABoundedTime(t *testing.T) {
	r := needRing(t, Config{Entries: 8})
	if !r.Features().ExtArg {
		t.Skip("this kernel waits without a bound only")
	}
	for _, wait := range []time.Duration{1, time.Microsecond, 5 * time.Millisecond} {
		began := time.Now()
		if n, err := enterToTheEnd(r, 1, wait); n != 0 || err != unix.ETIME {
			t.Errorf("Enter for %v = %d, %v, want ETIME", wait, n, err)
		}
		if took := time.Since(began); took < wait {
			t.Errorf("Enter for %v took %v", wait, took)
		}
	}
	// What is there already is not waited for, and what was submitted is told
	// instead of the time.
	push(t, r, Nop(1))
	for range 2 {
		if _, err := r.Enter(1, time.Hour); err != nil || r.Ready() != 1 {
			t.Fatalf("Enter = %v, %d ready", err, r.Ready())
		}
	}
	push(t, r, Nop(2))
	if n, err := r.Enter(3, time.Millisecond); n != 1 || err != nil || r.Ready() != 2 {
		t.Errorf("Enter = %d, %v, %d ready, want 1, nil, 2 ready", n, err, r.Ready())
	}
}

func TestNothingAllocates(t *testing.T) {
	r := needRing(t, Config{Entries: 8, Chains: true})
	fd, p := int(file(t, pattern(4096)).Fd()), make([]byte, 4096)
	var cs [8]Completion
	chain := make([]Entry, 2)
	for name, f := range map[string]func(){
		"read": func() {
			e := Read(fd, p, 0, 0, 1)
			r.Push(&e)
			r.Enter(1, 0)
			r.Reap(cs[:])
		},
		"bounded": func() {
			e := Nop(1)
			r.Push(&e)
			r.Enter(1, time.Second)
			r.Reap(cs[:])
		},
		"time is up": func() { r.Enter(1, 1) },
		"chain": func() {
			chain[0], chain[1] = Nop(1).With(Link), Nop(2)
			r.PushChain(chain)
			r.Enter(2, time.Second)
			r.Reap(cs[:])
		},
		"questions": func() {
			_ = r.Space() + r.Pending() + r.Ready()
			_ = r.Overflowed()
			r.Notify(false)
		},
	} {
		if n := testing.AllocsPerRun(200, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if n := r.Ready(); n != 0 {
		t.Errorf("%d completions left", n)
	}
}
