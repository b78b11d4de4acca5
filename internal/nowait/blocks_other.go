//go:build !linux

package nowait

// Blocks is not known here, and makes no difference: there is no Waiter.
func Blocks(int) bool { return false }
