package source

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

func TestTheGateIsClosedByTheLast(t *testing.T) {
	var g gate
	for range 2 {
		if !g.enter() {
			t.Fatal("an open gate lets nobody in")
		}
	}
	if g.leaveRead(10) {
		t.Error("the first to leave an open gate is to close")
	}
	if first, last := g.close(); !first || last {
		t.Errorf("close with one inside = %v, %v", first, last)
	}
	if g.enter() {
		t.Error("a shut gate lets somebody in")
	}
	if g.leave() {
		t.Error("who was refused is to close while another is inside")
	}
	if !g.leaveRead(5) {
		t.Error("the last to leave is not to close")
	}
	if first, last := g.close(); first || last {
		t.Errorf("close again = %v, %v", first, last)
	}
	g.enter()
	if g.leave() {
		t.Error("closed twice")
	}
	if n, bytes := g.reads(); n != 2 || bytes != 15 {
		t.Errorf("%d reads of %d bytes, want 2 of 15", n, bytes)
	}
}

// Entries run over 24 bits and bytes over 40, and nothing is lost.
func TestTheGateCountsBeyondItsFields(t *testing.T) {
	var g gate
	const start = 1<<24 - 3
	g.entered.Store(start)
	g.left.Store(start << 40 & (1<<64 - 1))
	g.silent.Store(start)
	var want int64
	for range 1000 {
		const n = 1 << 30
		g.enter()
		if want += n; g.leaveRead(n) {
			t.Fatal("an open gate is to be closed")
		}
		if i := inside(g.entered.Load(), g.left.Load()); i != 0 {
			t.Fatalf("%d are inside of an empty gate", i)
		}
	}
	if n, bytes := g.reads(); n != 1000 || bytes != want {
		t.Errorf("%d reads of %d bytes, want 1000 of %d", n, bytes, want)
	}
}

func TestTheGateIsClosedOnce(t *testing.T) {
	for range 300 {
		var g gate
		var wg sync.WaitGroup
		closings := make(chan bool, 64)
		for range 8 {
			wg.Go(func() {
				for range rand.IntN(20) {
					g.enter()
					if g.leaveRead(1) {
						closings <- true
					}
				}
			})
		}
		wg.Go(func() {
			if _, last := g.close(); last {
				closings <- true
			}
		})
		wg.Wait()
		if n := len(closings); n != 1 {
			t.Fatalf("closed %d times, want once", n)
		}
	}
}

// Who comes and goes while the gate is closed must not hide who is inside, nor
// be counted as reads.
func TestTheGateIsNotClosedWhileSomebodyIsInside(t *testing.T) {
	rounds := 20_000
	if testing.Short() {
		rounds = 2_000
	}
	for range rounds {
		var g gate
		g.enter() // stays inside
		g.enter()
		g.leaveRead(1)
		var stop atomic.Bool
		begun, told := make(chan bool), make(chan bool)
		go func() {
			last := false
			close(begun)
			for range 2000 { // and no more, for a machine with one processor
				if stop.Load() {
					break
				}
				g.enter()
				last = g.leave() || last
			}
			told <- last
		}()
		<-begun
		if n, _ := g.reads(); n > 1 {
			t.Fatalf("%d reads are counted, want 1 at most", n)
		}
		_, last := g.close()
		stop.Store(true)
		if last = <-told || last; last {
			t.Fatal("closed while somebody was inside")
		}
		if !g.leave() {
			t.Fatal("the last to leave is not to close")
		}
		if n, _ := g.reads(); n != 1 {
			t.Fatalf("%d reads are counted, want 1", n)
		}
	}
}
