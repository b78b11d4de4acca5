package source

import (
	"testing"

	"github.com/oriel-go/oriel/internal/childtest"
)

// roles are what a second process can be, by name.
var roles = map[string]func(t *testing.T){
	"writer":    writerRole,
	"reader":    readerRole,
	"nobody":    nobodyRole,
	"addresses": addressesRole,
	"maps":      mapsRole,

	"filtered":    filteredRole,
	"memlock":     memlockRole,
	"descriptors": descriptorsRole,
	"user":        userRole,
	"stranger":    strangerRole,
	"untold":      untoldRole,
	"unringed":    unringedRole,
}

// TestChild is the second process of other tests, and does nothing else.
func TestChild(t *testing.T) { childtest.Run(t, roles) }
