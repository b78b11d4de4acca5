package source

import (
	"bytes"
	"strings"
	"testing"
)

func TestExplainSaysWhatServesAndWhy(t *testing.T) {
	rt := newRuntime(t, Limits{MemoryBytes: 1 << 20})
	name := write(t, random(10_000))
	f := openAt(t, name, &Options{Runtime: rt, Source: Pread, Pattern: Random})
	w, err := f.ReadManagedAt(t.Context(), 100, 50)
	if err != nil {
		t.Fatal(err)
	}
	w.Release()
	e := f.Explain()
	if e.Source != "pread" || e.Pattern != Random || e.SizeBytes != 10_000 || e.MemoryBytes != 1<<20 || e.Stats.Bytes != 50 {
		t.Errorf("%+v", e)
	}
	for _, want := range []string{name, "pread", "regular file", "forced", "random", "1048576", "1 reads of 50 bytes"} {
		if !strings.Contains(e.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, e)
		}
	}
	for want, f := range map[string]*File{
		"fetch": New(memoryFetcher("x"), &Options{Runtime: rt}),
		"bytes": FromBytes([]byte("x"), &Options{Runtime: rt}),
	} {
		if e := f.Explain(); e.Source != want || e.Why == "" {
			t.Errorf("%+v, want source %q", e, want)
		}
		f.Close()
	}
	r := NewStream(bytes.NewReader(nil), &Options{Runtime: rt})
	defer r.Close()
	if e := r.Explain(); e.Source != "stream" || e.WindowBytes != StreamWindowBytes {
		t.Errorf("%+v, want a stream in windows of %d", e, StreamWindowBytes)
	}
}

// The default window shrinks with the budget, so that a few of them fit.
func TestDefaultWindowSizes(t *testing.T) {
	for _, tt := range []struct {
		budget int64
		want   int
	}{{4 << 10, 4 << 10}, {10_000, 4 << 10}, {1 << 20, 256 << 10}, {512 << 10, 128 << 10}, {1 << 30, 256 << 10}} {
		rt := newRuntime(t, Limits{MemoryBytes: tt.budget})
		f := FromBytes([]byte("x"), &Options{Runtime: rt})
		r := f.NewReader(nil)
		if got := r.WindowSize(); got != tt.want {
			t.Errorf("a budget of %d gives windows of %d, want %d", tt.budget, got, tt.want)
		}
		r.Close()
		f.Close()
	}
}

func TestPrefetchIsAHint(t *testing.T) {
	f := openAt(t, write(t, random(100_000)), nil)
	if err := f.Prefetch(t.Context(), rangesOf(0, 10, 50_000, 1<<40, 1<<50, 5, 7, 0)...); err != nil {
		t.Error(err)
	}
	b := FromBytes(random(10), nil)
	defer b.Close()
	if err := b.Prefetch(t.Context(), rangesOf(0, 10)...); err != nil {
		t.Error(err)
	}
}
