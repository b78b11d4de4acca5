package volume

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// ErrUnavailable: this machine, or this user, cannot have such a volume.
var ErrUnavailable = errors.New("the volume is not to be had here")

// Options says what volume is to be made.
type Options struct {
	// Kind is one of Kinds.
	Kind string

	// SizeBytes is how large the volume is. The default is the least that the
	// kind allows, and at least 64 MiB. It says nothing for squashfs and erofs,
	// which are as large as their Tree.
	SizeBytes int64

	// BackingFile is the file under the loop device. It is made, or emptied and
	// made anew, and removed by Close. The default is one in a temporary folder.
	// tmpfs and overlay have none.
	BackingFile string

	// DirectIO lets the loop device read the backing file without the page
	// cache, and many reads at a time instead of one after the other.
	DirectIO bool

	// Tree is what lies on the volume; nil is nothing. On an overlay it is the
	// lower, unwritable part.
	Tree fs.FS
}

// Kinds returns the kinds of volumes.
func Kinds() []string {
	return []string{"ext4", "xfs", "btrfs", "tmpfs", "overlay", "squashfs", "erofs"}
}

// leastBytes are sizes below which mkfs refuses.
var leastBytes = map[string]int64{"xfs": 300 << 20, "btrfs": 110 << 20}

// A Volume is a mounted file system. Close has to be called.
type Volume struct {
	Dir    string // where it is mounted
	Kind   string
	Device string // the loop device; "" without one

	base    string   // a folder of its own, which holds everything but a given BackingFile
	backing string   // the file under the loop device, "" without one
	mounts  []string // in the order in which they were made
	janitor *janitor // nil until there is something to clean up
}

// Make makes a volume and mounts it.
func Make(ctx context.Context, o Options) (*Volume, error) {
	if !slices.Contains(Kinds(), o.Kind) {
		return nil, fmt.Errorf("volume: there is no kind %q", o.Kind)
	}
	base, err := os.MkdirTemp("", "oriel-volume-")
	if err != nil {
		return nil, fmt.Errorf("volume: %w", err)
	}
	v := &Volume{Dir: filepath.Join(base, "mnt"), Kind: o.Kind, base: base}
	if err := v.make(ctx, &o); err != nil {
		return nil, errors.Join(fmt.Errorf("volume %s: %w", o.Kind, err), v.Close())
	}
	return v, nil
}

func (v *Volume) make(ctx context.Context, o *Options) error {
	// Other users have to reach the files too.
	err := errors.Join(os.Chmod(v.base, 0o755), os.Mkdir(v.Dir, 0o755))
	if err == nil {
		v.janitor, err = hire(v.base, o.BackingFile, v.Dir, v.parts())
	}
	if err != nil {
		return err
	}
	size := max(cmp.Or(o.SizeBytes, 64<<20), leastBytes[o.Kind])
	switch o.Kind {
	case "tmpfs":
		if err := v.mount("tmpfs", v.Dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0755", size)); err != nil {
			return err
		}
	case "overlay":
		return v.overlay(size, o.Tree)
	case "squashfs", "erofs":
		return v.image(ctx, o)
	default:
		if err := v.loop(ctx, o, size); err != nil {
			return err
		}
	}
	return copyTree(v.Dir, o.Tree)
}

// loop makes a writable file system on a loop device.
func (v *Volume) loop(ctx context.Context, o *Options, size int64) error {
	v.backing = cmp.Or(o.BackingFile, filepath.Join(v.base, "image"))
	if err := sparse(v.backing, size); err != nil {
		return err
	}
	if err := format(ctx, o.Kind, v.backing); err != nil {
		return err
	}
	return v.mountLoop(o, 0)
}

// image makes a file system that is made once, of what it holds.
func (v *Volume) image(ctx context.Context, o *Options) error {
	dir := filepath.Join(v.base, "tree")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := copyTree(dir, o.Tree); err != nil {
		return err
	}
	v.backing = cmp.Or(o.BackingFile, filepath.Join(v.base, "image"))
	if err := sparse(v.backing, 0); err != nil {
		return err
	}
	if err := pack(ctx, o.Kind, dir, v.backing); err != nil {
		return err
	}
	return errors.Join(v.mountLoop(o, unix.MS_RDONLY), os.RemoveAll(dir))
}

// mountLoop mounts the backing file by a loop device, which lives on by being
// mounted once the descriptor is closed.
func (v *Volume) mountLoop(o *Options, flags uintptr) error {
	device, err := attach(v.backing, flags&unix.MS_RDONLY != 0, o.DirectIO)
	if err != nil {
		return err
	}
	v.Device = device.Name()
	return errors.Join(v.mount(v.Device, v.Dir, o.Kind, flags, ""), device.Close())
}

// overlay makes an overlay whose parts lie on a tmpfs, because not every file
// system can be the upper part.
func (v *Volume) overlay(size int64, tree fs.FS) error {
	parts := v.parts()
	if err := os.Mkdir(parts, 0o755); err != nil {
		return err
	}
	if err := v.mount("tmpfs", parts, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0755", size)); err != nil {
		return err
	}
	lower, upper, work := filepath.Join(parts, "lower"), filepath.Join(parts, "upper"), filepath.Join(parts, "work")
	for _, dir := range []string{lower, upper, work} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	if err := copyTree(lower, tree); err != nil {
		return err
	}
	return v.mount("overlay", v.Dir, "overlay", 0, "lowerdir="+lower+",upperdir="+upper+",workdir="+work)
}

// parts is where the parts of an overlay lie.
func (v *Volume) parts() string { return filepath.Join(v.base, "parts") }

// copyTree copies a tree into a folder, and onto the device.
func copyTree(dir string, tree fs.FS) error {
	if tree == nil {
		return nil
	}
	if err := os.CopyFS(dir, tree); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir writes everything of the file system of dir to its device.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return os.NewSyscallError("syncfs", unix.Syncfs(int(f.Fd())))
}

func (v *Volume) mount(device, dir, kind string, flags uintptr, data string) error {
	err := unix.Mount(device, dir, kind, flags|unix.MS_NOATIME, data)
	switch err {
	case nil:
		v.mounts = append(v.mounts, dir)
		return nil
	case unix.EPERM, unix.EACCES, unix.ENODEV, unix.ENOSYS:
		return fmt.Errorf("%w: mount: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("mount: %w", err)
}

// Close takes the volume away. A volume that is still in use after some seconds
// is taken out of sight, which is an error; it lives until its last user ends.
func (v *Volume) Close() error {
	var errs []error
	for _, dir := range slices.Backward(v.mounts) {
		if err := unmount(dir); err != nil {
			errs = append(errs, fmt.Errorf("volume %s: unmount: %w", v.Kind, err))
		}
	}
	v.mounts = nil
	if len(errs) == 0 && v.Device != "" {
		errs = append(errs, detached(v.Device))
	}
	if v.backing != "" {
		if err := os.Remove(v.backing); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	errs = append(errs, os.RemoveAll(v.base), v.janitor.dismiss())
	v.janitor = nil
	return errors.Join(errs...)
}

// patience is how long Close waits for the last user of a volume to go, such
// as a process that was killed just now, or one whose write waits for the device.
var patience = 20 * time.Second

// unmount unmounts dir, lazily if it must, which is an error.
func unmount(dir string) error {
	err := retry(func() error { return unix.Unmount(dir, 0) })
	if err == unix.EBUSY {
		return errors.Join(err, unix.Unmount(dir, unix.MNT_DETACH))
	}
	return err
}

// retry calls try again while it says EBUSY, for as long as patience lasts.
func retry(try func() error) error {
	deadline := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := try()
		if err != unix.EBUSY || time.Now().After(deadline) {
			return err
		}
		time.Sleep(pause)
	}
}
