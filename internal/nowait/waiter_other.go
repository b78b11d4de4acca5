//go:build !linux

package nowait

import (
	"context"
	"errors"
)

// A Waiter cannot be had on this system.
type Waiter struct{}

// NewWaiter returns an error.
func NewWaiter() (*Waiter, error) { return nil, errors.ErrUnsupported }

// Wait is never called.
func (w *Waiter) Wait(context.Context, int) error { return errors.ErrUnsupported }

// Close is never called.
func (w *Waiter) Close() error { return nil }
