package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// beyondLimit is how much longer than its plan a stage's process may take, for
// making files and for the last calls of attackers.
const beyondLimit = comeBackLimit + 45*time.Second

// A crashError: the process of a stage did not end as it should.
type crashError struct {
	err  error
	said string // the beginning of what it wrote to standard error
}

func (e *crashError) Error() string { return fmt.Sprintf("its process died: %v", e.err) }
func (e *crashError) Unwrap() error { return e.err }

// byRace reports whether a process ended because the race detector failed it.
func (e *crashError) byRace() bool { return strings.Contains(e.said, "WARNING: DATA RACE") }

// start runs a stage in a process of program and returns its account, which
// there may be with an error: the race detector fails a process at its end. It
// returns when the attackers have gone as well: they have its standard error.
func start(ctx context.Context, program string, p *plan, stderr io.Writer) (*account, error) {
	config, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	timed, end := context.WithTimeout(ctx, p.Limit+beyondLimit)
	defer end()
	c := exec.CommandContext(timed, program, stageMarker, string(config))
	c.WaitDelay = 10 * time.Second
	if _, set := os.LookupEnv("GORACE"); !set && !p.UntilBroken {
		c.Env = append(os.Environ(), "GORACE=halt_on_error=1") // one race is enough, and often told a thousand times
	}
	if p.User != 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: p.User, Gid: p.User}}
	}
	var stdout bytes.Buffer
	log := &headWriter{w: stderr}
	c.Stdout, c.Stderr = &stdout, log
	leash, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	defer leash.Close()
	err = c.Run()
	if ctx.Err() != nil {
		return nil, errInterrupted
	}
	if timed.Err() != nil {
		err = errors.Join(fmt.Errorf("it did not end by itself within %v", p.Limit+beyondLimit), err)
	}
	a := &account{}
	if json.Unmarshal(stdout.Bytes(), a) != nil {
		a = nil
		err = cmp.Or(err, errors.New("it reported nothing"))
	}
	if err != nil {
		err = &crashError{err, log.head.String()}
	}
	return a, err
}

var errInterrupted = errors.New("interrupted")

// A headWriter writes to w, and keeps the first of what it was given.
type headWriter struct {
	w    io.Writer
	head bytes.Buffer
}

func (h *headWriter) Write(p []byte) (int, error) {
	const most = 64 << 10
	h.head.Write(p[:min(len(p), max(most-h.head.Len(), 0))])
	return h.w.Write(p)
}
