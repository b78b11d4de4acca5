//go:build !linux

package threadtest

import "errors"

// Nobody fails: only Linux has threads with a user of their own.
func Nobody() error { return errors.ErrUnsupported }
