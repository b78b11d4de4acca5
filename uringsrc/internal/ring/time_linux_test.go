package ring

import "golang.org/x/sys/unix"

const errTime = unix.ETIME
