package main

import (
	"fmt"
	"io"
	"sync"
)

// mostFindings is how many findings of a stage are kept: the counts go on.
const mostFindings = 20

// Findings are what went wrong in a stage, in words. They are written down as
// they come, for what happens should the process not live to report them.
type findings struct {
	name string
	w    io.Writer

	mu      sync.Mutex
	list    []string
	dropped int
}

func (f *findings) add(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) >= mostFindings {
		f.dropped++
		return
	}
	text := fmt.Sprintf(format, args...)
	f.list = append(f.list, text)
	fmt.Fprintf(f.w, "%s: %s\n", f.name, text)
}

// all returns what was found.
func (f *findings) all() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.list[:len(f.list):len(f.list)]
	if f.dropped > 0 {
		list = append(list, fmt.Sprintf("and %d more", f.dropped))
	}
	return list
}
