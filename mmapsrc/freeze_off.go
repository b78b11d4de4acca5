//go:build orielnofreeze

package mmapsrc

// freezes: without the copy windows change and fault, which is how the soak
// proves that it would see it. Nothing else is missing.
const freezes = false
