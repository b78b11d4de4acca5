//go:build race

package pool

import (
	"runtime"
	"unsafe"
)

// raceEnabled says whether slabs lie in the Go heap. The detector sees nothing
// in mapped memory.
const raceEnabled = true

// raceRelease tells the race detector that p is written, which is what its
// next owner will do: a goroutine that still reads it is reported.
func raceRelease(p []byte) {
	if len(p) > 0 {
		runtime.RaceWriteRange(unsafe.Pointer(unsafe.SliceData(p)), len(p))
	}
}
