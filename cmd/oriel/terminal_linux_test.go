package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal returns a terminal of 100 columns and a function that waits for
// a text on it and returns everything that was written up to there.
func openTerminal(t *testing.T) (tty *os.File, until func(text string) string) {
	t.Helper()
	t.Setenv("TERM", "xterm")
	m, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here: ", err)
	}
	t.Cleanup(func() { m.Close() })
	fd := int(m.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 100})
	}
	if err == nil {
		tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skip("no pseudo-terminals here: ", err)
	}
	t.Cleanup(func() { tty.Close() })
	return tty, func(text string) string {
		t.Helper()
		m.SetReadDeadline(time.Now().Add(10 * time.Second))
		var seen []byte
		for b := make([]byte, 1); !bytes.Contains(seen, []byte(text)); seen = append(seen, b...) {
			if _, err := io.ReadFull(m, b); err != nil {
				t.Fatalf("%q never came on the terminal, but %q: %v", text, seen, err)
			}
		}
		return string(seen)
	}
}
