package window

import "fmt"

// A WriteWindow is owned, writable memory on its way to a [Writer]. Copies of
// it stand for the same window, as with [Window]: one CommitWrite or one Abort
// among all copies ends it, and a use after that panics, except for Abort,
// which does nothing then and so can be deferred.
type WriteWindow struct{ w Window }

// NewWrite makes a write window of the buffer b, which lives in memory of kind
// m, nil for [Heap]. It is how every Writer makes windows.
func NewWrite(b Buffer, m Memory) WriteWindow { return WriteWindow{New(b, m, b.Bytes(), 0)} }

// Bytes returns the memory to be filled: len is what was begun, cap == len,
// and the contents are arbitrary. It is lent until CommitWrite or Abort.
func (w WriteWindow) Bytes() []byte { return w.w.Bytes() }

// Len returns the number of bytes that were begun.
func (w WriteWindow) Len() int { return w.w.Len() }

// Commit ends the writing and returns the first n bytes as a read window at
// offset off, 0 <= n <= w.Len(). It is for Writers, in CommitWrite.
func (w WriteWindow) Commit(n int, off int64) Window {
	if n < 0 || n > w.w.Len() {
		panic(fmt.Sprintf("window: commit of %d bytes of a write window of %d", n, w.w.Len()))
	}
	if (Range{off, int64(n)}).Check() != nil {
		panic("window: commit at a negative offset, or at one that leaves no room for the bytes")
	}
	return w.w.move("Commit", n, off)
}

// Abort gives the memory back unwritten. After CommitWrite or another Abort it
// does nothing.
func (w WriteWindow) Abort() {
	if w.w.t != nil && w.w.t.gen.Load() == w.w.gen {
		w.w.release()
	}
}

// Format prints the length, never the contents.
func (w WriteWindow) Format(f fmt.State, _ rune) {
	if w.w.t != nil && w.w.t.gen.Load() != w.w.gen {
		fmt.Fprint(f, "writewindow(ended)")
		return
	}
	fmt.Fprintf(f, "writewindow(%d bytes)", w.w.n)
}
