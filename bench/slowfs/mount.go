package slowfs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/child"
)

// ErrUnavailable: this machine, or this user, cannot mount a FUSE file system.
var ErrUnavailable = errors.New("FUSE is not to be had here")

// Options says what a file system shows.
type Options struct {
	Backing        string // the folder whose files are in FS.Files; "": there is no such folder
	SyntheticBytes int64  // the size of FS.Synthetic
}

// An FS is a mounted file system. Its methods may be called by any number of
// goroutines. Close has to be called.
type FS struct {
	Dir       string // where it is mounted
	Files     string // the folder that shows the files of Options.Backing
	Synthetic string // the file that holds what Content says

	cmd     *exec.Cmd
	stdin   io.WriteCloser
	mu      sync.Mutex // one request at a time
	replies *json.Decoder
}

// Mount mounts a file system that is well.
func Mount(ctx context.Context, o Options) (*FS, error) {
	dir, err := os.MkdirTemp("", "oriel-slowfs-")
	if err != nil {
		return nil, fmt.Errorf("slowfs: %w", err)
	}
	f := &FS{Dir: dir, Files: filepath.Join(dir, filesName), Synthetic: filepath.Join(dir, syntheticName)}
	if err := f.start(ctx, &o); err != nil {
		return nil, errors.Join(fmt.Errorf("slowfs: %w", err), f.Close())
	}
	return f, nil
}

// start starts the server and waits until it has mounted.
func (f *FS) start(ctx context.Context, o *Options) error {
	c, err := child.Command(taskName, f.Dir, o.Backing, strconv.FormatInt(o.SyntheticBytes, 10))
	if err != nil {
		return err
	}
	c.Stderr = os.Stderr
	// A signal for the whole group of this process would end the server before
	// it has unmounted.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if f.stdin, err = c.StdinPipe(); err != nil {
		return err
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	f.replies = json.NewDecoder(stdout)
	if err := c.Start(); err != nil {
		return err
	}
	f.cmd = c
	stop := context.AfterFunc(ctx, func() { c.Process.Kill() })
	defer stop()
	_, err = f.reply()
	return err
}

// Set replaces the rules. Requests that begin later follow the new ones.
func (f *FS) Set(r Rules) error {
	_, err := f.ask(request{Rules: &r})
	return err
}

// Counts returns what the server has been asked for.
func (f *FS) Counts() (Counts, error) { return f.ask(request{}) }

func (f *FS) ask(q request) (Counts, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := json.NewEncoder(f.stdin).Encode(q); err != nil {
		return Counts{}, fmt.Errorf("slowfs: the server does not listen: %w", err)
	}
	return f.reply()
}

// reply reads one reply of the server.
func (f *FS) reply() (Counts, error) {
	var r reply
	switch err := f.replies.Decode(&r); {
	case err != nil:
		return r.Counts, fmt.Errorf("the server ended: %w", err)
	case r.Unavailable:
		return r.Counts, fmt.Errorf("%w: %s", ErrUnavailable, r.Error)
	case r.Error != "":
		return r.Counts, errors.New(r.Error)
	}
	return r.Counts, nil
}

// patience is how long the server gets to unmount and end. It waits for the
// last user of the file system for half of that.
const patience = 6 * time.Second

// Close unmounts the file system and ends the server. A file system that is
// still in use after some seconds is taken out of sight and dead, which is an
// error.
func (f *FS) Close() error {
	var errs []error
	if f.cmd != nil {
		f.stdin.Close()
		limit := time.AfterFunc(patience, func() { f.cmd.Process.Kill() })
		if err := f.cmd.Wait(); err != nil {
			errs = append(errs, fmt.Errorf("slowfs: the server: %w", err))
		}
		limit.Stop()
	}
	// Fails when the server has done it, which is how it should be.
	if unix.Unmount(f.Dir, unix.MNT_DETACH) == nil {
		errs = append(errs, errors.New("slowfs: the server ended without unmounting"))
	}
	// Never with what is below: that would be somebody's files, were it mounted.
	if err := os.Remove(f.Dir); !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
