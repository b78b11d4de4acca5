package volume

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// magics are what statfs says of each kind.
var magics = map[string]int64{
	"ext4": unix.EXT4_SUPER_MAGIC, "xfs": unix.XFS_SUPER_MAGIC, "btrfs": unix.BTRFS_SUPER_MAGIC, "tmpfs": unix.TMPFS_MAGIC,
	"overlay": unix.OVERLAYFS_SUPER_MAGIC, "squashfs": unix.SQUASHFS_MAGIC, "erofs": unix.EROFS_SUPER_MAGIC_V1,
}

// made returns a volume, or skips where it is not to be had.
func made(t *testing.T, o Options) *Volume {
	t.Helper()
	v, err := Make(t.Context(), o)
	if errors.Is(err, ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// mounted reports whether something is mounted at dir.
func mounted(t *testing.T, dir string) bool {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(b), " "+dir+" ")
}

func TestKinds(t *testing.T) {
	tree := fstest.MapFS{"a/b": {Data: []byte("some bytes")}, "c": {Data: bytes.Repeat([]byte("x"), 1<<20)}}
	for _, kind := range Kinds() {
		t.Run(kind, func(t *testing.T) {
			v := made(t, Options{Kind: kind, Tree: tree})
			var st unix.Statfs_t
			if err := unix.Statfs(v.Dir, &st); err != nil {
				t.Fatal(err)
			}
			if st.Type != magics[kind] {
				t.Errorf("statfs says %#x", st.Type)
			}
			for name, want := range tree {
				if got, err := os.ReadFile(filepath.Join(v.Dir, name)); err != nil || !bytes.Equal(got, want.Data) {
					t.Errorf("%s: %d bytes, %v", name, len(got), err)
				}
			}
			err := os.WriteFile(filepath.Join(v.Dir, "new"), []byte("y"), 0o600)
			if readOnly := kind == "squashfs" || kind == "erofs"; readOnly != errors.Is(err, unix.EROFS) {
				t.Errorf("writing: %v", err)
			}
			if err := v.Close(); err != nil {
				t.Error(err)
			}
			if mounted(t, v.Dir) {
				t.Error("it is still mounted")
			}
			if _, err := os.Stat(filepath.Dir(v.Dir)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("its folder is still there: %v", err)
			}
		})
	}
}

func TestBackingFileIsTheCallers(t *testing.T) {
	name := filepath.Join(t.TempDir(), "image")
	v := made(t, Options{Kind: "ext4", SizeBytes: 16 << 20, BackingFile: name})
	if fi, err := os.Stat(name); err != nil || fi.Size() != 16<<20 {
		t.Errorf("%v, %v", fi, err)
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
}

// TestMissingToolIsUnavailable: a machine without mkfs skips, it does not fail.
func TestMissingToolIsUnavailable(t *testing.T) {
	if err := run(t.Context(), "mkfs.no-such-thing"); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "mkfs.no-such-thing") {
		t.Errorf("%v", err)
	}
}

func TestUnknownKind(t *testing.T) {
	if _, err := Make(t.Context(), Options{Kind: "fat"}); err == nil || errors.Is(err, ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

// TestBusyVolumeIsReported: Close of a volume with an open file waits, hides it
// and says so.
func TestBusyVolumeIsReported(t *testing.T) {
	v := made(t, Options{Kind: "tmpfs"})
	f, err := os.Create(filepath.Join(v.Dir, "open"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	defer func(d time.Duration) { patience = d }(patience)
	patience = 100 * time.Millisecond
	if err := v.Close(); !errors.Is(err, unix.EBUSY) {
		t.Errorf("%v", err)
	}
	if mounted(t, v.Dir) {
		t.Error("it is still mounted")
	}
}

// volumeOf, in the environment of a second process of this test, is the kind of
// volume that TestMakeAndHang makes there.
const volumeOf = "VOLUME_OF"

func TestMakeAndHang(t *testing.T) {
	kind := os.Getenv(volumeOf)
	if kind == "" {
		return // it runs in a process of its own, for TestKilledProcessLeavesNothing
	}
	v := made(t, Options{Kind: kind})
	fmt.Println("dir", v.Dir)
	os.Stdin.Read(make([]byte, 1))
}

func TestKilledProcessLeavesNothing(t *testing.T) {
	for _, kind := range []string{"ext4", "overlay"} {
		t.Run(kind, func(t *testing.T) {
			made(t, Options{Kind: kind}).Close() // or skips
			c := exec.Command(os.Args[0], "-test.run=^TestMakeAndHang$")
			c.Env = append(os.Environ(), volumeOf+"="+kind)
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
				if _, err := os.Stat(filepath.Dir(dir)); errors.Is(err, os.ErrNotExist) && !mounted(t, dir) {
					return
				}
				select {
				case <-tick.C:
				case <-limit:
					t.Fatal("the volume is still there")
				}
			}
		})
	}
}
