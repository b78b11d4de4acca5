package source

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/filtertest"
	"github.com/oriel-go/oriel/internal/threadtest"
	"github.com/oriel-go/oriel/window"
)

func TestProbeTriesTheFile(t *testing.T) {
	rt, _ := guarded(t)
	name := write(t, random(10_000))
	c := probed(t, rt, name)
	if c.FileSystem == "" || c.Machine.Kernel == "" || c.Memory.TotalBytes <= 0 || c.Memory.AvailableBytes <= 0 || c.Memory.AvailableBytes > c.Memory.TotalBytes {
		t.Errorf("%+v", c)
	}
	if c.Mmap.Locks.Can != canYes || c.Mmap.Still.Can != canYes || c.Mmap.File.Can != canYes || c.Mmap.BreakSeconds <= 0 {
		t.Errorf("%+v, of a file that can be mapped", c.Mmap)
	}
	if u := c.Uring; u.Rings.Can == canYes && (u.InFlight <= 0 || u.MemoryBytes <= 0 || u.File.Can != canYes) {
		t.Errorf("%+v, of a file that can be read so", u)
	}
	if u := c.Uring; u.Direct.Can == canYes && (u.DirectUnit <= 0 || u.DirectAlign <= 0) {
		t.Errorf("%+v, without a unit", u)
	}
	rt.guard.Close() // or the keeper would wait for a lease to come
	waitFor(t, "the file to be closed", func() bool { return len(descriptorsOf(t, name)) == 0 })
}

// What is refused, with the reason.
func TestProbeSaysWhyNot(t *testing.T) {
	for _, tt := range []struct {
		what    string
		arrange func(t *testing.T) arranged
		of      func(c *Capabilities) Ability
		reason  string
	}{
		{"a file that is open for writing", func(t *testing.T) arranged {
			name := write(t, random(textBytes))
			h, err := os.OpenFile(name, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { h.Close() })
			return arranged{name: name}
		}, func(c *Capabilities) Ability { return c.Mmap.File }, "somebody has it open for writing"},
		{"another owner's file", func(t *testing.T) arranged {
			name := write(t, random(textBytes))
			if err := os.Chown(name, os.Getuid()+1, -1); err != nil {
				t.Skip("files cannot be given to others: ", err)
			}
			return arranged{name: name, prepare: withoutLeases}
		}, func(c *Capabilities) Ability { return c.Mmap.File }, "a lease needs the owner of the file or CAP_LEASE"},
		{"leases that are switched off", func(t *testing.T) arranged {
			return arranged{name: write(t, random(textBytes)), prepare: withSysctl(t, "fs/leases-enable", "0")}
		}, func(c *Capabilities) Ability { return c.Mmap.Leases }, "switched off (/proc/sys/fs/leases-enable)"},
		{"an overlay", func(t *testing.T) arranged {
			prepare, name, _ := withOverlay(t, random(textBytes), nil)
			return arranged{name: name, prepare: prepare}
		}, func(c *Capabilities) Ability { return c.Mmap.Still }, "overlayfs"},
		{"/proc", func(t *testing.T) arranged { return arranged{name: "/proc/version"} },
			func(c *Capabilities) Ability { return c.Mmap.Still }, "procfs"},
		{"a block device", func(t *testing.T) arranged {
			return arranged{name: loopDevice(t, write(t, random(textBytes)))}
		}, func(c *Capabilities) Ability { return c.Mmap.Still }, "a block device"},
		{"a kernel without cachestat", func(t *testing.T) arranged {
			return arranged{name: write(t, random(textBytes)), prepare: denied(unix.SYS_CACHESTAT, unix.ENOSYS)}
		}, func(c *Capabilities) Ability { return c.Pread.Cachestat }, "cachestat: function not implemented"},
		{"a filter of preadv2", func(t *testing.T) arranged {
			return arranged{name: write(t, random(textBytes)), prepare: denied(unix.SYS_PREADV2, unix.EPERM)}
		}, func(c *Capabilities) Ability { return c.Pread.NoWait }, "preadv2: operation not permitted"},
		{"a container without io_uring", func(t *testing.T) arranged {
			return arranged{name: write(t, random(textBytes)), prepare: denied(unix.SYS_IO_URING_SETUP, unix.EPERM)}
		}, func(c *Capabilities) Ability { return c.Uring.Rings }, "operation not permitted"},
		{"a filter of statx", func(t *testing.T) arranged {
			// Without it the ring finds its own reason; what counts is that there is one.
			return arranged{name: write(t, random(textBytes)), prepare: denied(unix.SYS_STATX, unix.EPERM)}
		}, func(c *Capabilities) Ability { return c.Uring.Direct }, ""},
	} {
		t.Run(tt.what, func(t *testing.T) {
			rt := newRuntime(t, Limits{})
			a := tt.arrange(t)
			check := func() {
				c, err := rt.Probe(a.name)
				if err != nil {
					t.Error(err)
					return
				}
				wantSound(t, c)
				if got := tt.of(&c); got.Can != canNo || !strings.Contains(got.Why, tt.reason) {
					t.Errorf("%+v, want a no because of %q", got, tt.reason)
				}
				if strings.Contains(c.String(), window.ErrRefused.Error()) {
					t.Errorf("it speaks of a forced source:\n%s", c)
				}
			}
			if a.prepare == nil {
				check()
			} else {
				threadtest.Run(t, a.prepare, check)
			}
		})
	}
}

// denied has a system call fail in the calling thread.
func denied(number uintptr, with unix.Errno) func() error {
	return func() error { return filtertest.DenyHere(number, with) }
}

func TestProbeOfATmpfs(t *testing.T) {
	var st unix.Statfs_t
	const shm = "/dev/shm"
	if err := unix.Statfs(shm, &st); err != nil || int64(st.Type) != unix.TMPFS_MAGIC {
		t.Skip("no tmpfs at ", shm, ": ", err)
	}
	dir, err := os.MkdirTemp(shm, "oriel")
	if err != nil {
		t.Skip("nothing can be made in ", shm, ": ", err)
	}
	defer os.RemoveAll(dir)
	c := probed(t, newRuntime(t, Limits{}), dir)
	if c.FileSystem != "tmpfs" || c.InMemory != canYes || c.Remote != canNo || c.Device.Name != "" || c.By != "a temporary file" {
		t.Errorf("%+v", c)
	}
	if c.Pread.DontCache.Can != canNo {
		t.Errorf("%+v, of what is nowhere but in the page cache", c.Pread)
	}
}

func TestProbeOfAFIFO(t *testing.T) {
	name := mkfifo(t)
	_, err := newRuntime(t, Limits{}).Probe(name)
	wantError(t, err, window.ErrUnsupported, "probe", name, 0)
}

// Nothing in the folder may be read, and nothing made: that is no error, and the
// rest is found out.
func TestProbeOfAFolderThatNothingCanBeDoneIn(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root, who could take the rights away")
	}
	dir := t.TempDir()
	for d, mode := range map[string]os.FileMode{dir: 0o755, dir + "/..": 0o755, dir + "/closed": 0} {
		if d != dir && mode == 0 {
			if err := os.Mkdir(d, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(d, mode); err != nil {
			t.Fatal(err)
		}
	}
	rt := newRuntime(t, Limits{})
	asNobody(t, func() {
		for _, path := range []string{dir, dir + "/closed"} {
			c, err := rt.Probe(path)
			if err != nil {
				t.Error(err)
				continue
			}
			wantSound(t, c)
			if c.By != "" || !strings.Contains(c.NoFile, "permission denied") || c.Mmap.Still != untried || c.Pread.NoWait != untried {
				t.Errorf("%s: %+v", path, c)
			}
			if c.Uring.Rings.Why == untried.Why || c.Memory.TotalBytes == 0 {
				t.Errorf("%s: what needs no file was not found out: %+v", path, c)
			}
		}
	})
}
