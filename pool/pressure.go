package pool

import "slices"

// A pressureFunc is one registration, told from others by its address.
type pressureFunc struct{ f func(needBytes int) }

// OnPressure registers f, which gives memory back that its owner keeps only in
// case it is useful: a cache frees some of its windows. needBytes is the size
// of the slot that is wanted. The returned function removes f; calls that have
// begun may still be running.
//
// f is called by a Get that would otherwise wait, in its goroutine, without a
// lock of the pool held, and by several goroutines at once. It is called again
// while that Get waits, after 10 ms and then after pauses that double up to one
// second, because what was busy at first may be free later. It must not wait
// for memory of this pool. Functions are called in the order of registration,
// until the Get has been served.
func (p *Pool) OnPressure(f func(needBytes int)) (stop func()) {
	r := &pressureFunc{f}
	p.mu.Lock()
	defer p.mu.Unlock()
	// A new slice each time: press goes through the old one without the lock.
	p.pressure = append(slices.Clone(p.pressure), r)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if i := slices.Index(p.pressure, r); i >= 0 {
			p.pressure = slices.Delete(slices.Clone(p.pressure), i, i+1)
		}
	}
}

// press calls the pressure functions for w and reports whether it may need
// them again. Afterwards w may be served from its session's reserve.
func (p *Pool) press(w *waiter) (again bool) {
	p.mu.Lock()
	funcs := p.pressure
	done := w.done || len(funcs) == 0 && !w.pressing
	p.mu.Unlock()
	if done {
		return false
	}
	returned := false
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if w.done {
			again = false
			if !returned && w.b != nil { // f panicked: nobody will take it
				p.putLocked(w.b)
			}
			return
		}
		if !returned {
			p.finishLocked(w, nil, nil)
		} else if w.pressing {
			w.pressing = false
			p.credit = true
		}
		p.balanceLocked()
	}()
	for _, r := range funcs {
		r.f(int(w.size))
		p.mu.Lock()
		p.pressureCalls++
		done = w.done
		p.mu.Unlock()
		if done {
			break
		}
	}
	returned = true
	return len(funcs) > 0
}
