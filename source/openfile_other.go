//go:build !linux

package source

import (
	"context"
	"os"
)

// openFile opens name for reading. Opening a FIFO waits for a writer.
func openFile(ctx context.Context, name string) (*os.File, error) { return openWaiting(ctx, name) }

// waitForWriter does nothing: openFile has waited.
func waitForWriter(*os.File) error { return nil }
