package plan

import "github.com/oriel-go/oriel/source/internal/access"

// Plan is how a file is to be read.
type Plan struct {
	Way         Way
	WindowBytes int             // of the way chosen
	AheadBytes  int64           // most that is read ahead in it
	LeadBytes   int64           // what is read by Pread first, before Way takes over: a caller that leaves early has not paid for a mapping
	WorkBytes   int64           // what the costs are of: a pass over the file, or one read
	Candidates  [Ways]Candidate // indexed by Way
	Windows     [Ways]int       // of each way, for when another is tried
	Waits       Known           // whether the reads are expected to wait for a device

	cached, cold [Ways]float64 // what the candidates would cost if all or nothing is cached
}

// Candidate is what the plan says of one way.
type Candidate struct {
	CostNs  float64 // expected, for WorkBytes
	Refused bool    // cannot serve, or must not
	Close   bool    // so close to the best that it is tried
	Reason  Reason  // why it was chosen, or lost, or is refused
}

// question is what Make is asked, made sound, and what follows from it at once.
type question struct {
	facts  Facts
	ask    Ask
	window [Ways]int // the size of windows by each way
	pass   bool      // from front to back, rather than reads here and there
	device float64   // what a byte that is not cached costs through the page cache, in order
	fits   bool      // the whole file can be locked
	stays  bool      // it is read from front to back again and again, and a mapping of it stays locked
}

// Make is the planner. It allocates nothing.
//
//	                     ┌─ smaller than 1 MiB ──────────► pread
//	                     │            ┌─ cached ─────────► a mapping, if it can be kept still and lies in
//	                     │            │                    large folios; pread
//	front to back ───────┼─ larger ───┼─ not cached ─────► past the page cache, if it is read once or would
//	                     │            │                    not be held; pread
//	                     │            └─ unknown ────────► pread, and others are tried
//	here and there ──────┼─ fits the locked memory ──────► a mapping, if it is cached or used again
//	                     ├─ many reads wait ─────────────► the ring
//	                     └─ neither ─────────────────────► pread
func Make(f *Facts, a Ask) Plan {
	var q question
	q.facts = f.sound()
	q.ask = a.sound(&q.facts)
	q.derive()
	known := world{q.facts.CachedShare, q.facts.LargeFolios}
	if known.share < 0 {
		known.share = middleShare
	}
	p := Plan{WorkBytes: q.facts.SizeBytes, Windows: q.window, Waits: q.waits()}
	if !q.pass {
		p.WorkBytes = int64(q.ask.ReadBytes)
	}
	p.Way = q.judge(&p.Candidates, known)
	if p.Waits == Unsure {
		for way := range Way(Ways) {
			p.cached[way] = q.cost(way, world{1, known.folios})
			p.cold[way] = q.cost(way, world{0, known.folios})
		}
	}
	q.findClose(&p)
	q.explain(&p)
	p.WindowBytes = q.window[p.Way]
	p.AheadBytes = q.ahead(p.Way)
	if p.Way == Mmap && q.leads() {
		p.LeadBytes = min(leadBytes, q.facts.SizeBytes)
	}
	return p
}

// derive fills in what follows from the facts and from what is asked for.
func (q *question) derive() {
	f := &q.facts
	q.pass = q.ask.frontToBack()
	q.device = f.deviceNs()
	q.fits = (f.SizeBytes >= smallBytes || q.ask.At && q.ask.Reuse) && f.SizeBytes <= f.LockFreeBytes
	q.stays = q.fits && q.ask.Reuse && q.pass
	copied, direct, mapped := int64(copiedWindowBytes), int64(directWindowBytes), int64(mappedWindowBytes)
	if f.LockLimitBytes > 0 {
		mapped = max(min(mapped, f.LockLimitBytes/2), extentBytes)
		mapped -= mapped % extentBytes
	}
	if f.PoolBytes > 0 {
		copied = min(copied, f.PoolBytes/poolWindows)
		direct = min(direct, f.PoolBytes/poolWindows)
	}
	q.window = [Ways]int{Pread: wholePages(copied), Mmap: wholePages(mapped), Ring: wholePages(copied), Direct: wholePages(direct)}
	if q.ask.WindowBytes != 0 {
		q.window = [Ways]int{q.ask.WindowBytes, q.ask.WindowBytes, q.ask.WindowBytes, q.ask.WindowBytes}
	}
}

// waits says whether the reads will have to wait for a device.
func (q *question) waits() Known {
	switch s := q.facts.CachedShare; {
	case s >= cachedShare:
		return No
	case s >= 0 && s <= coldShare:
		return Yes
	}
	return Unsure
}

// leads reports whether a mapping is preceded by reads of pread: where nobody
// forced it, and nobody said that the file will be used again.
func (q *question) leads() bool {
	return q.pass && q.ask.Only.Has(Pread) && !q.stays
}

// judge costs all ways in a world, refuses those that cannot or must not serve
// and returns the cheapest of the others. Where the caller forces ways, these
// serve even if they should not.
func (q *question) judge(cs *[Ways]Candidate, w world) Way {
	var unfit Set
	for way := range Way(Ways) {
		c := &cs[way]
		c.CostNs = q.cost(way, w)
		if why := q.unable(way); why.code != reasonNone {
			c.Refused, c.Reason = true, why
		} else if why = q.unfit(way, w); why.code != reasonNone {
			c.Refused, c.Reason = true, why
			unfit |= 1 << way
		}
	}
	best, ok := cheapest(cs)
	if ok {
		return best
	}
	for way := range Way(Ways) {
		if unfit.Has(way) {
			cs[way].Refused = false
			cs[way].Reason = Reason{}
			return way
		}
	}
	return q.firstForced()
}

// firstForced returns the way to name when none can serve.
func (q *question) firstForced() Way {
	if q.ask.Direct == DirectAlways {
		return Direct
	}
	for way := range Way(Ways) {
		if q.ask.Only.Has(way) {
			return way
		}
	}
	return Pread
}

// cheapest returns the cheapest way that is not refused; of equal ones the
// simpler.
func cheapest(cs *[Ways]Candidate) (best Way, ok bool) {
	for way := range Way(Ways) {
		if !cs[way].Refused && (!ok || cs[way].CostNs < cs[best].CostNs) {
			best, ok = way, true
		}
	}
	return best, ok
}

// ahead returns how much is read ahead of a Reader, at most.
func (q *question) ahead(way Way) int64 {
	n := int64(q.window[way])
	switch {
	case q.pass:
		slow := q.facts.ReadAheadBytes > 0 && q.facts.ReadAheadBytes < leastReadAheadBytes
		if way == Ring || way == Direct || way == Pread && q.facts.InMemory != Yes && (q.facts.Remote == Yes || slow) {
			n = max(n, inFlightBytes)
		}
	case q.ask.Order == access.Backward, q.ask.Order == access.Strided:
		n = max(n, inFlightBytes) // the kernel reads ahead for neither
	default:
		return 0
	}
	if q.facts.PoolBytes > 0 && way != Mmap {
		n = max(min(n, q.facts.PoolBytes/2), int64(q.window[way]))
	}
	return n - n%int64(q.window[way])
}

// Order returns the candidates by cost, refused ones last.
func (p *Plan) Order() [Ways]Way {
	ws := [Ways]Way{Pread, Mmap, Ring, Direct}
	for i := 1; i < len(ws); i++ {
		for j := i; j > 0 && p.before(ws[j], ws[j-1]); j-- {
			ws[j], ws[j-1] = ws[j-1], ws[j]
		}
	}
	return ws
}

func (p *Plan) before(a, b Way) bool {
	x, y := &p.Candidates[a], &p.Candidates[b]
	if x.Refused != y.Refused {
		return y.Refused
	}
	return x.CostNs < y.CostNs
}
