// Command c2log prints the first five lines of a log that contain a text, each
// with its offset. It stops early, can be interrupted, and keeps lines without
// copying them.
package main
