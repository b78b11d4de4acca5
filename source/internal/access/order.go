package access

// Order is the order in which a session reads.
type Order uint8

const (
	Unknown    Order = iota // too little has been read to tell
	Sequential              // forward, with small skips and overlaps
	Backward                // each read ends about where the one before began
	Strided                 // a constant distance other than the length
	Random                  // none of these
)

var orderNames = [...]string{"unknown", "sequential", "backward", "strided", "random"}

// String returns the name in lower case.
func (o Order) String() string {
	if int(o) < len(orderNames) {
		return orderNames[o]
	}
	return "invalid"
}
