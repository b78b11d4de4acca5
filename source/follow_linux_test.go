package source

import (
	"math/rand/v2"
	"testing"

	"github.com/oriel-go/oriel/internal/probe"
)

const (
	followBytes = 64 << 20  // of which what the kernel reads ahead is a part only
	followStep  = 512 << 10 // of reads
	followRead  = 64 << 10
)

// followed opens a cold file whose reads at offsets can be followed.
func followed(t *testing.T, rt *Runtime, o Options) (*File, []byte) {
	t.Helper()
	text := random(followBytes)
	name := write(t, text)
	cold(t, name)
	o.Runtime = rt
	f := openAt(t, name, &o)
	if !f.pread.nowait.Load() {
		t.Skip("this file system cannot tell what is resident")
	}
	return f, text
}

// cachedAt reports whether the page cache has, or is being given, all of a range.
func cachedAt(t testing.TB, f *File, off int64, n int) bool {
	t.Helper()
	pages, of, err := probe.Cached(f.pread.fd, off, int64(n))
	if err != nil {
		t.Skip("it cannot be told what is cached: ", err)
	}
	return pages == of
}

// Reads at offsets that go down, or are evenly spaced, have what they will come to
// brought into the page cache before they ask.
func TestReadsAtOffsetsAreFollowed(t *testing.T) {
	for _, tt := range []struct {
		what     string
		at, step int64
	}{
		{"backwards", followBytes - followRead, -followRead},
		{"strides", 0, followStep},
		{"strides that are odd", 5, followStep + 12345},
		{"strides downwards", followBytes - followRead, -followStep},
	} {
		t.Run(tt.what, func(t *testing.T) {
			f, text := followed(t, newRuntime(t, Limits{LockBytes: -1}), Options{})
			reads, there, last := 0, 0, int64(0)
			for off := tt.at; off >= 0 && off+followRead <= followBytes; off += tt.step {
				if cachedAt(t, f, off, followRead) {
					there++
				}
				wantAt(t, f, text, off, followRead)
				reads++
				last = off
			}
			s := f.Stats()
			if there < reads/2 {
				t.Errorf("of %d reads %d were there before they were asked for; %+v", reads, there, s)
			}
			if s.AheadBytes == 0 || s.AheadBytes > followBytes {
				t.Errorf("%d bytes are counted as read ahead, of %d that were read down to %d", s.AheadBytes, reads*followRead, last)
			}
		})
	}
}

// Nothing is asked of the kernel before the beginning or behind the end, which
// would be refused or count what cannot be read.
func TestHintsStayInTheFile(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: -1})
	f, text := followed(t, rt, Options{})
	for off := int64(20 * followRead); off >= 0; off -= followRead { // to the very beginning
		wantAt(t, f, text, off, followRead)
	}
	if n := f.Stats().AheadBytes; n > 20*followRead {
		t.Errorf("%d bytes were hinted below %d", n, 20*followRead)
	}
	before := f.Stats().AheadBytes
	const from = followBytes - 20*followStep
	for off := int64(from); off < followBytes; off += followStep { // over the end
		wantAt(t, f, text, off, followRead)
	}
	if n := f.Stats().AheadBytes - before; n > 20*followRead {
		t.Errorf("%d bytes were hinted above %d, of which %d are in the stride", n, from, 20*followRead)
	}
}

// Of reads here and there, of those that are declared to be so, and of those from
// front to back, which the kernel reads ahead of itself, nothing is asked.
func TestNothingIsHintedOfRandomReads(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	var at []int64
	for range 200 {
		at = append(at, rnd.Int64N(followBytes-followRead))
	}
	var inOrder []int64
	for off := int64(0); off < 200*followRead; off += followRead {
		inOrder = append(inOrder, off)
	}
	down := make([]int64, len(inOrder))
	for i, off := range inOrder {
		down[len(down)-1-i] = off
	}
	for _, tt := range []struct {
		what    string
		pattern Pattern
		reads   []int64
		most    int64 // bytes: chance may look like an order for a moment
	}{
		{"here and there", Detect, at, 4 * followRead},
		{"here and there, declared", Random, at, 0},
		{"backwards, declared to be random", Random, down, 0},
		{"in order", Detect, inOrder, 0},
	} {
		t.Run(tt.what, func(t *testing.T) {
			f, text := followed(t, newRuntime(t, Limits{LockBytes: -1}), Options{Pattern: tt.pattern})
			for _, off := range tt.reads {
				wantAt(t, f, text, off, followRead)
			}
			if n := f.Stats().AheadBytes; n > tt.most {
				t.Errorf("%d bytes were hinted", n)
			}
		})
	}
}

// A Reader that is moved backwards window by window is followed as well.
func TestAReaderThatGoesBackIsFollowed(t *testing.T) {
	const windowBytes = 256 << 10
	f, text := followed(t, newRuntime(t, Limits{LockBytes: -1}), Options{WindowBytes: windowBytes})
	r := f.NewReader(nil)
	defer r.Close()
	reads, there := 0, 0
	for off := int64(followBytes - windowBytes); off >= 0; off -= windowBytes {
		if cachedAt(t, f, off, windowBytes) {
			there++
		}
		windowsAt(t, r, text, off, 1)
		r.drop() // it may have taken the first windows for the beginning of a pass
		reads++
	}
	if there < reads/2 {
		t.Errorf("of %d windows %d were there before they were asked for; %+v, %+v", reads, there, r.Stats(), f.Stats())
	}
	if n := f.Stats().AheadBytes + r.Stats().AheadBytes; n == 0 || n > followBytes {
		t.Errorf("%d bytes are counted as read ahead", n)
	}
}

// What is in memory is not asked of anybody.
func TestNothingIsHintedOfAFileInMemory(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: -1})
	text := random(planBytes)
	f := openAt(t, sharedMemory(t, text), &Options{Runtime: rt})
	for off := int64(planBytes - followRead); off > 0; off -= followRead {
		wantAt(t, f, text, off, followRead)
	}
	if n := f.Stats().AheadBytes; n != 0 {
		t.Errorf("%d bytes were hinted", n)
	}
}
