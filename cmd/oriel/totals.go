package main

import "time"

// A result is what reading one file gave.
type result struct {
	index int // the file's place among all, from 0
	path  string
	counts
	sum     string           // of a file that was read to its end, when asked for
	source  string           // what served first; "" for a file that was not opened
	changed map[string]int64 // bytes by source, where more than one served
	waited  time.Duration
	err     error // what ended the reading early
	skipped bool  // never tried, because the scan was cut short
}

// served says that the source of the given name brought n bytes after the
// first before bytes. It allocates only where another one served before.
func (r *result) served(name string, before int64, n int) {
	if r.source == "" {
		r.source = name
	}
	if name == r.source && r.changed == nil {
		return
	}
	if r.changed == nil {
		r.changed = map[string]int64{r.source: before}
	}
	r.changed[name] += int64(n)
}

// sourceTotals is what one source served.
type sourceTotals struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
}

// A failure is a file that could not be read, or not to its end.
type failure struct {
	Path  string `json:"path"`
	Error string `json:"error"`
}

// totals sum up a scan. Files that were opened count, with the bytes that
// could be read.
type totals struct {
	files int64
	counts
	sources  map[string]sourceTotals
	failures []failure
	waited   time.Duration // of all jobs together
	elapsed  time.Duration
	cpu      time.Duration // of the process, user and system
}

// add adds one file.
func (t *totals) add(r *result) {
	if r.err != nil {
		t.failures = append(t.failures, failure{r.path, r.err.Error()})
	}
	if r.source == "" {
		return
	}
	t.files++
	t.counts.add(r.counts)
	t.waited += r.waited
	if t.sources == nil {
		t.sources = map[string]sourceTotals{}
	}
	first := t.sources[r.source]
	first.Files++
	if r.changed == nil {
		first.Bytes += r.bytes
	}
	t.sources[r.source] = first
	for name, n := range r.changed {
		s := t.sources[name]
		s.Bytes += n
		t.sources[name] = s
	}
}
