package workload

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/data"
	"github.com/oriel-go/oriel/bench/fio"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/memgroup"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/bench/slowfs"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/bench/volume"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

func TestMain(m *testing.M) {
	child.Serve(Tasks())
	// A program with the race detector sleeps for a second before it exits.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	os.Exit(m.Run())
}

// small returns a Config that takes little time, with files in a folder beside
// the package: the temporary folder is often a tmpfs, which has one state only.
func small(t *testing.T) *Config {
	t.Helper()
	dir, err := os.MkdirTemp(".", ".testdata-")
	if err != nil {
		t.Skip("the folder of the package cannot be written:", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c := &Config{
		Store: data.Store{Dir: dir}, FileBytes: 4<<20 + 100, LineBytes: 4 << 20, Calls: 100,
		Leases: 50, Breaks: 3, Idle: 50 * time.Millisecond,
		PeakBytes: []int64{4 << 20}, Pairs: 2, ColdPairs: 2, States: []string{"large", "small"},
		Oriel: filepath.Join(t.TempDir(), "oriel"), Tree: tree(t), StallFor: 500 * time.Millisecond,
		RingBytes: 32<<20 + 100, RingReads: 800, RingFor: 20 * time.Millisecond, RingReaders: 300,
		OpenFiles: 20, GroupBytes: 8 << 20, GroupPairs: 2,
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	name, err := c.Store.Random(4096)
	if err == nil {
		err = pagecache.Evict(name)
	}
	if err != nil {
		t.Skip("files cannot be evicted here:", err)
	}
	return c
}

// tree returns a folder with some files in it.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for i := range 20 {
		name := filepath.Join(dir, strconv.Itoa(i%3), strconv.Itoa(i))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, bytes.Repeat([]byte("some text\n"), i*i*i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestWorkloadsRun runs everything once, with sizes that say nothing about
// speed: that all ways compute the same and are served by what they say.
func TestWorkloadsRun(t *testing.T) {
	c := small(t)
	build := exec.Command("go", "build", "-o", c.Oriel, "./cmd/oriel")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the command: %v\n%s", err, out)
	}
	refused := refusal(t, c)
	for _, w := range All() {
		t.Run(w.Name, func(t *testing.T) {
			list, err := w.Experiments(c)
			if err != nil {
				t.Fatal(err)
			}
			for i := range list {
				t.Run(list[i].Name, func(t *testing.T) {
					if refused != nil && mapsFiles(list[i].Name) {
						t.Skip("files cannot be mapped here:", refused)
					}
					if err := unavailable(&list[i]); err != nil {
						t.Skip(err)
					}
					runOnce(t, &list[i])
				})
			}
		})
	}
}

// tries is how often an experiment is run at most.
const tries = 3

// run runs an experiment, and again if something was wrong that the machine may have
// done: it drops pages of a cached file at any time, and then a window of it rightly
// came from elsewhere, and a device that stands still leaves reads under way.
func run(t *testing.T, e *measure.Experiment) *measure.Report {
	t.Helper()
	r := e.Run()
	for again := 1; again < tries && excused(e, r.Error); again++ {
		t.Logf("run %d: %s", again, r.Error)
		r = e.Run()
	}
	return r
}

// amiss are words of errors that no state of the page cache explains: something was
// computed or counted wrongly, or a process died.
var amiss = []string{"computed", "counted", "bytes of", "Stats", "panic:", "fatal error:"}

// excused reports whether an experiment may be run again after an error. It has to
// keep its file in a state of the page cache, or prepare every run by one: others
// depend on none, and those of lease and of stall remember what they measured. So do
// those of opens, of which nobody looks here what they tell.
func excused(e *measure.Experiment, text string) bool {
	if text == "" || e.Keep == nil && (e.Itself == nil || e.Itself.Prepare == nil) {
		return false
	}
	return !slices.ContainsFunc(amiss, func(word string) bool { return strings.Contains(text, word) })
}

// TestWhatIsWrongIsNotRunAgain: only what the page cache explains is.
func TestWhatIsWrongIsNotRunAgain(t *testing.T) {
	keeps := &measure.Experiment{Keep: func() error { return nil }}
	prepares := &measure.Experiment{Itself: &measure.Way{Prepare: func() error { return nil }}}
	for _, c := range []struct {
		e    *measure.Experiment
		text string
		want bool
	}{
		{keeps, `oriel windows: served by "mmap", not by "pread"`, true},
		{prepares, "pread: preparing: 0.01 of the file are cached", true},
		{prepares, "100 bytes came from the device, of 200", true},
		{keeps, "", false},
		{&measure.Experiment{}, "anything", false},
		{&measure.Experiment{Itself: &measure.Way{}}, "anything", false},
		{keeps, "pread: computed 1, the first way 2", false},
		{prepares, "pread served 4 bytes of 5", false},
		{keeps, "of 3 windows 2 say that they were lent and 1 that they came through the ring; Stats have 3, 1 and 1", false},
	} {
		if got := excused(c.e, c.text); got != c.want {
			t.Errorf("%q: %v, want %v", c.text, got, c.want)
		}
	}
}

// runOnce runs an experiment and looks whether its report is whole.
func runOnce(t *testing.T, e *measure.Experiment) {
	r := run(t, e)
	if r.Error != "" {
		t.Error(r.Error)
	}
	if len(r.Contests)+len(r.Limits) == 0 {
		t.Error("it measures nothing")
	}
	if len(r.Contests) > 0 && r.Itself == nil {
		t.Error("it has no A/A test")
	}
}

// unavailable returns why the slow file system of stall, or the volume over it,
// or the ring, or fio, or a memory control group, is not to be had here.
func unavailable(e *measure.Experiment) error {
	if strings.HasPrefix(e.Name, "cgroup/") {
		return memgroup.Available()
	}
	if !strings.HasPrefix(e.Name, "stall/") && !strings.HasPrefix(e.Name, "ring") || e.Setup == nil {
		return nil
	}
	err := e.Setup()
	for _, reason := range []error{slowfs.ErrUnavailable, volume.ErrUnavailable, fio.ErrUnavailable, window.ErrRefused} {
		if errors.Is(err, reason) {
			return err
		}
	}
	return nil
}

// mapsFiles reports whether an experiment maps files.
func mapsFiles(experiment string) bool {
	w, _, _ := strings.Cut(experiment, "/")
	return w == "map" || w == "hot" || w == "lease" || experiment == "scan/map"
}

// refusal returns why files cannot be mapped in the folder of c, or not as many
// bytes of them be locked as are wanted. Whatever else goes wrong with a mapping
// is none of it.
func refusal(t *testing.T, c *Config) error {
	t.Helper()
	name, err := c.Store.Random(c.FileBytes)
	if err != nil {
		t.Fatal(err)
	}
	f, err := source.Open(t.Context(), name, &source.Options{Source: source.Mmap})
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		if !errors.Is(err, window.ErrRefused) {
			t.Fatal(err)
		}
		return err
	}
	p, err := unix.Mmap(-1, 0, pinnedLockBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	defer unix.Munmap(p)
	if err := unix.Mlock(p); err != nil {
		return fmt.Errorf("locking %d bytes: %w", len(p), err)
	}
	return nil
}

func TestNothingIsAllocated(t *testing.T) {
	c := small(t)
	name, err := c.Store.Lines(c.LineBytes, 80)
	if err != nil {
		t.Fatal(err)
	}
	limits := []measure.Limit{allocsPerWindow(name), allocsPerLine(name)}
	switch refused := refusal(t, c); {
	case refused != nil:
		t.Log("files cannot be mapped here:", refused)
	case raceEnabled:
		t.Log("the race detector has sync.Pool forget what mappings lend with")
	default:
		limits = append(limits, guardedAllocs(t, c)...)
	}
	for _, l := range limits {
		least := 1.0
		for range 3 { // the runtime allocates now and then
			n, err := l.Measure()
			if err != nil {
				t.Fatal(err)
			}
			least = min(least, n)
		}
		if least > l.Bound.Limit {
			t.Errorf("%s: %v", l.Name, least)
		}
	}
}

// guardedAllocs are the limits of allocations through mappings.
func guardedAllocs(t *testing.T, c *Config) []measure.Limit {
	t.Helper()
	rt, err := c.runtime(claimedLockBytes)
	if err != nil {
		t.Fatal(err)
	}
	name, err := c.Store.Random(leastHotBytes)
	if err != nil {
		t.Fatal(err)
	}
	h := newHotSet(name, rt, hotBytes)
	return []measure.Limit{
		allocsPerGuarded(name, rt),
		{Name: "hot", Bound: stats.AtMost(0), Measure: h.allocs},
	}
}

func TestPercentile(t *testing.T) {
	var values []float64
	for i := range 200 {
		values = append(values, float64(200-i))
	}
	for p, want := range map[int]float64{1: 2, 50: 100, 99: 198, 100: 200} {
		if got := percentile(values, p); got != want {
			t.Errorf("of 1 to 200 %d %% are up to %v, want %v", p, got, want)
		}
	}
	if got := percentile([]float64{7}, 99); got != 7 {
		t.Errorf("of one value: %v", got)
	}
}

func TestFind(t *testing.T) {
	if all, err := Find(nil); err != nil || len(all) != len(All()) {
		t.Errorf("%d workloads, %v", len(all), err)
	}
	if two, err := Find([]string{"at", "seq"}); err != nil || len(two) != 2 || two[0].Name != "at" {
		t.Errorf("%v, %v", two, err)
	}
	if _, err := Find([]string{"seq", "nothing"}); err == nil {
		t.Error("an unknown workload is found")
	}
	if _, err := Find([]string{"nothing/large"}); err == nil {
		t.Error("a part of an unknown workload is found")
	}
}

// TestPartsAreFound looks for experiments by the beginning of their names.
func TestPartsAreFound(t *testing.T) {
	whole := Workload{Name: "w", Experiments: func(*Config) (list []measure.Experiment, err error) {
		for _, name := range []string{"w/a/1", "w/a/10", "w/b/1"} {
			list = append(list, measure.Experiment{Name: name})
		}
		return list, nil
	}}
	for name, want := range map[string]int{"w/a": 2, "w/a/1": 1, "w/b": 1, "w/": 0, "w/c": 0, "w/a/": 0} {
		list, err := whole.only(name).Experiments(nil)
		if len(list) != want || (err == nil) != (want > 0) {
			t.Errorf("%s: %d experiments, %v", name, len(list), err)
		}
	}
}

func TestSumOfWC(t *testing.T) {
	for stdout, want := range map[string]uint64{
		"":                                      0,
		"12 a\n":                                12,
		"  1 a\n 20 b with blanks\n 21 total\n": 21,
		" 1 a\n 1 total\n 5 b\n 5 total\n":      6, // xargs ran wc twice
	} {
		if got, err := sumOfWC(stdout); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", stdout, got, err, want)
		}
	}
	if _, err := sumOfWC("nonsense\n"); err == nil {
		t.Error("nonsense has a sum")
	}
}

func TestScannedIsChecked(t *testing.T) {
	o, err := scanned(`{"bytes":7,"lines":3,"sources":{"pread":{"files":2,"bytes":7},"stream":{"files":1,"bytes":0}},"errors":[]}`)
	if want := (measure.Outcome{Answer: 3, Source: "pread", Bytes: 7}); err != nil || !reflect.DeepEqual(o, want) {
		t.Errorf("%+v, %v", o, err)
	}
	o, err = scanned(`{"sources":{"pread":{"bytes":7},"mmap":{"bytes":1}}}`)
	if err != nil || o.Source != "mmap and pread" || o.Bytes != 8 {
		t.Errorf("%+v, %v", o, err)
	}
	for _, bad := range []string{
		`{"errors":[{"path":"x","error":"y"}]}`,
		`nonsense`,
	} {
		if _, err := scanned(bad); err == nil {
			t.Errorf("no error: %s", bad)
		}
	}
}

func TestSizeName(t *testing.T) {
	for n, want := range map[int64]string{1 << 30: "1 GiB", 4 << 20: "4 MiB", 3 << 9: "1536 bytes", 1 << 10: "1 KiB"} {
		if got := sizeName(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
