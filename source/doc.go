// Package source opens files, pipes and custom sources and reads them in
// windows.
//
// A [File] is read anywhere, by any number of goroutines; a [Reader] is read
// from its beginning to its end, by one. Both hand out windows, which package
// window describes, in memory of a [Runtime], which bounds the memory, threads
// and files of everything that was opened through it.
//
// # How a read goes
//
//	ReadManaged ──► pool memory ──► what the page cache holds, inline
//	                                     │ not all of it
//	                                     ▼
//	                 context cannot end: read here, in one of Runtime's places
//	                 context can end:    a goroutine reads in such a place, and
//	                                     the caller waits for it or its context
//
// A call whose context ends returns at once. The memory it was reading into
// stays with the goroutine that fills it until the kernel or the Fetcher has
// returned, so that no memory ever has two owners. What a Reader had begun to
// read is its next window then: a cancelled call loses nothing.
//
// A Reader that had to wait reads ahead: one window at first, twice as much when
// it has to wait again, never more than a third of what it has read or 8 MiB, and
// not at all once a window turns out to be resident. What is read backwards or in
// strides is asked of the page cache before it is read.
//
// # What serves
//
// Pipes, terminals, sockets and files that say to be empty, as those of /proc do,
// are read as streams ("stream"), a [Fetcher] by its method ("fetch") and a slice
// by itself ("bytes"). Regular files and block devices are read by what is
// expected to cost least:
//
//	"pread"   positioned reads through the page cache
//	"mmap"    slices of a mapping that is kept still and locked: what is cached in
//	          large folios, read from front to back, or small enough to stay
//	          locked and read again and again
//	"uring"   past the page cache through io_uring: what is not cached and read
//	          once, or would not fit into the cache; and through both when many
//	          reads at offsets wait at a time
//
// A plan is made when a Reader reads first, and corrected between windows by what
// reading has cost: [Reader.Explain] has the plan, what it was made of, what each
// way was expected to cost and did cost, and every change with its reason. Files
// of less than 1 MiB are read by pread without asking anything.
package source
