package access

// A purse holds bytes that were fetched and read, less wastePrice times the
// bytes that were fetched in vain. Whoever never has more ahead than a
// wastePrice-th of it wastes at most one byte of 1+wastePrice, however it ends.
type purse int64

const (
	// wastePrice makes the share that may be wasted a quarter: DESIGN, Read-ahead.
	wastePrice = 3

	// What is remembered: DESIGN says the last 8 MiB; with windows of a MiB and
	// more that would be too few of them to tell.
	recentBytes   = 8 << 20
	recentWindows = 8
)

// earn adds n bytes that were fetched and read. unit is the smallest amount that
// is read ahead, depth how much is now: after a waste of one depth a full purse
// still pays for another.
func (p *purse) earn(n, unit, depth int64) {
	recent := max(recentBytes, recentWindows*unit)
	full := wastePrice * max(recent/(1+wastePrice), 2*depth)
	*p = min(*p+purse(counted(n)), purse(full))
}

// lose takes n bytes that were fetched in vain. The debt is at most one unit's,
// so that it can be worked off.
func (p *purse) lose(n, unit int64) {
	*p = max(*p-purse(wastePrice*counted(n)), purse(-wastePrice*unit))
}

// empty takes what is in it, but for what ahead bytes cost if they are lost.
func (p *purse) empty(ahead int64) { *p = min(*p, purse(wastePrice*ahead)) }

// pays returns how many bytes may be ahead.
func (p *purse) pays() int64 { return max(0, int64(*p)/wastePrice) }

// inDebt says that more was wasted than was earned.
func (p *purse) inDebt() bool { return *p < 0 }
