package plan

// unable says why a way cannot serve: nothing that is asked for changes that,
// except asking for something else.
func (q *question) unable(way Way) Reason {
	f, a := &q.facts, &q.ask
	switch {
	case a.Direct == DirectAlways && way != Direct:
		return Reason{code: reasonForced, ways: Of(Direct)}
	case !a.Only.Has(way):
		return Reason{code: reasonForced, ways: a.Only}
	}
	switch way {
	case Mmap:
		switch {
		case f.SizeBytes == 0:
			return Reason{code: reasonEmpty}
		case f.NoGuard != "" && !a.Immutable:
			return Reason{code: reasonNoGuard, text: f.NoGuard}
		case f.LockLimitBytes < extentBytes:
			return Reason{code: reasonLockLimit, a: f.LockLimitBytes, b: extentBytes}
		case int64(q.window[Mmap]) > f.LockLimitBytes:
			return Reason{code: reasonLockLimit, a: f.LockLimitBytes, b: int64(q.window[Mmap])}
		}
	case Ring, Direct:
		if f.NoRing != "" {
			return Reason{code: reasonNoRing, text: f.NoRing}
		}
		if way == Ring {
			break
		}
		switch {
		case a.Direct == DirectNever:
			return Reason{code: reasonNever}
		case f.NoDirect != "":
			return Reason{code: reasonNoDirect, text: f.NoDirect}
		case f.DirectUnit != 0 && !alignable(f.DirectUnit, q.window[Direct]):
			return Reason{code: reasonUnit, a: int64(f.DirectUnit)}
		}
	}
	return Reason{}
}

// alignable reports whether windows of so many bytes can be read in units.
func alignable(unit, window int) bool {
	return unit > 0 && unit&(unit-1) == 0 && unit <= window
}

// unfit says why a way should not serve, though it could: it would be no better,
// or better only for this reader and worse for others or for the next.
func (q *question) unfit(way Way, w world) Reason {
	size := q.facts.SizeBytes
	switch {
	case way == Pread:
		return Reason{}
	case size == 0:
		return Reason{code: reasonEmpty}
	case size < smallBytes && way == Mmap && q.ask.At && q.ask.Reuse: // a guard is paid for by many reads
		return q.unfitMap(w)
	case size < smallBytes && way == Mmap:
		return Reason{code: reasonSmallMap, a: size}
	case size < smallBytes:
		return Reason{code: reasonSmall, a: size}
	case way == Mmap:
		return q.unfitMap(w)
	case q.facts.InMemory == Yes:
		return Reason{code: reasonInMemory}
	case way == Ring:
		return q.unfitRing()
	}
	return q.unfitDirect()
}

func (q *question) unfitMap(w world) Reason {
	f, a := &q.facts, &q.ask
	switch {
	case f.Remote == Yes:
		return Reason{code: reasonRemoteMap, text: f.FileSystem}
	case !q.pass || q.stays:
		if !q.fits {
			return Reason{code: reasonThrash, a: f.SizeBytes, b: f.LockFreeBytes}
		}
		if w.share < cachedShare && !a.Reuse && f.CachedShare >= 0 {
			return Reason{code: reasonColdReads}
		}
		return Reason{}
	case f.LockLimitBytes < readerLockBytes:
		return Reason{code: reasonLockFree, a: f.LockLimitBytes, b: readerLockBytes}
	case f.Mapped >= mostMapped:
		return Reason{code: reasonMapped, a: int64(f.Mapped), b: f.LockLimitBytes}
	case f.SizeBytes < leastMapPassBytes:
		return Reason{code: reasonSmallMap, a: f.SizeBytes}
	case w.share < cachedShare && f.CachedShare >= 0:
		return Reason{code: reasonColdMap}
	}
	return Reason{}
}

func (q *question) unfitRing() Reason {
	f, a := &q.facts, &q.ask
	switch {
	case q.pass:
		return Reason{}
	case f.Busy == Yes:
		return Reason{code: reasonBusy}
	case a.Waiting < ringWaiting:
		return Reason{code: reasonFewWait, a: int64(a.Waiting)}
	}
	return Reason{}
}

func (q *question) unfitDirect() Reason {
	f, a := &q.facts, &q.ask
	switch {
	case !q.pass:
		return Reason{code: reasonCacheServes}
	case f.Remote == Yes:
		return Reason{code: reasonRemoteDirect, text: f.FileSystem}
	case f.SizeBytes < leastPassBytes:
		return Reason{code: reasonSmall, a: f.SizeBytes}
	case q.window[Direct] < leastDirectWindowBytes:
		return Reason{code: reasonSmallWindow, a: int64(q.window[Direct])}
	case !a.Once && q.held():
		return Reason{code: reasonHeld}
	}
	return Reason{}
}

// held reports whether the page cache would hold the file until its next pass,
// as far as is known.
func (q *question) held() bool {
	c := q.facts.CacheBytes
	return c == 0 || float64(q.facts.SizeBytes) <= heldShare*float64(c)
}
