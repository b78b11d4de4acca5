//go:build !orielnofreeze

package mmapsrc

// freezes says that a break copies what is lent before the writer goes on.
const freezes = true
