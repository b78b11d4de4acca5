package ring

import (
	"errors"
	"syscall"
	"testing"
)

func TestAnEntryTellsWhatItIs(t *testing.T) {
	p := make([]byte, 100)
	e := ReadFixed(3, p[10:], 1<<40, 8, 5, 77).With(Async | FixedFile)
	if e.Op() != OpReadFixed || e.FD() != 3 || e.Off() != 1<<40 || e.Len() != 90 || e.OpFlags() != 8 ||
		e.BufIndex() != 5 || e.UserData() != 77 || e.Flags() != Async|FixedFile {
		t.Errorf("%+v", e)
	}
	if b := e.Buffer(); len(b) != 90 || &b[0] != &p[10] {
		t.Errorf("Buffer = %d bytes", len(b))
	}
	if e := Read(3, p, -1, 0, 0); e.Off() != -1 {
		t.Errorf("offset %d, want -1", e.Off())
	}
	if e := Cancel(1<<63+1, 2); e.Target() != 1<<63+1 || e.UserData() != 2 || e.Buffer() != nil {
		t.Errorf("%+v", e)
	}
	if e := Fsync(4, FsyncData, 9); e.Op() != OpFsync || e.OpFlags() != FsyncData || e.FD() != 4 {
		t.Errorf("%+v", e)
	}
	if e := Read(3, nil, 0, 0, 0); e.Len() != 0 || len(e.Buffer()) != 0 {
		t.Errorf("no buffer: %+v", e)
	}
}

// TestABufferIsNeverOnTheStack would be wrong without anything else noticing it:
// a stack that grows moves, and the kernel writes where it was.
func TestABufferIsNeverOnTheStack(t *testing.T) {
	var e Entry
	if n := testing.AllocsPerRun(100, func() {
		var p [64]byte
		e = Read(0, p[:], 0, 0, 0)
	}); n != 1 {
		t.Errorf("%v allocations for a buffer, want 1", n)
	}
	p := make([]byte, 64)
	if n := testing.AllocsPerRun(100, func() { e = Write(0, p, 0, 0, 0) }); n != 0 {
		t.Errorf("%v allocations for an entry, want 0", n)
	}
	_ = e
}

func TestACompletionTellsWhatItIs(t *testing.T) {
	for _, s := range []struct {
		c   Completion
		err error
		n   int
	}{
		{Completion{Res: 0}, nil, 0},
		{Completion{Res: 4096}, nil, 4096},
		{Completion{Res: -int32(syscall.EBADF)}, syscall.EBADF, 0},
	} {
		if err := s.c.Err(); !errors.Is(err, s.err) || s.c.N() != s.n || !s.c.Terminal() {
			t.Errorf("%+v: %d, %v", s.c, s.c.N(), err)
		}
	}
	if c := (Completion{Flags: cqeMore}); c.Terminal() {
		t.Error("a completion with more to come is terminal")
	}
}

func TestNamesOfOperations(t *testing.T) {
	names := map[string]Op{}
	for op := range Op(64) {
		if other, ok := names[op.String()]; ok {
			t.Errorf("%d and %d are both %q", op, other, op.String())
		}
		names[op.String()] = op
	}
	for name, op := range map[string]Op{"read": OpRead, "write fixed": OpWriteFixed, "cancel": OpAsyncCancel, "op 63": 63} {
		if names[name] != op {
			t.Errorf("%q is %d, want %d", name, names[name], op)
		}
	}
}
