package source

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oriel-go/oriel/pool"
	"github.com/oriel-go/oriel/window"
)

// Both hold a window and want a join: without an overdraft they would wait for
// each other for ever.
func TestTwoParsersOnABudgetOfTwoWindows(t *testing.T) {
	const lineBytes = 10_000
	text := bytes.Repeat([]byte(strings.Repeat("x", lineBytes-1)+"\n"), 50)
	name := write(t, text)
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{MemoryBytes: 8 << 10})
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				r, err := OpenReader(t.Context(), name, &Options{Runtime: rt, WindowBytes: 4 << 10})
				if err != nil {
					t.Error(err)
					return
				}
				defer r.Close()
				c := window.NewCursor(t.Context(), r, nil)
				defer c.Close()
				n := 0
				for line, err := range c.Lines() {
					if err != nil || line.Len() != lineBytes-1 {
						t.Error(err)
						return
					}
					n++
				}
				if n != 50 {
					t.Errorf("%d lines, want 50", n)
				}
			})
		}
		wg.Wait()
	})
}

func TestACacheAsLargeAsTheBudget(t *testing.T) {
	name := write(t, random(100_000))
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{MemoryBytes: 32 << 10, ReserveBytes: -1})
		f, err := Open(t.Context(), name, &Options{Runtime: rt})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var cache []window.Window
		for i := range 8 {
			w, err := f.ReadManagedAt(t.Context(), int64(i)*4096, 4096)
			if err != nil {
				t.Fatal(err)
			}
			cache = append(cache, w)
		}
		// Nobody gives memory back: the read waits with its context.
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = f.ReadManagedAt(ctx, 40_000, 4096)
		wantError(t, err, context.DeadlineExceeded, "read", name, 40_000)
		if err == nil || !strings.Contains(err.Error(), "memory") {
			t.Errorf("the error %q does not say what was waited for", err)
		}
		// Told of the pressure the cache gives way, and nobody waits.
		defer rt.Memory().OnPressure(func(need int) {
			cache[0].Release()
			cache = cache[1:]
		})()
		w, err := f.ReadManagedAt(t.Context(), 40_000, 4096)
		if err != nil {
			t.Fatal(err)
		}
		w.Release()
		for _, w := range cache {
			w.Release()
		}
	})
}

func TestAMergeOfMoreReadersThanTheBudgetHolds(t *testing.T) {
	name := write(t, random(8<<10))
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{MemoryBytes: 16 << 10})
		var held []window.Window
		for range 20 {
			r, err := OpenReader(t.Context(), name, &Options{Runtime: rt})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			w, err := r.ReadManaged(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, w)
		}
		for _, w := range held {
			w.Release()
		}
	})
}

// A Reader's reserve follows its windows and its Cursor's joins: it never waits
// for memory that it holds itself.
func TestTheReserveFollowsWindowsAndJoins(t *testing.T) {
	for _, how := range []string{"OpenReader", "NewReader", "SetWindowSize"} {
		synctest.Test(t, func(t *testing.T) {
			rt := newRuntime(t, Limits{MemoryBytes: 4 << 20, ReserveBytes: 64 << 20})
			fileOptions, options := &Options{Runtime: rt}, (*Options)(nil)
			switch how {
			case "OpenReader":
				fileOptions.WindowBytes = 4 << 20
			case "NewReader":
				options = &Options{WindowBytes: 4 << 20}
			}
			f := New(memoryFetcher(make([]byte, 16<<20)), fileOptions)
			defer f.Close()
			r := f.NewReader(options)
			defer r.Close()
			if how == "SetWindowSize" {
				if err := r.SetWindowSize(4 << 20); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			for range 2 {
				w, err := r.ReadManaged(ctx)
				if err != nil {
					t.Fatalf("%s: %v", how, err)
				}
				defer w.Release()
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{MemoryBytes: 16 << 20})
		f := New(memoryFetcher(make([]byte, 64<<20)), &Options{Runtime: rt})
		defer f.Close()
		r := f.NewReader(nil)
		defer r.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		c := window.NewCursor(ctx, r, &window.CursorOptions{MaxBytes: 16 << 20})
		defer c.Close()
		if _, err := c.Line(); !errors.Is(err, window.ErrTooLong) {
			t.Errorf("a line of 64 MiB with a limit and a budget of 16 MiB = %v, want ErrTooLong", err)
		}
	})
}

func TestALineOf100MiB(t *testing.T) {
	if testing.Short() {
		t.Skip("300 MiB of memory in short mode")
	}
	const n = 100 << 20
	text := bytes.Repeat([]byte{'x'}, n+5)
	text[n] = '\n'
	rt := newRuntime(t, Limits{MemoryBytes: 256 << 20})
	r := FromBytes(text, &Options{Runtime: rt}).NewReader(nil)
	defer r.Close()
	c := window.NewCursor(t.Context(), r, &window.CursorOptions{MaxBytes: n + 1})
	defer c.Close()
	line, err := c.Line()
	if err != nil || line.Len() != n {
		t.Fatalf("the line: %v, %v", line, err)
	}
	if used := rt.Stats().Memory.InUseBytes; used < n {
		t.Errorf("%d bytes in use: the line is not counted in the budget", used)
	}
	if line, err = c.Line(); err != nil || string(line.Bytes()) != "xxxx" || line.Off() != n+1 {
		t.Errorf("the line behind: %v, %v", line, err)
	}
	tight := window.NewCursor(t.Context(), FromBytes(text, &Options{Runtime: rt}).NewReader(nil), nil)
	defer tight.Close()
	if _, err := tight.Line(); !errors.Is(err, window.ErrTooLong) {
		t.Errorf("with the default limit: %v, want ErrTooLong", err)
	}
}

func TestWindowsOutliveTheirReaderAndFile(t *testing.T) {
	p := random(20_000)
	rt := newRuntime(t, Limits{})
	f := openAt(t, write(t, p), &Options{Runtime: rt})
	r := f.NewReader(nil)
	a, err := r.ReadManaged(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.ReadManagedAt(t.Context(), 5, 10)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	f.Close()
	if !bytes.Equal(a.Bytes(), p) || !bytes.Equal(b.Bytes(), p[5:15]) {
		t.Error("the bytes changed with Close")
	}
	i := b.Info()
	if i.Residency != window.Private || i.Source != "pread" || i.PinnedBytes != 4<<10 {
		t.Errorf("Info = %+v", i)
	}
	a.Release()
	b.Release()
}

func TestRuntimeCloseListsWhoHoldsWindows(t *testing.T) {
	rt, err := NewRuntime(Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f := openAt(t, write(t, random(100)), &Options{Runtime: rt})
	w, err := f.ReadManagedAt(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := rt.Close(); err == nil {
		t.Error("Close with a window out says nothing")
	}
	if !bytes.Equal(w.Bytes(), random(100)) {
		t.Error("Close took a window away")
	}
	_, err = f.ReadManagedAt(t.Context(), 0, 1)
	wantError(t, err, window.ErrClosed, "read", f.Name(), 0)
	w.Release()
	if n := rt.Stats().Memory.MappedBytes; n != 0 {
		t.Errorf("%d bytes are mapped after the last Release", n)
	}
}

func TestReadsNoAlloc(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	rt := newRuntime(t, Limits{})
	rt.Memory().SetDebug(pool.Debug{}) // which the tag orieldebug turns on
	f := openAt(t, write(t, random(1<<20)), &Options{Runtime: rt})
	if !f.Explain().NeverWaits {
		t.Skip("this file system cannot tell what is resident")
	}
	r := f.NewReader(nil)
	defer r.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := make([]byte, 4096)
	for what, f := range map[string]func(){
		"ReadManagedAt": func() {
			w, err := f.ReadManagedAt(ctx, 8192, 4096)
			if err != nil {
				t.Fatal(err)
			}
			w.Release()
		},
		"ReadAt": func() { f.ReadAt(p, 4096) },
		"ReadManaged": func() {
			if err := r.SeekTo(4096); err != nil {
				t.Fatal(err)
			}
			w, err := r.ReadManaged(ctx)
			if err != nil {
				t.Fatal(err)
			}
			w.Release()
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s of what is cached: %v allocations", what, n)
		}
	}
}
