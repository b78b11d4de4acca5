package source

import (
	"fmt"
	"testing"

	"github.com/oriel-go/oriel/internal/leaktest"
)

func TestMain(m *testing.M) {
	leaktest.Main(m, leaktest.Check{Name: "windows of the default runtime", Run: func() error {
		if n := Default().Memory().Stats().InUseBytes; n != 0 {
			return fmt.Errorf("%d bytes are in use", n)
		}
		return nil
	}})
}
