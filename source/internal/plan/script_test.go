package plan

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/source/internal/access"
)

// set changes facts or an ask as one word of a script says: name=value, or only
// a name. It reports false for a word that is neither's.
func set(f *Facts, a *Ask, word string) (ok bool, err error) {
	name, value, _ := strings.Cut(word, "=")
	bytes := func(p *int64) { *p, err = parseBytes(value) }
	count := func(p *int) {
		var n int64
		n, err = parseBytes(value)
		*p = int(n)
	}
	known := func(p *Known) {
		*p, ok = map[string]Known{"?": Unsure, "no": No, "yes": Yes}[value]
		if !ok {
			err = fmt.Errorf("%q is neither ?, no nor yes", value)
		}
	}
	text := strings.ReplaceAll(value, "_", " ")
	switch name {
	case "size":
		bytes(&f.SizeBytes)
	case "fs":
		f.FileSystem = text
	case "memory":
		known(&f.InMemory)
	case "remote":
		known(&f.Remote)
	case "cached":
		f.CachedShare = unknownShare
		if value != "?" {
			f.CachedShare, err = strconv.ParseFloat(value, 64)
		}
	case "folios":
		known(&f.LargeFolios)
	case "noguard":
		f.NoGuard = text
	case "noring":
		f.NoRing = text
	case "nodirect":
		f.NoDirect = text
	case "unit":
		count(&f.DirectUnit)
	case "nowait":
		known(&f.NeverWaits)
	case "lock":
		free, limit, _ := strings.Cut(value, "/")
		value = free
		bytes(&f.LockFreeBytes)
		value = limit
		bytes(&f.LockLimitBytes)
	case "pool":
		bytes(&f.PoolBytes)
	case "cache":
		bytes(&f.CacheBytes)
	case "readahead":
		bytes(&f.ReadAheadBytes)
	case "rotational":
		known(&f.Rotational)
	case "cpus":
		count(&f.Processors)
	case "busy":
		known(&f.Busy)
	case "mapped":
		count(&f.Mapped)
	default:
		return setAsk(a, name, value)
	}
	return true, err
}

func setAsk(a *Ask, name, value string) (ok bool, err error) {
	count := func(p *int) {
		var n int64
		n, err = parseBytes(value)
		*p = int(n)
	}
	switch name {
	case "once":
		a.Once = true
	case "reuse":
		a.Reuse = true
	case "immutable":
		a.Immutable = true
	case "at":
		a.At = true
	case "seq":
		a.Order = access.Sequential
	case "backward":
		a.Order = access.Backward
	case "strided":
		a.Order = access.Strided
	case "random":
		a.Order = access.Random
	case "window":
		count(&a.WindowBytes)
	case "read":
		count(&a.ReadBytes)
	case "waiting":
		count(&a.Waiting)
	case "only":
		a.Only, err = parseWays(value)
	case "direct":
		a.Direct, ok = map[string]DirectUse{"always": DirectAlways, "never": DirectNever}[value]
		if !ok {
			err = fmt.Errorf("direct=%q", value)
		}
	default:
		return false, nil
	}
	return true, err
}

var wayWords = map[string]Way{"pread": Pread, "mmap": Mmap, "uring": Ring, "direct": Direct}

func parseWays(s string) (set Set, err error) {
	if s == "" {
		return 0, nil
	}
	for name := range strings.SplitSeq(s, ",") {
		w, ok := wayWords[name]
		if !ok {
			return 0, fmt.Errorf("%q is no way", name)
		}
		set |= Of(w)
	}
	return set, nil
}

// parseBytes reads a number with an optional K, M or G.
func parseBytes(s string) (int64, error) {
	shift := 0
	if i := strings.IndexAny(s, "KMG"); i >= 0 && i == len(s)-1 {
		shift = 10 * (1 + strings.IndexByte("KMG", s[i]))
		s = s[:i]
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n << shift, err
}

// formatBytes is the other way round.
func formatBytes(n int64) string {
	for i := 2; i >= 0; i-- {
		if unit := int64(1) << (10 * (i + 1)); n != 0 && n%unit == 0 {
			return strconv.FormatInt(n/unit, 10) + "KMG"[i:i+1]
		}
	}
	return strconv.FormatInt(n, 10)
}

// row is one case of testdata/make.
type row struct {
	where, name string
	facts       Facts
	ask         Ask
	want        string // way and numbers, and the four reasons
}

// rows reads the scripts.
func rows(t testing.TB) []row {
	t.Helper()
	files, err := filepath.Glob("testdata/make/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no scripts: %v", err)
	}
	var all []row
	for _, name := range files {
		all = append(all, rowsOf(t, name)...)
	}
	return all
}

func rowsOf(t testing.TB, name string) (all []row) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var usual Facts
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		where := fmt.Sprintf("%s:%d", name, n)
		switch {
		case strings.TrimSpace(line) == "" || line[0] == '#':
			continue
		case line[0] == ' ':
			if len(all) == 0 {
				t.Fatalf("%s: a reason without a row", where)
			}
			all[len(all)-1].want += "\n" + line
			continue
		}
		title, rest, ok := strings.Cut(line, ": ")
		if !ok {
			t.Fatalf("%s: no title", where)
		}
		if title == "usual" {
			for word := range strings.FieldsSeq(rest) {
				if ok, err := set(&usual, &Ask{}, word); !ok || err != nil {
					t.Fatalf("%s: %q: %v", where, word, err)
				}
			}
			continue
		}
		left, want, ok := strings.Cut(rest, "-> ")
		if !ok {
			t.Fatalf("%s: no ->", where)
		}
		r := row{where: where, name: title, facts: usual, want: want}
		for word := range strings.FieldsSeq(left) {
			if word == "|" {
				continue
			}
			if ok, err := set(&r.facts, &r.ask, word); !ok || err != nil {
				t.Fatalf("%s: %q: %v", where, word, err)
			}
		}
		all = append(all, r)
	}
	return all
}

// draw shows a plan as the scripts do.
func draw(p *Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v window=%s ahead=%s", p.Way, formatBytes(int64(p.WindowBytes)), formatBytes(p.AheadBytes))
	if p.LeadBytes > 0 {
		fmt.Fprintf(&b, " lead=%s", formatBytes(p.LeadBytes))
	}
	sep := " close="
	for _, name := range []string{"pread", "mmap", "uring", "direct"} {
		if p.Candidates[wayWords[name]].Close {
			b.WriteString(sep + name)
			sep = ","
		}
	}
	for way := range Way(Ways) {
		c := p.Candidates[way]
		mark := ' '
		if c.Refused {
			mark = 'x'
		}
		fmt.Fprintf(&b, "\n  %c %-13v %v", mark, way, c.Reason)
	}
	return b.String()
}

// TestMakeScripts compares what Make says with the drawn scripts.
func TestMakeScripts(t *testing.T) {
	for _, r := range rows(t) {
		t.Run(r.name, func(t *testing.T) {
			p := Make(&r.facts, r.ask)
			if got := draw(&p); got != r.want {
				t.Errorf("%s: got\n%s\nwant\n%s", r.where, got, r.want)
			}
			sane(t, &p, r.ask)
		})
	}
}

// sane checks what holds of every plan.
func sane(t *testing.T, p *Plan, a Ask) {
	t.Helper()
	left := 0
	for way := range Way(Ways) {
		c := p.Candidates[way]
		if math.IsNaN(c.CostNs) || math.IsInf(c.CostNs, 0) || c.CostNs < 0 {
			t.Errorf("%v costs %v", way, c.CostNs)
		}
		if c.Reason.String() == "" {
			t.Errorf("%v has no reason", way)
		}
		if !c.Refused {
			left++
		}
		if c.Close && (c.Refused || way == p.Way) {
			t.Errorf("%v is close to %v, and refused %v", way, p.Way, c.Refused)
		}
		if n := p.Windows[way]; n < pageBytes || n > largestWindowBytes || n%pageBytes != 0 {
			t.Errorf("windows of %d bytes by %v", n, way)
		}
	}
	forced := a.Only&Of(Pread, Mmap, Ring, Direct) != 0 || a.Direct == DirectAlways
	if p.Way >= Ways || p.Candidates[p.Way].Refused && left > 0 || left == 0 && !forced {
		t.Errorf("the way is %v, of %d that are not refused; forced %v", p.Way, left, forced)
	}
	if p.WindowBytes != p.Windows[p.Way] || p.AheadBytes < 0 || p.AheadBytes%int64(p.WindowBytes) != 0 || p.AheadBytes > inFlightBytes {
		t.Errorf("windows of %d bytes, %d ahead", p.WindowBytes, p.AheadBytes)
	}
	if p.LeadBytes < 0 || p.LeadBytes > 0 && p.Candidates[Pread].Refused || p.WorkBytes < 0 {
		t.Errorf("a lead of %d bytes, of %d", p.LeadBytes, p.WorkBytes)
	}
	order, seen := p.Order(), Set(0)
	for i, way := range order {
		seen |= Of(way)
		if i > 0 && p.before(way, order[i-1]) {
			t.Errorf("order %v: %v comes before %v", order, order[i-1], way)
		}
	}
	if seen != Of(Pread, Mmap, Ring, Direct) {
		t.Errorf("order %v lacks ways", order)
	}
}
