package main

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

// A fakeEngine serves files from memory in windows cut anywhere, one byte ones
// among them, and fails where it is told to.
type fakeEngine struct {
	files   map[string]fakeFile
	opened  atomic.Int64
	inUse   atomic.Int64 // inputs and windows
	closed  atomic.Bool
	options engineOptions
}

// fakeFile is what one name stands for.
type fakeFile struct {
	data []byte
	err  error  // what comes after data instead of the end
	open error  // what open returns
	hang bool   // after data nothing comes until the context ends
	hung func() // if not nil, called when that begins
}

func (e *fakeEngine) open(ctx context.Context, path string) (input, error) {
	f, ok := e.files[path]
	switch {
	case !ok:
		return nil, &window.Error{Op: "open", Path: path, Err: fs.ErrNotExist}
	case f.open != nil:
		return nil, &window.Error{Op: "open", Path: path, Err: f.open}
	}
	e.opened.Add(1)
	e.inUse.Add(1)
	return &fakeInput{e: e, path: path, f: f, r: rand.New(rand.NewPCG(uint64(len(f.data)), 9))}, nil
}

func (e *fakeEngine) probe(path string) (source.Capabilities, error) {
	if _, ok := e.files[path]; !ok {
		return source.Capabilities{}, &window.Error{Op: "probe", Path: path, Err: fs.ErrNotExist}
	}
	return source.Capabilities{Path: path, FileSystem: "fakefs"}, nil
}

func (e *fakeEngine) close() error {
	e.closed.Store(true)
	return nil
}

type fakeInput struct {
	e    *fakeEngine
	path string
	f    fakeFile
	r    *rand.Rand
	pos  int
	n    int // windows so far
}

// ReadManaged copies the next bytes, so that a slice kept too long is wrong.
func (i *fakeInput) ReadManaged(ctx context.Context) (window.Window, error) {
	fail := func(err error) (window.Window, error) {
		return window.Window{}, &window.Error{Op: "read", Path: i.path, Off: int64(i.pos), Err: err}
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	rest := i.f.data[i.pos:]
	if len(rest) == 0 {
		switch {
		case i.f.hang:
			if i.f.hung != nil {
				i.f.hung()
			}
			<-ctx.Done()
			return fail(ctx.Err())
		case i.f.err != nil:
			return fail(i.f.err)
		}
		return window.Window{}, io.EOF
	}
	p := bytes.Clone(rest[:1+i.r.IntN(min(len(rest), 300))])
	w := window.New(&fakeBacking{i.e, p, i.sourceOf(i.n)}, nil, p, int64(i.pos))
	i.e.inUse.Add(1)
	i.pos += len(p)
	i.n++
	return w, nil
}

// sourceOf is "pread", and "mmap" for every other window of a path that says so.
func (i *fakeInput) sourceOf(n int) string {
	if strings.Contains(i.path, "changing") && n%2 == 1 {
		return "mmap"
	}
	return "pread"
}

func (i *fakeInput) seek(off int64) error {
	if strings.Contains(i.path, "pipe") {
		return window.ErrUnsupported
	}
	i.pos = int(min(off, int64(len(i.f.data))))
	return nil
}

func (i *fakeInput) source() string { return "pread" }

func (i *fakeInput) explain() source.Explanation {
	return source.Explanation{Name: i.path, Source: "pread", Why: "a fake", Stats: source.Stats{Reads: int64(i.n), Bytes: int64(i.pos)}}
}

func (i *fakeInput) waited() time.Duration { return time.Millisecond }

func (i *fakeInput) close() error {
	i.e.inUse.Add(-1)
	return nil
}

type fakeBacking struct {
	e      *fakeEngine
	p      []byte
	source string
}

func (b *fakeBacking) Free() {
	clear(b.p)
	b.e.inUse.Add(-1)
}

func (b *fakeBacking) Describe() window.Info {
	return window.Info{Residency: window.Private, Source: b.source}
}

// outcome is what a run of the command gave.
type outcome struct {
	status         int
	stdout, stderr string
}

// runFake runs the command on e and checks that nothing is left behind.
func runFake(t *testing.T, ctx context.Context, e *fakeEngine, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr}
	a.newEngine = func(o engineOptions) (engine, error) {
		e.options = o
		return e, nil
	}
	status := a.run(ctx, args)
	if n := e.inUse.Load(); n != 0 {
		t.Errorf("%d inputs or windows were not given back", n)
	}
	if e.opened.Load() > 0 && !e.closed.Load() {
		t.Error("the engine was not closed")
	}
	return outcome{status, stdout.String(), stderr.String()}
}

// runReal runs the command on the library, with stdin as standard input.
func runReal(t *testing.T, stdin io.Reader, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), args, stdin, &stdout, &stderr)
	return outcome{status, stdout.String(), stderr.String()}
}
