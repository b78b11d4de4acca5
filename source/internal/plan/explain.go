package plan

// explain says of the way chosen why it was, and of those that lost why they
// did. Those that are refused have their reasons already.
func (q *question) explain(p *Plan) {
	chosen := &p.Candidates[p.Way]
	if chosen.Refused {
		return
	}
	for way := range Way(Ways) {
		c := &p.Candidates[way]
		switch {
		case c.Refused:
		case way == p.Way:
			c.Reason = q.why(way)
		default:
			c.Reason = q.lost(way, c, chosen.CostNs)
		}
	}
}

// why says why a way was chosen.
func (q *question) why(way Way) Reason {
	f, a := &q.facts, &q.ask
	switch {
	case a.forced() || a.Direct == DirectAlways:
		return Reason{code: reasonIsForced, ways: Of(way)}
	case f.SizeBytes == 0:
		return Reason{code: reasonEmpty}
	}
	switch way {
	case Mmap:
		switch {
		case q.fits && (!q.pass || q.stays):
			return Reason{code: reasonStays, a: f.SizeBytes}
		case f.LargeFolios == Yes:
			return Reason{code: reasonLent}
		}
		return Reason{code: reasonCheapest}
	case Ring:
		return Reason{code: reasonManyWait, a: int64(a.Waiting)}
	case Direct:
		if !q.held() {
			return Reason{code: reasonNotHeld, a: f.SizeBytes, b: f.CacheBytes}
		}
		return Reason{code: reasonOnce}
	}
	switch {
	case f.SizeBytes < smallBytes:
		return Reason{code: reasonJustCopy, a: f.SizeBytes}
	case f.InMemory == Yes:
		return Reason{code: reasonInMemory}
	case f.CachedShare < 0:
		return Reason{code: reasonUnknownShare}
	case f.CachedShare >= cachedShare:
		return Reason{code: reasonCopied}
	case !q.pass:
		return Reason{code: reasonReadsWait}
	case f.Remote == Yes:
		return Reason{code: reasonAsked, text: f.FileSystem}
	}
	if f.CachedShare > coldShare {
		return Reason{code: reasonPart}
	}
	return Reason{code: reasonReadAhead}
}

// alike is how many times the cost of another way reads as the same.
const alike = 1.05

// lost says why a way that could have served does not: it costs more.
func (q *question) lost(way Way, c *Candidate, chosen float64) Reason {
	r := Reason{code: reasonDearer, ratio: float32(c.CostNs / max(chosen, 1))}
	switch {
	case !c.Close && r.ratio < alike:
		r.code = reasonAlike
	case c.Close && way == Pread && q.facts.CachedShare < cachedShare:
		r.code = reasonPartNow
	case c.Close && q.facts.CachedShare < 0:
		r.code = reasonMayWin
	case c.Close && q.facts.LargeFolios == Unsure && way == Mmap:
		r.code = reasonFoliosUnsure
	case c.Close:
		r.code = reasonNear
	case way == Mmap && q.pass && q.facts.LargeFolios == No && q.facts.CachedShare >= cachedShare:
		r.code = reasonSmallFolios
	case way == Direct && q.facts.CachedShare >= cachedShare:
		r.code = reasonCachedAlready
	}
	return r
}
