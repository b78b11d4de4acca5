package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/stats"
)

// Text writes one experiment for a terminal.
func Text(w io.Writer, e *measure.Report) {
	fmt.Fprintf(w, "%s: %s (%d s)\n", e.Name, e.About, int(e.Seconds))
	for _, n := range notes(e) {
		fmt.Fprintf(w, "  %s\n", n)
	}
	if len(e.Contests) > 0 {
		contestTable(e).text(w)
	}
	if len(e.Limits) > 0 {
		limitTable(e).text(w)
	}
	fmt.Fprintln(w)
}

func (t table) text(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.head}, t.rows...) {
		fmt.Fprintf(tw, "  %s\n", strings.Join(row, "\t"))
	}
	tw.Flush()
}

// Markdown writes the run as a page.
func (r *Run) Markdown(w io.Writer) {
	m := r.Machine
	state := ""
	if m.Modified {
		state = ", with changes"
	}
	fmt.Fprintf(w, "# %s\n\n", r.Began.UTC().Format("2006-01-02 15:04 UTC"))
	fmt.Fprintf(w, "`go run . %s`, %d s\n\n", strings.Join(r.Command, " "), int(r.Seconds))
	table{[]string{"", ""}, [][]string{
		{"machine", fmt.Sprintf("%s, %d CPUs, GOMAXPROCS %d, %s, %.1f GiB", m.CPU, m.CPUs, m.GoMaxProcs, m.Arch, float64(m.MemoryBytes)/(1<<30))},
		{"system", fmt.Sprintf("%s, files on %s, huge pages: %s", m.Kernel, m.FileSystem, m.HugePages)},
		{"load before", m.Load},
		{"Go", m.Go},
		{"commit", m.Commit + state},
		{"claims", r.Summary()},
	}}.markdown(w)
	if r.Regret != nil {
		regretPage(w, r.Regret)
	}
	for _, e := range r.Experiments {
		fmt.Fprintf(w, "## %s\n\n%s (%d s).\n\n", e.Name, e.About, int(e.Seconds))
		for _, n := range notes(e) {
			fmt.Fprintf(w, "* %s\n", n)
		}
		fmt.Fprintln(w)
		if len(e.Contests) > 0 {
			contestTable(e).markdown(w)
		}
		if len(e.Limits) > 0 {
			limitTable(e).markdown(w)
		}
	}
}

func (t table) markdown(w io.Writer) {
	line := func(cells []string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.head)
	line(strings.Split(strings.Repeat("---,", len(t.head)-1)+"---", ","))
	for _, row := range t.rows {
		line(row)
	}
	fmt.Fprintln(w)
}

// Summary returns what became of all claims, in a line.
func (r *Run) Summary() string {
	verdicts, errors := r.Count()
	s := fmt.Sprintf("%d hold, %d fall short, %d undecided", verdicts[stats.Holds], verdicts[stats.FallsShort], verdicts[stats.Undecided])
	if errors > 0 {
		s += fmt.Sprintf("; %d experiments could not be measured", errors)
	}
	return s
}
