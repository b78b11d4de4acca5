//go:build orielnofreeze

package main

// freezes reports whether a broken lease freezes the windows that are held.
// This is the control.
const freezes = false
