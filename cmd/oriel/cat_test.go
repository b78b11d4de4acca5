package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/window"
)

func TestCatRangesOfFilesAndPipes(t *testing.T) {
	data := randomText(rand.New(rand.NewPCG(1, 1)), 3000, "")
	e := &fakeEngine{files: map[string]fakeFile{"file": {data: data}, "pipe": {data: data}}}
	for _, c := range []struct {
		part   string
		lo, hi int
	}{
		{"0", 0, 3000}, {"0:0", 0, 0}, {"0:1", 0, 1}, {"299:2", 299, 301}, {"1k:1k", 1024, 2048},
		{"2999:1", 2999, 3000}, {"2999:", 2999, 3000}, {"2000:5000", 2000, 3000},
		{"3000:1", 0, 0}, {"1T:1T", 0, 0}, {"9223372036854775807:5", 0, 0}, {"5:9223372036854775807", 5, 3000},
	} {
		for name := range e.files {
			got := runFake(t, t.Context(), e, "cat", "--range", c.part, name)
			if got.status != exitFine || got.stderr != "" || got.stdout != string(data[c.lo:c.hi]) {
				t.Errorf("--range %s %s: status %d, %d bytes, want [%d:%d)", c.part, name, got.status, len(got.stdout), c.lo, c.hi)
			}
		}
	}
}

func TestCatReadsTheRest(t *testing.T) {
	e := &fakeEngine{files: map[string]fakeFile{
		"a": {data: []byte("one")}, "torn": {data: []byte("two"), err: fs.ErrInvalid}, "b": {data: []byte("three")},
	}}
	got := runFake(t, t.Context(), e, "cat", "a", "none", "torn", "b")
	want := outcome{exitUnread, "onetwothree", "oriel: open none: file does not exist\noriel: read torn [3): invalid argument\n"}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestCatRefused(t *testing.T) {
	e := &fakeEngine{files: map[string]fakeFile{"a": {open: window.ErrRefused}, "b": {data: []byte("b")}}}
	if got := runFake(t, t.Context(), e, "cat", "--source", "pread", "a", "none", "b"); got.status != exitUsage || got.stdout != "b" {
		t.Errorf("%+v", got)
	}
}

func TestCatInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	e := &fakeEngine{files: map[string]fakeFile{"a": {data: []byte("one"), hang: true}}}
	stdout := writerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })
	var stderr strings.Builder
	a := &app{stdout: stdout, stderr: &stderr, newEngine: func(engineOptions) (engine, error) { return e, nil }}
	if status := a.run(ctx, []string{"cat", "a", "a"}); status != exitInterrupted || stderr.String() != "oriel: interrupted\n" {
		t.Errorf("%d %q", status, stderr.String())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestCatOutputFails(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		stderr string
	}{
		{brokenPipe(t), exitFine, ""},
		{errors.New("disk full"), exitUnread, "oriel: standard output: disk full\n"},
	} {
		e := &fakeEngine{files: map[string]fakeFile{"a": {data: make([]byte, 1000)}}}
		var stderr strings.Builder
		a := &app{stdout: &fullWriter{10, c.err}, stderr: &stderr, newEngine: func(engineOptions) (engine, error) { return e, nil }}
		status := a.run(t.Context(), []string{"cat", "a", "a"})
		if status != c.status || stderr.String() != c.stderr || e.opened.Load() != 1 || e.inUse.Load() != 0 {
			t.Errorf("%v: %d %q, %d opened, %d in use", c.err, status, stderr.String(), e.opened.Load(), e.inUse.Load())
		}
	}
}

func TestCatOnTheLibrary(t *testing.T) {
	grow(t, "empty", "big")
	data := randomText(rand.New(rand.NewPCG(2, 2)), 1<<20+77, "")
	if err := errors.Join(os.WriteFile("big", data, 0o666), os.WriteFile("empty", nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		want []byte
	}{
		{"big", data},
		{"big empty -", append(bytes.Clone(data), "standard input"...)},
		{"--range 1M: big", data[1<<20:]},
		{"--range 4095:2 --window 4k --source pread big", data[4095:4097]},
		{"--range 2M:1 big", nil},
		{"--range 9:", []byte("input")},
		{"", []byte("standard input")},
	} {
		got := runReal(t, strings.NewReader("standard input"), append([]string{"cat"}, strings.Fields(c.args)...)...)
		if got.status != exitFine || got.stdout != string(c.want) {
			t.Errorf("cat %s: %d, %d bytes, %s", c.args, got.status, len(got.stdout), got.stderr)
		}
	}
}

// TestCatWritesWindows: no byte is copied on its way, so what is written is as
// long as a window.
func TestCatWritesWindows(t *testing.T) {
	grow(t, "big")
	if err := os.WriteFile("big", make([]byte, 64<<10), 0o666); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	a := &app{stdout: writerFunc(func(p []byte) (int, error) { sizes = append(sizes, len(p)); return len(p), nil }), stderr: os.Stderr}
	a.newEngine = a.newLibrary
	a.run(t.Context(), []string{"cat", "--window", "16k", "--range", "1:40k", "big"})
	if got, want := fmt.Sprint(sizes), fmt.Sprint([]int{16383, 16384, 8193}); got != want {
		t.Errorf("writes of %s bytes, want %s", got, want)
	}
}
