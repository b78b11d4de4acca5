package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// What a writer may wait with the default limits. The time is the machine's as
// well: in the short form, which runs on machines that others use, the wider
// bounds decide and the others are printed.
const (
	boundP99   = 50 * time.Millisecond
	boundWorst = 500 * time.Millisecond
	shortP99   = 200 * time.Millisecond
	shortWorst = 2 * time.Second
)

// page writes the record for people, in Markdown.
func (r *record) page(w io.Writer) {
	m := r.Machine
	state := ""
	if m.Modified {
		state = ", with changes"
	}
	verdict := "all promises held"
	switch _, g := r.total(); {
	case len(r.Problems) > 0:
		verdict = "BROKEN"
	case g.Breaks == 0:
		verdict = "nothing is broken, and no lease broke"
	}
	fmt.Fprintf(w, "# %s\n\n", r.Began.UTC().Format("2006-01-02 15:04 UTC"))
	fmt.Fprintf(w, "`%s`, %.0f s: %s\n\n", strings.Join(append([]string{"go run ./soak"}, r.Command...), " "), r.Seconds, verdict)
	for _, p := range r.Problems {
		fmt.Fprintf(w, "* %s\n", p)
	}
	table(w, []string{"", ""}, [][]string{
		{"machine", fmt.Sprintf("%s, %d CPUs, GOMAXPROCS %d, %s, %.1f GiB", m.CPU, m.CPUs, m.GoMaxProcs, m.Arch, float64(m.MemoryBytes)/(1<<30))},
		{"system", m.Kernel},
		{"load before", m.Load},
		{"Go", m.Go},
		{"commit", m.Commit + state},
		{"seed", fmt.Sprint(r.Seed)},
	})
	r.heldTable(w)
	r.controlTable(w)
	for _, p := range r.Places {
		p.waitTables(w)
	}
}

// heldTable writes what was promised and what came of it.
func (r *record) heldTable(w io.Writer) {
	head := []string{"file system", "seconds", "broken leases", "of them with windows frozen", "windows", "guarded", "frozen in place", "held for long",
		"checks of guarded", "of them after the freeze", "checks of copies", "GiB hashed", "refused",
		"changed", "faults", "misplaced", "misdescribed", "errors"}
	row := func(name, seconds string, g guard, c counts) []string {
		cells := []string{name, seconds, number(g.Breaks), number(g.FrozenBreaks)}
		for _, k := range []count{windows, guarded, frozen, longHeld, guardedChecks, frozenChecks, privateChecks} {
			cells = append(cells, number(c[k]))
		}
		cells = append(cells, fmt.Sprintf("%.1f", float64(c[checkedBytes])/(1<<30)), number(c[refused]))
		for _, k := range broken {
			cells = append(cells, number(c[k]))
		}
		return cells
	}
	var rows [][]string
	for _, p := range r.Places {
		switch a := p.Account; {
		case p.Unavailable != "":
			rows = append(rows, append([]string{p.FileSystem, "left out"}, make([]string, len(head)-2)...))
		case a != nil:
			rows = append(rows, row(p.FileSystem, fmt.Sprintf("%.0f", a.Seconds), a.Guard, a.Counts))
		}
		if a := p.Ordinary; a != nil {
			rows = append(rows, row(p.FileSystem+", ordinary user", fmt.Sprintf("%.0f", a.Seconds), a.Guard, a.Counts))
		}
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "## Windows\n\n")
	sum, g := r.total()
	table(w, head, append(rows, row("together", "", g, sum)))
	fmt.Fprintf(w, "Besides, readers read %s times into memory of their own and had %s lines of Cursors, and the limits of locked and pinned memory were changed %s times.\n\n",
		number(sum[own]), number(sum[lines]), number(sum[relimited]))
	if r.NoOrdinary != "" {
		fmt.Fprintf(w, "There is no stage of an ordinary user: %s.\n\n", r.NoOrdinary)
	}
}

// controlTable writes what the program without freezing found.
func (r *record) controlTable(w io.Writer) {
	var rows [][]string
	for _, p := range r.Places {
		c := p.Control
		if c == nil {
			continue
		}
		cells := []string{p.FileSystem, "", "", "", "", "fails, as it has to"}
		if a := c.Account; a != nil {
			copy(cells[1:], []string{fmt.Sprintf("%.1f", a.Seconds), number(a.Guard.Breaks), number(a.Counts[guardedChanged]), number(a.Counts[guardedFaults])})
		}
		if c.Problem != "" {
			cells[5] = "NO CONTROL: " + c.Problem
		}
		rows = append(rows, cells)
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "## The same without freezing\n\n")
	table(w, []string{"file system", "seconds", "broken leases", "guarded windows that changed", "that faulted", "verdict"}, rows)
}

// waitTables writes how long the calls of attackers took.
func (p *placeRecord) waitTables(w io.Writer) {
	if p.Account != nil {
		waitTable(w, p.FileSystem, p.Account, p.Baseline)
	}
	if p.Ordinary != nil {
		waitTable(w, p.FileSystem+", of an ordinary user", p.Ordinary, nil)
	}
}

// waitTable writes how long they took in one stage, beside those of baseline if
// there is one.
func waitTable(w io.Writer, where string, a, baseline *account) {
	at := a.Attacks
	fmt.Fprintf(w, "## What writers waited on %s\n\n", where)
	fmt.Fprintf(w, "%s operations of %d processes, of which %d were killed in the middle; %s opens with O_NONBLOCK got EWOULDBLOCK; writers' own mappings faulted %s times.\n\n",
		number(at.Operations), a.Lives, a.Killed, number(at.WouldBlock), number(at.Faults))
	if g := a.Guard; g.Breaks > 0 {
		fmt.Fprintf(w, "The guard copied %s extents of 2 MiB; it had a lease given up %s after it saw that a writer had come at worst. Signals were lost %s times, and the system refused to lock %s times.\n\n",
			number(g.FrozenExtents), duration(g.LongestFreeze), number(g.LostSignals), number(g.LockRefused))
	}
	head := []string{"call", "calls", "median", "p99", "worst"}
	if baseline != nil {
		head = append(head, "no leases: median", "p99", "worst")
	}
	var rows [][]string
	add := func(name string, with, without *histogram) {
		cells := append([]string{name, number(with.Count)}, quantiles(with)...)
		if baseline != nil {
			cells = append(cells, quantiles(without)...)
		}
		rows = append(rows, cells)
	}
	var plain waits
	if baseline != nil {
		plain = baseline.Attacks.Waits
	}
	for _, name := range slices.Sorted(maps.Keys(at.Waits)) {
		add(name, at.Waits[name], plain[name])
	}
	table(w, head, rows)
	met := at.Waits[metLease]
	if met == nil {
		return
	}
	fmt.Fprintf(w, "Calls of other processes that met a lease: at most %v at the 99th percentile: %s; at most %v at worst: %s.\n\n",
		boundP99, holds(met.quantile(0.99) <= boundP99), boundWorst, holds(time.Duration(met.Worst) <= boundWorst))
}

func holds(ok bool) string {
	if ok {
		return "holds"
	}
	return "FALLS SHORT"
}

// quantiles returns the median, the 99th percentile and the worst.
func quantiles(h *histogram) []string {
	if h == nil || h.Count == 0 {
		return []string{"", "", ""}
	}
	return []string{duration(h.quantile(0.5)), duration(h.quantile(0.99)), duration(time.Duration(h.Worst))}
}

// duration returns a duration with three digits.
func duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.3g µs", float64(d)/1e3)
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.3g s", d.Seconds())
}

// number returns a number with commas.
func number(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// table writes a table in Markdown.
func table(w io.Writer, head []string, rows [][]string) {
	line := func(cells []string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }
	line(head)
	line(strings.Split(strings.Repeat("---,", len(head)-1)+"---", ","))
	for _, row := range rows {
		line(row)
	}
	fmt.Fprintln(w)
}
