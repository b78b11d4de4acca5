// Package threadtest has a part of a test run on a thread of its own, which sees or
// may something else than the rest of the process.
package threadtest
