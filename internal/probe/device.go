package probe

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// A Device is what a file system lies on.
type Device struct {
	// Name is the kernel's, such as "sda1", or the number of a file system that has
	// no device of its own.
	Name string

	// ReadAheadBytes is how far the kernel reads ahead at most, 0 for not at all.
	ReadAheadBytes int64

	// Rotational says that the device tells the kernel to have moving parts. That
	// of a virtual machine says what its maker chose.
	Rotational bool

	// Known says that Rotational is known, which it is of devices only.
	Known bool
}

// deviceIn reads the files about a device. root is the root of the file system.
func deviceIn(root fs.FS, major, minor uint32) (Device, error) {
	const blocks = "sys/dev/block"
	number := fmt.Sprintf("%d:%d", major, minor)
	link, err := fs.ReadLink(root, path.Join(blocks, number))
	if errors.Is(err, fs.ErrNotExist) {
		return backingIn(root, number)
	}
	if err != nil {
		return Device{}, err
	}
	folder := path.Join(blocks, link)
	d := Device{Name: path.Base(folder)}
	queue := path.Join(folder, "queue")
	d.ReadAheadBytes, err = readAheadIn(root, queue)
	if errors.Is(err, fs.ErrNotExist) { // a partition has its disk's
		queue = path.Join(path.Dir(folder), "queue")
		d.ReadAheadBytes, err = readAheadIn(root, queue)
	}
	if err != nil {
		return Device{}, err
	}
	text, err := fs.ReadFile(root, path.Join(queue, "rotational"))
	if err != nil {
		return d, err
	}
	d.Rotational, err = strconv.ParseBool(strings.TrimSpace(string(text)))
	if err != nil {
		return d, fmt.Errorf("%s/rotational: %w", queue, err)
	}
	d.Known = true
	return d, nil
}

// backingIn reads what is known of a file system without a device.
func backingIn(root fs.FS, number string) (Device, error) {
	n, err := readAheadIn(root, path.Join("sys/class/bdi", number))
	if err != nil {
		return Device{}, err
	}
	return Device{Name: number, ReadAheadBytes: n}, nil
}

// readAheadIn reads a folder's read_ahead_kb.
func readAheadIn(root fs.FS, folder string) (int64, error) {
	const (
		name = "read_ahead_kb"
		kib  = 10 // bits
	)
	text, err := fs.ReadFile(root, path.Join(folder, name))
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 63-kib)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path.Join(folder, name), err)
	}
	return int64(n) << kib, nil
}
