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
// A Reader that had to wait reads one window ahead until a window turns out to
// be resident. A Reader of what the page cache holds reads nothing ahead.
//
// # What serves
//
// Regular files and block devices are read by pread(2) ("pread"), pipes,
// terminals, sockets and files that say to be empty, as those of /proc do, as
// streams ("stream"), a [Fetcher] by its method ("fetch") and a slice by
// itself ("bytes"). Explain says which, and why.
package source
