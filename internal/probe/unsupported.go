package probe

import (
	"errors"
	"fmt"
)

// unsupported returns the error of what this system does not have.
func unsupported(call string) error { return fmt.Errorf("%s: %w", call, errors.ErrUnsupported) }
