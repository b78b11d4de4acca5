package data

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// A Store makes files in a folder and finds those that it made before.
type Store struct {
	Dir string
}

// Random returns the name of a file of n random bytes: one in 256 is a
// newline.
func (s Store) Random(n int64) (string, error) {
	return s.make(fmt.Sprintf("random-%d", n), n, writeRandom)
}

// Several returns the names of as many files like Random's.
func (s Store) Several(n int64, files int) (names []string, err error) {
	for i := range files {
		name, err := s.make(fmt.Sprintf("random-%d-%d", n, i), n, writeRandom)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// Writable is Random for a file that may be changed: nobody else uses it.
func (s Store) Writable(n int64) (string, error) {
	return s.make(fmt.Sprintf("writable-%d", n), n, writeRandom)
}

// Lines returns the name of a file of n bytes of text whose lines are averageBytes
// long on average, with their newline: evenly from half of that to one and a
// half. averageBytes is at least 2.
func (s Store) Lines(n int64, averageBytes int) (string, error) {
	return s.make(fmt.Sprintf("lines-%d-%d", averageBytes, n), n, func(w io.Writer, n int64) error {
		return writeLines(w, n, averageBytes)
	})
}

// Many returns the names of files of n random bytes each, in a folder of their
// own. All have the same bytes.
func (s Store) Many(files int, n int64) (names []string, err error) {
	dir := filepath.Join(s.Dir, fmt.Sprintf("many-%d-%d", files, n))
	for i := range files {
		names = append(names, filepath.Join(dir, strconv.Itoa(i)))
	}
	if _, err := os.Stat(dir); err == nil {
		return names, nil // it has its name since all of them were there
	}
	making, err := os.MkdirTemp(s.Dir, "making-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(making) // finds nothing when all went well
	var b bytes.Buffer
	if err := writeRandom(&b, n); err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(making, filepath.Base(name)), b.Bytes(), 0o600); err != nil {
			return nil, err
		}
	}
	return names, os.Rename(making, dir)
}

// make has a file of n bytes written, unless it is there.
func (s Store) make(name string, n int64, write func(io.Writer, int64) error) (string, error) {
	name = filepath.Join(s.Dir, name)
	if fi, err := os.Stat(name); err == nil && fi.Size() == n {
		return name, nil
	}
	f, err := os.CreateTemp(s.Dir, "making-")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name()) // fails when all went well
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w, n); err != nil {
		return "", err
	}
	if err := w.Flush(); err != nil {
		return "", err
	}
	if err := f.Sync(); err != nil {
		return "", err
	}
	return name, os.Rename(f.Name(), name)
}

func generator() *rand.PCG { return rand.NewPCG(0x6f72, 0x69656c) }

func writeRandom(w io.Writer, n int64) error {
	r := generator()
	p := make([]byte, 64<<10)
	for n > 0 {
		for i := 0; i < len(p); i += 8 {
			binary.LittleEndian.PutUint64(p[i:], r.Uint64())
		}
		m, err := w.Write(p[:min(n, int64(len(p)))])
		if err != nil {
			return err
		}
		n -= int64(m)
	}
	return nil
}

func writeLines(w io.Writer, n int64, averageBytes int) error {
	r := generator()
	text := make([]byte, 26+2*averageBytes)
	for i := range text {
		text[i] = byte('a' + i%26)
	}
	half := averageBytes / 2
	for n > 0 {
		length := averageBytes - half + int(r.Uint64()%uint64(2*half+1)) // with the newline
		length = int(min(int64(length), n))
		at := int(r.Uint64() % 26)
		if _, err := w.Write(text[at : at+length-1]); err != nil {
			return err
		}
		if _, err := w.Write([]byte{'\n'}); err != nil {
			return err
		}
		n -= int64(length)
	}
	return nil
}
