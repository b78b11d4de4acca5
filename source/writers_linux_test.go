package source

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/childtest"
)

// A deed is something that is done to a file while windows of it are held.
type deed struct {
	what   string
	breaks bool // whether it breaks a lease
	do     func(name string) error
	after  func(text []byte) []byte // what a File that was open before reads afterwards; nil is the same
}

// With a text of at least three extents.
var deeds = []deed{
	{"truncate to nothing", true,
		func(name string) error { return os.Truncate(name, 0) },
		func([]byte) []byte { return []byte{} }},
	{"truncate inside a page", true,
		func(name string) error { return os.Truncate(name, middle) },
		func(text []byte) []byte { return text[:middle] }},
	{"open with O_TRUNC", true,
		func(name string) error { return opened(name, os.O_WRONLY|os.O_TRUNC, nil) },
		func([]byte) []byte { return []byte{} }},
	{"open for writing only", true,
		func(name string) error { return opened(name, os.O_WRONLY, nil) }, nil},
	{"open for reading and writing", true,
		func(name string) error { return opened(name, os.O_RDWR, nil) }, nil},
	{"rewrite", true, rewrite, other},
	{"punch a hole", true,
		func(name string) error {
			return opened(name, os.O_RDWR, func(f *os.File) error {
				return unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, middle)
			})
		},
		func(text []byte) []byte { return append(make([]byte, middle), text[middle:]...) }},
	{"extend", true,
		func(name string) error {
			return opened(name, os.O_WRONLY|os.O_APPEND, func(f *os.File) error {
				_, err := f.WriteString("more")
				return err
			})
		},
		func(text []byte) []byte { return append(bytes.Clone(text), "more"...) }},
	{"open with O_NONBLOCK", true, openWithoutWaiting, nil},
	{"rename over", false,
		func(name string) error {
			if err := os.WriteFile(name+".new", []byte("another file"), 0o600); err != nil {
				return err
			}
			return os.Rename(name+".new", name)
		}, nil},
	{"unlink", false, os.Remove, nil},
	{"chmod", false, func(name string) error { return os.Chmod(name, 0o400) }, nil},
}

// middle is where texts are cut: inside of a page of the second extent.
const middle = 3<<20 + 1234

// other is what rewrite makes of a text, of lines as many.
func other(text []byte) []byte {
	p := bytes.Clone(text)
	for i := range p {
		if p[i] != '\n' {
			p[i] ^= ' '
		}
	}
	return p
}

// rewrite changes every byte of a file but the ends of lines.
func rewrite(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return opened(name, os.O_WRONLY, func(f *os.File) error {
		_, err := f.WriteAt(other(text), 0)
		return err
	})
}

// opened opens a file, does something to it, and closes it.
func opened(name string, flags int, do func(f *os.File) error) error {
	f, err := os.OpenFile(name, flags, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if do == nil {
		return nil
	}
	return do(f)
}

// openWithoutWaiting is refused at first, and then is not.
func openWithoutWaiting(name string) error {
	const flags = os.O_WRONLY | unix.O_NONBLOCK
	if err := opened(name, flags, nil); !errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("while a lease is held: %v, want EWOULDBLOCK", err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var err error
	for range 2000 {
		if err = opened(name, flags, nil); !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		<-tick.C
	}
	return err
}

// doDeed does what has that name.
func doDeed(what, name string) error {
	for _, d := range deeds {
		if d.what == what {
			return d.do(name)
		}
	}
	return fmt.Errorf("nobody knows how to %s", what)
}

// writerRole does what it is told to files.
func writerRole(t *testing.T) {
	for line, ok := childtest.Hear(); ok; line, ok = childtest.Hear() {
		what, name, _ := strings.Cut(line, "\t")
		childtest.Tell(doDeed(what, name))
	}
}

// A writer does deeds, and returns when they are done.
type writer interface {
	do(what, name string) error
}

// otherProcess is a writer, and a second process.
type otherProcess struct {
	t testing.TB
	c *childtest.Child
}

func startWriter(t testing.TB) otherProcess { return otherProcess{t, childtest.Start(t, "writer")} }

func (w otherProcess) do(what, name string) error {
	w.t.Helper()
	w.c.Tell(what, "\t", name)
	if s := w.c.Hear(); s != "<nil>" {
		return errors.New(s)
	}
	return nil
}

// thisProcess is a writer: a goroutine of the process that has the lease.
type thisProcess struct{}

func (thisProcess) do(what, name string) error {
	done := make(chan error)
	go func() { done <- doDeed(what, name) }()
	return <-done
}
