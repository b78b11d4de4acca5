package probe

import "errors"

// ErrNotCached is the error of a question about what the page cache holds of a
// range where it does not hold the beginning. Reading the range changes that.
var ErrNotCached = errors.New("not in the page cache")

// ErrTooSmall is the error of a question that only larger files answer. It is
// final.
var ErrTooSmall = errors.New("the file is too small to tell")
