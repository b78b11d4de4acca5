package uringsrc_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/childtest"
	"github.com/oriel-go/oriel/internal/filtertest"
	"github.com/oriel-go/oriel/uringsrc"
	"github.com/oriel-go/oriel/window"
)

// descriptors returns how many files this process has open.
func descriptors(t testing.TB) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}

// works makes an engine, and reads through it; an error is that of New, which
// wraps window.ErrRefused, and the process has no more files open then, as after
// Close.
func works(t *testing.T) (uringsrc.Info, error) {
	t.Helper()
	before := descriptors(t)
	e, err := uringsrc.New(uringsrc.Options{})
	if err != nil {
		if !errors.Is(err, window.ErrRefused) {
			t.Errorf("New = %v, which is no ErrRefused", err)
		}
		if n := descriptors(t); n != before {
			t.Errorf("%d descriptors, %d before New, which failed", n, before)
		}
		return uringsrc.Info{}, err
	}
	in, err := os.Open("/proc/self/exe")
	if err == nil {
		r := ask(int(in.Fd()), 0, 4)
		if err := e.Read(context.Background(), &r.Read); err != nil || r.Err != nil || string(r.Buf) != "\x7fELF" {
			t.Errorf("Read = %v, %v, %q", err, r.Err, r.Buf)
		}
		in.Close()
	}
	info := e.Info()
	if err := e.Close(within(t, patience)); err != nil {
		t.Errorf("Close = %v", err)
	}
	if n := descriptors(t); n != before {
		t.Errorf("%d descriptors, %d before", n, before)
	}
	return info, nil
}

// descriptorsRole makes engines with ever fewer descriptors to be had.
func descriptorsRole(t *testing.T) {
	pipe(t) // the runtime's poller has its descriptors
	if _, err := works(t); err != nil {
		childtest.Tell("skip: ", err)
		return
	}
	highest, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(highest)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	for more := range uint64(14) {
		// Room for one to look at the descriptors, and for more.
		limit.Cur = uint64(highest) + 1 + more
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
		info, err := works(t)
		switch {
		case err == nil:
			childtest.Tell(more+1, " descriptors: ", info.Rings, " rings")
		case errors.Is(err, syscall.EMFILE):
			childtest.Tell(more+1, " descriptors: ", err)
		default:
			t.Errorf("%d descriptors: %v", more+1, err)
		}
	}
	childtest.Tell("done")
}

func TestFewDescriptors(t *testing.T) {
	c := childtest.Start(t, "descriptors")
	some, none := false, false
	for line := c.Hear(); line != "done"; line = c.Hear() {
		t.Log(line)
		some = some || strings.Contains(line, "rings")
		none = none || strings.Contains(line, "too many open files")
	}
	if !some || !none {
		t.Error("want some that work, and some that do not")
	}
	c.Good()
}

// memlockRole is a user who may lock little. Setuid is of the whole process, and
// takes CAP_IPC_LOCK away.
func memlockRole(t *testing.T) {
	var limit uint64
	fmt.Sscan(childtest.Argument(), &limit)
	if os.Getuid() != 0 {
		childtest.Tell("skip: changing the user needs root")
		return
	}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	// A user of its own, because what is locked is counted by user.
	if err := syscall.Setuid(90_000 + os.Getpid()%20_000); err != nil {
		t.Fatal(err)
	}
	info, err := works(t)
	if err != nil && !errors.Is(err, syscall.ENOMEM) {
		t.Errorf("New = %v, want ENOMEM", err)
	}
	if err == nil && info.MemoryBytes > int64(limit) {
		childtest.Tell("skip: this kernel does not count the memory of rings as locked")
	}
	childtest.Tell(fmt.Sprintf("%d bytes: %+v, %v", limit, info, err))
}

func TestUsersWhoMayLockLittle(t *testing.T) {
	for _, limit := range []string{"0", "16384", "65536", "8388608"} {
		t.Run(limit, func(t *testing.T) {
			c := childtest.Start(t, "memlock", limit)
			t.Log(c.Hear())
			c.Good()
		})
	}
}

// disabledRole makes an engine when it is told to.
func disabledRole(t *testing.T) {
	if childtest.Argument() == "nobody" {
		if err := syscall.Setuid(90_000 + os.Getpid()%20_000); err != nil {
			childtest.Tell("skip: ", err)
			return
		}
	}
	childtest.Tell("ready")
	childtest.Hear()
	if _, err := works(t); err == nil {
		childtest.Tell("it works")
	} else {
		childtest.Tell(errors.Is(err, syscall.EPERM), " ", err)
	}
}

// TestSwitchedOff is kernel.io_uring_disabled, which is everybody's: it is
// switched back as soon as the child has looked.
func TestSwitchedOff(t *testing.T) {
	set := childtest.Setting(t, "/proc/sys/kernel/io_uring_disabled", "0") // since Linux 6.6
	for _, c := range []struct{ value, who, want string }{
		{"1", "root", "it works"}, // CAP_SYS_ADMIN
		{"1", "nobody", "true"},
		{"2", "root", "true"},
	} {
		child := childtest.Start(t, "disabled", c.who)
		if got := child.Hear(); got != "ready" {
			t.Fatal(got)
		}
		set(c.value)
		child.Tell("go")
		got := child.Hear()
		set("0")
		t.Logf("%s, %s: %s", c.value, c.who, got)
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s, %s: %s", c.value, c.who, got)
		}
		child.Good()
	}
}

// filters are what a filter of system calls says, in the ways they are written.
var filters = map[string]syscall.Errno{"EPERM": syscall.EPERM, "ENOSYS": syscall.ENOSYS, "ENOMEM": syscall.ENOMEM}

// setupRole and enterRole have a system call fail from the beginning.
func setupRole(t *testing.T) { filteredRole(t, unix.SYS_IO_URING_SETUP) }
func enterRole(t *testing.T) { filteredRole(t, unix.SYS_IO_URING_ENTER) }

func filteredRole(t *testing.T, call uintptr) {
	want := filters[childtest.Argument()]
	pipe(t) // the runtime's poller has its descriptors
	if err := filtertest.Deny(call, want); err != nil {
		childtest.Tell("skip: ", err)
		return
	}
	began := time.Now()
	_, err := works(t)
	if !errors.Is(err, want) {
		t.Errorf("New = %v, want %v", err, want)
	}
	childtest.Tell(time.Since(began).Round(time.Millisecond), " ", err)
}

// enterLaterRole has io_uring_enter fail when reads are in flight.
func enterLaterRole(t *testing.T) {
	e := needEngineHere(t, uringsrc.Options{})
	in, out := pipe(t)
	taken, not := ask(in, -1, 4), ask(in, -1, 4)
	e.Start(nil, &taken.Read)
	waited := make(chan error, 1)
	go func() { waited <- taken.Wait(within(t, patience)) }()
	if err := filtertest.Deny(unix.SYS_IO_URING_ENTER, filters[childtest.Argument()]); err != nil {
		childtest.Tell("skip: ", err)
		return
	}
	var failed *uringsrc.RingError
	if err := e.Read(within(t, patience), &not.Read); err != nil || !errors.As(not.Err, &failed) {
		t.Errorf("Read = %v, Err = %v", err, not.Err)
	}
	later := ask(in, -1, 4)
	e.Start(nil, &later.Read)
	if err := later.Wait(within(t, patience)); err != nil || !errors.As(later.Err, &failed) {
		t.Errorf("Wait = %v, Err = %v", err, later.Err)
	}
	var left *uringsrc.QuarantineError
	if err := e.Close(within(t, 50*time.Millisecond)); !errors.As(err, &left) || left.Reads != 1 || left.Bytes != 4 {
		t.Errorf("Close = %v", err)
	}
	write(t, out, "late")
	if err := <-waited; err != nil || taken.Err != nil || string(taken.Buf) != "late" {
		t.Errorf("Wait = %v, Err = %v, %q", err, taken.Err, taken.Buf)
	}
	if err := e.Close(within(t, patience)); err != nil {
		t.Errorf("Close = %v", err)
	}
	wantIdle(t, e)
	childtest.Tell(not.Err)
}

func TestSystemCallFilters(t *testing.T) {
	for _, c := range []struct{ role, with string }{
		{"setup", "EPERM"}, {"setup", "ENOSYS"}, {"setup", "ENOMEM"},
		{"enter", "EPERM"}, {"enter", "ENOSYS"},
		{"enterLater", "EPERM"}, {"enterLater", "ENOSYS"},
	} {
		t.Run(c.role+"/"+c.with, func(t *testing.T) {
			child := childtest.Start(t, c.role, c.with)
			t.Log(child.Hear())
			child.Good()
		})
	}
}
