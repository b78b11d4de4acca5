//go:build !linux

package probe

// Kernel is not known here.
func Kernel() (release string, err error) { return "", unsupported("uname") }
