//go:build !linux

package probe

// FileSystemOf is not known here.
func FileSystemOf(int) (FileSystem, error) { return FileSystem{}, unsupported("fstatfs") }
