package probe

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// HugePages returns for whom the kernel makes huge pages of anonymous memory:
// "always", "madvise" for those that ask, or "never". It does not depend on this
// whether a file's are mapped as such. It costs 8 µs. A kernel without them has
// no such file; other systems are unsupported.
func HugePages() (string, error) { return hugePagesIn(system()) }

func hugePagesIn(root fs.FS) (string, error) {
	const file = "sys/kernel/mm/transparent_hugepage/enabled"
	b, err := fs.ReadFile(root, file)
	if err != nil {
		return "", err
	}
	// All choices, and the one that is made in brackets.
	_, rest, _ := strings.Cut(string(b), "[")
	word, _, ok := strings.Cut(rest, "]")
	if !ok || word == "" {
		return "", fmt.Errorf("%s: %q makes no choice", file, b)
	}
	return word, nil
}

// Leases returns whether files can be leased, and after how many seconds the
// kernel takes a lease away from whoever does not give it up. It costs 10 µs.
// Every Linux tells; other systems are unsupported.
func Leases() (enabled bool, breakSeconds int, err error) { return leasesIn(system()) }

func leasesIn(root fs.FS) (enabled bool, breakSeconds int, err error) {
	on, err := settingIn(root, "proc/sys/fs/leases-enable")
	if err != nil {
		return false, 0, err
	}
	breakSeconds, err = settingIn(root, "proc/sys/fs/lease-break-time")
	return on != 0, breakSeconds, err
}

// RingSetting returns what kernel.io_uring_disabled is set to: 0 lets everybody
// make rings, 1 only the privileged and a group, 2 nobody. It costs 7 µs. It is
// there since Linux 6.6; before, it is missing (fs.ErrNotExist) and everybody may.
// Other systems are unsupported. That 0 is set does not say that there is a ring:
// only making one does.
func RingSetting() (value int, err error) { return ringSettingIn(system()) }

func ringSettingIn(root fs.FS) (int, error) {
	return settingIn(root, "proc/sys/kernel/io_uring_disabled")
}

// settingIn reads a file that is one number.
func settingIn(root fs.FS, file string) (int, error) {
	b, err := fs.ReadFile(root, file)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	return int(n), nil
}
