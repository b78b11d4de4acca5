// Command c5records reads length-prefixed records and hands the large ones to
// another goroutine without copying them.
package main
