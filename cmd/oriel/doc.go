// Command oriel reads files, trees, pipes and devices through managed windows.
//
//	oriel scan [PATH...]   counts bytes and lines, and words, matches and checksums when asked
//	oriel cat [FILE...]    writes files, or a range of each, to standard output
//	oriel explain FILE...  says how files are read and why, and with --analyze what that took
//	oriel probe [PATH]     says what this machine and a file system offer, and why not the rest
//	oriel help scan        says what a command does
//
// # Exit status
//
//	0    fine; also when the reader of standard output went away, which is not
//	     reported: SIGPIPE is ignored, and EPIPE ends the command quietly
//	1    something could not be read, with a line on standard error for each,
//	     and the rest was read; or standard output could not be written
//	2    the command line is wrong, or a source that was forced with --source
//	     cannot serve a file (the rest is read)
//	130  SIGINT or SIGTERM; scan prints the totals so far, explain --analyze
//	     what there is to say so far. A second signal kills
//
// # Environment
//
// ORIEL_NO_URING set to anything but nothing switches io_uring off, as --no-uring
// does: for machines whose kernel is not to be trusted with it. The library reads
// no environment.
//
// # What is counted
//
// Lines are newlines, as of wc -l. Words are those of GNU wc -w in the C locale,
// matches those of grep -aoF, and matching lines those of grep -acF. A file
// that was opened counts as a file, with what could be read of it; it has a
// checksum only if that was all. Files are counted under the source that served
// first, bytes under the source that brought them.
//
// # JSON
//
// scan --json prints one object:
//
//	{"schema":1, "files":2, "bytes":30, "lines":3,
//	 "words":null, "matches":null, "matchedLines":null,   numbers if asked for
//	 "seconds":0.01, "cpuSeconds":0.01, "waitSeconds":0,  of the scan, the process, all jobs
//	 "sources":{"pread":{"files":2,"bytes":30}},
//	 "errors":[{"path":"x","error":"open x: permission denied"}]}
//
// and with --sum also "sums":[{"path":"a","sum":"2d06800538d394c2"}]. scan
// --json-lines prints an object for each file, in the order of the files:
//
//	{"path":"a", "bytes":30, "lines":3, "words":null, "matches":null,
//	 "matchedLines":null, "source":"pread", "sum":null, "error":null}
//
// and then the summary, without "sums". "source" is null for a file that was
// not opened. Paths that are not UTF-8 lose what is wrong with them.
//
// explain --json prints an object for each file:
//
//	{"schema":1, "path":"a", "explanation":{…}, "analysis":null, "error":null}
//
// "explanation" is a source.Explanation, and null for a file that was not opened.
// With --analyze, which may have both an analysis and an error, "analysis" is
//
//	{"bytes":30, "windows":1, "seconds":0.01, "cpuSeconds":0.01, "waitSeconds":0,
//	 "bytesPerSecond":3000, "sources":{"pread":{"windows":1,"bytes":30}}}
//
// probe --json prints a source.Capabilities.
//
// # How it is organised
//
// A lister (walk.go, names.go) finds files, a scanner reads them through an
// engine (library.go is the one over package source) and gives the windows to a
// counter (count.go, words.go, match.go, sums.go), and an order hands the
// results to a report in the order of the files, which a printer (output_*.go)
// prints. progress.go is the bar. explain.go reads one file after the other, and
// output_explain.go prints it. probe.go prints what the library says.
package main
