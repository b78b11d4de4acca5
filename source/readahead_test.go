package source

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oriel-go/oriel/window"
)

func TestAReaderThatWaitsReadsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{})
		const windows, latency = 20, 10 * time.Millisecond
		text := random(windows * 4 << 10)
		f := New(liar{func(p []byte, off int64) (int, error) {
			time.Sleep(latency)
			return copy(p, text[off:]), nil
		}, func() int64 { return int64(len(text)) }}, &Options{Runtime: rt, WindowBytes: 4 << 10})
		defer f.Close()
		took := func(p Pattern) (time.Duration, Stats) {
			r := f.NewReader(&Options{Pattern: p})
			defer r.Close()
			began := time.Now()
			for range windows {
				w, err := r.ReadManaged(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if n := rt.Stats().Memory.InUseBytes; n > (windows/3+1)*4<<10 {
					t.Fatalf("%d bytes in use, want a window and a third of what was read", n)
				}
				time.Sleep(latency) // what the consumer does with it
				w.Release()
			}
			return time.Since(began), r.Stats()
		}
		if d, s := took(Detect); d != (windows+1)*latency || s.AheadBytes != int64(len(text))-4<<10 || s.WastedBytes != 0 {
			t.Errorf("with read-ahead %d windows took %v, want %v; %+v", windows, d, (windows+1)*latency, s)
		}
		if d, s := took(Random); d != 2*windows*latency || s.AheadBytes != 0 {
			t.Errorf("without read-ahead %d windows took %v, want %v; %+v", windows, d, 2*windows*latency, s)
		}
	})
}

func TestWhatWasReadAheadInVainIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{})
		text := random(100_000)
		f := New(liar{func(p []byte, off int64) (int, error) {
			time.Sleep(time.Millisecond)
			return copy(p, text[off:]), nil
		}, func() int64 { return int64(len(text)) }}, &Options{Runtime: rt, WindowBytes: 4 << 10})
		r := f.NewReader(nil)
		for range 3 {
			w, err := r.ReadManaged(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w.Release()
		}
		r.Close()
		if s := r.Stats(); s.AheadBytes != 3*4<<10 || s.WastedBytes != 4<<10 {
			t.Errorf("three windows taken: %d bytes read ahead, %d in vain, want 12288 and 4096", s.AheadBytes, s.WastedBytes)
		}
		f.Close()
		if s := f.Stats(); s.Reads != 3 || s.Bytes != 3*4<<10 || s.WastedBytes != 4<<10 {
			t.Errorf("the File counts %+v", s)
		}
	})
}

func TestACachedFileIsReadWithoutReadAhead(t *testing.T) {
	p := random(1 << 20)
	name := write(t, p)
	rt := newRuntime(t, Limits{})
	var s Stats
	if !tries(func() bool { // whoever has waited, for a page that the machine had dropped, reads ahead
		warm(t, name)
		r := openSeq(t, name, &Options{Runtime: rt, WindowBytes: 16 << 10})
		wantBytes(t, r, p)
		if !r.Explain().NeverWaits {
			t.Skip("this file system cannot tell what is resident")
		}
		s = r.Stats()
		return s.AheadBytes == 0 && s.Waits == 0 && s.Reads == 64
	}) {
		t.Errorf("a file just read: %+v, want 64 reads that did not wait", s)
	}
}

func TestSeekTo(t *testing.T) {
	p := random(100_000)
	for _, r := range []*Reader{
		openSeq(t, write(t, p), &Options{WindowBytes: 8 << 10}),
		New(memoryFetcher(p), &Options{WindowBytes: 8 << 10}).NewReader(nil),
		FromBytes(p, &Options{WindowBytes: 8 << 10}).NewReader(nil),
	} {
		defer r.Close()
		for _, off := range []int64{0, 5, 99_999, 50_000, 4096, 100_000, 200_000, 1} {
			for range 3 { // with a fetch ahead or without
				if err := r.SeekTo(off); err != nil {
					t.Fatal(err)
				}
				w, err := r.ReadManaged(t.Context())
				if off >= 100_000 {
					if w.Release(); err == nil {
						t.Errorf("a read at %d gave a window", off)
					}
					continue
				}
				if err != nil || w.Off() != off || !bytes.Equal(w.Bytes(), p[off:off+int64(w.Len())]) {
					t.Fatalf("a read at %d = %v, %v", off, w, err)
				}
				if end := off + int64(w.Len()); end%Granularity != 0 && end != 100_000 {
					t.Errorf("the window behind a seek to %d ends at %d, want a multiple of %d", off, end, Granularity)
				}
				w.Release()
			}
		}
		if err := r.SeekTo(0); err != nil {
			t.Fatal(err)
		}
		wantBytes(t, r, p)
	}
	r := NewStream(bytes.NewReader(p), nil)
	defer r.Close()
	wantError(t, r.SeekTo(0), window.ErrUnsupported, "seek", "", 0)
	_, err := r.ReadManagedAt(t.Context(), 5, 10)
	wantError(t, err, window.ErrUnsupported, "read", "", 5)
}

func TestReadersOfOneFileAreIndependent(t *testing.T) {
	p := random(200_000)
	f := openAt(t, write(t, p), &Options{WindowBytes: 4 << 10})
	a, b := f.NewReader(nil), f.NewReader(&Options{WindowBytes: 16 << 10})
	defer a.Close()
	defer b.Close()
	wantBytes(t, a, p)
	wantBytes(t, b, p)
	if a.WindowSize() != 4<<10 || b.WindowSize() != 16<<10 {
		t.Errorf("window sizes %d and %d", a.WindowSize(), b.WindowSize())
	}
}

func TestSkipGoesOnFromWhereTheReaderIs(t *testing.T) {
	p := random(1 << 20)
	r := openSeq(t, write(t, p), nil)
	if err := r.SeekTo(500_000); err != nil {
		t.Fatal(err)
	}
	c := window.NewCursor(t.Context(), r, nil)
	defer c.Close()
	if err := c.Skip(100); err != nil {
		t.Fatal(err)
	}
	if b, err := c.Peek(10); err != nil || b.Off() != 500_100 || !bytes.Equal(b.Bytes(), p[500_100:500_110]) {
		t.Errorf("behind a seek to 500000 and a skip of 100: %v, %v", b, err)
	}
	if err := c.Skip(500_000); err != nil { // by a seek
		t.Fatal(err)
	}
	if b, err := c.Peek(10); err != nil || b.Off() != 1_000_100 || !bytes.Equal(b.Bytes(), p[1_000_100:1_000_110]) {
		t.Errorf("behind a skip of 500000: %v, %v", b, err)
	}
}

func TestAPollerReadsAheadToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{})
		text := random(40_000)
		f := New(liar{func(p []byte, off int64) (int, error) {
			time.Sleep(time.Millisecond)
			return copy(p, text[off:]), nil
		}, func() int64 { return int64(len(text)) }}, &Options{Runtime: rt, WindowBytes: 4 << 10})
		defer f.Close()
		r := f.NewReader(nil)
		defer r.Close()
		for got := 0; got < len(text); {
			w, err := r.TryReadManaged(t.Context())
			if errors.Is(err, window.ErrNotReady) {
				<-r.Ready()
				continue
			}
			if err != nil || !bytes.Equal(w.Bytes(), text[got:got+w.Len()]) {
				t.Fatal(w, err)
			}
			got += w.Len()
			w.Release()
		}
		if s := r.Stats(); s.AheadBytes != int64(len(text))-4<<10 || s.WastedBytes != 0 {
			t.Errorf("%+v, want all but the first window read ahead", s)
		}
	})
}
