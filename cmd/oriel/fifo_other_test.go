//go:build !unix

package main

import "testing"

func makeFIFO(t *testing.T, name string) {
	t.Helper()
	t.Skip("this system has no FIFOs among files")
}
