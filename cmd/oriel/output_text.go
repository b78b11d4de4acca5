package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// textPrinter prints for people. With --sum it prints what sha256sum would,
// and the totals as comments, which sha256sum -c passes over.
type textPrinter struct {
	asked
	perFile bool // a line of numbers for each file
	headed  bool // the heading of those lines is out
	w       io.Writer
}

func (p *textPrinter) file(r *result) error {
	switch {
	case r.source == "": // not opened: there is nothing to say but its error
		return nil
	case p.perFile:
		return p.row(r)
	case r.sum != "":
		escape, name := sumName(r.path)
		_, err := fmt.Fprintf(p.w, "%s%s  %s\n", escape, r.sum, name)
		return err
	}
	return nil
}

// row prints the numbers of one file, after the heading if it is the first.
func (p *textPrinter) row(r *result) error {
	heads := []string{"lines", "bytes"}
	values := []int64{r.lines, r.bytes}
	if p.words {
		heads, values = slices.Insert(heads, 1, "words"), slices.Insert(values, 1, r.words)
	}
	if p.match != "" {
		heads, values = append(heads, "matches", "matched"), append(values, r.matches, r.matchedLines)
	}
	var b strings.Builder
	if !p.headed {
		p.headed = true
		for _, h := range heads {
			fmt.Fprintf(&b, "%11s ", h)
		}
		if p.sum != "" {
			fmt.Fprintf(&b, " %-*s", p.sum.digits(), p.sum)
		}
		b.WriteString(" path\n")
	}
	for _, v := range values {
		fmt.Fprintf(&b, "%11d ", v)
	}
	if p.sum != "" {
		fmt.Fprintf(&b, " %-*s", p.sum.digits(), r.sum)
	}
	b.WriteString(" " + oneLine(r.path) + "\n")
	_, err := io.WriteString(p.w, b.String())
	return err
}

func (p *textPrinter) total(t *totals) error {
	var b strings.Builder
	put := func(name, format string, args ...any) {
		if p.sum != "" {
			b.WriteString("# ")
		}
		fmt.Fprintf(&b, "%-14s  %s\n", name, fmt.Sprintf(format, args...))
	}
	put("files", "%d", t.files)
	if n := len(t.failures); n > 0 {
		put("errors", "%d", n)
	}
	put("bytes", "%d%s", t.bytes, inUnits(t.bytes))
	put("lines", "%d", t.lines)
	if p.words {
		put("words", "%d", t.words)
	}
	if p.match != "" {
		put("matches", "%d", t.matches)
		put("matching lines", "%d", t.matchedLines)
	}
	put("seconds", "%.3f (%.3f of processor time, %.3f waited for input)",
		t.elapsed.Seconds(), t.cpu.Seconds(), t.waited.Seconds())
	put("rate", "%s", rate(t.bytes, t.elapsed))
	for _, name := range slices.Sorted(maps.Keys(t.sources)) {
		s := t.sources[name]
		put("by "+name, "%d files, %d bytes", s.Files, s.Bytes)
	}
	_, err := io.WriteString(p.w, b.String())
	return err
}

// inUnits returns n in a larger unit and in parentheses, "" where there is none.
func inUnits(n int64) string {
	if n < 1<<10 {
		return ""
	}
	return " (" + formatSize(n) + ")"
}

// rate returns n bytes in d as GB/s, or as MB/s where that is more readable.
func rate(n int64, d time.Duration) string {
	v := float64(n) / max(d.Seconds(), 1e-9)
	if v < 1e8 {
		return fmt.Sprintf("%.2f MB/s", v/1e6)
	}
	return fmt.Sprintf("%.2f GB/s", v/1e9)
}

// sumName returns path as sha256sum prints it: with a backslash in front of the
// line if anything in it had to be escaped.
func sumName(path string) (escape, name string) {
	if !strings.ContainsAny(path, "\\\n\r") {
		return "", path
	}
	return `\`, strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`).Replace(path)
}

// oneLine returns s without line ends, so that one report is one line.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\n\r") {
		return s
	}
	return strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(s)
}
