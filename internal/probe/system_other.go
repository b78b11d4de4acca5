//go:build !linux

package probe

import "io/fs"

// system returns a root without files: this kernel tells nothing in them.
func system() fs.FS { return nothing{} }

type nothing struct{}

func (nothing) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: unsupported("kernel files")}
}
