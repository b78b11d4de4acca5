//go:build unix

package source

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/threadtest"
	"github.com/oriel-go/oriel/window"
)

const (
	errIsDir  = syscall.EISDIR
	errNotDir = syscall.ENOTDIR
)

// asNobody runs f on a thread whose file system user is nobody, or skips.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	threadtest.Run(t, threadtest.Nobody, f)
}

func mkfifo(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(name, 0o600); err != nil {
		t.Skip("no FIFOs here: ", err)
	}
	return name
}

func TestAFIFOWithoutAWriterIsCancellable(t *testing.T) {
	name := mkfifo(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(5*time.Millisecond, cancel)
	r, err := OpenReader(ctx, name, nil)
	if err == nil {
		_, err = r.ReadManaged(ctx)
		defer r.Close()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a FIFO without a writer = %v, want context.Canceled", err)
	}
}

func TestAFIFOIsReadFromItsFirstWriterToItsLast(t *testing.T) {
	name := mkfifo(t)
	for _, text := range []string{"hello from the other end", ""} {
		read := make(chan string)
		go func() {
			defer close(read)
			r, err := OpenReader(t.Context(), name, nil)
			if err != nil {
				t.Error(err)
				return
			}
			p, err := readAll(t.Context(), r)
			r.Close() // before the next writer comes, or that would write to this reader
			if e := r.Explain(); err != nil || e.Source != "stream" || !strings.Contains(e.Why, "pipe") {
				t.Errorf("%v; explained as %q, because %q", err, e.Source, e.Why)
			}
			read <- string(p)
		}()
		w, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		w.WriteString(text)
		w.Close()
		if got := <-read; got != text {
			t.Errorf("read %q, want %q", got, text)
		}
	}
}

func TestOpenOfAFIFOIsRefusedAtOnce(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("opening a FIFO waits for a writer here")
	}
	name := mkfifo(t)
	_, err := Open(t.Context(), name, nil)
	wantError(t, err, window.ErrUnsupported, "open", name, 0)
}

func TestACancelledPipeReadLosesNothing(t *testing.T) {
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pr.Close()
	r := NewStream(pr, nil)
	defer r.Close()
	for _, text := range []string{"one", "two", "three"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if _, err := r.ReadManaged(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("an empty pipe = %v, want context.DeadlineExceeded", err)
		}
		cancel()
		pw.WriteString(text)
		w, err := r.ReadManaged(t.Context())
		if err != nil || string(w.Bytes()) != text {
			t.Fatalf("after the cancel: %v, %v, want %q", w, err, text)
		}
		w.Release()
	}
	pw.Close()
	wantBytes(t, r, nil)
}

func TestAStreamIsReadAgainWhileAnEarlierReadIsUnderWay(t *testing.T) {
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Hour)
	if err := pr.SetReadDeadline(deadline); err != nil {
		t.Fatal(err)
	}
	first := NewStream(pr, nil)
	if _, err := first.TryReadManaged(t.Context()); !errors.Is(err, window.ErrNotReady) {
		t.Fatal(err)
	}
	first.Close() // its read of pr goes on
	second := NewStream(pr, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = second.ReadManaged(ctx)
	wantError(t, err, context.DeadlineExceeded, "read", pr.Name(), 0)
	pw.Close()
	second.Close()
	pr.Close()
}

// What Close must do for a Reader whose own descriptor is being read.
func TestCloseEndsAPendingReadOfItsOwnPipe(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("opening a FIFO waits for a writer here")
	}
	r, err := OpenReader(t.Context(), mkfifo(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.TryReadManaged(t.Context()); !errors.Is(err, window.ErrNotReady) {
		t.Fatalf("TryReadManaged = %v, want ErrNotReady", err)
	}
	f := r.f
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the pending read to end", func() bool { return f.gate.done.Load() })
}

func TestCharacterDevicesAndProcAreStreams(t *testing.T) {
	r := openSeq(t, "/dev/null", nil)
	wantBytes(t, r, nil)
	const cpuinfo = "/proc/cpuinfo"
	want, err := os.ReadFile(cpuinfo)
	if err != nil {
		t.Skip("no ", cpuinfo, " here")
	}
	p, err := readAll(t.Context(), openSeq(t, cpuinfo, nil))
	if err != nil || len(p) < len(want)/2 || !strings.Contains(string(p), "processor") {
		t.Errorf("%s: %d bytes, %v; os.ReadFile has %d", cpuinfo, len(p), err, len(want))
	}
	f := openAt(t, cpuinfo, nil)
	w, err := f.ReadManagedAt(t.Context(), 0, 9)
	if err != nil || string(w.Bytes()) != "processor" {
		t.Errorf("the first bytes of %s: %v, %v", cpuinfo, w, err)
	}
	w.Release()
	if _, err := f.ReadManagedAt(t.Context(), 0, math.MaxInt); !errors.Is(err, window.ErrTooLong) {
		t.Errorf("a hostile length of a file of unknown size = %v, want ErrTooLong", err)
	}
	q := openSeq(t, cpuinfo, &Options{Source: Pread})
	if p, err := readAll(t.Context(), q); err != nil || len(p) == 0 || q.Explain().Source != "pread" {
		t.Errorf("%s by forced pread: %d bytes, %v, by %s", cpuinfo, len(p), err, q.Explain().Source)
	}
}

func TestNewFileOutlivesTheCallersFile(t *testing.T) {
	p := random(10_000)
	h, err := os.Open(write(t, p))
	if err != nil {
		t.Fatal(err)
	}
	f, err := NewFile(h, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h.Close()
	other, err := os.Open(write(t, make([]byte, 10_000))) // takes the number that h had
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	r := f.NewReader(nil)
	defer r.Close()
	wantBytes(t, r, p)
	pr, pw, _ := os.Pipe()
	defer pr.Close()
	defer pw.Close()
	_, err = NewFile(pr, nil)
	wantError(t, err, window.ErrUnsupported, "open", pr.Name(), 0)
}
