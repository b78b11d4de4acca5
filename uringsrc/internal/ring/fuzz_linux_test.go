package ring

import "testing"

// A model is what a ring of no operations must be like.
type model struct {
	size    int    // of both queues
	next    uint64 // user data of the next entry
	pending []uint64
	ready   []uint64 // completed and in the queue
	over    []uint64 // completed and kept back
}

// enter is Ring.Enter: the kernel takes all, and what has no room is kept back,
// and everything behind it too; in the end it brings over what it can, when it
// was asked to.
func (m *model) enter(flush bool) {
	for _, u := range m.pending {
		if len(m.over) > 0 || len(m.ready) == m.size {
			m.over = append(m.over, u)
		} else {
			m.ready = append(m.ready, u)
		}
	}
	m.pending = m.pending[:0]
	if flush {
		n := min(len(m.over), m.size-len(m.ready))
		m.ready = append(m.ready, m.over[:n]...)
		m.over = m.over[n:]
	}
}

// push makes n entries, and keeps them when there is room for all.
func (m *model) push(n int) (es []Entry, fits bool) {
	fits = len(m.pending)+n <= m.size
	for range n {
		es = append(es, Nop(m.next))
		if fits {
			m.pending = append(m.pending, m.next)
		}
		m.next++
	}
	return es, fits
}

func (m *model) left() int { return len(m.pending) + len(m.ready) + len(m.over) }

// FuzzProgram runs programs of Push, Enter and Reap against a model of no
// operations. Each byte is a step.
func FuzzProgram(f *testing.F) {
	for _, s := range []string{"", "\x00\x40\x80", "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x40\x81",
		"\x3f\x40\x3f\x40\x3f\x40\x80\x40\x80\x40\xbf"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		r := needRing(t, Config{Entries: 8, Completions: 8})
		m := &model{size: 8}
		for at, b := range program[:min(len(program), 1000)] {
			step(t, r, m, b)
			if r.Pending() != len(m.pending) || r.Space() != m.size-len(m.pending) || r.Ready() != len(m.ready) || r.Overflowed() != (len(m.over) > 0) {
				t.Fatalf("step %d (%#x): pending %d, space %d, ready %d, overflowed %v; the model %+v",
					at, b, r.Pending(), r.Space(), r.Ready(), r.Overflowed(), m)
			}
		}
		for m.left() > 0 {
			step(t, r, m, 0x40)
			step(t, r, m, 0xbf)
		}
		if n := r.Dropped() + r.Lost(); n != 0 {
			t.Errorf("%d dropped or lost", n)
		}
		r.Close()
	})
}

// step does what a byte says: push some, enter, or reap some.
func step(t *testing.T, r *Ring, m *model, b byte) {
	count := int(b & 0x3f)
	switch b >> 6 {
	case 0:
		for range count%12 + 1 {
			es, want := m.push(1)
			if got := r.Push(&es[0]); got != want {
				t.Fatalf("Push = %v, want %v", got, want)
			}
		}
	case 1:
		flush, wait := len(m.over) > 0, 0
		if count%2 == 1 && m.left() > 0 {
			flush, wait = true, 1
		}
		if n, err := r.Enter(wait, 0); err != nil || n != len(m.pending) {
			t.Fatalf("Enter(%d) = %d, %v with %d pending", wait, n, err, len(m.pending))
		}
		m.enter(flush)
	default:
		dst := make([]Completion, count%10)
		n := r.Reap(dst)
		if n != min(len(dst), len(m.ready)) {
			t.Fatalf("Reap of %d = %d with %d ready", len(dst), n, len(m.ready))
		}
		for i, c := range dst[:n] {
			if c.UserData != m.ready[i] || c.Res != 0 {
				t.Fatalf("completion %+v, want of %d", c, m.ready[i])
			}
		}
		m.ready = m.ready[n:]
	}
}

// FuzzChains runs programs of chains of 1 to 8, and of Enter. A chain is passed
// by what is pushed behind it, and is in order itself.
func FuzzChains(f *testing.F) {
	for _, s := range []string{"", "\x00", "\x02\x80\x05", "\x07\x87\x87\x07"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		r := needRing(t, Config{Entries: 8, Completions: 64, Chains: true})
		m := &model{size: 8, next: 1}
		behind := map[uint64]uint64{} // the entry before, in the same chain
		seen := map[uint64]bool{0: true}
		reap := func(n int) {
			for _, c := range results(t, r, n) {
				if c.Err() != nil || seen[c.UserData] || !seen[behind[c.UserData]] {
					t.Fatalf("entry %d behind %d: %v, seen before %v", c.UserData, behind[c.UserData], c.Err(), seen[c.UserData])
				}
				seen[c.UserData] = true
			}
		}
		inFlight, pushed := 0, 0
		for _, b := range program[:min(len(program), 200)] {
			es, fits := m.push(int(b&7) + 1)
			for i := range es[1:] {
				es[i] = es[i].With(Link)
				behind[es[i+1].UserData()] = es[i].UserData()
			}
			if got := r.PushChain(es); got != fits {
				t.Fatalf("PushChain of %d = %v with %d pending", len(es), got, len(m.pending))
			}
			if fits {
				pushed += len(es)
			}
			if b >= 0x80 || !fits {
				n, err := r.Enter(0, 0)
				if err != nil || n != len(m.pending) {
					t.Fatalf("Enter = %d, %v with %d pending", n, err, len(m.pending))
				}
				inFlight += n
				m.pending = m.pending[:0]
			}
			if inFlight > 48 {
				reap(inFlight)
				inFlight = 0
			}
		}
		reap(inFlight + len(m.pending))
		if len(seen)-1 != pushed {
			t.Errorf("%d completions of %d entries", len(seen)-1, pushed)
		}
		r.Close()
	})
}
