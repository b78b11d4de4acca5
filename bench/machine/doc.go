// Package machine says what a benchmark ran on.
package machine
