// Package interop holds tests that read real files through Oriel with code that
// was not written for it, and compare with what the same code reads through
// os.File: archive/zip, debug/elf, compress/gzip, bufio, io/fs, parquet-go and
// Pebble's objstorage. A third party's Fetcher is held to the contract.
package interop
