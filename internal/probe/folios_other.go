//go:build !linux

package probe

// LargeFolios is not known here.
func LargeFolios(int, int64, int64) (large bool, err error) { return false, unsupported("mmap") }
