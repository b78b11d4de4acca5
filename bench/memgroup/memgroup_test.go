package memgroup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/bench/child"
)

func TestMain(m *testing.M) {
	tasks := Tasks()
	tasks["touch"] = touchTask
	child.Serve(tasks)
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	os.Exit(m.Run())
}

// touchTask reads a file, whose pages are charged to the group, and says in which
// groups it is.
func touchTask(args []string) (string, error) {
	if _, err := os.ReadFile(args[0]); err != nil {
		return "", err
	}
	b, err := os.ReadFile("/proc/self/cgroup")
	return string(b), err
}

// write makes a file and the folders above it.
func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPlaceIsFound(t *testing.T) {
	for _, c := range []struct {
		name    string
		mounts  string // POINT stands for the mount point
		groups  string
		folders []string // below POINT
		handing []string // those that hand the memory controller on
		want    string   // below POINT; "-" for none
		version *version
	}{
		{"first version", "30 25 0:26 / POINT rw - cgroup cgroup rw,memory\n", "4:cpu,memory:/a/b\n0::/\n", []string{"a/b"}, nil, "a/b", first},
		{"first version before second", "29 1 0:2 / /other rw - cgroup2 cgroup2 rw\n30 25 0:26 / POINT rw shared:1 - cgroup cgroup rw,memory\n",
			"4:memory:/\n0::/x\n", nil, nil, "", first},
		{"group that is not seen", "30 25 0:26 / POINT rw - cgroup cgroup rw,memory\n", "4:memory:/gone\n", nil, nil, "", first},
		{"mount of a group", "30 25 0:26 /a POINT rw - cgroup cgroup rw,memory\n", "4:memory:/a/b\n", []string{"b"}, nil, "b", first},
		{"group beside the mount", "30 25 0:26 /a POINT rw - cgroup cgroup rw,memory\n", "4:memory:/c\n", nil, nil, "", first},
		{"second version, own group", "30 25 0:26 / POINT rw - cgroup2 cgroup2 rw,nsdelegate\n", "0::/a/b\n", []string{"a/b"}, []string{"a/b"}, "a/b", second},
		{"second version, above", "30 25 0:26 / POINT rw - cgroup2 cgroup2 rw\n", "0::/a/b\n", []string{"a/b"}, []string{"."}, "", second},
		{"second version without memory", "30 25 0:26 / POINT rw - cgroup2 cgroup2 rw\n", "0::/a\n", []string{"a"}, nil, "-", nil},
		{"other controllers", "30 25 0:26 / POINT rw - cgroup cgroup rw,cpu\n", "4:cpu:/\n", nil, nil, "-", nil},
		{"nothing", "", "", nil, nil, "-", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			self, point := system{t.TempDir()}, t.TempDir()
			for _, f := range c.folders {
				if err := os.MkdirAll(filepath.Join(point, f), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range c.handing {
				write(t, filepath.Join(point, f, "cgroup.subtree_control"), "cpu memory\n")
			}
			write(t, filepath.Join(self.dir, "mountinfo"), strings.ReplaceAll(c.mounts, "POINT", point))
			write(t, filepath.Join(self.dir, "cgroup"), c.groups)
			p, err := self.find()
			if c.want == "-" {
				if !errors.Is(err, ErrUnavailable) {
					t.Errorf("found %v, %v", p, err)
				}
				return
			}
			if err != nil || p.dir != filepath.Join(point, c.want) || p.version != c.version {
				t.Errorf("found %v, %v", p, err)
			}
		})
	}
	if _, err := (system{filepath.Join(t.TempDir(), "missing")}).find(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without /proc: %v", err)
	}
}

func TestCountsAreRead(t *testing.T) {
	for _, c := range []struct {
		name    string
		version *version
		files   map[string]string
		want    Counts // of none: an error
	}{
		{"first version", first, map[string]string{
			"memory.max_usage_in_bytes": "1048576\n", "memory.failcnt": "12\n",
			"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"}, Counts{1 << 20, 12, 3}},
		{"first version without a peak", first, map[string]string{
			"memory.failcnt": "9\n", "memory.oom_control": "oom_kill 0\n"}, Counts{0, 9, 0}},
		{"first version without its count", first, map[string]string{"memory.oom_control": "oom_kill 0\n"}, Counts{}},
		{"second version", second, map[string]string{
			"memory.peak": "4096\n", "memory.events": "low 0\nhigh 0\nmax 5\noom 1\noom_kill 1\n"}, Counts{4096, 5, 1}},
		{"second version without a peak", second, map[string]string{"memory.events": "max 5\noom_kill 0\n"}, Counts{0, 5, 0}},
		{"no count of kills", first, map[string]string{"memory.failcnt": "1\n", "memory.oom_control": "under_oom 0\n"}, Counts{}},
		{"nonsense", second, map[string]string{"memory.events": "max many\n"}, Counts{}},
		{"nothing", second, nil, Counts{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &Group{place: place{c.version, t.TempDir()}}
			for name, text := range c.files {
				write(t, filepath.Join(g.dir, name), text)
			}
			got, err := g.Counts()
			if c.want == (Counts{}) {
				if err == nil {
					t.Errorf("%+v", got)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

// TestLimitsAreSet sets the limit of either version in files that stand for
// the kernel's.
func TestLimitsAreSet(t *testing.T) {
	for _, v := range []*version{first, second} {
		g := &Group{place{v, t.TempDir()}, 1 << 20}
		if err := g.setLimit(); err == nil {
			t.Error("a limit was set in a folder without files")
		}
		write(t, filepath.Join(g.dir, g.limit), "")
		if err := g.setLimit(); err != nil {
			t.Errorf("without %s: %v", g.noSwap, err)
		}
		write(t, filepath.Join(g.dir, g.noSwap), "")
		if err := g.setLimit(); err != nil {
			t.Error(err)
		}
		for name, want := range map[string]string{g.limit: "1048576", g.noSwap: "0"} {
			if b, err := os.ReadFile(filepath.Join(g.dir, name)); err != nil || string(b) != want {
				t.Errorf("%s is %q, %v; want %s", name, b, err, want)
			}
		}
	}
}

// group returns a group of the kernel's.
func group(t *testing.T, limitBytes int64) *Group {
	t.Helper()
	if err := Available(); err != nil {
		t.Skip(err)
	}
	g, err := Make(limitBytes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Remove(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(g.dir); !os.IsNotExist(err) {
			t.Errorf("the group is still there: %v", err)
		}
	})
	return g
}

// TestProcessIsInItsGroup runs one in a group and one in none.
func TestProcessIsInItsGroup(t *testing.T) {
	g := group(t, 256<<20)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The arguments are those of a copy that does the task.
	inside, err := child.Command("touch", self)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []*Group{g, nil} {
		r, err := in.Run(inside.Args[0], inside.Args[1:]...)
		if err != nil {
			t.Fatal(err)
		}
		if is := strings.Contains(r.Stdout, filepath.Base(g.dir)); is != (in != nil) {
			t.Errorf("in the group: %v; its groups are %q", is, r.Stdout)
		}
	}
	c, err := g.Counts()
	if err != nil || c.Kills != 0 || c.PeakBytes > g.LimitBytes {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestKillIsCounted has a process use more than it may.
func TestKillIsCounted(t *testing.T) {
	g := group(t, 16<<20)
	// Its whole output is in the memory of the shell.
	r, err := g.Run("sh", "-c", "x=$(head -c 67108864 /dev/zero | tr '\\0' x); echo ${#x}")
	if err == nil {
		t.Fatalf("64 MiB were had within 16: %q", r.Stdout)
	}
	if c, countErr := g.Counts(); countErr != nil || c.Kills == 0 || c.Failed == 0 || !strings.Contains(err.Error(), "for want of memory") {
		t.Errorf("%+v, %v: %v", c, countErr, err)
	}
}

func TestSweepLeavesTheLiving(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, prefix+"1-1") // the first process of all lives
	gone := filepath.Join(dir, prefix+"2147483647-1")
	other := filepath.Join(dir, prefix+"x")
	for _, d := range []string{mine, gone, other} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	place{first, dir}.sweep()
	for d, stays := range map[string]bool{mine: true, gone: false, other: true} {
		if _, err := os.Stat(d); (err == nil) != stays {
			t.Errorf("%s: %v", filepath.Base(d), err)
		}
	}
}

func TestGroupedRefuses(t *testing.T) {
	for _, args := range [][]string{nil, {""}, {filepath.Join(t.TempDir(), "missing"), "true"}, {"", "no such command"}} {
		if _, err := grouped(args); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
