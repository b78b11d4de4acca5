package uringsrc_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/childtest"
	"github.com/oriel-go/oriel/uringsrc"
)

// throttle has the device of a descriptor's file answer this process no reads,
// until the function that it returns is called. It needs a cgroup of version 1.
func throttle(t *testing.T, fd int) (lift func(), err error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	dir := fmt.Sprintf("/sys/fs/cgroup/blkio/oriel-%d", os.Getpid())
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		os.WriteFile("/sys/fs/cgroup/blkio/cgroup.procs", []byte(fmt.Sprint(os.Getpid())), 0)
		os.Remove(dir)
	})
	set := func(bytesPerSecond int) error {
		rule := fmt.Sprintf("%d:%d %d", unix.Major(st.Dev), unix.Minor(st.Dev), bytesPerSecond)
		return os.WriteFile(filepath.Join(dir, "blkio.throttle.read_bps_device"), []byte(rule), 0)
	}
	if err := set(1); err != nil {
		return nil, err
	}
	err = os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(fmt.Sprint(os.Getpid())), 0)
	return func() {
		if err := set(0); err != nil {
			t.Error(err)
		}
	}, err
}

// lockProgram keeps the files that this process runs in memory, as far as it may. The
// machine drops pages of them at any time, and a fault on one would not return while
// the device answers nothing.
func lockProgram(t *testing.T) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Log(err)
	}
	for line := range strings.Lines(string(maps)) {
		var from, to uintptr
		if _, err := fmt.Sscanf(line, "%x-%x", &from, &to); err != nil || !strings.Contains(line, " /") {
			continue // memory that is of no file
		}
		if _, _, err := unix.Syscall(unix.SYS_MLOCK, from, to-from, 0); err != 0 {
			t.Logf("%v: %s", err, line)
		}
	}
}

// throttledRole closes an engine while the device does not answer, which nothing
// can cancel.
func throttledRole(t *testing.T) {
	const block, reads = 4096, 8
	content := pattern(64*block, 1)
	fd := file(t, content, unix.O_DIRECT)
	before := descriptors(t)
	e := needEngineHere(t, uringsrc.Options{InFlight: reads})
	lockProgram(t)
	lift, err := throttle(t, fd)
	if err != nil {
		childtest.Tell("skip: reads of a device cannot be held up: ", err)
		e.Close(context.Background())
		return
	}
	p := memory(t, (reads+2)*block)
	var rs []*owned
	for i := range reads + 2 {
		r := ask(fd, int64(i)*block, 0)
		r.Buf, r.Need = p[i*block:][:block], block
		rs = append(rs, r)
	}
	seated, queued := rs[reads], rs[reads+1]
	if err := e.Read(within(t, 20*time.Millisecond), &seated.Read); err == nil {
		lift()
		childtest.Tell("skip: reads of this device are not held up")
		e.Close(context.Background())
		return
	}
	for _, r := range rs[:reads] {
		e.Start(nil, &r.Read)
	}
	e.Start(nil, &queued.Read)
	rs[0].Abandon()

	const wait = 200 * time.Millisecond
	began := time.Now()
	var left *uringsrc.QuarantineError
	if err := e.Close(within(t, wait)); !errors.As(err, &left) || left.Reads != reads+1 || left.Bytes != (reads+1)*block {
		t.Errorf("Close = %v", err)
	}
	took := time.Since(began)
	if took > wait+patience {
		t.Errorf("Close took %v", took)
	}
	if queued.done.Load() != 1 || !errors.Is(queued.Err, uringsrc.ErrClosed) {
		t.Errorf("what was queued: %v", queued.Err)
	}
	late := ask(fd, 0, 0)
	e.Start(nil, &late.Read)
	if err := late.Wait(context.Background()); err != nil || !errors.Is(late.Err, uringsrc.ErrClosed) {
		t.Errorf("after Close: %v, %v", err, late.Err)
	}
	for i, r := range rs[:reads+1] {
		if r.done.Load() != 0 {
			t.Errorf("read %d has ended: %v", i, r.Err)
		}
	}
	if s := e.Stats(); s.InKernel != reads || s.Orphaned != 1 || s.KernelBytes != (reads+1)*block {
		t.Errorf("%+v", s)
	}

	lift()
	for i, r := range rs[:reads+1] {
		select {
		case <-r.told:
		case <-time.After(patience):
			t.Fatalf("read %d does not come back", i)
		}
	}
	if err := e.Close(within(t, patience)); err != nil {
		t.Errorf("Close = %v", err)
	}
	for i, r := range rs[:reads+1] {
		if r.done.Load() != 1 || r.abandoned.Load() != 0 != (i == 0) {
			t.Errorf("read %d has ended %d times", i, r.done.Load())
		}
		if i > 0 && r.Err == nil {
			wantFile(t, &r.Read, content)
		}
	}
	wantIdle(t, e)
	if n := descriptors(t); n != before {
		t.Errorf("%d descriptors, %d before", n, before)
	}
	childtest.Tell(left, "; Close took ", took.Round(time.Millisecond))
}

// TestADeviceThatDoesNotAnswer: Close says so in time, nothing is used again, and
// everything is given back when the device does answer.
func TestADeviceThatDoesNotAnswer(t *testing.T) {
	c := childtest.Start(t, "throttled")
	t.Log(c.Hear())
	c.Good()
}
