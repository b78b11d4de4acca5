package main

import (
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPattern: what is written, cut, grown and torn belongs where it is, and
// the same bytes anywhere else, or in another file, do not.
func TestPattern(t *testing.T) {
	p := make([]byte, 4096)
	fill(p, 3, 1<<20, stamp(5, 6))
	q := make([]byte, 4096)
	fill(q, 3, 1<<20, stamp(7, 8))
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		cut := rng.IntN(len(p))
		torn := append(p[:cut:cut], q[cut:]...)
		clear(torn[rng.IntN(len(p)):][:1])
		lo := rng.IntN(len(p))
		if i := misplaced(torn[lo:], 0, len(p)-lo, 3, 1<<20+int64(lo)); i >= 0 {
			t.Fatalf("byte %d does not belong there", i)
		}
	}
	for _, off := range []int64{0, 1<<20 + 8, 1<<20 + 4096, 1<<20 - 1} {
		if misplaced(p, 0, len(p), 3, off) < 0 {
			t.Errorf("it belongs at %d as well", off)
		}
	}
	if misplaced(p, 0, len(p), 4, 1<<20) < 0 {
		t.Error("it belongs to another file as well")
	}
	if got := strings.Join(stamps(append(p[3:16:16], make([]byte, 16)...), 1<<20+3), "; "); got != "writer 5, write 6; zeros" {
		t.Errorf("it was written by %s", got)
	}
}

func TestFileSizes(t *testing.T) {
	s := fileSizes(7, 1<<20, 64<<20)
	for i, n := range s {
		if want := int64(1<<20) << i; n%4096 == 0 || n < want-4096 || n > want+4096 {
			t.Errorf("file %d has %d bytes", i, n)
		}
	}
	if s := fileSizes(1, 1<<20, 64<<20); len(s) != 1 || s[0] < 64<<20 {
		t.Errorf("one file of %v bytes", s)
	}
}

func TestListsLease(t *testing.T) {
	const locks = `1: POSIX  ADVISORY  WRITE 100 07:10:12 0 EOF
2: LEASE  ACTIVE    READ  101 07:10:13 0 EOF
2: -> LEASE  BREAKING  READ  101 07:10:14 0 EOF
3: LEASE  ACTIVE    READ  102 00:2a:15 0 EOF
`
	disk, none := unix.Mkdev(7, 16), unix.Mkdev(0, 99)
	for _, test := range []struct {
		device, inode uint64
		want          bool
	}{
		{disk, 12, false}, {disk, 13, true}, {disk, 14, true}, {disk, 15, false}, {disk, 3, false}, {disk, 1, false},
		{unix.Mkdev(7, 10), 13, false}, {none, 13, false}, {none, 15, true}, {none, 5, false},
	} {
		if got := listsLease(strings.NewReader(locks), test.device, test.inode); got != test.want {
			t.Errorf("a lease on %#x, %d: %v", test.device, test.inode, got)
		}
	}
}
