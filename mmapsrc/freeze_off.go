//go:build orielnofreeze

package mmapsrc

// Without the freeze windows change and fault: it is how the soak proves that
// it would see it.
const freezes = false
