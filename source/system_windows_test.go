package source

import (
	"syscall"
	"testing"
)

const (
	errIsDir  = syscall.EISDIR
	errNotDir = syscall.ERROR_PATH_NOT_FOUND
)

// asNobody skips: there is no such user here.
func asNobody(t *testing.T, _ func()) { t.Skip("no permission bits here") }
