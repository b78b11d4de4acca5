// Command c8adapt reads through Oriel with what was not written for it
// (archive/zip, parquet-go, bufio, io/fs, Pebble's objstorage) and reads a
// source of its own through Oriel.
package main
