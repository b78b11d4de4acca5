//go:build !linux

package uringsrc

import (
	"errors"
	"fmt"

	"github.com/oriel-go/oriel/window"
)

// New returns an error that wraps window.ErrRefused: there is io_uring on Linux
// only.
func New(o Options) (*Engine, error) {
	if _, err := o.check(); err != nil {
		return nil, &window.Error{Op: "io_uring", Err: err}
	}
	return nil, &window.Error{Op: "io_uring", Err: fmt.Errorf("%w: this is not Linux: %w", window.ErrRefused, errors.ErrUnsupported)}
}
