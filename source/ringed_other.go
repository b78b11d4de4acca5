//go:build !linux

package source

import (
	"errors"
	"os"
)

// There is no ring on this system, so that nothing here is called.

const rwDontCache = 0

func reopen(*os.File, bool) (*os.File, error) { return nil, errors.ErrUnsupported }
