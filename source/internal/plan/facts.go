package plan

import "math"

// Known is what is known of a yes-or-no question. The zero value is Unsure.
type Known uint8

// What may be known.
const (
	Unsure Known = iota
	No
	Yes
)

// Facts is what is known of a file, its file system and the machine. A zero
// field is unknown unless it says otherwise. Facts that contradict each other
// are no error: Make believes the less favourable one.
type Facts struct {
	SizeBytes      int64    // 0: empty, or unknown
	FileSystem     string   // "ext4", "FUSE" and so on
	InMemory       Known    // tmpfs and the like: never waits for a device
	Remote         Known    // a network file system or FUSE
	CachedShare    float64  // share of the sampled pages that the page cache has, 0 to 1; negative: unknown
	LargeFolios    Known    // whether what is cached lies in large folios, told by populating a few pages of a mapping
	NoGuard        string   // why the file cannot be kept still, "" if it can as far as is known
	NoRing         string   // why there is no ring, "" if there is
	NoDirect       string   // why it cannot be read past the page cache, "" if it can
	DirectUnit     int      // alignment of such reads, bytes
	NeverWaits     Known    // whether RWF_NOWAIT tells cached from uncached
	LockFreeBytes  int64    // may be locked now for mappings
	LockLimitBytes int64    // the budget of it
	PoolBytes      int64    // the budget of window memory
	CacheBytes     int64    // memory that the page cache can take now: free memory, or room in the control group
	ReadAheadBytes int64    // the device's
	Rotational     Known    // whether the device turns
	Processors     int      // that goroutines may run on
	Busy           Known    // whether all processors compute
	Mapped         int      // Readers that are served by mappings now, others than this one
	Failed         []string // facts that could not be had, for Explain ("cachestat: EPERM")
}

// sound returns the facts without contradictions: what cannot be is unknown, or
// the nearest that can.
func (f *Facts) sound() Facts {
	g := *f
	g.SizeBytes = max(g.SizeBytes, 0)
	g.LockFreeBytes = max(g.LockFreeBytes, 0)
	g.LockLimitBytes = max(g.LockLimitBytes, 0)
	if g.LockLimitBytes > 0 {
		g.LockFreeBytes = min(g.LockFreeBytes, g.LockLimitBytes)
	}
	g.PoolBytes = max(g.PoolBytes, 0)
	g.CacheBytes = max(g.CacheBytes, 0)
	g.ReadAheadBytes = max(g.ReadAheadBytes, 0)
	g.Mapped = max(g.Mapped, 0)
	switch {
	case math.IsNaN(g.CachedShare) || g.CachedShare < 0:
		g.CachedShare = unknownShare
	case g.CachedShare > 1:
		g.CachedShare = 1
	}
	if g.InMemory == Yes {
		g.CachedShare = 1
	}
	return g
}
