package interop

import (
	"context"
	"io"
	"testing"

	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
	"github.com/oriel-go/oriel/window/windowtest"
)

// A store is a third party's source: it gives at most part bytes at a time, as
// an object store does.
type store struct {
	objects []byte
	part    int // 0: everything at once
}

func (s *store) Name() string { return "store" }

func (s *store) Size() int64 { return int64(len(s.objects)) }

func (s *store) Fetch(ctx context.Context, p []byte, off int64) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if s.part > 0 && len(p) > s.part {
		p = p[:s.part]
	}
	n := copy(p, s.objects[off:])
	if off+int64(n) == s.Size() {
		return n, io.EOF
	}
	return n, nil
}

// TestFetcherKeepsTheContract runs the conformance suite over a File and a
// Reader that a third party's Fetcher fills.
func TestFetcherKeepsTheContract(t *testing.T) {
	for name, part := range map[string]int{"Whole": 0, "Parts": 10_000} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			open := func(t testing.TB, p []byte) *source.File {
				f := source.New(&store{p, part}, o)
				t.Cleanup(func() {
					if err := f.Close(); err != nil {
						t.Error(err)
					}
				})
				return f
			}
			windowtest.Run(t, windowtest.Source{
				Reader: func(t testing.TB, p []byte) window.Reader {
					r := open(t, p).NewReader(nil)
					t.Cleanup(func() {
						if err := r.Close(); err != nil {
							t.Error(err)
						}
					})
					return r
				},
				ReaderAt:  func(t testing.TB, p []byte) window.ReaderAt { return open(t, p) },
				HeldBytes: func() int64 { return o.Runtime.Stats().Memory.InUseBytes },
			})
		})
	}
}
