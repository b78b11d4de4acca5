package ring

import (
	"testing"

	"github.com/oriel-go/oriel/internal/childtest"
)

// roles are what a second process can be, by name.
var roles = map[string]func(t *testing.T){
	"waits":    childtest.Waits,
	"exits":    exitsRole,
	"killed":   killedRole,
	"memlock":  memlockRole,
	"disabled": disabledRole,
}

// TestChild is the second process of other tests, and does nothing else.
func TestChild(t *testing.T) { childtest.Run(t, roles) }
