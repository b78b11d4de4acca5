package window

import (
	"testing"
	"unsafe"
)

// A fifth word would keep a Window out of registers.
func TestWindowIsFourWords(t *testing.T) {
	const word = unsafe.Sizeof(uintptr(0))
	if word != 8 {
		t.Skip("the 64-bit generation takes two words here")
	}
	if n := unsafe.Sizeof(Window{}); n > 4*word {
		t.Errorf("a Window has %d bytes", n)
	}
	if n := unsafe.Sizeof(WriteWindow{}); n > 4*word {
		t.Errorf("a WriteWindow has %d bytes", n)
	}
}
