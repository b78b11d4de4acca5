package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/bench/report"
	"github.com/oriel-go/oriel/bench/workload"
)

func TestMain(m *testing.M) {
	child.Serve(workload.Tasks())
	os.Exit(m.Run())
}

func TestSizes(t *testing.T) {
	for v, want := range map[string]int64{"1": 1, "4KiB": 4 << 10, "256MiB": 256 << 20, "4GiB": 4 << 30} {
		var s sizeFlag
		if err := s.Set(v); err != nil || int64(s) != want || s.String() != v {
			t.Errorf("%s: %d, %q, %v", v, s, s.String(), err)
		}
	}
	for _, v := range []string{"", "x", "-1", "0", "1 GiB", "1TB", "9999999999GiB"} {
		var s sizeFlag
		if err := s.Set(v); err == nil {
			t.Errorf("%q is %d", v, s)
		}
	}
	var list sizesFlag
	if err := list.Set("1KiB,2MiB"); err != nil || list.String() != "1KiB,2MiB" {
		t.Errorf("%v, %v", list, err)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"nothing"}, {"-nothing"}, {"-pairs=0"}, {"-size=1KiB"}, {"-cpuprofile=x"},
		{"-open-files=0"}, {"-cgroup-pairs=0"}, {"-cgroup-size=1MiB"},
	} {
		var out, errs strings.Builder
		if status := run(args, &out, &errs); status != exitUsage || errs.Len() == 0 {
			t.Errorf("%v: status %d, %q", args, status, errs.String())
		}
	}
	var out, errs strings.Builder
	if status := run([]string{"-list"}, &out, &errs); status != exitFine || !strings.Contains(out.String(), "seq ") {
		t.Errorf("-list: status %d, %q", status, out.String())
	}
}

// dir returns a folder beside the package, because the temporary one is often
// a tmpfs, of which nothing can be evicted.
func dir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(".", ".testdata-")
	if err != nil {
		t.Skip("the folder of the package cannot be written:", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	name := filepath.Join(dir, "probe")
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := pagecache.Evict(name); err != nil {
		t.Skip("files cannot be evicted here:", err)
	}
	return dir
}

func TestRunIsRecorded(t *testing.T) {
	files, records := dir(t), t.TempDir()
	jsonName, pageName := filepath.Join(records, "new", "run.json"), filepath.Join(records, "run.md")
	var out, errs strings.Builder
	status := run([]string{"-dir", files, "-size=4MiB", "-pairs=2", "-states=large", "-json", jsonName, "-markdown", pageName, "seq"}, &out, &errs)
	if status != exitFine && status != exitShort {
		t.Fatalf("status %d: %s", status, errs.String())
	}
	b, err := os.ReadFile(jsonName)
	if err != nil {
		t.Fatal(err)
	}
	var r report.Run
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Experiments) != 2 || r.Machine.Kernel == "" || r.Seconds <= 0 {
		t.Errorf("%+v", r)
	}
	page, err := os.ReadFile(pageName)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "## seq/large") {
		t.Errorf("the page is %s", page)
	}
	for _, s := range []string{string(b), string(page)} {
		if strings.Contains(s, files) || strings.Contains(s, records) {
			t.Error("the record names a folder of this machine")
		}
	}
	if left, err := filepath.Glob(filepath.Join(files, "oriel-bench-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestSolo(t *testing.T) {
	profile := filepath.Join(t.TempDir(), "profile")
	var out, errs strings.Builder
	status := run([]string{"-dir", dir(t), "-size=4MiB", "-calls=1000", "-states=large", "-solo=2", "-cpuprofile", profile, "seq", "at"}, &out, &errs)
	if status != exitFine || !strings.Contains(out.String(), "oriel windows") || strings.Contains(out.String(), "os.File") {
		t.Errorf("status %d: %s%s", status, out.String(), errs.String())
	}
	if fi, err := os.Stat(profile); err != nil || fi.Size() == 0 {
		t.Errorf("no profile: %v", err)
	}
}
