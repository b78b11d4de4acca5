// Package uringtest gives tests an Engine of package uringsrc over rings that are
// simulated, on any system.
//
//	e, sim, err := uringtest.New(seed, uringtest.Options{
//		Content: uringtest.Pread,
//		Faults:  uringtest.Random(seed),
//	})
//	…
//	if err := errors.Join(e.Close(ctx), sim.Check()); err != nil {
//		t.Error(err)
//	}
//
// The reads are of real files ([Pread]), of a function of the test's, or of
// [Bytes]. They complete in any order, late, short or with errors, as [Faults] say
// and the seed decides; every goroutine that waits moves the simulation's clock
// on, so that none of it takes time. Buffers are written at some moment between
// the start of a read and its completion, with other bytes first: a buffer that is
// used again too early does not keep what is in it.
//
// Which goroutine runs when is not the seed's. A test with one goroutine sets
// [Options].Steps, and what happens is the same every time.
package uringtest
