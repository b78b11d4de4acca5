package ring

import (
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestSignalsInterruptEnterAndNothingElse is a storm of those that the Go runtime
// sends itself.
func TestSignalsInterruptEnterAndNothingElse(t *testing.T) {
	r := needRing(t, Config{Entries: 8})
	in, out := pipe(t)
	p := make([]byte, 1)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tid := unix.Gettid()
	const enough = 20
	var interrupted atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for deadline := time.Now().Add(patience); interrupted.Load() < enough && time.Now().Before(deadline); {
			interrupt(tid)
		}
		unix.Write(out, []byte("x"))
	}()
	push(t, r, Read(in, p, -1, 0, 1))
	submitted := 0
	for r.Ready() == 0 {
		n, err := r.Enter(1, 0)
		submitted += n
		if err == syscall.EINTR {
			interrupted.Add(1)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	<-done
	if submitted != 1 {
		t.Errorf("%d submitted", submitted)
	}
	if n := interrupted.Load(); n < enough {
		t.Errorf("interrupted %d times in %v", n, patience)
	}
	wantN(t, results(t, r, 1)[0], 1)
}

// TestManyGoroutinesInEnter push, enter and reap at once. Every entry goes in
// once and comes back once, and nobody waits for ever.
func TestManyGoroutinesInEnter(t *testing.T) {
	goroutines, each := 16, 2000
	if testing.Short() {
		each = 200
	}
	for _, s := range []struct {
		name string
		c    Config
	}{
		{"plain", Config{Entries: 32}},
		{"chains", Config{Entries: 32, Chains: true}},
	} {
		t.Run(s.name, func(t *testing.T) {
			r := needRing(t, s.c)
			if !r.Features().ExtArg {
				t.Skip("this kernel waits without a bound only")
			}
			var (
				submit, reap      sync.Mutex
				submitted, reaped atomic.Int64
				seen              = make([]atomic.Int32, goroutines*each)
				deadline          = time.Now().Add(6 * patience)
				wg                sync.WaitGroup
			)
			collect := func() {
				reap.Lock()
				defer reap.Unlock()
				var cs [8]Completion
				for _, c := range cs[:r.Reap(cs[:])] {
					if c.Err() != nil {
						t.Errorf("entry %d: %v", c.UserData, c.Err())
					}
					seen[c.UserData].Add(1)
					reaped.Add(1)
				}
			}
			visit := func(atLeast int) {
				n, err := r.Enter(atLeast, time.Millisecond)
				submitted.Add(int64(n))
				if err != nil && err != syscall.EINTR && err != unix.ETIME && err != syscall.EBUSY {
					t.Error(err)
				}
				collect()
			}
			one := func(id int) {
				e := Nop(uint64(id))
				for pushed := false; !pushed && time.Now().Before(deadline); {
					submit.Lock()
					pushed = r.Push(&e)
					submit.Unlock()
					visit(0)
				}
				for seen[id].Load() == 0 && time.Now().Before(deadline) {
					visit(1)
				}
			}
			for g := range goroutines {
				wg.Go(func() {
					for i := range each {
						one(g*each + i)
					}
				})
			}
			wg.Wait()
			for i := range seen {
				if n := seen[i].Load(); n != 1 {
					t.Fatalf("entry %d has %d completions; %d of %d reaped", i, n, reaped.Load(), len(seen))
				}
			}
			if n := submitted.Load(); n != int64(len(seen)) {
				t.Errorf("the calls of Enter submitted %d entries, want %d", n, len(seen))
			}
		})
	}
}

// TestChainsAreNotCut by goroutines that submit single entries meanwhile: the
// second entry of a chain fails when, and only when, it is in a chain.
func TestChainsAreNotCut(t *testing.T) {
	rounds := 20_000
	if testing.Short() {
		rounds = 2000
	}
	r := needRing(t, Config{Entries: 64, Completions: 128, Chains: true})
	var mu sync.Mutex
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for e := Nop(0); ; {
			select {
			case <-stop:
				return
			default:
			}
			mu.Lock()
			if r.Space() > 8 && r.Ready() < 64 {
				r.Push(&e)
			}
			mu.Unlock()
			r.Enter(0, 0)
		}
	})
	p := make([]byte, 1)
	for range rounds {
		for pushed := false; !pushed; {
			mu.Lock()
			pushed = r.PushChain([]Entry{Read(-1, p, 0, 0, 1).With(Link), Nop(2)})
			mu.Unlock()
			r.Enter(0, 0)
		}
		for got := 0; got < 2; {
			var cs [16]Completion
			n := r.Reap(cs[:])
			for _, c := range cs[:n] {
				switch {
				case c.UserData == 0:
					continue
				case c.UserData == 1 && c.Err() != syscall.EBADF, c.UserData == 2 && c.Err() != syscall.ECANCELED:
					t.Errorf("entry %d: %v", c.UserData, c.Err())
				}
				got++
			}
			if n == 0 {
				r.Enter(0, 0)
			}
		}
	}
	close(stop)
	wg.Wait()
}

func TestTheThreadOfASingleIssuer(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, c := range []Config{
		{Entries: 8, SingleIssuer: true},
		{Entries: 8, SingleIssuer: true, DeferTaskrun: true},
		{Entries: 8, SingleIssuer: true, DeferTaskrun: true, Allow: []Op{OpNop, OpRead}},
	} {
		r, err := New(c)
		if errors := isErrno(err, syscall.EINVAL); errors || refused(err) {
			t.Skip("not to be had here: ", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		in, out := pipe(t)
		p := make([]byte, 1)
		push(t, r, Read(in, p, -1, 0, 1))
		onThread(func() {
			if n, err := r.Enter(0, 0); n != 0 || err != syscall.EEXIST || r.Pending() != 1 {
				t.Errorf("%+v: submit from another thread: %d, %v, want EEXIST", c, n, err)
			}
			if err := r.RegisterFiles([]int{in}); !isErrno(err, syscall.EEXIST) {
				t.Errorf("%+v: register from another thread: %v, want EEXIST", c, err)
			}
		})
		if n, err := r.Enter(0, 0); n != 1 || err != nil {
			t.Errorf("%+v: Enter = %d, %v", c, n, err)
		}
		onThread(func() {
			_, err := enterToTheEnd(r, 1, time.Millisecond)
			if want := map[bool]error{false: unix.ETIME, true: syscall.EEXIST}[c.DeferTaskrun]; err != want {
				t.Errorf("%+v: wait in another thread: %v, want %v", c, err, want)
			}
		})
		write(t, out, "x")
		wantN(t, results(t, r, 1)[0], 1)
		r.Close()
	}
}

// enterAndEnd submits in a thread that ends, and returns when it has.
func enterAndEnd(t *testing.T, r *Ring, want int) {
	t.Helper()
	tid, found := make(chan int), make(chan struct{})
	defer close(found)
	var submit func()
	submit = func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() { // the first thread stays for ever
			go submit()
			<-found // keeps it from the other
			runtime.UnlockOSThread()
			return
		}
		if n, err := r.Enter(0, 0); n != want || err != nil {
			t.Errorf("Enter = %d, %v", n, err)
		}
		tid <- unix.Gettid()
		// Still locked to its thread, which ends with it.
	}
	go submit()
	ended := <-tid
	until(t, "the thread ends", func() bool { return unix.Tgkill(unix.Getpid(), ended, 0) == syscall.ESRCH })
}

// TestAThreadThatEnds takes with it what it has submitted and what is not
// finished, whoever pushed it. Nothing is lost: it can be read again.
func TestAThreadThatEnds(t *testing.T) {
	for _, c := range []Config{{Entries: 32}, {Entries: 32, CoopTaskrun: true}} {
		r, err := New(c)
		if isErrno(err, syscall.EINVAL) {
			continue
		}
		if refused(err) {
			t.Skip("no io_uring here: ", err)
		}
		t.Cleanup(func() { r.Close() })
		in, out := pipe(t)
		p := make([]byte, 1)
		push(t, r, Read(in, p, -1, 0, 1))
		enterAndEnd(t, r, 1)
		write(t, out, "x")
		got := results(t, r, 1)[0]
		t.Logf("%+v: a pipe: %d, %v", c, got.N(), got.Err())
		if got.N() != 1 {
			wantErr(t, got, syscall.ECANCELED)
			push(t, r, Read(in, p, -1, 0, 2))
			wantN(t, results(t, r, 1)[0], 1)
		}

		const reads, size = 32, 256 << 10
		content := pattern(reads * size)
		f := file(t, content)
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		for _, flags := range []Flags{0, Async} {
			_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
			into := make([]byte, len(content))
			for i := range reads {
				push(t, r, Read(int(f.Fd()), into[i*size:][:size], int64(i*size), 0, uint64(i)).With(flags))
			}
			enterAndEnd(t, r, reads)
			ends := map[error]int{}
			for _, got := range results(t, r, reads) {
				ends[got.Err()]++
				if err := got.Err(); err != nil && err != syscall.EFAULT && err != syscall.ECANCELED && err != syscall.EINTR {
					t.Errorf("read %d: %v", got.UserData, err)
				}
				at := int(got.UserData) * size
				if n := got.N(); !bytes.Equal(into[at:at+n], content[at:at+n]) {
					t.Errorf("read %d: other bytes than the file has", got.UserData)
				}
			}
			t.Logf("%+v: a file, flags %d: %v", c, flags, ends)
		}
	}
}

// TestACloseBesideEnter keeps the ring for the call that waits, and does not end
// its wait.
func TestACloseBesideEnter(t *testing.T) {
	r := needRing(t, Config{Entries: 8})
	in, out := pipe(t)
	p := make([]byte, 1)
	push(t, r, Read(in, p, -1, 0, 1))
	if _, err := r.Enter(0, 0); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		for {
			if _, err := r.Enter(1, 0); err != syscall.EINTR {
				done <- err
				return
			}
		}
	}()
	until(t, "somebody is in Enter", func() bool { return r.users.Load() == 1 })
	r.Close()
	if _, err := r.Enter(0, 0); err != syscall.ENXIO {
		t.Errorf("Enter = %v, want ENXIO", err)
	}
	write(t, out, "x")
	select {
	case err := <-done:
		// A signal can have come before the byte.
		if err != nil && err != syscall.ENXIO {
			t.Errorf("Enter = %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Enter did not return")
	}
	if _, err := unix.FcntlInt(uintptr(r.FD()), unix.F_GETFD, 0); err != syscall.EBADF {
		t.Errorf("the descriptor: %v, want EBADF", err)
	}
}
