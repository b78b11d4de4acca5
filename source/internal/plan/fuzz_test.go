package plan

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/oriel-go/oriel/source/internal/access"
)

// tape hands out the numbers that a fuzzer wrote.
type tape []byte

func (t *tape) byte() byte {
	if len(*t) == 0 {
		return 0
	}
	b := (*t)[0]
	*t = (*t)[1:]
	return b
}

func (t *tape) int64() int64 {
	var b [8]byte
	*t = (*t)[copy(b[:], *t):]
	return int64(binary.LittleEndian.Uint64(b[:]))
}

// facts and ask read what encode has written.
func (t *tape) facts() Facts {
	reason := func() string {
		if t.byte()%2 == 0 {
			return ""
		}
		return "no"
	}
	known := func() Known { return Known(t.byte()) }
	return Facts{
		SizeBytes: t.int64(), CachedShare: math.Float64frombits(uint64(t.int64())), LockFreeBytes: t.int64(), LockLimitBytes: t.int64(),
		PoolBytes: t.int64(), CacheBytes: t.int64(), ReadAheadBytes: t.int64(), DirectUnit: int(t.int64()), Mapped: int(t.int64()),
		InMemory: known(), Remote: known(), LargeFolios: known(), NeverWaits: known(), Rotational: known(), Busy: known(),
		NoGuard: reason(), NoRing: reason(), NoDirect: reason(),
	}
}

func (t *tape) ask() Ask {
	flags := t.byte()
	return Ask{
		WindowBytes: int(t.int64()), ReadBytes: int(t.int64()), Waiting: int(t.int64()),
		Order: access.Order(t.byte()), Only: Set(t.byte()), Direct: DirectUse(t.byte()),
		Once: flags&1 != 0, Reuse: flags&2 != 0, Immutable: flags&4 != 0, At: flags&8 != 0,
	}
}

// encode writes facts and an ask as tape reads them: the rows of the scripts are
// the seeds.
func encode(f *Facts, a Ask) []byte {
	var b []byte
	for _, n := range []int64{
		f.SizeBytes, int64(math.Float64bits(f.CachedShare)), f.LockFreeBytes, f.LockLimitBytes,
		f.PoolBytes, f.CacheBytes, f.ReadAheadBytes, int64(f.DirectUnit), int64(f.Mapped),
	} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	for _, k := range []Known{f.InMemory, f.Remote, f.LargeFolios, f.NeverWaits, f.Rotational, f.Busy} {
		b = append(b, byte(k))
	}
	bit := func(is bool, n byte) byte {
		if is {
			return n
		}
		return 0
	}
	b = append(b, bit(f.NoGuard != "", 1), bit(f.NoRing != "", 1), bit(f.NoDirect != "", 1),
		bit(a.Once, 1)|bit(a.Reuse, 2)|bit(a.Immutable, 4)|bit(a.At, 8))
	for _, n := range []int{a.WindowBytes, a.ReadBytes, a.Waiting} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return append(b, byte(a.Order), byte(a.Only), byte(a.Direct))
}

// FuzzMake plans arbitrary facts and asks.
func FuzzMake(f *testing.F) {
	for _, r := range rows(f) {
		f.Add(encode(&r.facts, r.ask))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in := tape(data)
		facts := in.facts()
		ask := in.ask()
		p := Make(&facts, ask)
		sane(t, &p, ask)
	})
}

// TestSeedsAreTheRows: what is encoded is decoded, or the seeds would seed
// nothing.
func TestSeedsAreTheRows(t *testing.T) {
	for _, r := range rows(t) {
		in := tape(encode(&r.facts, r.ask))
		f := in.facts()
		a := in.ask()
		got, want := Make(&f, a), Make(&r.facts, r.ask)
		if got.Way != want.Way || got.Windows != want.Windows || got.AheadBytes != want.AheadBytes {
			t.Errorf("%s: %v, want %v", r.where, draw(&got), draw(&want))
		}
	}
}

// FuzzTrial takes in arbitrary notes, refusals and plans. Each entry of the tape
// is one byte that says what, and what it needs.
func FuzzTrial(f *testing.F) {
	for i, r := range rows(f) {
		b := encode(&r.facts, r.ask)
		for j := range byte(100) {
			b = append(b, j/90, j, byte(i)) // a few plain notes, some refusals
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in := tape(data)
		facts := in.facts()
		p := Make(&facts, in.ask())
		var trial Trial
		trial.Start(&p)
		var gone Set
		notes, starts, switches := 0, 1, 0
		for len(in) > 0 {
			way := trial.Way()
			var s Switch
			ok := false
			switch what := in.byte(); what % 8 {
			case 1:
				w := Way(in.byte() % Ways)
				gone |= Of(w)
				s, ok = trial.Refuse(w, "fuzzed")
				starts++ // bounds as much
			case 2:
				facts = in.facts()
				p = Make(&facts, in.ask())
				trial.Start(&p)
				starts++
				way = trial.Way() // may have had to go at once
			case 3:
				s, ok = trial.Note(in.int64(), time.Duration(in.int64()), what > 127)
				notes++
			default:
				n := trial.StretchBytes()
				s, ok = trial.Note(n, time.Duration(float64(n)*float64(in.byte())/64), in.byte()%8 == 0)
				notes++
			}
			if ok {
				switches++
				if s.Reason.String() == "" || s.Bytes < 0 {
					t.Fatalf("a switch without a reason: %+v", s)
				}
			}
			if now := trial.Way(); now != way && (!ok || s.To != now) {
				t.Fatalf("%v became %v, and the switch says %+v, %v", way, now, s, ok)
			}
			check(t, &trial, gone)
		}
		// A try is two switches, and at least four stretches lie between two tries; a
		// plan or a refusal makes a few more.
		if most := 4*starts + notes/2; switches > most {
			t.Fatalf("%d switches in %d notes and %d starts", switches, notes, starts)
		}
	})
}

// check checks what always holds of a Trial.
func check(t *testing.T, trial *Trial, gone Set) {
	t.Helper()
	left := 0
	for w := range Way(Ways) {
		if trial.usable(w) {
			left++
		}
		if bytes, took := trial.Measured(w); bytes < 0 || took < 0 {
			t.Fatalf("measured %d bytes in %v", bytes, took)
		}
	}
	if w := trial.Way(); w >= Ways || left > 0 && (gone.Has(w) || trial.plan.Candidates[w].Refused) {
		t.Fatalf("the way is %v, of %d left, gone %b", w, left, gone)
	}
	if n := trial.StretchBytes(); n <= 0 || n > 2*largestWindowBytes {
		t.Fatalf("stretches of %d bytes", n)
	}
	if trial.lossNs < 0 || math.IsNaN(trial.lossNs) || math.IsNaN(trial.base) {
		t.Fatalf("tries cost %v, the way %v", trial.lossNs, trial.base)
	}
}
