//go:build !linux

package source

import (
	"errors"
	"os"
)

// There is no ring on this system, so that nothing here is called.

const rwDontCache = 0

func reopen(*os.File, bool) (*os.File, error) { return nil, errors.ErrUnsupported }

func directAlignment(int) (memory, unit int, err error) { return 0, 0, errors.ErrUnsupported }

func anyCached(int, int64, int) (yes, known bool) { return false, false }
