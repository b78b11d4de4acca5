package source

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/threadtest"
)

// withSysctl returns what makes a file of /proc/sys say something else to the
// calling thread alone: the setting is the whole machine's.
func withSysctl(t *testing.T, name, value string) func() error {
	said := filepath.Join(t.TempDir(), "sysctl")
	if err := os.WriteFile(said, []byte(value+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() error {
		if err := threadtest.OwnMounts(); err != nil {
			return err
		}
		return unix.Mount(said, "/proc/sys/"+name, "", unix.MS_BIND, "")
	}
}

// withOverlay returns what mounts an overlay for the calling thread alone, and
// where, with a file in it that is in the lower folder, and one in the upper.
func withOverlay(t *testing.T, lower, upper []byte) (prepare func() error, lowerName, upperName string) {
	dir := t.TempDir()
	in := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(in(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string][]byte{in("lower", "a"): lower, in("upper", "b"): upper} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	prepare = func() error {
		if err := threadtest.OwnMounts(); err != nil {
			return err
		}
		return unix.Mount("overlay", in("merged"), "overlay", 0, "lowerdir="+in("lower")+",upperdir="+in("upper")+",workdir="+in("work"))
	}
	return prepare, in("merged", "a"), in("merged", "b")
}

// withoutLeases makes the calling thread one that may take leases on no files
// but its own.
func withoutLeases() error {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	if err := unix.Capget(&h, &caps[0]); err != nil {
		return err
	}
	caps[unix.CAP_LEASE/32].Effective &^= 1 << (unix.CAP_LEASE % 32)
	return unix.Capset(&h, &caps[0])
}
