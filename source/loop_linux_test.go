package source

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// loopDevice makes a block device of a file for as long as the test runs.
func loopDevice(t *testing.T, name string) string {
	t.Helper()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no loop devices here: ", err)
	}
	defer control.Close()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for range 100 { // somebody else may take the one that is free
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			t.Skip("no loop device is free: ", err)
		}
		dev := fmt.Sprintf("/dev/loop%d", n)
		d, err := os.Open(dev)
		if err != nil {
			t.Skip("no loop devices here: ", err)
		}
		c := unix.LoopConfig{Fd: uint32(file.Fd())}
		c.Info.Flags = unix.LO_FLAGS_READ_ONLY | unix.LO_FLAGS_AUTOCLEAR
		err = unix.IoctlLoopConfigure(int(d.Fd()), &c)
		if err == nil {
			t.Cleanup(func() { d.Close() }) // which ends the device
			return dev
		}
		d.Close()
		if !errors.Is(err, unix.EBUSY) {
			t.Skip("the loop device takes no file: ", err)
		}
	}
	t.Skip("others are always faster to take a loop device")
	return ""
}
