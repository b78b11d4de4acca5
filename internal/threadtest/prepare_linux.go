package threadtest

import "golang.org/x/sys/unix"

// Nobody makes the calling thread access files as the user nobody does, which takes
// root.
func Nobody() error {
	const nobody = 65534
	// setfsuid is of the thread alone, unlike what package syscall offers.
	_, err := unix.SetfsuidRetUid(nobody)
	return err
}

// OwnMounts gives the calling thread mounts that nobody else sees, and that are gone
// when the thread has ended and their files are closed.
func OwnMounts() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	return unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
}
