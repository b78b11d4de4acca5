//go:build !linux

package source

import "github.com/oriel-go/oriel/window"

// willNeed does nothing: this system is not told.
func willNeed(int, window.Range) {}

// kernelAhead does nothing: this system is not told.
func kernelAhead(int, bool) {}
