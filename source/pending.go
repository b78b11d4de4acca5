package source

// pending are fetches in the order of their offsets: a ring that never grows
// beyond maxPending.
type pending struct {
	fetches [maxPending]fetch
	ahead   [maxPending]bool // begun before anybody asked
	head, n int
}

// maxPending bounds the windows that a Reader reads ahead.
const maxPending = 64

func (p *pending) first() fetch { return p.fetches[p.head] }

func (p *pending) push(t fetch, ahead bool) {
	i := (p.head + p.n) % maxPending
	p.fetches[i], p.ahead[i] = t, ahead
	p.n++
}

// leaveLoads has what is being loaded given up when it is there, or when its window is
// released.
func (p *pending) leaveLoads() {
	for i := range p.n {
		if t, ok := p.fetches[(p.head+i)%maxPending].(*task); ok && t.load > 0 {
			t.left = true
		}
	}
}

func (p *pending) pop() (t fetch, ahead bool) {
	t, ahead = p.fetches[p.head], p.ahead[p.head]
	p.fetches[p.head] = nil
	p.head = (p.head + 1) % maxPending
	p.n--
	return t, ahead
}
