package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// A siege says what an attacker does. It goes to the attacker's process in
// JSON.
type siege struct {
	Dir       string
	FileBytes []int64
	Pace      time.Duration
	Writer    int // number in the stamps of what it writes
	Seed      uint64
}

// A report says what an attacker did. It comes back in JSON.
type report struct {
	Operations int64            `json:"operations"`
	Waits      waits            `json:"waits"`      // of the calls that a lease holds back
	WouldBlock int64            `json:"wouldBlock"` // opens with O_NONBLOCK that a lease refused
	Faults     int64            `json:"faults"`     // SIGBUS in the attacker's own mapping
	Errors     map[string]int64 `json:"errors"`     // by name; attackers get in each other's way
	Bytes      int64            `json:"bytes"`      // written
}

func newReport() *report { return &report{Waits: waits{}, Errors: map[string]int64{}} }

// merge adds what o did.
func (r *report) merge(o *report) {
	r.Operations += o.Operations
	r.Waits.merge(o.Waits)
	r.WouldBlock += o.WouldBlock
	r.Faults += o.Faults
	r.Bytes += o.Bytes
	for name, n := range o.Errors {
		r.Errors[name] += n
	}
}

// An attacker changes files, one operation after the other.
type attacker struct {
	*siege
	prefix string // of the names under which waits are counted
	rng    *rand.Rand
	report *report
	buf    []byte
	writes int
}

// insidePrefix tells attackers in the readers' process from others.
const insidePrefix = "own process: "

// attackBytes is the most that one write writes.
const attackBytes = 1 << 20

func newAttacker(s *siege) *attacker {
	return &attacker{siege: s, rng: rand.New(rand.NewPCG(s.Seed, uint64(s.Writer))), report: newReport(), buf: make([]byte, attackBytes)}
}

// attackMain is the process of an attacker: it attacks until its standard input
// ends, and then writes its report.
func attackMain(plan string, stdin io.Reader, stdout, stderr io.Writer) int {
	s := &siege{}
	if err := json.Unmarshal([]byte(plan), s); err != nil {
		fmt.Fprintln(stderr, "soak: attacker:", err)
		return exitUsage
	}
	ctx := leash(stdin)
	a := newAttacker(s)
	a.run(ctx)
	if err := json.NewEncoder(stdout).Encode(a.report); err != nil {
		return exitBroken
	}
	return exitFine
}

// leash returns a context that ends when r does.
func leash(r io.Reader) context.Context {
	ctx, end := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, r)
		end()
	}()
	return ctx
}

// run attacks until ctx ends.
func (a *attacker) run(ctx context.Context) {
	debug.SetPanicOnFault(true) // others truncate what this one has mapped
	list := operations()
	total := 0
	for _, o := range list {
		total += o.weight
	}
	for i := range a.FileBytes {
		a.count(a.mend(i))
	}
	for ctx.Err() == nil {
		at := a.rng.IntN(total)
		for _, o := range list {
			if at -= o.weight; at < 0 {
				a.count(o.run(a, a.rng.IntN(len(a.FileBytes))))
				break
			}
		}
		a.report.Operations++
		pause(ctx, time.Duration(a.rng.ExpFloat64()*float64(a.Pace)))
	}
}

// count counts an error by its name.
func (a *attacker) count(err error) {
	if err == nil {
		return
	}
	name := "other"
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		name = unix.ErrnoName(errno)
	}
	a.report.Errors[name]++
}

// linger keeps a file as it is for a moment, most often a short one.
func (a *attacker) linger() {
	time.Sleep(time.Duration(a.rng.ExpFloat64() * float64(300*time.Microsecond)))
}

// timed calls f and counts how long it took, and once more if a lease may have
// held it back.
func (a *attacker) timed(operation string, i int, f func() error) error {
	met := leased(a.path(i))
	began := time.Now()
	err := f()
	took := time.Since(began)
	a.report.Waits.add(a.prefix+operation, took)
	if met && heldBack(operation) {
		a.report.Waits.add(a.prefix+metLease, took)
	}
	return err
}

// metLease is the name of the calls that found a lease in their way, whatever
// their operation: of a file that nobody has mapped there is nothing to wait
// for.
const metLease = "any that met a lease"

// heldBack reports whether a lease holds the first call of an operation back.
// The others go on, or are refused.
func heldBack(operation string) bool {
	switch operation {
	case "open O_NONBLOCK", "rename over", "unlink":
		return false
	}
	return true
}

func (a *attacker) path(i int) string { return filepath.Join(a.Dir, strconv.Itoa(i)) }

// open opens a file, whose time counts under operation. One that is not there,
// because an attacker has deleted it and was killed, is made.
func (a *attacker) open(operation string, i, flags int) (fd int, err error) {
	err = a.timed(operation, i, func() error {
		fd, err = retryOpen(a.path(i), flags)
		return err
	})
	if err == unix.ENOENT {
		return -1, errors.Join(err, a.create(i))
	}
	return fd, err
}

// retryOpen is open(2): signals of the Go scheduler interrupt one that waits.
func retryOpen(path string, flags int) (fd int, err error) {
	for {
		fd, err = unix.Open(path, flags|unix.O_CLOEXEC, 0o600)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// small returns a file, most often one that is soon written anew.
func (a *attacker) small(i int) int {
	for range 8 {
		if a.FileBytes[i] <= 4*attackBytes {
			break
		}
		i = a.rng.IntN(len(a.FileBytes))
	}
	return i
}

// length returns how many bytes from off an operation is about, most often
// some 100 KiB.
func (a *attacker) length(i int) int64 {
	if a.rng.IntN(32) == 0 {
		return 1 + a.rng.Int64N(a.FileBytes[i])
	}
	return min(1+int64(a.rng.ExpFloat64()*attackBytes/8), a.FileBytes[i])
}

// write writes n bytes at off, rounded down to a whole word.
func (a *attacker) write(fd, i int, off int64, n int) error {
	off -= off % wordBytes
	a.writes++
	p := a.buf[:min(n, len(a.buf))]
	fill(p, i, off, stamp(a.Writer, a.writes))
	n, err := unix.Pwrite(fd, p, off)
	a.report.Bytes += int64(max(n, 0))
	return err
}

// writeSome writes a range of a file whose length is size.
func (a *attacker) writeSome(fd, i int, size int64) error {
	n := min(int64(4096)<<a.rng.IntN(9), size)
	if n < 1 {
		return nil
	}
	return a.write(fd, i, a.rng.Int64N(size-n+1), int(n))
}

// create makes a file anew, of its full size.
func (a *attacker) create(i int) error { return a.make(a.path(i), i) }

func (a *attacker) make(path string, i int) error {
	fd, err := retryOpen(path, unix.O_WRONLY|unix.O_CREAT)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return a.refill(fd, i, 0, a.FileBytes[i])
}

// refill writes the range [lo, hi) of a file, so that it has no hole, which
// would not be mapped, and gives it its full size.
func (a *attacker) refill(fd, i int, lo, hi int64) error {
	for lo -= lo % wordBytes; lo < hi; lo += attackBytes {
		if err := a.write(fd, i, lo, int(min(hi-lo, attackBytes))); err != nil {
			return err
		}
	}
	return unix.Ftruncate(fd, a.FileBytes[i])
}

// mend refills a file from its first hole on, if it has one: what an attacker
// has left that was killed.
func (a *attacker) mend(i int) error {
	fd, err := retryOpen(a.path(i), unix.O_RDONLY)
	if err == unix.ENOENT {
		return a.create(i)
	}
	if err != nil {
		return err
	}
	hole, err := unix.Seek(fd, 0, unix.SEEK_HOLE)
	unix.Close(fd)
	if err != nil || hole >= a.FileBytes[i] {
		return nil // ENXIO: it is empty now, which somebody is at
	}
	if fd, err = a.open("open", i, unix.O_WRONLY); err != nil {
		return err
	}
	defer unix.Close(fd)
	return a.refill(fd, i, hole, a.FileBytes[i])
}
