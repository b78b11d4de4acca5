package source

import (
	"testing"

	"golang.org/x/sys/unix"
)

// setNobody makes the calling thread access files as nobody.
func setNobody(t *testing.T) {
	const nobody = 65534
	// setfsuid is of the thread alone, unlike what package syscall offers.
	if _, err := unix.SetfsuidRetUid(nobody); err != nil {
		t.Error(err)
	}
}
