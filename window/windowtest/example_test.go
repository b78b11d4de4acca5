package windowtest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/oriel-go/oriel/window"
	"github.com/oriel-go/oriel/window/windowtest"
)

// A source is tested with one call.
func Example() {
	_ = func(t *testing.T) { // func TestContract(t *testing.T)
		mem := windowtest.NewMemory(false)
		windowtest.Run(t, windowtest.Source{
			ReaderAt: func(t testing.TB, content []byte) window.ReaderAt {
				r := windowtest.NewModelIn(mem, content, 4096)
				t.Cleanup(func() { r.Close() })
				return r
			},
			HeldBytes: mem.HeldBytes,
		})
	}
}

// A consumer is tested against input that fails.
func ExampleErrAfter() {
	source := windowtest.NewModel([]byte("some content"), 8)
	r := windowtest.ErrAfter(source, 10, errors.New("the disk is on fire"))
	for {
		w, err := r.ReadManaged(context.Background())
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Printf("%v %q\n", w, w.Bytes())
		w.Release()
	}
	r.Close()
	fmt.Println(source.HeldBytes(), "bytes held")
	// Output:
	// window[0:8) "some con"
	// window[8:10) "te"
	// read windowtest [10): the disk is on fire
	// 0 bytes held
}
