package slowfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/internal/leaktest"
)

func TestMain(m *testing.M) {
	child.Serve(Tasks())
	// A server with the race detector sleeps for a second before it exits.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	leaktest.Main(m)
}

// mounted returns a file system that lives as long as the test, or skips where
// there is none.
func mounted(t *testing.T, o Options) *FS {
	t.Helper()
	f, err := Mount(t.Context(), o)
	if errors.Is(err, ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if inUse(t, f.Dir) {
			t.Error("it is still mounted")
		}
	})
	return f
}

func inUse(t *testing.T, dir string) bool {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(b), " "+dir+" ")
}

func set(t *testing.T, f *FS, r Rules) {
	t.Helper()
	if err := f.Set(r); err != nil {
		t.Fatal(err)
	}
}

// opened returns a file whose reads bring no more than they ask for.
func opened(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_RANDOM); err != nil {
		t.Fatal(err)
	}
	return f
}

func content(off int64, n int) []byte {
	p := make([]byte, n)
	Content(p, off)
	return p
}

func TestContentIsThatOfItsOffset(t *testing.T) {
	whole := content(0, 1000)
	for _, off := range []int{0, 1, 7, 8, 9, 500} {
		if !bytes.Equal(content(int64(off), 300), whole[off:off+300]) {
			t.Errorf("at %d it differs", off)
		}
	}
	if bytes.Equal(whole[:8], whole[8:16]) {
		t.Error("words repeat")
	}
}

func TestSyntheticIsReadAndMapped(t *testing.T) {
	const size = 1<<20 + 100
	f := mounted(t, Options{SyntheticBytes: size})
	got, err := os.ReadFile(f.Synthetic)
	if err != nil || !bytes.Equal(got, content(0, size)) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	o := opened(t, f.Synthetic)
	m, err := unix.Mmap(int(o.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(m)
	// The machine may drop what is cached at any time: it is touched right before it
	// is read again, and once more if it was read from the server nevertheless.
	var before, after Counts
	for range 2 {
		if !bytes.Equal(m, got) {
			t.Fatal("the mapping differs")
		}
		before = counts(t, f)
		if _, err := os.ReadFile(f.Synthetic); err != nil {
			t.Fatal(err)
		}
		if after = counts(t, f); after == before {
			break
		}
	}
	if after != before || after.Reads == 0 || after.ReadBytes < size {
		t.Errorf("a cached file was read again: %+v, then %+v", before, after)
	}
	if _, err := os.OpenFile(f.Synthetic, os.O_RDWR, 0); !errors.Is(err, unix.EACCES) {
		t.Errorf("opened for writing: %v", err)
	}
}

func counts(t *testing.T, f *FS) Counts {
	t.Helper()
	c, err := f.Counts()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFilesAreThoseOfTheBackingFolder(t *testing.T) {
	dir := t.TempDir()
	f := mounted(t, Options{Backing: dir})
	if err := os.WriteFile(filepath.Join(f.Files, "a"), []byte("written"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "a")); err != nil || string(got) != "written" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := os.ReadFile(filepath.Join(f.Files, "a")); err != nil || string(got) != "written" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestDelaysRunSideBySide: many slow reads take as long as one of them.
func TestDelaysRunSideBySide(t *testing.T) {
	const delay, readers = 100 * time.Millisecond, 32
	f := mounted(t, Options{SyntheticBytes: 1 << 30})
	o := opened(t, f.Synthetic)
	set(t, f, Rules{Delay: delay})
	began := time.Now()
	var all sync.WaitGroup
	for i := range readers {
		all.Go(func() {
			p, off := make([]byte, 4096), int64(i)<<22+1<<20
			if _, err := o.ReadAt(p, off); err != nil || !bytes.Equal(p, content(off, len(p))) {
				t.Errorf("at %d: %v", off, err)
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took < delay || took > readers*delay/2 {
		t.Errorf("%d reads of %v each took %v", readers, delay, took)
	}
}

func TestFailingRange(t *testing.T) {
	f := mounted(t, Options{SyntheticBytes: 1 << 20})
	o := opened(t, f.Synthetic)
	set(t, f, Rules{Fail: []Range{{Off: 64 << 10, Len: 1}}})
	p := make([]byte, 4096)
	for off, want := range map[int64]error{60 << 10: nil, 64 << 10: unix.EIO, 68 << 10: nil} {
		if _, err := o.ReadAt(p, off); !errors.Is(err, want) {
			t.Errorf("at %d: %v, want %v", off, err, want)
		}
	}
	set(t, f, Rules{})
	if _, err := o.ReadAt(p, 64<<10); err != nil {
		t.Errorf("once it is well again: %v", err)
	}
}

func TestShortReads(t *testing.T) {
	f := mounted(t, Options{SyntheticBytes: 1 << 20})
	set(t, f, Rules{ShortBytes: 1000})
	o := opened(t, f.Synthetic)
	p := make([]byte, 10000)
	if n, err := unix.Pread(int(o.Fd()), p, 5); n != 1000 || err != nil || !bytes.Equal(p[:n], content(5, n)) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if n, err := o.ReadAt(p, 1<<20-1500); n != 1500 || err != io.EOF {
		t.Errorf("at the end: %d bytes, %v", n, err)
	}
}

func TestDead(t *testing.T) {
	dir := t.TempDir()
	f := mounted(t, Options{Backing: dir, SyntheticBytes: 1 << 20})
	name := filepath.Join(f.Files, "a")
	if err := os.WriteFile(name, make([]byte, 8192), 0o600); err != nil {
		t.Fatal(err)
	}
	o := opened(t, f.Synthetic)
	a, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close() // fails
	set(t, f, Rules{Dead: true})
	_, read := o.ReadAt(make([]byte, 10), 0)
	_, write := a.WriteAt([]byte("x"), 0)
	_, open := os.Open(filepath.Join(f.Files, "b"))
	for what, err := range map[string]error{"read": read, "write": write, "open": open} {
		if !errors.Is(err, unix.EIO) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if c, err := f.Counts(); err != nil || c.Failed < 3 {
		t.Errorf("%+v, %v", c, err)
	}
}

// hang, in the environment of a second process of this test, lets TestHang mount
// a file system and wait for its end.
const hang = "SLOWFS_HANG"

func TestHang(t *testing.T) {
	if os.Getenv(hang) == "" {
		return
	}
	f := mounted(t, Options{})
	fmt.Println("dir", f.Dir)
	os.Stdin.Read(make([]byte, 1))
}

func TestKilledProcessLeavesNothing(t *testing.T) {
	mounted(t, Options{}) // or skips
	c := exec.Command(os.Args[0], "-test.run=^TestHang$")
	c.Env = append(os.Environ(), hang+"=yes")
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var dir string
	_, err = fmt.Fscanf(stdout, "dir %s\n", &dir)
	c.Process.Kill()
	c.Wait()
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(10 * time.Second); ; {
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) && !inUse(t, dir) {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("it is still mounted")
		}
	}
}
