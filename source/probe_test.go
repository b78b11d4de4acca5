package source

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/window"
)

// probed returns what there is to say of path, after checking that it makes sense
// and that nothing is left behind.
func probed(t *testing.T, rt *Runtime, path string) Capabilities {
	t.Helper()
	c, err := rt.Probe(path)
	if err != nil {
		t.Fatal(err)
	}
	wantSound(t, c)
	waitFor(t, "the Runtime to be idle", func() bool {
		s := rt.Stats()
		return s.Files == 0 && s.Memory.InUseBytes == 0 && s.Guard.Leases == 0 && s.Guard.LockedBytes == 0
	})
	return c
}

// wantSound fails unless every refusal has a reason, the text has it, and the JSON
// has everything.
func wantSound(t *testing.T, c Capabilities) {
	t.Helper()
	text := c.String()
	for name, a := range abilitiesOf(c) {
		if (a.Can == canYes) != (a.Why == "") || a.Can != canYes && a.Can != canNo && a.Can != canUnknown {
			t.Errorf("%s: %+v", name, a)
		}
		if !strings.Contains(text, a.Can+": "+a.Why) {
			t.Errorf("%s: the text lacks %q", name, a.Why)
		}
	}
	if (c.By == "") != (c.NoFile != "") || !strings.Contains(text, c.NoFile) || !strings.HasPrefix(text, c.Path) || strings.HasSuffix(text, "\n") {
		t.Errorf("by %q, %q:\n%s", c.By, c.NoFile, text)
	}
	for _, known := range []string{c.InMemory, c.Remote, c.Device.Rotational} {
		if known != canYes && known != canNo && known != canUnknown {
			t.Errorf("%q is not known, nor unknown: %+v", known, c)
		}
	}
	data, err := json.Marshal(c)
	var back Capabilities
	if err == nil {
		err = json.Unmarshal(data, &back)
	}
	if err != nil || !reflect.DeepEqual(back, c) {
		t.Errorf("%v: the JSON says %+v, want %+v", err, back, c)
	}
}

func abilitiesOf(c Capabilities) map[string]Ability {
	return map[string]Ability{
		"cachestat": c.Pread.Cachestat, "nowait": c.Pread.NoWait, "dontcache": c.Pread.DontCache,
		"locks": c.Mmap.Locks, "leases": c.Mmap.Leases, "still": c.Mmap.Still, "kept file": c.Mmap.File,
		"rings": c.Uring.Rings, "ringed file": c.Uring.File, "direct": c.Uring.Direct,
	}
}

func TestProbeSaysWhatTheMachineIs(t *testing.T) {
	c := probed(t, newRuntime(t, Limits{MemoryBytes: 1 << 20, Threads: 7, Files: 9}), write(t, random(10_000)))
	m := c.Machine
	if m.OS != runtime.GOOS || m.Arch != runtime.GOARCH || m.Go != runtime.Version() || m.Processors != runtime.GOMAXPROCS(0) || m.PageBytes != os.Getpagesize() {
		t.Errorf("%+v", m)
	}
	if c.Memory.BudgetBytes != 1<<20 || c.Memory.BudgetFrom != "Limits.MemoryBytes" || c.Memory.LockFrom == "" {
		t.Errorf("%+v", c.Memory)
	}
	if c.Bounds.Threads != 7 || c.Bounds.Files != 9 || c.Bounds.InFlight <= 0 || c.Bounds.PinnedBytes <= 0 {
		t.Errorf("%+v", c.Bounds)
	}
	if c := probed(t, newRuntime(t, Limits{}), t.TempDir()); c.Bounds.Files != 0 {
		t.Errorf("%+v, want no bound of files", c.Bounds)
	}
}

// What a folder has is tried before anything is made in it.
func TestProbeOfAFolder(t *testing.T) {
	rt := newRuntime(t, Limits{})
	dir := t.TempDir()
	t.Chdir(dir)
	entries := func() (names []string) {
		all, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			names = append(names, e.Name())
		}
		return names
	}
	for _, path := range []string{dir, ""} {
		c := probed(t, rt, path)
		if c.By != "a temporary file" || len(entries()) != 0 {
			t.Errorf("of an empty folder: by %q, and it has %q", c.By, entries())
		}
		if path == "" && c.Path != "." {
			t.Errorf("the current folder is %q", c.Path)
		}
	}
	for _, name := range []string{"empty", "folder/x", "full"} {
		text := random(5000)
		if name == "empty" {
			text = nil
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, text, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if c := probed(t, rt, dir); c.By != "full" || len(entries()) != 3 {
		t.Errorf("by %q, and it has %q", c.By, entries())
	}
}

func TestProbeOfAFileThatSaysToBeEmpty(t *testing.T) {
	name := write(t, nil)
	c := probed(t, newRuntime(t, Limits{}), name)
	if c.By != name {
		t.Errorf("by %q", c.By)
	}
	for what, a := range map[string]Ability{"locks": c.Mmap.Locks, "file": c.Mmap.File, "ring": c.Uring.File} {
		if a.Can == canYes {
			t.Errorf("%s: %+v of a file without bytes", what, a)
		}
	}
}

func TestProbeOfNothing(t *testing.T) {
	rt := newRuntime(t, Limits{})
	missing := filepath.Join(t.TempDir(), "missing")
	_, err := rt.Probe(missing)
	wantError(t, err, fs.ErrNotExist, "probe", missing, 0)
	_, err = rt.Probe(os.DevNull)
	if _, isDisk := errors.AsType[*window.Error](err); !isDisk || runtime.GOOS != "windows" && !errors.Is(err, window.ErrUnsupported) {
		t.Errorf("%s: %v", os.DevNull, err)
	}
}

func TestProbeSaysWhatTheLimitsForbid(t *testing.T) {
	c := probed(t, newRuntime(t, Limits{InFlight: -1, LockBytes: -1}), write(t, random(10_000)))
	if a := c.Uring.Rings; a.Can != canNo || c.Uring.InFlight != 0 || c.Uring.File.Can != canNo || c.Uring.Direct.Can != canNo {
		t.Errorf("the ring is switched off: %+v", c.Uring)
	}
	if a := c.Mmap.Locks; a.Can != canNo || !strings.HasPrefix(a.Why, "0 bytes may be locked") && runtime.GOOS == "linux" {
		t.Errorf("nothing may be locked: %+v", a)
	}
	if !strings.Contains(c.String(), "no reads through io_uring") {
		t.Errorf("the text does not say that there is no ring:\n%s", c)
	}
}
