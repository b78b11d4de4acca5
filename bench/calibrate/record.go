package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/oriel-go/oriel/bench/machine"
)

// A record is everything that one run found out.
type record struct {
	Schema    int           `json:"schema"` // 1
	Began     time.Time     `json:"began"`
	Seconds   float64       `json:"seconds"`
	Command   []string      `json:"command"` // flags
	Machine   machine.Facts `json:"machine"`
	Notes     []string      `json:"notes,omitempty"`
	Constants []estimate    `json:"constants"`
}

// write writes the record with all samples.
func (r *record) write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// print writes the table.
func (r *record) print(w io.Writer) {
	m := r.Machine
	fmt.Fprintf(w, "%s, %d CPUs, %s, files on %s, Go %s, load %s (%d s)\n", m.CPU, m.CPUs, m.Kernel, m.FileSystem, m.Go, m.Load, int(r.Seconds))
	for _, n := range r.Notes {
		fmt.Fprintf(w, "%s\n", n)
	}
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.Join([]string{"constant", "unit", "median", "95 % interval", "table", "ratio", "", "what"}, "\t"))
	for _, e := range r.Constants {
		fmt.Fprintln(tw, strings.Join(e.row(), "\t"))
	}
	tw.Flush()
}

// row returns the cells of a constant.
func (e *estimate) row() []string {
	row := []string{e.Name, e.Unit, "", "", "", "", "", e.About}
	if e.Error != "" {
		row[7] += "; COULD NOT BE MEASURED: " + e.Error
		return row
	}
	row[2] = fmt.Sprintf("%.4g", e.Median)
	row[3] = fmt.Sprintf("%.4g–%.4g", e.Interval.Low, e.Interval.High)
	if e.Table == nil {
		row[4] = "none"
		return row
	}
	row[4], row[5] = fmt.Sprintf("%.4g", *e.Table), fmt.Sprintf("%.2f", e.Ratio)
	if e.Off {
		row[6] = "OFF"
	}
	return row
}

// status returns the exit status.
func (r *record) status() int {
	status := exitFine
	for i := range r.Constants {
		switch e := &r.Constants[i]; {
		case e.Error != "":
			return exitError
		case e.Off:
			status = exitOff
		}
	}
	return status
}
