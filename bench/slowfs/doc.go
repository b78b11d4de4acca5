// Package slowfs is a FUSE file system that is as slow and as broken as it is
// told to be: its reads wait, fail, fall short, or everything fails.
//
// It is served by a process of its own, because a process that waits for its own
// file system can wait for ever: a page fault stops the garbage collector, and
// with it the goroutine that would answer. The main function of a program that
// uses this package, and TestMain of its tests, give [Tasks] to child.Serve.
//
// A mounted file system has two things in it. The folder [FS.Files] shows the
// files of a folder elsewhere, which can be written too; a loop device may lie
// over one of them, which makes the slow device of any other file system. The
// file [FS.Synthetic] is as large as wanted, takes no room, and holds what
// [Content] says.
//
// What was read stays in the kernel's page cache (FOPEN_KEEP_CACHE), so that
// files can be mapped. Whoever wants it to be read again drops it from there.
//
// When the process that mounted it ends, however it does, the server unmounts
// it and ends as well.
package slowfs
