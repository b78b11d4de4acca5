//go:build !linux

package probe

// NoWait is not known here.
func NoWait(int) (supported bool, err error) { return false, unsupported("preadv2") }

// DontCache is not known here.
func DontCache(int) (supported bool, err error) { return false, unsupported("preadv2") }

func peek(int, int64) (cached bool, err error) { return false, unsupported("preadv2") }
