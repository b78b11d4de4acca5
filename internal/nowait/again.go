package nowait

import "errors"

// ErrAgain says that nothing can be read without waiting.
var ErrAgain = errors.New("would wait")
