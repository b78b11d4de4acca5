package source

import (
	"context"
	"testing"

	"github.com/oriel-go/oriel/pool"
)

// A plan is made and corrected now and then; between two of its decisions reading
// allocates nothing.
func TestAutomaticReadsNoAlloc(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	text := random(planBytes)
	name := write(t, text)
	warm(t, name)
	ending, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, tt := range []struct {
		what   string
		limits Limits
		source string // that serves
		ctx    context.Context
	}{
		{"pread", Limits{LockBytes: -1}, "pread", ending},
		// Under a context that can end, what has to be loaded is loaded by a
		// goroutine, which costs some allocations for every 4 MiB.
		{"mapped", Limits{LockBytes: fewLocked}, "mmap", context.Background()},
	} {
		t.Run(tt.what, func(t *testing.T) {
			rt := newRuntime(t, tt.limits)
			rt.Memory().SetDebug(pool.Debug{}) // which the tag orieldebug turns on
			f := openAt(t, name, &Options{Runtime: rt})
			if tt.source == "mmap" {
				lent(t, f.NewReader(nil).Explain())
			}
			r := f.NewReader(nil)
			defer r.Close()
			next := func() {
				if r.pos >= planBytes {
					if err := r.SeekTo(0); err != nil {
						t.Fatal(err)
					}
				}
				w, err := r.ReadManaged(tt.ctx)
				if err != nil {
					t.Fatal(err)
				}
				w.Release()
			}
			for r.pos < 2<<20 {
				next()
			}
			if r.Source() != tt.source {
				t.Fatalf("it is read by %s, want %s", r.Source(), tt.source)
			}
			s := r.steer.Load()
			s.until = 1 << 62 // no stretch ends: what a decision costs is not what is measured
			for range 200 {
				next()
			}
			if n := testing.AllocsPerRun(200, next); n != 0 {
				t.Errorf("ReadManaged: %v allocations", n)
			}
			at := int64(0)
			readAt := func() {
				at = (at + 1234567) % (planBytes - 4096)
				w, err := f.ReadManagedAt(tt.ctx, at, 4096)
				if err != nil {
					t.Fatal(err)
				}
				w.Release()
			}
			for range 200 {
				readAt()
			}
			if n := testing.AllocsPerRun(200, readAt); n != 0 {
				t.Errorf("ReadManagedAt: %v allocations", n)
			}
		})
	}
}
