package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/childtest"
	"github.com/oriel-go/oriel/internal/filtertest"
	"github.com/oriel-go/oriel/pool"
	"github.com/oriel-go/oriel/window"
)

// ringOrNot reads a file through the ring, if that is to be had, and by pread. It
// returns the error of the former, which has to be a refusal that says why.
func ringOrNot(t *testing.T, rt *Runtime) (refused error) {
	t.Helper()
	text := random(100_000)
	name := write(t, text)
	f, err := Open(t.Context(), name, &Options{Runtime: rt, Source: Uring})
	if err == nil {
		wantAll(t, waits(f), text)
		f.Close()
	} else if wantError(t, err, window.ErrRefused, "open", name, 0); !strings.Contains(err.Error(), "uring: ") {
		t.Errorf("the refusal does not say what is refused: %v", err)
	}
	g := openAt(t, name, &Options{Runtime: rt})
	wantAll(t, g, text)
	if g.Explain().Source != "pread" {
		t.Errorf("left the choice it is read by %s", g.Explain().Source)
	}
	g.Close()
	return err
}

// filteredRole is a process in which a system call fails, as in a container.
func filteredRole(t *testing.T) {
	line, _ := childtest.Hear()
	var number, errno uintptr
	if _, err := fmt.Sscan(line, &number, &errno); err != nil {
		t.Fatal(err)
	}
	rt := newRuntime(t, Limits{})
	var f *File
	text := random(100_000)
	if number != unix.SYS_IO_URING_SETUP { // of a ring that is there
		var err error
		if f, err = Open(t.Context(), write(t, text), &Options{Runtime: rt, Source: Uring}); err != nil {
			childtest.Tell("skip: no ring here: ", err)
			return
		}
		defer f.Close()
		wantAll(t, waits(f), text)
	}
	if err := filtertest.Deny(number, syscall.Errno(errno)); err != nil {
		childtest.Tell("skip: system calls cannot be filtered: ", err)
		return
	}
	if f == nil {
		err := ringOrNot(t, rt)
		if err == nil {
			t.Error("there is a ring although it is filtered")
		}
		if again := ringOrNot(t, rt); again == nil || again.Error()[:20] != err.Error()[:20] {
			t.Errorf("asked again: %v", again)
		}
		childtest.Tell(err)
		return
	}
	wantAll(t, f, text)
	childtest.Tell(f.Explain().Unringed)
}

func TestRingIsFiltered(t *testing.T) {
	for _, call := range []struct {
		name   string
		number int
	}{{"setup", unix.SYS_IO_URING_SETUP}, {"enter", unix.SYS_IO_URING_ENTER}} {
		for _, errno := range []syscall.Errno{syscall.EPERM, syscall.ENOSYS, syscall.EACCES} {
			t.Run(fmt.Sprintf("%s/%d", call.name, int(errno)), func(t *testing.T) {
				c := childtest.Start(t, "filtered")
				c.Tell(call.number, int(errno))
				if said := c.Hear(); !strings.Contains(said, errno.Error()) {
					t.Errorf("the reason is %q, want %v", said, errno)
				}
				c.Good()
			})
		}
	}
}

// memlockRole is a user who may lock a few bytes, which rings are charged to.
func memlockRole(t *testing.T) {
	if os.Getuid() != 0 {
		childtest.Tell("skip: changing the user needs root")
		return
	}
	line, _ := childtest.Hear()
	limit, err := strconv.ParseUint(line, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	// A user of its own, because what is locked is counted by user.
	if err := syscall.Setuid(70_000 + os.Getpid()%20_000); err != nil {
		t.Fatal(err)
	}
	rt := newRuntime(t, Limits{})
	if err := ringOrNot(t, rt); err != nil {
		childtest.Tell("refused: ", err)
		return
	}
	i := rt.engine.Info()
	childtest.Tell("serves: ", i.Rings, " rings of ", i.MemoryBytes, " bytes, ", i.InFlight, " reads in flight")
}

func TestRingOfAUserWhoMayLockLittle(t *testing.T) {
	for _, limit := range []int{0, 4 << 10, 16 << 10, 64 << 10, 8 << 20} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			c := childtest.Start(t, "memlock")
			c.Tell(limit)
			said := c.Hear()
			t.Log(said)
			if limit == 0 && !strings.Contains(said, "cannot allocate memory") {
				t.Errorf("nothing can be locked, and %q", said)
			}
			if limit >= 8<<20 && !strings.HasPrefix(said, "serves") {
				t.Errorf("with the default limit: %q", said)
			}
			c.Good()
		})
	}
}

// descriptorsRole is a process with room for some descriptors more, or none.
func descriptorsRole(t *testing.T) {
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	text := random(10_000)
	name := write(t, text)
	served, refused := 0, 0
	for room := range uint64(24) {
		rt, err := NewRuntime(Limits{})
		if err != nil {
			t.Fatal(err)
		}
		err = withRoom(t, was, room, func() error {
			f, err := Open(t.Context(), name, &Options{Runtime: rt, Source: Uring})
			if err == nil {
				wantAll(t, waits(f), text)
				f.Close()
			}
			return err
		})
		switch {
		case err == nil:
			served++
		case !errors.Is(err, syscall.EMFILE):
			t.Errorf("with room for %d descriptors: %v", room, err)
		default:
			refused++
			if room > 2 && !errors.Is(err, window.ErrRefused) {
				t.Errorf("with room for %d descriptors: %v, want a refusal", room, err)
			}
		}
		if err := ringOrNot(t, rt); err != nil { // there is room again
			childtest.Tell("skip: no ring here: ", err)
			return
		}
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	}
	childtest.Tell(served > 0, " ", refused > 0)
}

// withRoom calls f while the process can have so many descriptors more.
func withRoom(t *testing.T, was unix.Rlimit, room uint64, f func() error) error {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	taken := map[string]bool{}
	for _, e := range entries {
		if _, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil { // the folder's own is closed
			taken[e.Name()] = true
		}
	}
	limit := was
	for limit.Cur = 0; room > 0 || taken[fmt.Sprint(limit.Cur)]; limit.Cur++ {
		if !taken[fmt.Sprint(limit.Cur)] {
			room--
		}
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &was)
	return f()
}

func TestRingAtTheLimitOfDescriptors(t *testing.T) {
	c := childtest.Start(t, "descriptors")
	if said := c.Hear(); said != "true true" {
		t.Errorf("served and refused: %s, want both", said)
	}
	c.Good()
}

// userRole tells whether there is a ring for somebody who is not root.
func userRole(t *testing.T) {
	if err := syscall.Setuid(70_000 + os.Getpid()%20_000); err != nil {
		t.Fatal(err)
	}
	childtest.Tell(ringOrNot(t, newRuntime(t, Limits{})))
}

func TestRingIsSwitchedOffByTheSystem(t *testing.T) {
	set := childtest.Setting(t, "/proc/sys/kernel/io_uring_disabled", "0")
	for _, value := range []string{"1", "2"} {
		set(value)
		c := childtest.Start(t, "user")
		said := c.Hear()
		c.Good()
		err := ringOrNot(t, newRuntime(t, Limits{}))
		if !strings.Contains(said, "operation not permitted") || (value == "2") != (err != nil) {
			t.Errorf("%s: for a user %q, for root %v", value, said, err)
		}
	}
}

func TestRingReadsNoAlloc(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	text := random(4 << 20)
	name := write(t, text)
	for mode, o := range ringModes {
		t.Run(mode, func(t *testing.T) {
			rt := newRuntime(t, Limits{})
			rt.Memory().SetDebug(pool.Debug{}) // which the tag orieldebug turns on
			o.WindowBytes = 64 << 10
			f := ringed(t, rt, name, o)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r := f.NewReader(nil)
			defer r.Close()
			p := make([]byte, 5000)
			release := func(w window.Window, err error) {
				if err != nil {
					t.Fatal(err)
				}
				w.Release()
			}
			i := int64(0)
			off := func() int64 { i++; return i * 12_345 % (4<<20 - 5000) }
			for _, tt := range []struct {
				what string
				f    func()
			}{
				{"ReadManagedAt", func() { release(f.ReadManagedAt(ctx, off(), 5000)) }},
				{"ReadManagedAt without a context", func() { release(f.ReadManagedAt(context.Background(), off(), 5000)) }},
				{"ReadInto", func() {
					if _, err := f.ReadInto(ctx, p, off()); err != nil {
						t.Fatal(err)
					}
				}},
				{"ReadManaged", func() {
					if r.pos == f.Size() {
						if err := r.SeekTo(0); err != nil {
							t.Fatal(err)
						}
					}
					release(r.ReadManaged(ctx))
				}},
				{"ReadManaged elsewhere", func() {
					if err := r.SeekTo(off()); err != nil {
						t.Fatal(err)
					}
					release(r.ReadManaged(ctx))
				}},
			} {
				tt.f()
				if n := testing.AllocsPerRun(200, tt.f); n != 0 {
					t.Errorf("%s: %v allocations", tt.what, n)
				}
			}
			if f.Stats().Ringed == 0 {
				t.Error("nothing came through the ring")
			}
		})
	}
}
