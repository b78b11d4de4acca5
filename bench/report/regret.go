package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/oriel-go/oriel/bench/measure"
)

// RegretText writes the table of all cells for a terminal.
func RegretText(w io.Writer, g *measure.Regret) {
	fmt.Fprintln(w, "regret: what is chosen against the best of what is forced, the worst cell first")
	for _, n := range regretNotes(g) {
		fmt.Fprintf(w, "  %s\n", n)
	}
	regretTable(g).text(w)
	fmt.Fprintln(w)
}

// regretPage writes it as a part of a page.
func regretPage(w io.Writer, g *measure.Regret) {
	fmt.Fprint(w, "## regret: all cells\n\nWhat is chosen against the best of what is forced, the worst cell first.\n\n")
	for _, n := range regretNotes(g) {
		fmt.Fprintf(w, "* %s\n", n)
	}
	fmt.Fprintln(w)
	regretTable(g).markdown(w)
}

// regretNotes are what is claimed of all cells together.
func regretNotes(g *measure.Regret) (list []string) {
	if g.Mean > 0 {
		covered := "covers 1"
		if !g.Itself.Covers(1) {
			covered = "DOES NOT COVER 1: the mean does not hold"
		}
		missed := 0
		for _, c := range g.Cells {
			if !c.Covers {
				missed++
			}
		}
		list = append(list,
			fmt.Sprintf("geometric mean of %d cells: %.3f (%s), claimed %v: %s", len(g.Cells), g.Mean, interval(g.Interval), g.Bound, g.Verdict),
			fmt.Sprintf("the same of the A/A tests: %s, %s", interval(g.Itself), covered),
			fmt.Sprintf("A/A tests that do not cover 1: %d of %d; chance makes it one of twenty", missed, len(g.Cells)))
	} else {
		list = append(list, "there is no mean: nothing was measured beside an A/A test")
	}
	for _, name := range g.Failed {
		list = append(list, "COULD NOT BE MEASURED: "+name)
	}
	return list
}

func regretTable(g *measure.Regret) table {
	t := table{head: []string{"cell", "auto", "best forced", "its time", "time ratio", "95 % interval", "CPU ratio", "allocs",
		"auto served by", "the forced ones", "verdict"}}
	for i := range g.Cells {
		c := &g.Cells[i]
		verdict := string(c.Verdict)
		if !c.Covers {
			verdict = joined(verdict, "A/A does not cover 1")
		}
		t.rows = append(t.rows, []string{
			c.Name, unitTime(c.Unit, c.Seconds), c.Best, unitTime(c.Unit, c.BestSeconds),
			fmt.Sprintf("%.3f", c.Compared.Ratio), interval(c.Compared.Interval), ratioOf(c.CPURatio), fmt.Sprintf("%.0f", c.Allocs),
			servedBy(c), others(c), verdict,
		})
	}
	return t
}

// unitTime returns what a unit takes as people say it.
func unitTime(unit string, seconds float64) string {
	const micro, milli = 1e-6, 1e-3
	switch {
	case seconds >= milli:
		return fmt.Sprintf("%.3g ms/%s", seconds/milli, unit)
	case seconds >= micro:
		return fmt.Sprintf("%.3g µs/%s", seconds/micro, unit)
	}
	return fmt.Sprintf("%.3g ns/%s", seconds*1e9, unit)
}

func ratioOf(x float64) string {
	if x == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", x)
}

// servedBy says how much of the bytes came how, leaving out what did not.
func servedBy(c *measure.Cell) string {
	var parts []string
	for _, p := range []struct {
		share float64
		name  string
	}{{c.Lent, measure.FigureLent}, {c.Ringed, measure.FigureRinged}, {c.Copied, "pread"}} {
		if p.share > 0 {
			parts = append(parts, fmt.Sprintf("%.0f %% %s", 100*p.share, p.name))
		}
	}
	return strings.Join(parts, ", ")
}

// others lists the candidates by time, as multiples of the fastest.
func others(c *measure.Cell) string {
	var parts []string
	for _, o := range c.Others {
		part := fmt.Sprintf("%s %.2f", o.Name, o.Seconds/c.Others[0].Seconds)
		if o.Hopeless {
			part += " (given up)"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}
