package simring

import "syscall"

const errTime = syscall.ETIME
