package main

import (
	"errors"
	"strconv"

	"golang.org/x/sys/unix"
)

// An operation is a way to change a file that somebody may have mapped. What is
// measured under its name is the first call of it, which a lease holds back; by
// the others the file is open already.
type operation struct {
	name   string
	weight int // how often it is chosen
	run    func(a *attacker, file int) error
}

// operations returns all of them.
func operations() []operation {
	return []operation{
		{"open", 20, (*attacker).openOnly},
		{"open O_NONBLOCK", 10, (*attacker).openNonblock},
		{"open, rewrite", 20, (*attacker).rewrite},
		{"open, punch", 8, (*attacker).punch},
		{"open, map", 8, (*attacker).mapped},
		{"open O_TRUNC", 5, (*attacker).openTruncate},
		{"truncate, shorter", 12, (*attacker).shrink},
		{"truncate, 0", 5, (*attacker).empty},
		{"truncate, longer", 6, (*attacker).grow},
		{"rename over", 3, (*attacker).replace},
		{"unlink", 3, (*attacker).remove},
	}
}

// openOnly opens a file for writing and writes nothing.
func (a *attacker) openOnly(i int) error {
	fd, err := a.open("open", i, unix.O_WRONLY)
	if err != nil {
		return err
	}
	a.linger()
	return unix.Close(fd)
}

// openNonblock opens a file without waiting. Under a lease that is refused, and
// the lease breaks all the same.
func (a *attacker) openNonblock(i int) error {
	fd, err := a.open("open O_NONBLOCK", i, unix.O_WRONLY|unix.O_NONBLOCK)
	if err == unix.EWOULDBLOCK {
		a.report.WouldBlock++
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return a.writeSome(fd, i, a.FileBytes[i])
}

// rewrite writes a few ranges in place.
func (a *attacker) rewrite(i int) error {
	fd, err := a.open("open, rewrite", i, unix.O_RDWR)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for range 1 + a.rng.IntN(4) {
		err = errors.Join(err, a.writeSome(fd, i, a.FileBytes[i]))
	}
	a.linger()
	return err
}

// punch makes a hole, or zeros.
func (a *attacker) punch(i int) error {
	fd, err := a.open("open, punch", i, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	modes := []uint32{unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE, unix.FALLOC_FL_ZERO_RANGE}
	n := a.length(i)
	off := a.rng.Int64N(a.FileBytes[i] - n + 1)
	err = unix.Fallocate(fd, modes[a.rng.IntN(len(modes))], off, n)
	if err == unix.EOPNOTSUPP { // zeros, on some
		err = nil
	}
	a.linger()
	return errors.Join(err, a.refill(fd, i, off, off+n))
}

// mapped writes through a shared mapping whose descriptor is closed.
func (a *attacker) mapped(i int) error {
	fd, err := a.open("open, map", i, unix.O_RDWR)
	if err != nil {
		return err
	}
	const pageBytes = 64 << 10 // the largest of any machine
	off := a.rng.Int64N((a.FileBytes[i]-attackBytes)/pageBytes+1) * pageBytes
	p, err := unix.Mmap(fd, off, attackBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	err = errors.Join(err, unix.Close(fd))
	if err != nil {
		return err
	}
	for range 4 {
		at := a.rng.IntN(len(p)/wordBytes-512) * wordBytes
		a.writes++
		// Beyond the end of the file, by now, is SIGBUS.
		if safely(func() { fill(p[at:at+4096], i, off+int64(at), stamp(a.Writer, a.writes)) }) != nil {
			a.report.Faults++
		}
		a.linger()
	}
	return unix.Munmap(p)
}

// openTruncate opens a file with O_TRUNC and writes it anew.
func (a *attacker) openTruncate(i int) error {
	i = a.small(i)
	fd, err := a.open("open O_TRUNC", i, unix.O_WRONLY|unix.O_TRUNC)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	a.linger()
	return a.refill(fd, i, 0, a.FileBytes[i])
}

// shrink cuts a file anywhere, and makes it whole after a moment.
func (a *attacker) shrink(i int) error {
	return a.truncate("truncate, shorter", i, a.FileBytes[i]-a.length(i))
}

// empty cuts a file to nothing.
func (a *attacker) empty(i int) error { return a.truncate("truncate, 0", a.small(i), 0) }

// grow makes a file longer than it is.
func (a *attacker) grow(i int) error {
	return a.truncate("truncate, longer", i, a.FileBytes[i]+a.rng.Int64N(attackBytes))
}

// truncate sets the length by the name of the file, and later its old one.
func (a *attacker) truncate(name string, i int, size int64) error {
	err := a.timed(name, i, func() error { return retryTruncate(a.path(i), size) })
	if err == unix.ENOENT {
		return errors.Join(err, a.create(i))
	}
	if err != nil {
		return err
	}
	a.linger()
	fd, err := a.open("open", i, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return a.refill(fd, i, size, a.FileBytes[i])
}

func retryTruncate(path string, size int64) error {
	for {
		if err := unix.Truncate(path, size); err != unix.EINTR {
			return err
		}
	}
}

// replace renames another file over one, as editors do.
func (a *attacker) replace(i int) error {
	i = a.small(i)
	path := a.path(i)
	other := path + "-" + strconv.Itoa(a.Writer)
	if err := a.make(other, i); err != nil {
		return err
	}
	return a.timed("rename over", i, func() error { return unix.Rename(other, path) })
}

// remove deletes a file and makes it anew.
func (a *attacker) remove(i int) error {
	i = a.small(i)
	err := a.timed("unlink", i, func() error { return unix.Unlink(a.path(i)) })
	a.linger()
	return errors.Join(err, a.create(i))
}
