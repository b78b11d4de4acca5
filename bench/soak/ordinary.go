package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
)

const (
	ordinaryUser    = 65534   // nobody: it owns the files, and has no privileges
	ordinaryMemlock = 8 << 20 // RLIMIT_MEMLOCK: what most systems have
	ordinaryLock    = 64 << 20
)

// asOrdinary runs one stage as an ordinary user, on the first file system where
// that can be: without CAP_LEASE and CAP_IPC_LOCK, and with more memory to lock
// than the system lets it have.
func (c *campaign) asOrdinary(ctx context.Context, dir, fileSystem string) (*account, error) {
	if c.ordinary == 0 || c.plan.Source != "mmap" || c.shownOrdinary() {
		return nil, nil
	}
	home, program, err := c.settle(dir)
	if err != nil {
		c.record.NoOrdinary = err.Error()
		return nil, nil
	}
	c.record.NoOrdinary = ""
	p := c.planFor(home, fileSystem+", ordinary user", c.ordinary, max(c.ordinary, c.limit))
	p.User, p.MemlockBytes, p.LockBytes = ordinaryUser, ordinaryMemlock, ordinaryLock
	a, err := c.stage(ctx, program, p)
	return a, errors.Join(err, os.RemoveAll(home))
}

// shownOrdinary reports whether there has been such a stage.
func (c *campaign) shownOrdinary() bool {
	for _, r := range c.record.Places {
		if r.Ordinary != nil {
			return true
		}
	}
	return false
}

// settle makes a folder of the user's below dir and a copy of this program that
// the user may run.
func (c *campaign) settle(dir string) (home, program string, err error) {
	if os.Getuid() != 0 {
		return "", "", errors.New("only root can be somebody else; all of this run is of an ordinary user")
	}
	if err := os.Chmod(c.temp, 0o711); err != nil {
		return "", "", err
	}
	program = filepath.Join(c.temp, "soak")
	home = filepath.Join(dir, "ordinary")
	if err := errors.Join(reachable(c.temp), reachable(dir)); err != nil {
		return "", "", err
	}
	if err := copyProgram(program, c.self); err != nil {
		return "", "", err
	}
	return home, program, errors.Join(os.MkdirAll(home, 0o755), os.Chown(home, ordinaryUser, ordinaryUser))
}

// reachable returns an error unless everybody may go to a folder.
func reachable(dir string) error {
	for ; ; dir = filepath.Dir(dir) {
		fi, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if fi.Mode()&0o001 == 0 {
			return errors.New("not everybody may go to the folders of this run")
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// copyProgram copies a program.
func copyProgram(to, from string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close(), os.Chmod(to, 0o755))
}
