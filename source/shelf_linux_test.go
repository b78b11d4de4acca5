package source

import (
	"sync/atomic"
	"testing"

	"github.com/oriel-go/oriel/uringsrc/uringtest"
)

// What was read past the page cache is nowhere but with the Reader: one that goes
// back keeps it, as it does what a Fetcher gave.
func TestGoingBackReadsNothingTwicePastTheCache(t *testing.T) {
	var direct atomic.Int64
	rt, _ := simulated(t, Limits{LockBytes: -1}, 1, uringtest.Options{Content: func(fd int, p []byte, off int64) (int, error) {
		if isDirect(fd) {
			direct.Add(int64(len(p)))
		}
		return uringtest.Pread(fd, p, off)
	}})
	text := random(planBytes)
	name := write(t, text)
	cold(t, name)
	const windowBytes = DirectWindowBytes // in smaller ones it would not be read past the cache
	f := openAt(t, name, &Options{Runtime: rt, Pattern: Once, WindowBytes: windowBytes})
	r := f.NewReader(nil)
	defer r.Close()
	windowsAt(t, r, text, 0, 4)
	if k := r.Explain().Facts; k.NoDirect+k.NoRing != "" {
		t.Skip("this file is not read past the page cache here: ", k.NoDirect, k.NoRing)
	}
	if direct.Load() == 0 {
		t.Fatalf("the file is not read past the page cache:\n%s", r.Explain())
	}
	windowsAt(t, r, text, 0, 4) // read again, and kept from now on
	r.drop()                    // what is ahead
	before := direct.Load()
	for range 3 {
		windowsAt(t, r, text, 0, 4)
		r.drop()
	}
	if n := direct.Load() - before; n > 3*8<<20 { // what was read ahead behind the last one, each time
		t.Errorf("%d bytes were read again", n)
	}
	reads := f.Stats().Ringed + r.Stats().Ringed
	windowsAt(t, r, text, windowBytes, 1)
	if n := f.Stats().Ringed + r.Stats().Ringed; n != reads {
		t.Errorf("a window that is kept was read through the ring")
	}
	r.Close()
	// What was being read then comes back when the kernel is done with it.
	waitFor(t, "the memory", func() bool { return rt.Stats().Memory.InUseBytes == 0 })
}

// What the page cache has is not kept twice.
func TestWhatTheCacheHasIsNotKept(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: -1})
	text := random(planBytes)
	name := write(t, text)
	warm(t, name)
	r := openAt(t, name, &Options{Runtime: rt, Pattern: Reuse}).NewReader(nil)
	defer r.Close()
	windowsAt(t, r, text, 0, 4)
	windowsAt(t, r, text, 0, 4)
	if n := len(r.shelf.kept); n != 0 {
		t.Errorf("%d windows are kept", n)
	}
}
