package pool

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A logText collects what a pool logs.
type logText struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logText) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// lose gets n buffers and forgets them.
//
//go:noinline
func lose(t *testing.T, p *Pool, n int) {
	for range n {
		clear(get(t, p, 10).Bytes())
	}
}

// collect runs the collector until the cleanups of what was lost before have
// run, which it knows from done.
func collect(t *testing.T, done func() bool) {
	t.Helper()
	for range 100 {
		runtime.GC()
		if done() {
			return
		}
		runtime.Gosched()
	}
	// Cleanups run in a goroutine of the runtime that nothing waits for.
	for deadline := time.Now().Add(10 * time.Second); !done(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the cleanups did not run")
		}
	}
}

func TestLeakIsReportedOncePerStack(t *testing.T) {
	var log logText
	p, err := New(&Options{Logger: log.logger()})
	if err != nil {
		t.Fatal(err)
	}
	p.SetDebug(Debug{Level: Stacks, SampleEvery: 1})
	lose(t, p, 5)
	collect(t, func() bool { return p.Stats().Leaks == 5 && log.String() != "" })
	text := log.String()
	if strings.Count(text, "never freed") != 1 || !strings.Contains(text, "pool.lose") {
		t.Errorf("the log is\n%s", text)
	}
	// A report frees nothing: the bytes may still be in use.
	if st := p.Stats(); st.InUseBytes != int64(5*ClassSize(10)) {
		t.Errorf("%d bytes in use after the report", st.InUseBytes)
	}
	if h := p.Holders(); len(h) != 1 || h[0].Count != 5 {
		t.Errorf("holders: %v", h)
	}
	if p.Close() == nil {
		t.Error("Close says nothing about what was lost")
	}
}

func TestBufferFreedAtTheLastMomentIsNotReported(t *testing.T) {
	var log logText
	p := newPool(t, &Options{Logger: log.logger()})
	p.SetDebug(Debug{Level: Stacks, SampleEvery: 1})
	for range 100 {
		func() { get(t, p, 10).Free() }() // garbage from here on
	}
	marker := make(chan bool)
	runtime.AddCleanup(new([64]byte), func(c chan bool) { close(c) }, marker)
	collect(t, func() bool {
		select {
		case <-marker:
			return true
		default:
			return false
		}
	})
	if st := p.Stats(); st.Leaks != 0 || log.String() != "" {
		t.Errorf("%d leaks:\n%s", st.Leaks, log.String())
	}
}

func TestHoldersOldestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, nil)
		p.SetDebug(Debug{Level: Stacks, SampleEvery: 1})
		var out []*Buffer
		for range 3 {
			out = append(out, get(t, p, 64*kib))
		}
		time.Sleep(time.Minute)
		out = append(out, get(t, p, 4*kib))
		time.Sleep(time.Second)
		h := p.Holders()
		if len(h) != 2 || h[0].Count != 3 || h[0].Bytes != 192*kib || h[0].Age != 61*time.Second || h[1].Age != time.Second {
			t.Errorf("holders: %v", h)
		}
		if first, _, _ := strings.Cut(h[0].Stack, " "); !strings.HasSuffix(first, "pool.get") {
			t.Errorf("the stack begins with %q", first)
		}
		for _, b := range out {
			b.Free()
		}
		if h := p.Holders(); len(h) != 0 {
			t.Errorf("holders of nothing: %v", h)
		}
	})
}

func TestSamplingTakesAbout1In128(t *testing.T) {
	p := newPool(t, nil)
	p.SetDebug(Debug{Level: Stacks})
	out := make([]*Buffer, 12800)
	for i := range out {
		out[i] = get(t, p, 1)
	}
	n := 0
	for _, h := range p.Holders() {
		n += h.Count
	}
	if n < 40 || n > 250 { // 100 expected, six standard deviations allowed
		t.Errorf("%d of %d were sampled", n, len(out))
	}
	for _, b := range out {
		b.Free()
	}
}

func TestWriteAfterFreeIsReported(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector reports the write first")
	}
	for _, n := range []int{1, 100, 4 * kib, 100 * kib} {
		var log logText
		p := newPool(t, &Options{Logger: log.logger()})
		p.SetDebug(Debug{Level: Poison, SampleEvery: 1})
		b := get(t, p, n)
		late := b.Bytes()
		for i := range late {
			late[i] = 1
		}
		b.SetSource("pread")
		b.Free()
		if late[n/2] != poisonByte || late[n-1] != poisonByte {
			t.Errorf("%d bytes: not poisoned", n)
		}
		if st := p.Stats(); st.QuarantinedBytes != int64(ClassSize(n)) || st.IdleBytes != 0 {
			t.Errorf("not in quarantine: %+v", st)
		}
		late[n/2] = 7
		p.SetDebug(Debug{})
		text := log.String()
		for _, want := range []string{"written after it was freed", "source=pread", "TestWriteAfterFreeIsReported"} {
			if !strings.Contains(text, want) {
				t.Errorf("%d bytes: %q is not in the log\n%s", n, want, text)
			}
		}
		if st := p.Stats(); st.Corrupted != 1 || st.QuarantinedBytes != 0 {
			t.Errorf("%d bytes: %+v", n, st)
		}
	}
}

func TestQuarantineIsBoundedAndFirstInFirstOut(t *testing.T) {
	p := newPool(t, nil)
	p.SetDebug(Debug{Level: Poison, SampleEvery: 1, QuarantineBytes: 32 * kib})
	a := get(t, p, 4*kib)
	first := address(a.Bytes())
	var rest []*Buffer
	for range 8 {
		rest = append(rest, get(t, p, 4*kib))
	}
	a.Free()
	for i, b := range rest {
		b.Free()
		st := p.Stats()
		if want := min(32*kib, int64(i+2)*4*kib); st.QuarantinedBytes != want {
			t.Errorf("%d bytes in quarantine, want %d", st.QuarantinedBytes, want)
		}
	}
	b := get(t, p, 4*kib)
	if address(b.Bytes()) != first {
		t.Error("the one that left is not the oldest")
	}
	b.Free()
}

func TestQuarantineGivesWayToWhoNeedsMemory(t *testing.T) {
	p := newPool(t, &Options{BudgetBytes: 64 * kib, ReserveBytes: -1})
	p.SetDebug(Debug{Level: Poison, QuarantineBytes: 1 << 20})
	for _, n := range []int{64 * kib, 4 * kib, 32 * kib, 64 * kib, 8 * kib, 64 * kib} {
		get(t, p, n).Free()
	}
	if st := p.Stats(); st.QuarantinedBytes == 0 || st.QuarantinedBytes > 64*kib {
		t.Errorf("quarantine: %+v", st)
	}
}

func TestLongWaitNamesTheOldestHolders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logText
		p := newPool(t, &Options{BudgetBytes: 64 * kib, ReserveBytes: -1, Logger: log.logger()})
		p.SetDebug(Debug{Level: Stacks, SampleEvery: 1, LongWait: time.Minute})
		b := get(t, p, 64*kib)
		ctx, cancel := context.WithTimeout(bg, 59*time.Second)
		defer cancel()
		if _, err := p.Get(ctx, 1); err == nil || log.String() != "" {
			t.Errorf("a short wait: %v\n%s", err, log.String())
		}
		ctx, cancel = context.WithTimeout(bg, time.Hour)
		defer cancel()
		if _, err := p.Get(ctx, 1); err == nil {
			t.Error("got memory that is not there")
		}
		text := log.String()
		if strings.Count(text, "long wait") != 1 || !strings.Contains(text, "TestLongWaitNamesTheOldestHolders") {
			t.Errorf("the log is\n%s", text)
		}
		b.Free()
	})
}

func TestDebugModeIsSilentWithoutALogger(t *testing.T) {
	p, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p.SetDebug(Debug{Level: Poison, SampleEvery: 1})
	lose(t, p, 1)
	collect(t, func() bool { return p.Stats().Leaks == 1 })
	p.Close()
}

// A slot that was poisoned, given back to the system, granted to a waiter and
// returned by it without having been held: its zeros are no corruption.
func TestPoisonEndsWithThePages(t *testing.T) {
	p := newPool(t, nil)
	p.SetDebug(Debug{Level: Poison, SampleEvery: 1})
	stay := get(t, p, 4*kib) // keeps the slab mapped
	get(t, p, 4*kib).Free()
	p.Trim()
	p.mu.Lock()
	b, err := p.commitLocked(classOf(1), int64(ClassSize(1)))
	if err != nil {
		t.Fatal(err)
	}
	p.putLocked(b)
	p.mu.Unlock()
	stay.Free()
	p.SetDebug(Debug{})
	if n := p.Stats().Corrupted; n != 0 {
		t.Errorf("%d false reports", n)
	}
}
