package pool

import (
	"context"

	"github.com/oriel-go/oriel/window"
)

// A Session is one reader's account with a pool. When the budget is used up it
// may hold a bounded amount beyond it: the reserve it was opened with, within
// what Options.ReserveBytes allows all sessions together. A reader that opens
// one with a reserve of one window and one join never waits for readers that
// wait for it. What is freed by anybody pays for what is overdrawn, as soon as
// nobody waits for memory.
//
// A Session is a [window.Memory]. Its methods may be called by any number of
// goroutines.
type Session struct {
	pool *Pool

	// Guarded by pool.mu.
	reserve   int64
	overdrawn int64
	closed    bool
}

// NewSession opens an account that may overdraw by reserveBytes; negative
// means 0. A session that is not closed costs nothing but its memory.
func (p *Pool) NewSession(reserveBytes int64) *Session {
	return &Session{pool: p, reserve: max(0, reserveBytes)}
}

// SetReserve changes by how much the account may overdraw; negative means 0.
// What is overdrawn already stays.
func (s *Session) SetReserve(reserveBytes int64) {
	p := s.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	s.reserve = max(0, reserveBytes)
	if p.queue.first != nil {
		p.credit = true
		p.failHopelessLocked()
		p.balanceLocked()
	}
}

// Pool returns the pool of the session.
func (s *Session) Pool() *Pool { return s.pool }

// Get is [Pool.Get] with the session's overdraft: what the budget cannot serve,
// after the pressure functions have been called, the reserve may. It fails with
// [window.ErrNoMemory] only for more than budget and reserve together.
func (s *Session) Get(ctx context.Context, n int) (*Buffer, error) { return s.pool.get(ctx, s, n) }

// TryGet is [Pool.TryGet]. It never overdraws: the reserve is for memory that
// cannot be done without.
func (s *Session) TryGet(n int) (*Buffer, bool) { return s.pool.TryGet(n) }

// Acquire is Get, as [window.Memory] has it.
func (s *Session) Acquire(ctx context.Context, n int) (window.Buffer, error) {
	b, err := s.pool.get(ctx, s, n)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Secure implements [window.Memory]: the memory is not for secrets.
func (s *Session) Secure() bool { return false }

// Close ends the overdraft. Buffers that are out stay valid, and Get goes on
// within the budget. Closing twice does nothing.
func (s *Session) Close() {
	p := s.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	s.closed = true
	if p.queue.first != nil {
		p.failHopelessLocked()
		p.balanceLocked()
	}
}
