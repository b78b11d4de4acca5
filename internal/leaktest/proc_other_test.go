//go:build !linux

package leaktest

import "errors"

func mapFile(string) ([]byte, error) { return nil, errors.ErrUnsupported }
