// Package fio runs fio(1), the yardstick of what a device gives.
//
// A [Job] reads a file by one thread over io_uring. How many bytes came, and how
// long that took, is what fio says in JSON, its start not counted. The CPU time
// of the process has its start in it, which takes a tenth of a second and more;
// that of the reads alone fio says too.
package fio
