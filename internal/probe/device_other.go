//go:build !linux

package probe

// DeviceOf is not known here.
func DeviceOf(uint64) (Device, error) { return Device{}, unsupported("/sys/dev/block") }
