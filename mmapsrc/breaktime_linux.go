package mmapsrc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// leastBreakSeconds is how long a lease must be left to its holder after a
// writer has come: the keeper needs milliseconds, and a machine that swaps or
// a process in a debugger more.
const leastBreakSeconds = 5

// leasesHold returns why leases cannot be relied on here, nil if they can. It
// is asked whenever a file is mapped, because the limits can change: two reads
// of /proc, some microseconds.
func leasesHold() error {
	if n, err := sysctl("fs/leases-enable"); err != nil || n == 0 {
		return fmt.Errorf("leases are switched off (/proc/sys/fs/leases-enable): %w", orZero(err))
	}
	n, err := sysctl("fs/lease-break-time")
	if err != nil {
		return fmt.Errorf("how long a lease lasts is unknown: %w", err)
	}
	if n < leastBreakSeconds {
		return fmt.Errorf("the kernel takes a lease away after %d s (/proc/sys/fs/lease-break-time), which is less than %d s", n, leastBreakSeconds)
	}
	return nil
}

func orZero(err error) error {
	if err == nil {
		return fmt.Errorf("it is 0")
	}
	return err
}

func sysctl(name string) (int, error) {
	b, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}
