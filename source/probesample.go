package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/oriel-go/oriel/window"
)

// A sample is the file that a file system is probed by.
type sample struct {
	at   *os.File    // f, or the folder where there is no f; nil where that cannot be opened
	info fs.FileInfo // of at
	f    *os.File    // nil where there is none,
	none error       // for this reason
	by   string      // what f is
	temp string      // its name, where it is to be removed
}

// mostEntries bounds how much of a folder is looked through for a sample.
const mostEntries = 300

var errNoSample = errors.New("no file in it can be read, and none can be made")

// sampleOf returns the sample for path. Of a folder there may be none.
func sampleOf(path string) (*sample, error) {
	fi, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case fi.IsDir():
		return sampleIn(path, fi), nil
	case !positioned(fi): // opening it may wait, or do something
		return nil, fmt.Errorf("a %s lies on no file system: %w", describe(fi), window.ErrUnsupported)
	}
	return openSample(path, path)
}

// openSample opens a regular file or a block device.
func openSample(name, by string) (*sample, error) {
	f, err := openFile(context.Background(), name)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil && !positioned(fi) { // it was replaced meanwhile
		err = notPositioned(fi)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &sample{at: f, info: fi, f: f, by: by}, nil
}

// sampleIn returns a sample from a folder: a file of the process's own, one that
// is made, or one of another owner.
func sampleIn(folder string, fi fs.FileInfo) *sample {
	names := regularFiles(folder)
	s, foreign := firstOf(folder, names)
	if s != nil {
		return s
	}
	made, err := makeSample(folder)
	if err == nil {
		return made
	}
	if foreign != "" {
		if s, err := openSample(filepath.Join(folder, foreign), foreign+", which is somebody else's"); err == nil {
			return s
		}
	}
	s = &sample{info: fi, none: fmt.Errorf("%w: %w", errNoSample, reason(err))}
	if s.at, err = os.Open(folder); err != nil {
		s.at = nil
	}
	return s
}

// regularFiles returns the names of regular files in a folder, sorted so that the
// same are found in the same order.
func regularFiles(folder string) (names []string) {
	d, err := os.Open(folder)
	if err != nil {
		return nil
	}
	defer d.Close()
	entries, err := d.ReadDir(mostEntries)
	if err != nil && err != io.EOF {
		return nil
	}
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}

// firstOf opens the first file that has bytes and belongs to the process. foreign
// is the first of those that belong to others, "" for none.
func firstOf(folder string, names []string) (s *sample, foreign string) {
	for _, name := range names {
		path := filepath.Join(folder, name)
		fi, err := os.Lstat(path)
		if err != nil || !fi.Mode().IsRegular() || fi.Size() == 0 {
			continue
		}
		if !owned(fi) {
			if foreign == "" {
				foreign = name
			}
			continue
		}
		if s, err := openSample(path, name); err == nil {
			return s, ""
		}
	}
	return nil, foreign
}

// makeSample makes a file that close removes.
func makeSample(folder string) (*sample, error) {
	w, err := os.CreateTemp(folder, ".oriel-probe-*")
	if err != nil {
		return nil, err
	}
	_, err = w.Write(make([]byte, Granularity))
	err = errors.Join(err, w.Close()) // or it would be open for writing, which refuses leases
	var s *sample
	if err == nil {
		s, err = openSample(w.Name(), "a temporary file")
	}
	if err != nil {
		os.Remove(w.Name())
		return nil, err
	}
	s.temp = w.Name()
	return s, nil
}

// isDevice reports whether the sample is a block device.
func (s *sample) isDevice() bool { return s.f != nil && s.info.Mode()&fs.ModeDevice != 0 }

// descriptor returns the sample's.
func (s *sample) descriptor() (int, error) {
	if s.f == nil {
		return 0, s.none
	}
	return descriptor(s.f)
}

func (s *sample) close() {
	if s.at != nil {
		s.at.Close()
	}
	if s.temp != "" {
		os.Remove(s.temp)
	}
}
