package uringsrc_test

import (
	"testing"

	"github.com/oriel-go/oriel/internal/childtest"
)

// roles are what a second process can be, by name.
var roles = map[string]func(t *testing.T){
	"waits":       childtest.Waits,
	"exits":       exitsRole,
	"threads":     threadsRole,
	"throttled":   throttledRole,
	"descriptors": descriptorsRole,
	"memlock":     memlockRole,
	"disabled":    disabledRole,
	"setup":       setupRole,
	"enter":       enterRole,
	"enterLater":  enterLaterRole,
}

// TestChild is the second process of other tests, and does nothing else.
func TestChild(t *testing.T) { childtest.Run(t, roles) }
