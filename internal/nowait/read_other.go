//go:build !linux

package nowait

import "errors"

// Read reports that this system cannot do it.
func Read(fd int, p []byte, off int64) (n int, supported bool) { return 0, false }

// ReadStream reports that this system cannot do it.
func ReadStream(fd int, p []byte) (n int, err error) { return 0, errors.ErrUnsupported }
