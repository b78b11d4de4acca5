package ring

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/childtest"
	"github.com/oriel-go/oriel/internal/filtertest"
)

// TestAChildProcessHasNothingOfTheRing while reads are in flight, and they go on.
func TestAChildProcessHasNothingOfTheRing(t *testing.T) {
	const reads = 8
	r := needRing(t, Config{Entries: reads})
	in, out := pipe(t)
	p := make([]byte, reads)
	for i := range reads {
		push(t, r, Read(in, p[i:i+1], -1, 0, uint64(i)))
	}
	r.Enter(0, 0)
	c := childtest.Start(t, "waits")
	dir := fmt.Sprintf("/proc/%d/", c.Process().Pid)
	fds, err := os.ReadDir(dir + "fd")
	if err != nil || len(fds) < 3 {
		t.Fatalf("%d descriptors, %v", len(fds), err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(filepath.Join(dir, "fd", fd.Name())); err == nil && strings.Contains(to, "io_uring") {
			t.Errorf("descriptor %s is %s", fd.Name(), to)
		}
	}
	if maps, err := os.ReadFile(dir + "maps"); err != nil || strings.Contains(string(maps), "io_uring") {
		t.Errorf("the ring is mapped, %v", err)
	}
	if r.Ready() != 0 {
		t.Errorf("%d completions", r.Ready())
	}
	write(t, out, "01234567")
	for _, c := range results(t, r, reads) {
		wantN(t, c, 1)
	}
	c.Good()
}

// TestTheMappingsAreNotForked says so of all that fork, which Go itself cannot.
func TestTheMappingsAreNotForked(t *testing.T) {
	needRing(t, Config{Entries: 64})
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip("no ", err)
	}
	found := 0
	for i, part := range strings.Split(string(smaps), "[io_uring]") {
		if i == 0 {
			continue
		}
		found++
		_, flags, _ := strings.Cut(part, "VmFlags:")
		flags, _, _ = strings.Cut(flags, "\n")
		if !strings.Contains(flags+" ", " dc ") { // do not copy on fork
			t.Errorf("a mapping has the flags %q", flags)
		}
	}
	if found < 2 {
		t.Errorf("%d mappings of rings, want 2", found)
	}
}

// inFlight makes a ring with reads in flight of a pipe that nobody writes, in
// this thread and in workers, and reads of a file.
func inFlight(t *testing.T) *Ring {
	r, err := New(Config{Entries: 64})
	if err != nil {
		childtest.Tell("skip: ", err)
		return nil
	}
	in, _ := pipe(t)
	f := file(t, make([]byte, 16<<20))
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(f.Name(), unix.O_RDONLY|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	if err != nil {
		fd = int(f.Fd())
	}
	p, err := unix.Mmap(-1, 0, 16<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	q := make([]byte, 16)
	for i := range 16 {
		push(t, r, Read(in, q[i:i+1], -1, 0, 0).With(Flags(i%2)*Async),
			Read(fd, p[i<<20:][:1<<20], int64(i)<<20, 0, 0).With(Flags(i%2)*Async))
	}
	if n, err := r.Enter(0, 0); n != 32 || err != nil {
		t.Fatalf("Enter = %d, %v", n, err)
	}
	return r
}

func exitsRole(t *testing.T) {
	if inFlight(t) != nil {
		childtest.Tell("in flight")
		os.Exit(7)
	}
}

func killedRole(t *testing.T) {
	if r := inFlight(t); r != nil {
		childtest.Tell("in flight")
		r.Enter(64, 0)
		childtest.Waits(t)
	}
}

// TestAProcessEndsWithReadsInFlight by itself and by others.
func TestAProcessEndsWithReadsInFlight(t *testing.T) {
	for _, role := range []string{"exits", "killed"} {
		t.Run(role, func(t *testing.T) {
			c := childtest.Start(t, role)
			if got := c.Hear(); got != "in flight" {
				t.Fatal(got)
			}
			if role == "killed" {
				c.Process().Kill()
			}
			began := time.Now()
			err := c.Wait()
			state := c.State().Sys().(syscall.WaitStatus)
			if role == "exits" && state.ExitStatus() != 7 || role == "killed" && state.Signal() != syscall.SIGKILL {
				t.Errorf("the child: %v\n%s", err, c.Said())
			}
			if took := time.Since(began); took > patience {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// memlockRole is a user who may lock 64 KiB. Setuid is of the whole process, and
// takes CAP_IPC_LOCK away.
func memlockRole(t *testing.T) {
	if os.Getuid() != 0 {
		childtest.Tell("skip: changing the user needs root")
		return
	}
	const limit = 64 << 10
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	// A user of its own, because what is locked is counted by user.
	if err := syscall.Setuid(70_000 + os.Getpid()%20_000); err != nil {
		t.Fatal(err)
	}
	var rings []*Ring
	var bytes int64
	var failed error
	for range 100 {
		r, err := New(Config{Entries: 64, Completions: 128})
		if failed = err; err != nil {
			break
		}
		rings = append(rings, r)
		bytes += r.Bytes()
	}
	childtest.Tell(len(rings), " ", bytes, " ", isErrno(failed, syscall.ENOMEM), " ", failed)
	for _, r := range rings {
		r.Close()
	}
	if failed == nil {
		return
	}
	// The memory comes back a while after Close.
	began, tries := time.Now(), 1
	for ; time.Since(began) < patience; tries++ {
		if r, err := New(Config{Entries: 64, Completions: 128}); err == nil {
			r.Close()
			break
		}
		runtime.Gosched()
	}
	childtest.Tell(tries, " tries in ", time.Since(began).Round(time.Microsecond))
	childtest.Tell(churn())
}

// churn makes and closes rings one after the other, as whoever opens one for
// each file would, and returns how often there was no memory.
func churn() string {
	failed := 0
	for range 200 {
		r, err := New(Config{Entries: 64, Completions: 128})
		if err != nil {
			failed++
			continue
		}
		r.Close()
	}
	return fmt.Sprint(failed, " of 200 failed")
}

func TestAUserWhoMayLockLittle(t *testing.T) {
	c := childtest.Start(t, "memlock")
	var n, bytes int64
	var noMemory bool
	line := c.Hear()
	if _, err := fmt.Sscan(line, &n, &bytes, &noMemory); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	t.Logf("%d rings of together %d bytes, then: %s", n, bytes, line)
	switch {
	case n == 100:
		t.Skip("this kernel does not count the memory of rings as locked")
	case !noMemory:
		t.Errorf("%d rings, then %s, want ENOMEM", n, line)
	case bytes > 64<<10:
		t.Errorf("%d bytes in %d rings within a limit of 65536: Bytes tells too much", bytes, n)
	default:
		t.Log("after Close: ", c.Hear())
		t.Log("one after the other: ", c.Hear())
	}
	c.Good()
}

// disabledRole installs a filter of system calls that says EPERM, as containers
// do.
func disabledRole(t *testing.T) {
	runtime.LockOSThread() // the filter is of the thread
	if err := filtertest.DenyHere(unix.SYS_IO_URING_SETUP, syscall.EPERM); err != nil {
		childtest.Tell("skip: ", err)
		return
	}
	if _, err := New(Config{Entries: 8}); !isErrno(err, syscall.EPERM) || !refused(err) {
		t.Errorf("New = %v, want EPERM", err)
	}
	childtest.Tell("done")
}

func TestASystemCallFilter(t *testing.T) {
	c := childtest.Start(t, "disabled")
	if got := c.Hear(); got != "done" {
		t.Error(got)
	}
	c.Good()
}
