//go:build !linux

package memlimit

import "io/fs"

func machine() int64 { return 0 }

func rootFS() fs.FS { return nil }
