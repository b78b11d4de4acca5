package source

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/childtest"
	"github.com/oriel-go/oriel/internal/probe"
	"github.com/oriel-go/oriel/internal/threadtest"
	"github.com/oriel-go/oriel/source/internal/plan"
)

// A file in memory is never waited for: nothing is gained by the ring, nor past
// the page cache.
func TestPlanForAFileInMemory(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	text := random(planBytes)
	name := sharedMemory(t, text)
	for _, p := range []Pattern{Detect, Once} {
		e := passOf(t, openAt(t, name, &Options{Runtime: rt, Pattern: p}), nil, text)
		if e.Facts.FileSystem != "tmpfs" || e.Facts.InMemory != "yes" || e.first != "pread" || e.windows["uring"] != 0 || e.Stats.Ringed != 0 {
			t.Errorf("windows by %v, %+v:\n%s", e.windows, e.Stats, e)
		}
		wantRefusal(t, e.Explanation, "uring", "the file is in memory")
		wantRefusal(t, e.Explanation, "uring direct", "the file is in memory")
	}
}

// An overlay grants leases that mean nothing, so that nothing of it is mapped.
func TestPlanForAnOverlay(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	text := random(planBytes)
	prepare, name, _ := withOverlay(t, text, nil)
	threadtest.Run(t, prepare, func() {
		f := openAt(t, name, &Options{Runtime: rt})
		e := passOf(t, f, nil, text)
		if e.Facts.FileSystem != "overlayfs" || e.windows["mmap"] != 0 {
			t.Errorf("windows by %v:\n%s", e.windows, e)
		}
		wantRefusal(t, e.Explanation, "mmap", "overlayfs")
		f.Close()
	})
}

// mountImage returns what mounts a file system that a command makes of a folder,
// for the calling thread alone, and where, or skips.
func mountImage(t *testing.T, dir, kind string, command ...string) (prepare func() error, mounted string) {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Skip("no command makes such a file system here: ", err)
	}
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
	mounted = filepath.Join(dir, "mounted")
	if err := os.Mkdir(mounted, 0o700); err != nil {
		t.Fatal(err)
	}
	device := loopDevice(t, filepath.Join(dir, "image"))
	return func() error {
		if err := threadtest.OwnMounts(); err != nil {
			return err
		}
		return unix.Mount(device, mounted, kind, unix.MS_RDONLY, "")
	}, mounted
}

// A file system that nobody can write to keeps its files still without a lease.
func TestPlanForAReadOnlyFileSystem(t *testing.T) {
	for _, tt := range []struct {
		kind    string
		command func(image, from string) []string
	}{
		{"squashfs", func(image, from string) []string {
			return []string{"mksquashfs", from, image, "-quiet", "-no-progress", "-noI", "-noD"}
		}},
		{"erofs", func(image, from string) []string { return []string{"mkfs.erofs", "--quiet", image, from} }},
	} {
		t.Run(tt.kind, func(t *testing.T) {
			rt := newRuntime(t, Limits{LockBytes: fewLocked})
			text := random(planBytes)
			dir := t.TempDir()
			from := filepath.Join(dir, "from")
			if err := os.Mkdir(from, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(from, "file"), text, 0o600); err != nil {
				t.Fatal(err)
			}
			prepare, mounted := mountImage(t, dir, tt.kind, tt.command(filepath.Join(dir, "image"), from)...)
			threadtest.Run(t, prepare, func() {
				name := filepath.Join(mounted, "file")
				for _, o := range []Options{{}, {Pattern: Once}, {Pattern: Reuse}} { // not cached at first, then cached
					o.Runtime = rt
					f := openAt(t, name, &o)
					e := passOf(t, f, nil, text)
					if e.Facts.FileSystem != tt.kind || e.Facts.NoGuard != "" || rt.Stats().Guard.Leases != 0 {
						t.Errorf("%v: %d leases:\n%s", o.Pattern, rt.Stats().Guard.Leases, e)
					}
					f.Close()
				}
			})
		})
	}
}

// strangerRole reads a cached file whose owner it is not, and may not write.
func strangerRole(t *testing.T) {
	name, _ := childtest.Hear()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
		childtest.Tell("skip: the process cannot become nobody: ", err)
		return
	}
	for _, lie := range []func(*plan.Facts){nil, func(k *plan.Facts) { k.NoGuard = "" }} {
		rt := newRuntime(t, Limits{LockBytes: fewLocked})
		rt.machine.amend = lie
		const want = "the owner of the file"
		var e pass
		if !tries(func() bool {
			warm(t, name)
			e = passOf(t, openAt(t, name, &Options{Runtime: rt}), nil, text)
			if e.windows["mmap"] != 0 || e.Source != "pread" {
				t.Errorf("windows by %v:\n%s", e.windows, e)
			}
			// What the machine has dropped is not even tried to be mapped, nor is what lies
			// in small folios.
			return strings.Contains(e.String(), want) || lie != nil && e.Facts.LargeFolios == "no"
		}) {
			t.Errorf("the text lacks %q:\n%s", want, e)
		}
		if lie == nil {
			wantRefusal(t, e.Explanation, "mmap", "a lease needs the owner of the file, or root")
		}
	}
	childtest.Tell("done")
}

func TestPlanForAnothersFile(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	name := write(t, random(planBytes))
	for at := filepath.Dir(name); len(at) > len(os.TempDir()); at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	c := childtest.Start(t, "stranger")
	c.Tell(name)
	c.Hear() // or it is skipped
	c.Good()
}

// What the page cache cannot hold is read past it, where that can be done.
func TestPlanForAFileLargerThanMemory(t *testing.T) {
	const size = manyBytes + 3<<20 // memory is asked about from manyBytes on
	name := write(t, nil)
	if err := os.Truncate(name, size); err != nil { // a hole, which costs no room
		t.Fatal(err)
	}
	zeros := make([]byte, size)
	for what, m := range map[string]probe.Memory{
		"the machine's":       {TotalBytes: 64 << 20, AvailableBytes: 32 << 20},
		"the control group's": {TotalBytes: 64 << 30, AvailableBytes: 32 << 30, CgroupLimitBytes: 64 << 20, CgroupRoomBytes: 32 << 20},
		"of both":             {TotalBytes: 64 << 20, AvailableBytes: 32 << 20, CgroupLimitBytes: 64 << 20, CgroupRoomBytes: 48 << 20},
	} {
		t.Run(what, func(t *testing.T) {
			rt := newRuntime(t, Limits{LockBytes: fewLocked})
			cold(t, name)
			rt.machine.memory, rt.machine.at = m, time.Now().Add(time.Hour) // so that nobody looks
			f := openAt(t, name, &Options{Runtime: rt})
			e := f.NewReader(nil).Explain()
			if e.Facts.CacheBytes != 32<<20 {
				t.Errorf("the page cache can take %d bytes, want 32 MiB", e.Facts.CacheBytes)
			}
			if e.Facts.NoRing != "" || e.Facts.NoDirect != "" {
				t.Skip("this file cannot be read past the page cache here: ", e.Facts.NoRing, e.Facts.NoDirect)
			}
			if c := chosen(t, e); c.Source != "uring direct" || !strings.Contains(c.Reason, "the page cache would not hold it: 67 MiB, with 32 MiB free") {
				t.Errorf("chosen is %s, because %q:\n%s", c.Source, c.Reason, e)
			}
			if p := passOf(t, f, nil, zeros); p.first != "uring" || p.Stats.Ringed == 0 {
				t.Errorf("windows by %v:\n%s", p.windows, p.Explanation)
			}
		})
	}
}

func TestWhatThePageCacheCanTake(t *testing.T) {
	for _, tt := range []struct {
		m    probe.Memory
		want int64
	}{
		{probe.Memory{}, 0},
		{probe.Memory{AvailableBytes: 5}, 5},
		{probe.Memory{AvailableBytes: 5, CgroupLimitBytes: 9, CgroupRoomBytes: 4}, 4},
		{probe.Memory{AvailableBytes: 5, CgroupLimitBytes: 9, CgroupRoomBytes: 6}, 5},
		{probe.Memory{CgroupLimitBytes: 9, CgroupRoomBytes: 6}, 6},
		{probe.Memory{AvailableBytes: 5, CgroupLimitBytes: 9}, 1}, // full: not unknown
	} {
		if got := cacheBytes(tt.m); got != tt.want {
			t.Errorf("%+v leaves the page cache %d bytes, want %d", tt.m, got, tt.want)
		}
	}
}

// Of many files of a kind, what is known of their file system is asked once, and
// nothing is left of any.
func TestPlansForManySmallFiles(t *testing.T) {
	const files = 10_000
	rt := newRuntime(t, Limits{})
	asked := 0
	rt.machine.amend = func(*plan.Facts) { asked++ }
	dir := t.TempDir()
	text := random(64)
	name := func(i int) string { return filepath.Join(dir, strconv.Itoa(i)) }
	read := func(i, size int) string {
		r, err := OpenReader(t.Context(), name(i), &Options{Runtime: rt, WindowBytes: Granularity})
		if err != nil {
			t.Fatal(err)
		}
		w, err := r.ReadManaged(t.Context())
		if err != nil || w.Len() != min(size, Granularity) || !bytes.Equal(w.Bytes()[:len(text)], text) {
			t.Fatalf("file %d: %v, %v", i, w, err)
		}
		w.Release()
		if r.later {
			r.plan(false)
		}
		s := r.steer.Load()
		r.Close()
		if s == nil {
			return ""
		}
		return s.facts.FileSystem
	}
	for i := range files {
		if err := os.WriteFile(name(i), text, 0o600); err != nil {
			t.Fatal(err)
		}
		read(i, len(text))
	}
	if asked != 0 || len(rt.machine.systems) != 0 {
		t.Errorf("facts were asked for %d times for %d small files, and of %d file systems", asked, files, len(rt.machine.systems))
	}
	const larger = 1000 // of these facts are asked for, but of the file system once
	for i := range larger {
		if err := os.Truncate(name(i), plan.LeastBytes); err != nil {
			t.Fatal(err)
		}
		if fs := read(i, plan.LeastBytes); i == 0 {
			m := &rt.machine
			for dev, s := range m.systems {
				s.fs.Name, s.at = "remembered", time.Now().Add(time.Hour) // and not old in the time that this takes
				m.systems[dev] = s
			}
		} else if fs != "remembered" {
			t.Fatalf("the file system of file %d was asked about again: it is %q", i, fs)
		}
	}
	if asked != larger || len(rt.machine.systems) != 1 {
		t.Errorf("facts were asked for %d times for %d files, of %d file systems", asked, larger, len(rt.machine.systems))
	}
	if s := rt.Stats(); s.Guard.Leases != 0 || s.Files != 0 || rt.engine != nil {
		t.Errorf("something is left of small files: %+v", s)
	}
	if fds := descriptorsOf(t, dir); len(fds) != 0 {
		t.Errorf("the descriptors %v are left", fds)
	}
}
