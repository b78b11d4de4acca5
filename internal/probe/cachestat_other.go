//go:build !linux

package probe

// Cached is not known here.
func Cached(int, int64, int64) (pages, of int64, err error) { return 0, 0, unsupported("cachestat") }
