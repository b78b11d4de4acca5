//go:build race

package window

// raceEnabled says whether the race detector is on, which makes sync.Pool
// forget at random and everything allocate.
const raceEnabled = true
