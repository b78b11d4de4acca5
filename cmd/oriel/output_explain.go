package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/oriel-go/oriel/source"
)

// explainObject is the object of one file in explain --json.
type explainObject struct {
	Schema      int                 `json:"schema"`
	Path        string              `json:"path"`
	Explanation *source.Explanation `json:"explanation"` // null for a file that was not opened
	Analysis    *analysisObject     `json:"analysis"`    // null unless it was read
	Error       *string             `json:"error"`
}

// analysisObject is what reading a file has taken.
type analysisObject struct {
	Bytes          int64                   `json:"bytes"`
	Windows        int64                   `json:"windows"`
	Seconds        float64                 `json:"seconds"`
	CPUSeconds     float64                 `json:"cpuSeconds"` // of the process; 0 where that is unknown
	WaitSeconds    float64                 `json:"waitSeconds"`
	BytesPerSecond float64                 `json:"bytesPerSecond"`
	Sources        map[string]windowTotals `json:"sources"`
}

// explainedJSON returns what prints files as objects, one a line.
func explainedJSON(w io.Writer) func(*explained) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return func(x *explained) error {
		o := explainObject{Schema: 1, Path: x.path, Explanation: x.how}
		if x.err != nil {
			o.Error = nonEmpty(x.err.Error())
		}
		if a := x.analysis; a != nil {
			o.Analysis = &analysisObject{
				Bytes:       a.bytes,
				Windows:     a.windows,
				Seconds:     seconds(a.elapsed),
				CPUSeconds:  seconds(a.cpu),
				WaitSeconds: seconds(a.waited),
				Sources:     a.bySource,
			}
			if a.elapsed > 0 {
				o.Analysis.BytesPerSecond = float64(a.bytes) / a.elapsed.Seconds()
			}
		}
		return enc.Encode(&o)
	}
}

// explainedText returns what prints files for people, with an empty line between
// them.
func explainedText(w io.Writer) func(*explained) error {
	between := ""
	return func(x *explained) error {
		if x.how == nil { // there is nothing to say but its error
			return nil
		}
		how := *x.how
		how.Name = oneLine(how.Name)
		var b strings.Builder
		b.WriteString(between + how.String() + "\n")
		between = "\n"
		if x.analysis != nil {
			x.analysis.text(&b)
		}
		_, err := io.WriteString(w, b.String())
		return err
	}
}

// text says what reading has taken, in columns as wide as those of an explanation.
func (a *analysis) text(b io.Writer) {
	put := func(name, format string, args ...any) {
		fmt.Fprintf(b, "  %-19s  %s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintln(b, "what reading it took")
	put("read", "%d bytes%s in %d windows", a.bytes, inUnits(a.bytes), a.windows)
	put("seconds", "%.3f (%.3f of processor time, %.3f waited for input)", a.elapsed.Seconds(), a.cpu.Seconds(), a.waited.Seconds())
	put("rate", "%s", rate(a.bytes, a.elapsed))
	for _, name := range slices.Sorted(maps.Keys(a.bySource)) {
		s := a.bySource[name]
		put("by "+name, "%d windows, %d bytes%s", s.Windows, s.Bytes, inUnits(s.Bytes))
	}
}
