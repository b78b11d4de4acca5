// Package window defines owned, read-only slices of resident memory, and the
// interfaces of what reads and writes them.
//
// It is the contract between sources, which make windows with [New], and those
// who use them. Package windowtest holds the contract as a test suite.
//
// # What a window promises
//
// The bytes of a [Window] are resident: touching them never waits for a device.
// They are still: they do not change and do not disappear until Release, even
// while another process truncates, rewrites or deletes the file they came from.
// [Info] says where they are, and [Residency] what may still go wrong there.
//
// They are owned. Functions and methods give Windows, to be released by the
// caller. Iterators and a [Cursor] lend, and what is lent is a [Borrowed],
// another type without a Release.
//
// # Rules
//
// An error means that there is no window: whoever returns early leaks nothing.
// A sequential [Reader] delivers what it has first and the error by the next
// call. The end of a source is a bare [io.EOF]; every other error is an
// [*Error] that says what failed and where. Values that come from data, such as
// hostile lengths, are errors before any memory is taken. Faults of the
// program, such as a second Release, panic with a text that begins "window: ".
//
// # Ownership
//
//	w := …                 one owner
//	v := w                 the same owner: a copy of its handle
//	x := w.Retain()        a second owner of the same bytes
//	y := w.Slice(10, 20)   a third, of ten of them
//	w.Release()            the memory stays: x and y hold it
//	v.Bytes()              panics: v's owner is gone
//	x.Release()
//	y.Release()            the memory goes back to where it came from
//
// # Terminology
//
//   - window: an owned slice of memory with an offset in its source
//   - owner: what Release ends; each has a ticket, and copies of one handle
//     stand for one owner
//   - borrowed: lent until the lender's next call
//   - join: a copy, in one piece, of what lies across windows
//   - retain, release: make one more owner, end one
//   - resident: in memory, so that no device is waited for
//   - residency: where resident bytes are: [Private], [Guarded] or [Trusted]
//   - pinned: memory that stays in use because a window in it is held
//   - source: what windows come from: a file, a pipe, a custom source
//   - range: a byte interval of a source
//   - offset: an int64 position in a source, in bytes; lengths are ints
//   - granularity: what the sizes of windows are multiples of
//   - commit, abort: the two ends of a [WriteWindow]; written is not durable
//   - guard: what keeps a mapped file from changing
package window
