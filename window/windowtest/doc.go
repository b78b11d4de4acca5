// Package windowtest checks that a source of windows keeps the contract of
// package window, and gives tests sources to work with.
//
// # Checking a source
//
// Whoever implements [window.Reader] or [window.ReaderAt] calls the suite with
// one line, naming how to make one over given bytes:
//
//	func TestContract(t *testing.T) {
//		windowtest.Run(t, windowtest.Source{
//			Reader: func(t testing.TB, content []byte) window.Reader {
//				r := mysource.New(content)
//				t.Cleanup(func() { r.Close() })
//				return r
//			},
//			HeldBytes: mysource.HeldBytes,
//		})
//	}
//
// What turns one Reader into another is checked by [RunStage] in the same
// manner: the suite feeds it with good, ragged, failing and stalling input. A
// [window.Writer] is checked by [RunWriter].
//
// A failure begins with the rule of the contract that was broken. The suite
// cannot see everything: that bytes are resident, that a file's truncation
// does not reach them, and that memory is bounded, are for the tests of the
// source itself.
//
// # Sources for tests
//
// [Model] is a source in memory that does what the contract says and no more:
// every window is a buffer of its own, which is overwritten when it is freed,
// in a [Memory] that counts. [ErrAfter], [ShortWindows], [OneByte],
// [CancelOnce], [Flaky], [Stall] and [ErrInRange] break or bend another source
// in one way each, in the manner of testing/iotest. All of them keep the
// contract: what fails, fails as a source may.
package windowtest
