package plan

// findClose marks the ways that might be better than the one that was chosen.
// There are two grounds:
//
//   - a fact is unknown, and with one of the values that it may have the way
//     would win;
//   - all is known, and the costs differ by less than they may be wrong by.
//
// The ring is never close: where it serves reads in order it does what pread
// does, less steadily.
func (q *question) findClose(p *Plan) {
	if p.Candidates[p.Way].Refused {
		return
	}
	shares := [2]float64{q.facts.CachedShare, q.facts.CachedShare}
	if q.facts.CachedShare < 0 {
		shares = [2]float64{0, 1}
	}
	folios := [2]Known{q.facts.LargeFolios, q.facts.LargeFolios}
	if q.facts.LargeFolios == Unsure {
		folios = [2]Known{No, Yes}
	}
	if shares[0] != shares[1] || folios[0] != folios[1] {
		for _, share := range shares {
			q.mark(p, world{share, folios[0]})
			if share > 0 && folios[0] != folios[1] {
				q.mark(p, world{share, folios[1]})
			}
		}
	}
	for way := range Way(Ways) {
		if way == Mmap && q.waits() == No || way == Pread && p.Way == Mmap {
			c := &p.Candidates[way]
			c.Close = c.Close || way != p.Way && !c.Refused && q.facts.LargeFolios != Unsure &&
				c.CostNs <= closeFactor*p.Candidates[p.Way].CostNs
		}
	}
	// Part of the file is cached, and perhaps the part that comes now: only pread
	// finds that out.
	if pread := &p.Candidates[Pread]; p.Way == Direct && !pread.Refused && q.facts.CachedShare > coldShare {
		pread.Close = true
	}
}

// mark marks the ways that win in a world.
func (q *question) mark(p *Plan, w world) {
	chosen := q.cost(p.Way, w)
	for way := range Way(Ways) {
		if c := &p.Candidates[way]; way == p.Way || way == Ring || c.Refused || c.Close {
			continue
		}
		least := q.cost(way, w)
		if way == Direct {
			least *= directFactor
		}
		if least < chosen {
			p.Candidates[way].Close = true
		}
	}
}
