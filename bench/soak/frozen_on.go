//go:build !orielnofreeze

package main

// freezes reports whether a broken lease freezes the windows that are held. The
// program without that is the control.
const freezes = true
