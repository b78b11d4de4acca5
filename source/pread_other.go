//go:build !unix

package source

import (
	"io"
	"io/fs"
	"os"
)

// pread reads at off once; 0 without an error is the end.
func pread(f *os.File, _ int, p []byte, off int64) (int, error) {
	n, err := f.ReadAt(p, off)
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// fileSize returns the size of a regular file.
func fileSize(f *os.File, _ int) (int64, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

// descriptor returns nothing: this system has no descriptors.
func descriptor(*os.File) (int, error) { return 0, nil }

// duplicate returns f, which the caller must keep open: this system's files
// are opened anew by name only.
func duplicate(f *os.File) (*os.File, error) { return f, nil }

// device returns 0: this system never reads without waiting.
func device(fs.FileInfo) uint64 { return 0 }

// owned is not known here.
func owned(fs.FileInfo) bool { return true }
