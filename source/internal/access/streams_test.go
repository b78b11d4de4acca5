package access

import "testing"

// A stream that has lasted is not pushed out by others that have only begun,
// though it was read before them.
func TestLongStreamsOutliveShortOnes(t *testing.T) {
	const n, far = 64 << 10, 1 << 32
	var s Streams
	s.Set(Limits{WindowBytes: 256 << 10, MaxBytes: 1 << 20})
	off := int64(1 << 30)
	for range longRun + armSteps + 1 {
		s.Read(off, n, Waited)
		off -= n
	}
	for i := range int64(3 * maxStreams) {
		s.Read((i*i+1)*far, n, Hit)
		s.Read((i*i+1)*far+n, n, Hit)
	}
	s.Read(off, n, Waited)
	if got := s.list[s.last].det.run; s.strays&1 != 0 || got <= longRun {
		t.Errorf("the stream has lasted for %d reads", got)
	}
	// Of those that have only begun, the latest are followed.
	last := int64(3*maxStreams - 1)
	s.Read((last*last+1)*far+2*n, n, Hit)
	if s.strays&1 != 0 || s.list[s.last].det.order != Sequential {
		t.Error("the latest stream is not followed")
	}
	s.Read(far+2*n, n, Hit)
	if s.strays&1 == 0 {
		t.Error("the first of the short streams is still followed")
	}
}
