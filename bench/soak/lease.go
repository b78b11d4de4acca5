package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// leased reports whether somebody has a lease on a file now, as far as
// /proc/locks lets this process see.
func leased(path string) bool {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return false
	}
	f, err := os.Open("/proc/locks")
	if err != nil {
		return false
	}
	defer f.Close()
	return listsLease(f, st.Dev, st.Ino)
}

// listsLease reports whether a list of locks has a lease on a file:
//
//	1: LEASE  ACTIVE    READ 4711 07:00:13 0 EOF
//
// Numbers of devices that are none (0:…) are all the same here: btrfs has one
// in this list and others in stat.
func listsLease(locks io.Reader, device, inode uint64) bool {
	major, minor := unix.Major(device), unix.Minor(device)
	where := fmt.Sprintf(" %02x:%02x:%d ", major, minor, inode)
	none, end := " 00:", fmt.Sprintf(":%d ", inode)
	for lines := bufio.NewScanner(locks); lines.Scan(); {
		line := lines.Text()
		same := strings.Contains(line, where) || major == 0 && strings.Contains(line, none) && strings.Contains(line, end)
		if same && strings.Contains(line, " LEASE ") {
			return true
		}
	}
	return false
}
