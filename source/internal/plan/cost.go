package plan

import "math/bits"

// world is what is taken to be true of the facts that may be unknown.
type world struct {
	share  float64 // cached, 0 to 1
	folios Known
}

// of returns the one that is of the folios.
func (w world) of(large, small, unsure float64) float64 {
	switch w.folios {
	case Yes:
		return large
	case No:
		return small
	}
	return unsure
}

// copyNs returns what copying a cached byte costs.
func (w world) copyNs() float64 {
	return w.of(copyLargeNsPerByte, copySmallNsPerByte, copyUnsureNsPerByte)
}

// lendNs returns what populating, locking and touching a cached byte costs.
func (w world) lendNs() float64 {
	return w.of(mapLargeNsPerByte, mapSmallNsPerByte, mapUnsureNsPerByte)
}

// loadNs returns what loading an extent for a single read costs.
func (w world) loadNs() float64 {
	return w.of(loadLargeNs, loadSmallNs, (loadLargeNs+loadSmallNs)/2)
}

// cost returns what the work by a way is expected to cost, in nanoseconds.
func (q *question) cost(way Way, w world) float64 {
	if q.pass {
		return q.passCost(way, w)
	}
	return q.readCost(way, w)
}

// passCost returns what a pass over the file costs. Where the file is declared
// to be used again and a mapping of it can stay, it is the mean of some passes.
func (q *question) passCost(way Way, w world) float64 {
	size := float64(q.facts.SizeBytes)
	first := q.firstPassCost(way, w, size)
	if !q.stays {
		return first
	}
	again := world{1, w.folios}
	later := 0.0
	switch way {
	case Pread, Ring, Direct:
		later = q.firstPassCost(way, again, size)
	case Mmap:
		later = q.windows(Mmap)*mapWindowNs + size*touchNsPerB
	}
	return (first + (reusePasses-1)*later) / reusePasses
}

// firstPassCost returns what one pass costs that finds nothing prepared.
func (q *question) firstPassCost(way Way, w world, size float64) float64 {
	cached, cold := size*w.share, size*(1-w.share)
	device := q.device
	switch way {
	case Pread:
		return q.windows(Pread)*preadCallNs + cached*w.copyNs() + cold*device
	case Mmap:
		lead := 0.0
		if q.leads() {
			lead = min(size, leadBytes)
		}
		lent := size - lead
		mapped := lent * (w.share*w.lendNs() + (1-w.share)*(device+mapColdNsPerByte-coldNsPerByte))
		led := lead/q.windowOf(Pread)*preadCallNs + lead*(w.share*w.copyNs()+(1-w.share)*device)
		return mapSetupNs + q.windows(Mmap)*mapWindowNs + mapped + led
	case Ring:
		call := readRingNs
		if q.facts.NeverWaits == Yes { // what is cached is read by pread first
			call = preadCallNs
		}
		return q.windows(Ring)*call + cached*w.copyNs() + cold*device*ringColdFactor
	case Direct:
		return directSetupNs + size*q.directRate()
	}
	return 0
}

// deviceNs returns what a byte that is not cached costs through the page cache,
// in order.
func (f *Facts) deviceNs() float64 {
	switch {
	case f.Remote == Yes:
		return remoteNsPerByte
	case f.Rotational == Yes:
		return rotationalNsPerByte + copyUnsureNsPerByte
	}
	return coldNsPerByte
}

// directRate returns what a byte past the page cache costs: a device that is slow in
// any case is not faster past the cache, but nothing is copied; and windows smaller
// than a huge page lie in small ones.
func (q *question) directRate() float64 {
	switch {
	case q.device != coldNsPerByte:
		return q.device - copyUnsureNsPerByte
	case q.windowOf(Direct) < directWindowBytes:
		return directSmallNsPerByte
	}
	return directNsPerByte
}

// readCost returns what one read of ReadBytes costs.
func (q *question) readCost(way Way, w world) float64 {
	n := float64(q.ask.ReadBytes)
	share := w.share
	if q.ask.Reuse && q.held() { // waited for once, by whatever way
		share = 1
	}
	if q.ask.Waiting >= ringWaiting {
		share = min(share, waitingShare)
	}
	cold := n * q.device
	byPread := share*(readPreadNs+n*w.copyNs()) + (1-share)*(q.waitNs(waitAlonePreadNs, waitManyPreadNs)+cold)
	switch way {
	case Mmap:
		if q.ask.Reuse { // what fits is loaded once, however many wait now
			share = 1
		}
		loaded := readMapNs + n*touchNsPerB + (w.loadNs()+mapSetupNs)/readsOfExtent
		return share*loaded + (1-share)*(q.waitNs(waitAlonePreadNs, waitManyPreadNs)+extentBytes*mapColdNsPerByte)
	case Ring:
		byRing := q.waitNs(waitAloneRingNs, waitManyRingNs) + cold
		if q.facts.Busy == Yes {
			byRing *= busyRingFactor
		}
		call := readRingNs
		if q.facts.NeverWaits == Yes {
			call = readPreadNs
		}
		return share*(call+n*w.copyNs()) + (1-share)*byRing
	case Direct:
		return q.waitNs(waitAloneRingNs, waitManyRingNs) + cold
	}
	return byPread
}

// waitNs returns what a read that waits costs beside its bytes: between what it
// costs alone and with many others, halved evenly with each doubling of them.
func (q *question) waitNs(alone, many float64) float64 {
	switch {
	case q.facts.Remote == Yes:
		return remoteWaitNs
	case q.facts.Rotational == Yes:
		return rotationalWaitNs
	}
	doublings := float64(bits.Len(uint(q.ask.Waiting)) - 1)
	all := float64(bits.Len(uint(manyWaiting)) - 1)
	return alone + (many-alone)*doublings/all
}

// windows returns the number of windows of a way in the file.
func (q *question) windows(way Way) float64 {
	n := q.windowOf(way)
	return float64((q.facts.SizeBytes-1)/int64(n) + 1)
}

func (q *question) windowOf(way Way) float64 { return float64(q.window[way]) }
