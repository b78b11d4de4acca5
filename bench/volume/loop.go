package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// attach puts a loop device over a file. The device is freed when the last of
// its users closes or unmounts it; the returned one is the first.
func attach(name string, readOnly, directIO bool) (*os.File, error) {
	mode, flags := os.O_RDWR, uint32(unix.LO_FLAGS_AUTOCLEAR)
	if readOnly {
		mode, flags = os.O_RDONLY, flags|unix.LO_FLAGS_READ_ONLY
	}
	if directIO {
		flags |= unix.LO_FLAGS_DIRECT_IO
	}
	file, err := os.OpenFile(name, mode, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer control.Close()
	config := unix.LoopConfig{Fd: uint32(file.Fd()), Info: unix.LoopInfo64{Flags: flags}}
	copy(config.Info.File_name[:len(config.Info.File_name)-1], name)

	var device *os.File
	err = retry(func() error { // others take devices as well: between asking and taking it may be gone
		number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return fmt.Errorf("%w: no loop device is free: %w", ErrUnavailable, err)
		}
		device, err = os.OpenFile(fmt.Sprintf("/dev/loop%d", number), mode, 0)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		if err := unix.IoctlLoopConfigure(int(device.Fd()), &config); err != nil {
			device.Close()
			return err
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("attach a loop device: %w", err)
	}
	if directIO { // a device that cannot says nothing
		b, err := os.ReadFile(filepath.Join(stateOf(device.Name()), "dio"))
		if string(b) != "1\n" {
			device.Close()
			return nil, errors.Join(fmt.Errorf("%w: the loop device reads %s by the page cache only", ErrUnavailable, name), err)
		}
	}
	return device, nil
}

// stateOf returns the folder in which the kernel says how a loop device is used.
func stateOf(device string) string { return filepath.Join("/sys/block", filepath.Base(device), "loop") }

// detached waits until nothing lies under a loop device any more.
func detached(device string) error {
	under := filepath.Join(stateOf(device), "backing_file")
	err := retry(func() error {
		if _, err := os.Stat(under); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return unix.EBUSY
	})
	if err != nil {
		return fmt.Errorf("volume: %s is still in use: %w", device, err)
	}
	return nil
}

// sparse makes a file of n bytes that takes no room, or makes an existing one
// so.
func sparse(name string, n int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(n), f.Close())
}
