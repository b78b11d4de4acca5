//go:build !linux

package mmapsrc

import "errors"

// A keeper has nothing to keep here.
type keeper struct{ g *Guard }

func (k *keeper) watch(*mapping) error { return errors.ErrUnsupported }

func (k *keeper) unwatch(*mapping) {}

func (k *keeper) hurry() {}
