package workload

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/source"
)

// TestTheMatrixIsCovered: not too many cells, and every value in some of them.
func TestTheMatrixIsCovered(t *testing.T) {
	const most, leastCold = 60, 20
	if n := len(regretCells); n > most {
		t.Errorf("%d cells, more than %d", n, most)
	}
	names := map[string]bool{}
	seen := map[any]int{}
	type tested struct { // with an A/A test, as every cell is
		pattern regretPattern
		cache   regretCache
	}
	for i := range regretCells {
		c := &regretCells[i]
		name := c.name(int64(c.file))
		if names[name] {
			t.Errorf("%s is there twice", name)
		}
		names[name] = true
		if c.why == "" {
			t.Errorf("%s: nobody says why", name)
		}
		if c.size == sizeDefault && c.pattern != patternSequential && c.pattern != patternLimit {
			t.Errorf("%s: reads at offsets have a size", name)
		}
		for _, v := range []any{c.pattern, c.cache, c.file, c.size, goroutineCount(c.goroutines), c.declared, tested{c.pattern, c.cache}} {
			seen[v]++
		}
	}
	if seen[cacheCold] < leastCold {
		t.Errorf("%d cold cells, want %d", seen[cacheCold], leastCold)
	}
	for _, v := range []any{
		patternSequential, patternRandom, patternStrided, patternBackward, patternLimit,
		sizeDefault, size256, size4K, size64K, size1M,
		cacheCold, cacheLarge, cacheSmall, cacheHalf, cacheFirstHalf,
		fileSmall, fileMiddle, fileLarge,
		goroutineCount(1), goroutineCount(2), goroutineCount(maxGoroutines),
		source.Detect, source.Once, source.Random, source.Reuse,
	} {
		if seen[v] == 0 {
			t.Errorf("no cell has %T %v", v, v)
		}
	}
}

// A goroutineCount is none of the sizes.
type goroutineCount int

// regretList returns the experiments of all cells, over small files.
func regretList(t *testing.T) (*Config, []measure.Experiment) {
	t.Helper()
	c := small(t)
	list, err := regret(c)
	if err != nil {
		t.Fatal(err)
	}
	return c, list
}

func TestCellsAreExperiments(t *testing.T) {
	_, list := regretList(t)
	if len(list) != len(regretCells) {
		t.Fatalf("%d experiments of %d cells", len(list), len(regretCells))
	}
	names := map[string]bool{}
	for i := range list {
		e, cell := &list[i], &regretCells[i]
		if names[e.Name] {
			t.Errorf("%s is there twice", e.Name)
		}
		names[e.Name] = true
		if parts := strings.Count(e.Name, "/"); parts != 5 && (parts != 6 || cell.declared == source.Detect) {
			t.Errorf("the name %s", e.Name)
		}
		if e.Itself == nil || e.Itself.Name != "pread" || !e.Regret || e.Expected <= 0 || e.Metric != measure.Time {
			t.Errorf("%s: %+v", e.Name, e)
		}
		if e.Best.Bound.AtLeast || e.Best.Bound.Limit != mostRegret || e.Best.A.Name != "auto" || e.Best.Of[0].Name != "pread" {
			t.Errorf("%s: %+v", e.Name, e.Best)
		}
		past := slices.ContainsFunc(e.Best.Of, func(w measure.Way) bool { return w.Name == "uring direct" })
		left := slices.ContainsFunc(e.Notes, func(n string) bool { return strings.HasPrefix(n, "uring direct is left out") })
		if want := cell.declared == source.Once; (past || left) != want {
			t.Errorf("%s: past the page cache %v, left out %v, want one: %v", e.Name, past, left, want)
		}
		if (e.Best.A.Prepare != nil) == cell.cached() || (e.Setup != nil) == (cell.cache == cacheCold) {
			t.Errorf("%s: the state of the page cache is not brought about as it should be", e.Name)
		}
	}
}

// TestCellsRun runs one cell of each kind, with sizes that say nothing about
// speed: all ways compute the same, the same number of bytes, and come from
// where they say. That is what Run has to find wrong otherwise.
func TestCellsRun(t *testing.T) {
	_, list := regretList(t)
	done := map[string]bool{}
	for i := range list {
		cell := &regretCells[i]
		kind := strings.Join([]string{string(cell.pattern), string(cell.cache)}, "/")
		if done[kind] && (raceEnabled || cell.size != size256 && cell.goroutines < maxGoroutines) {
			continue // the race detector makes a cell ten times as long
		}
		done[kind] = true
		t.Run(list[i].Name, func(t *testing.T) { checkCell(t, list[i]) })
	}
}

func checkCell(t *testing.T, e measure.Experiment) {
	e.Pairs = 1
	r := run(t, &e)
	if r.Error != "" {
		t.Fatal(r.Error)
	}
	for _, s := range r.Contests {
		for _, side := range []*measure.Side{&s.A, &s.B} {
			for _, x := range side.Samples {
				f := x.Figures
				lent, ring, copied := f[measure.FigureLent], f[measure.FigureRinged], f[measure.FigureCopied]
				if sum := lent + ring + copied; sum < 0.999 || sum > 1.001 || min(lent, ring, copied) < 0 {
					t.Errorf("%s: shares of %v, %v and %v", side.Name, lent, ring, copied)
				}
				if side.Name == "pread" && copied != 1 || side.Name == "mmap" && ring > 0 || side.Name == "uring direct" && strings.Contains(e.Name, "/cold/") && ring < 1 {
					t.Errorf("%s: %v lent, %v ringed", side.Name, lent, ring)
				}
			}
		}
	}
	if g := measure.RegretOf([]*measure.Report{r}); g == nil || len(g.Cells) != 1 || g.Cells[0].Name != e.Name {
		t.Errorf("%+v", g)
	}
}

// jobOf returns a job over small files.
func jobOf(t *testing.T, cell *regretCell) (*regretJob, *Config) {
	t.Helper()
	c := small(t)
	files, err := newRegretFiles(c)
	if err != nil {
		t.Fatal(err)
	}
	return newRegretJob(cell, files), c
}

// TestACellOverAWarmFileIsNotCold: what is cached is not taken for what came
// from the device.
func TestACellOverAWarmFileIsNotCold(t *testing.T) {
	j, c := jobOf(t, &regretCell{patternSequential, sizeDefault, cacheCold, fileMiddle, 1, source.Detect, "test"})
	ways, err := newRegretWays(c)
	if err != nil {
		t.Fatal(err)
	}
	w := ways.auto.of(j)
	if err := w.Prepare(); err != nil {
		t.Fatal(err)
	}
	o, err := w.Run()
	if err != nil {
		t.Fatal(err)
	}
	if o.Source != "auto" || o.Bytes != j.bytes || o.Answer == 0 {
		t.Errorf("%+v, want %d bytes", o, j.bytes)
	}
	if err := pagecache.KeepLarge(j.names[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Run(); err == nil || !strings.Contains(err.Error(), "came from the device") {
		t.Errorf("cached: %v", err)
	}
}

// TestPartsHaveNoGaps: whatever the number of goroutines, the same is read.
func TestPartsHaveNoGaps(t *testing.T) {
	cell := regretCell{patternSequential, sizeDefault, cacheLarge, fileLarge, 1, source.Detect, "test"}
	j, _ := jobOf(t, &cell)
	var want uint64
	for _, n := range []int{1, 2, 3, maxGoroutines} {
		cell.goroutines = n
		r := &regretRun{regretJob: j, how: &source.Options{}}
		if err := errors.Join(r.run(), r.contradiction()); err != nil {
			t.Fatal(err)
		}
		if want == 0 {
			want = r.total.answer
		}
		if r.total.answer != want || r.total.bytes != j.bytes {
			t.Errorf("%d goroutines: %d newlines in %d bytes, want %d in %d", n, r.total.answer, r.total.bytes, want, j.bytes)
		}
	}
}

// TestAShortFileIsAnError: a file that ends before what a run is to read.
func TestAShortFileIsAnError(t *testing.T) {
	for _, pattern := range []regretPattern{patternSequential, patternBackward} {
		cell := regretCell{pattern, size4K, cacheLarge, fileSmall, 1, source.Detect, "test"}
		j, _ := jobOf(t, &cell)
		j.readBytes = 2 * smallFileBytes
		r := &regretRun{regretJob: j, how: &source.Options{}}
		if err := r.run(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

// TestContradictionsAreFound: windows and Stats that differ.
func TestContradictionsAreFound(t *testing.T) {
	r := &regretRun{}
	r.total = regretTally{all: 3, lentReads: 1, ringedReads: 1}
	r.stats = source.Stats{Reads: 3, Lent: 1, Ringed: 1}
	if err := r.contradiction(); err != nil {
		t.Error(err)
	}
	for _, s := range []source.Stats{{Reads: 2, Lent: 1, Ringed: 1}, {Reads: 3, Lent: 2, Ringed: 1}, {Reads: 3, Lent: 1}} {
		if r.stats = s; r.contradiction() == nil {
			t.Errorf("%+v contradict nothing", s)
		}
	}
	r.total = regretTally{} // a Cursor's windows are not seen
	if err := r.contradiction(); err != nil {
		t.Error(err)
	}
}
