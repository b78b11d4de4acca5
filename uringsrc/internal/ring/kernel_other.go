//go:build !linux

package ring

// There is no io_uring here, and New says so.
func systemKernel() kernel { return kernel{} }

func vectorsArg([][]byte) argument { return nil }
