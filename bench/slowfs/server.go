package slowfs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/child"
)

// Names in the root of the file system.
const (
	filesName     = "files"
	syntheticName = "synthetic"
)

const taskName = "slowfs"

// Tasks are what a copy of the program does for this package, for child.Serve.
func Tasks() map[string]child.Task { return map[string]child.Task{taskName: serve} }

// serve mounts a file system and follows its standard input until that ends.
func serve(args []string) (string, error) {
	if len(args) != 3 {
		return "", fmt.Errorf("slowfs: %d arguments", len(args))
	}
	dir, backing := args[0], args[1]
	size, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return "", err
	}
	out := json.NewEncoder(os.Stdout)
	s, err := mount(dir, backing, size)
	if err != nil {
		return "", out.Encode(reply{Error: err.Error(), Unavailable: missing(err)})
	}
	return "", errors.Join(s.follow(os.Stdin, out), unmount(dir))
}

// missing reports whether an error of mounting is the machine's.
func missing(err error) bool {
	for _, e := range []error{syscall.EPERM, syscall.EACCES, syscall.ENOENT, syscall.ENODEV, syscall.ENXIO, syscall.ENOSYS} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// mount mounts at dir.
func mount(dir, backing string, size int64) (*ruled, error) {
	second := time.Second
	o := &fs.Options{
		EntryTimeout: &second, AttrTimeout: &second,
		MountOptions: fuse.MountOptions{
			FsName: "oriel-slowfs", Name: "slowfs",
			AllowOther:        true,
			DirectMountStrict: true, // by mount(2): there need be no fusermount
			MaxWrite:          1 << 20,
			DisableSplice:     true,               // a pipe has no room for such a reply, which go-fuse says on standard error
			MaxBackground:     1 << 10,            // 12 would queue reads that are to wait side by side
			ExtraCapabilities: fuse.CAP_ASYNC_DIO, // a loop device with direct I/O keeps many under way
			// The kernel must not read the backing files on its own.
			DisabledCapabilities: fuse.CAP_PASSTHROUGH,
		},
	}
	top, err := newRoot(backing, size)
	if err != nil {
		return nil, err
	}
	s := &ruled{RawFileSystem: fs.NewNodeFS(top, o)}
	s.rules.Store(&Rules{})
	server, err := fuse.NewServer(s, dir, &o.MountOptions)
	if err != nil {
		return nil, err
	}
	go server.Serve()
	return s, server.WaitMount()
}

// follow answers requests until there are no more.
func (s *ruled) follow(r io.Reader, out *json.Encoder) error {
	if err := out.Encode(reply{}); err != nil { // it is mounted
		return err
	}
	in := json.NewDecoder(r)
	for {
		var q request
		if err := in.Decode(&q); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if q.Rules != nil {
			s.rules.Store(q.Rules)
		}
		if err := out.Encode(reply{Counts: s.counts()}); err != nil {
			return err
		}
	}
}

// unmount unmounts dir and removes it, once nobody uses it any more, or lazily
// after some seconds, which is an error.
func unmount(dir string) error {
	err := unix.Unmount(dir, 0)
	for deadline := time.Now().Add(patience / 2); err == unix.EBUSY && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
		err = unix.Unmount(dir, 0)
	}
	if err == unix.EBUSY {
		err = errors.Join(fmt.Errorf("slowfs: unmount: %w", err), unix.Unmount(dir, unix.MNT_DETACH))
	}
	return errors.Join(err, os.Remove(dir))
}
