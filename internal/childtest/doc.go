// Package childtest has a test start a second process, and speak with it line by
// line.
//
// The second process is the same test program, which runs TestChild alone. What it
// does there is a role, of which a package has a list:
//
//	func TestChild(t *testing.T) {
//		childtest.Run(t, map[string]func(*testing.T){"reader": readerRole})
//	}
//
// A test starts it with [Start], and speaks with it by the methods of [Child]. The
// role answers by the functions [Tell] and [Hear]. A role that finds something
// missing tells "skip: " and the reason, whereupon its test is skipped; what it
// finds wrong it reports to its own t, as every test does, and the test looks for
// that at the end ([Child.Good]).
//
// A test that changes a setting of the whole machine does it by [Setting].
package childtest
