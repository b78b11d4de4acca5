package main

import (
	"os"
	"path/filepath"
	"strings"
)

// left returns how many mappings of files below dir, and how many descriptors
// of such files, this process has.
func left(dir string) (mappings, descriptors int, err error) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, " "+dir+"/") {
			mappings++
		}
	}
	list, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		return 0, 0, err
	}
	for _, name := range list {
		if of, err := os.Readlink(name); err == nil && strings.HasPrefix(of, dir+"/") {
			descriptors++
		}
	}
	return mappings, descriptors, nil
}
