// Package volume makes file systems of a chosen kind for tests, on loop devices
// over files, and takes them away again.
//
// It needs root, loop devices, the kernel's file system and the tools that make
// it. Where one of these is missing, [Make] fails with an error that wraps
// [ErrUnavailable] and says which, so that a test can skip with it:
//
//	v, err := volume.Make(ctx, volume.Options{Kind: "xfs"})
//	if errors.Is(err, volume.ErrUnavailable) {
//		t.Skip(err)
//	}
//
// [Volume.Close] takes it away. When the process ends without that, because it
// was killed or ran into the time limit of its test, a process that waits for
// just this does it.
package volume
