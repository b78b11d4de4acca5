// Package sizes reads and writes numbers of bytes as people say them.
package sizes
