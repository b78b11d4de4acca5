package uringsrc

import "time"

// A Ring is what an Engine is made over.
type Ring struct {
	Driver
	InFlight int // reads that it takes at a time; with as many cancels its queues do not overflow
}

// NewOver returns an Engine over rings that exist: the shared one, and seats.
// [New] does it with the kernel's and uringtest with simulated ones; the types
// that a Driver needs keep others out. Of the Options InFlightBytes counts, and
// they have been checked.
func NewOver(o Options, info Info, b Bell, rings ...Ring) *Engine {
	if o.InFlightBytes == 0 {
		o.InFlightBytes = DefaultInFlightBytes
	}
	info.Rings, info.InFlight = len(rings), rings[0].InFlight
	e := &Engine{inFlightBytes: o.InFlightBytes, bell: b, info: info, fd: -1, began: time.Now(), ended: make(chan struct{})}
	for _, r := range rings {
		e.lanes = append(e.lanes, newLane(e, r.Driver, r.InFlight, info.Leads))
	}
	e.open.Store(int32(len(rings)))
	e.listener.Go(e.listen)
	return e
}
