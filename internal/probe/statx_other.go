//go:build !linux

package probe

// DirectIO is not known here.
func DirectIO(int) (memory, unit int, err error) { return 0, 0, unsupported("statx") }
