package hostile

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/oriel-go/oriel/bench/slowfs"
	"github.com/oriel-go/oriel/source"
)

// TestPlanOnFUSE: a file system whose server may be anywhere is read by pread,
// as far ahead as that has to wait, and Explain says why it is not mapped. A server
// that becomes ten times slower, and quick again, loses nothing.
func TestPlanOnFUSE(t *testing.T) {
	const size, slow, quick = 24 << 20, 8 << 20, 16 << 20
	fuse := mounted(t, slowfs.Options{SyntheticBytes: size})
	evict(t, fuse.Synthetic)
	set(t, fuse, slowfs.Rules{Delay: 200 * time.Microsecond})
	rt := newRuntime(t, source.Limits{})
	r, err := source.OpenReader(within(t), fuse.Synthetic, &source.Options{Runtime: rt})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for at := int64(0); ; {
		w, err := r.ReadManaged(within(t))
		if err == io.EOF && at == size {
			break
		}
		if err != nil || w.Off() != at {
			t.Fatalf("at %d: %v, %v", at, w, err)
		}
		wantContent(t, w)
		before := at
		at += int64(w.Len())
		w.Release()
		switch {
		case before < slow && at >= slow:
			set(t, fuse, slowfs.Rules{Delay: 2 * time.Millisecond})
		case before < quick && at >= quick:
			set(t, fuse, slowfs.Rules{Delay: 200 * time.Microsecond})
		}
	}
	e := r.Explain()
	if e.Source != source.Pread.String() || e.Facts == nil || e.Facts.FileSystem != "FUSE" || e.Facts.Remote != "yes" || e.AheadBytes < 1<<20 {
		t.Fatalf("the plan is\n%s", e)
	}
	if !strings.Contains(e.Facts.NoGuard, "nothing is known to keep a file still on FUSE") || !strings.Contains(e.String(), e.Facts.NoGuard) {
		t.Errorf("why it is not mapped: %q", e.Facts.NoGuard)
	}
	if s := r.Stats(); s.Waits == 0 || s.AheadBytes == 0 || s.Bytes != size {
		t.Errorf("%+v", s)
	}
}
