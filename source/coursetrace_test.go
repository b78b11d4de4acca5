package source

import (
	"bytes"
	"runtime/trace"
	"testing"
)

// A read that waits is a region of the execution trace; one that does not is none.
func TestWaitsAreRegionsOfTheTrace(t *testing.T) {
	if trace.IsEnabled() {
		t.Skip("the tests are traced already")
	}
	const region = "oriel: wait"
	rt := newRuntime(t, Limits{})
	text := random(100_000)
	traced := func(f *File) (of []byte, waits int64) {
		t.Helper()
		var buf bytes.Buffer
		if err := trace.Start(&buf); err != nil {
			t.Skip("there can be no trace here: ", err)
		}
		r := f.NewReader(nil)
		got, err := readAll(t.Context(), r)
		w, err2 := f.ReadManagedAt(t.Context(), 500, 1000)
		w.Release()
		trace.Stop()
		r.Close()
		if err != nil || err2 != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes, %v, %v", len(got), err, err2)
		}
		return buf.Bytes(), f.Stats().Waits
	}
	f := New(memoryFetcher(text), &Options{Runtime: rt})
	defer f.Close()
	if of, waits := traced(f); waits == 0 || !bytes.Contains(of, []byte(region)) {
		t.Errorf("%d reads waited, and the trace of %d bytes has no region %q", waits, len(of), region)
	}
	b := FromBytes(text, &Options{Runtime: rt})
	defer b.Close()
	if of, waits := traced(b); waits != 0 || bytes.Contains(of, []byte(region)) {
		t.Errorf("%d reads of bytes in memory waited, or the trace says so", waits)
	}
}
