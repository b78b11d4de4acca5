package hostile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/volume"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

const holdTask = "hold"

// hold maps a file, holds windows of it, says so, and reads on and on.
func hold(args []string) (string, error) {
	ctx := context.Background()
	rt, err := source.NewRuntime(source.Limits{LockBytes: 64 << 20})
	if err != nil {
		return "", err
	}
	f, err := source.Open(ctx, args[0], &source.Options{Runtime: rt, Source: source.Mmap, Pattern: source.Reuse})
	if err != nil {
		return "", err
	}
	for off := int64(0); off < f.Size(); off += extent {
		w, err := f.ReadManagedAt(ctx, off, page)
		if err != nil {
			return "", err
		}
		if w.Info().Residency != window.Guarded {
			return "", fmt.Errorf("at %d: %+v", off, w.Info())
		}
	}
	fmt.Println("holding")
	for off := int64(0); ; off = (off + page) % f.Size() {
		w, err := f.ReadManagedAt(ctx, off, page)
		if err != nil {
			return "", err
		}
		w.Release()
	}
}

// holder starts a process that holds windows of a file and reads it.
func holder(t *testing.T, name string) *exec.Cmd {
	t.Helper()
	c, err := child.Command(holdTask, name)
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	limit := time.AfterFunc(patience, func() { c.Process.Kill() })
	defer limit.Stop()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "holding\n" {
		t.Fatalf("the process that is to hold windows says %q, %v", line, err)
	}
	return c
}

// leases returns how many leases a process has on a file.
func leases(t *testing.T, pid int, name string) (n int) {
	t.Helper()
	b, err := os.ReadFile("/proc/locks")
	if err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	inode := ":" + strconv.FormatUint(fi.Sys().(*syscall.Stat_t).Ino, 10)
	for line := range strings.Lines(string(b)) {
		// 1: LEASE ACTIVE READ 123 07:00:12 0 EOF
		w := strings.Fields(line)
		if len(w) > 5 && w[1] == "LEASE" && w[4] == strconv.Itoa(pid) && strings.HasSuffix(w[5], inode) {
			n++
		}
	}
	return n
}

// leased returns a file with a process that holds windows of it.
func leased(t *testing.T) (string, *exec.Cmd) {
	t.Helper()
	v := made(t, volume.Options{Kind: "ext4"})
	name := filepath.Join(v.Dir, "file")
	write(t, name, 16<<20)
	c := holder(t, name)
	if leases(t, c.Process.Pid, name) == 0 {
		t.Fatal("the process holds no lease")
	}
	return name, c
}

// TestKilledProcessBlocksNoWriter: what a killed process held is gone with it.
func TestKilledProcessBlocksNoWriter(t *testing.T) {
	name, c := leased(t)
	c.Process.Kill()
	c.Wait()
	if n := leases(t, c.Process.Pid, name); n != 0 {
		t.Errorf("%d leases are left", n)
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_TRUNC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal("a writer:", err)
	}
	defer f.Close()
	if _, err := f.Write([]byte("x")); err != nil {
		t.Error(err)
	}
}

// TestProcessKilledInABreakBlocksNoWriter: a writer waits for a process that is
// stopped and cannot give up its lease, and goes on when that is killed.
func TestProcessKilledInABreakBlocksNoWriter(t *testing.T) {
	name, c := leased(t)
	if err := c.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	// The first to come begins the break, and need not wait for it.
	if f, err := os.OpenFile(name, os.O_WRONLY|unix.O_NONBLOCK, 0); !errors.Is(err, unix.EWOULDBLOCK) {
		f.Close()
		t.Fatalf("a writer that does not wait: %v", err)
	}
	opened := make(chan error, 1)
	go func() {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_TRUNC, 0)
		opened <- errors.Join(err, f.Close())
	}()
	select {
	case err := <-opened:
		t.Errorf("the writer did not wait: %v", err)
		opened <- nil // for what waits for it below
	case <-time.After(50 * time.Millisecond):
	}
	c.Process.Kill()
	c.Wait()
	select {
	case err := <-opened:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("the writer still waits for a process that is dead")
	}
}

// TestHeldProcessGivesWay is the control of the two above: a process that lives
// gives its lease up and goes on reading what the writer leaves.
func TestHeldProcessGivesWay(t *testing.T) {
	name, c := leased(t)
	began := time.Now()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	t.Logf("the writer waited %v", time.Since(began))
	if n := leases(t, c.Process.Pid, name); n != 0 {
		t.Errorf("it holds %d leases while there is a writer", n)
	}
	if err := c.Process.Signal(unix.Signal(0)); err != nil {
		t.Error("the process has ended:", err)
	}
	if _, err := io.Copy(io.Discard, io.NewSectionReader(f, 0, 1<<20)); err != nil {
		t.Error(err)
	}
}
