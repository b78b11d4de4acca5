// Package measure runs ways of doing the same work against each other.
//
// An [Experiment] is some contests between two ways each. They are run in
// pairs, one way directly after the other, in an order that alternates, and the
// contests take turns, so that whatever disturbs the machine for a while
// disturbs all of them:
//
//	round 1   A B   A C   B B
//	round 2   B B   C A   B A
//	round 3   A B   A C   B B   …
//
// B against itself is the A/A test: its interval has to cover 1, or the round
// was too noisy to claim anything.
//
// The best of several baselines is chosen by runs of its own, between the
// rounds that count, because the best of k is too good when it is taken from
// the runs that chose it.
//
// Every run says what it computed, and a run of Oriel's also which source
// served how many bytes. A run that computed something else than the first one,
// or was served by something else than it claims, fails its experiment.
package measure
