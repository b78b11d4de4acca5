package main

import (
	"encoding/json"
	"io"
	"math"
	"time"
)

// summaryObject is the object of --json, and the last one of --json-lines.
// Pointers are null for what was not asked for. Paths that are not UTF-8 have
// U+FFFD for what is wrong with them.
type summaryObject struct {
	Schema       int                     `json:"schema"`
	Files        int64                   `json:"files"`
	Bytes        int64                   `json:"bytes"`
	Lines        int64                   `json:"lines"`
	Words        *int64                  `json:"words"`
	Matches      *int64                  `json:"matches"`
	MatchedLines *int64                  `json:"matchedLines"`
	Seconds      float64                 `json:"seconds"`
	CPUSeconds   float64                 `json:"cpuSeconds"`
	WaitSeconds  float64                 `json:"waitSeconds"`
	Sources      map[string]sourceTotals `json:"sources"`
	Errors       []failure               `json:"errors"`
	Sums         []fileSum               `json:"sums,omitempty"` // only with --json --sum
}

// fileSum is the checksum of one file.
type fileSum struct {
	Path string `json:"path"`
	Sum  string `json:"sum"`
}

// fileObject is the object of one file in --json-lines.
type fileObject struct {
	Path         string  `json:"path"`
	Bytes        int64   `json:"bytes"`
	Lines        int64   `json:"lines"`
	Words        *int64  `json:"words"`
	Matches      *int64  `json:"matches"`
	MatchedLines *int64  `json:"matchedLines"`
	Source       *string `json:"source"` // null for a file that was not opened
	Sum          *string `json:"sum"`
	Error        *string `json:"error"`
}

// jsonPrinter prints --json, or --json-lines if lines is set.
type jsonPrinter struct {
	asked
	lines bool
	sums  []fileSum
	w     *json.Encoder
}

func newJSONPrinter(w io.Writer, a asked, lines bool) *jsonPrinter {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return &jsonPrinter{asked: a, lines: lines, w: e}
}

func (p *jsonPrinter) file(r *result) error {
	if !p.lines {
		if r.sum != "" {
			p.sums = append(p.sums, fileSum{r.path, r.sum})
		}
		return nil
	}
	o := fileObject{Path: r.path, Bytes: r.bytes, Lines: r.lines, Source: nonEmpty(r.source), Sum: nonEmpty(r.sum)}
	o.Words, o.Matches, o.MatchedLines = p.optional(&r.counts)
	if r.err != nil {
		o.Error = nonEmpty(r.err.Error())
	}
	return p.w.Encode(o)
}

func (p *jsonPrinter) total(t *totals) error {
	o := summaryObject{
		Schema:      1,
		Files:       t.files,
		Bytes:       t.bytes,
		Lines:       t.lines,
		Seconds:     seconds(t.elapsed),
		CPUSeconds:  seconds(t.cpu),
		WaitSeconds: seconds(t.waited),
		Sources:     t.sources,
		Errors:      t.failures,
		Sums:        p.sums,
	}
	o.Words, o.Matches, o.MatchedLines = p.optional(&t.counts)
	if o.Sources == nil {
		o.Sources = map[string]sourceTotals{}
	}
	if o.Errors == nil {
		o.Errors = []failure{}
	}
	return p.w.Encode(o)
}

// optional returns the numbers that are nil unless they were asked for.
func (p *jsonPrinter) optional(c *counts) (words, matches, lines *int64) {
	if p.words {
		words = &c.words
	}
	if p.match != "" {
		matches, lines = &c.matches, &c.matchedLines
	}
	return words, matches, lines
}

// nonEmpty returns nil for "".
func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// seconds returns d in seconds, to the microsecond.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1e6) / 1e6 }
