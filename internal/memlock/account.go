package memlock

import "sync/atomic"

// An Account bounds locked memory, in bytes. Its methods may be called by any
// number of goroutines and never wait.
type Account struct {
	limit, used atomic.Int64
}

// New returns an Account of limitBytes; one of 0 or less lends nothing.
func New(limitBytes int64) *Account {
	a := new(Account)
	a.SetLimit(limitBytes)
	return a
}

// Take asks for n more bytes and reports whether they may be locked. What was
// taken is given back by Give.
func (a *Account) Take(n int64) bool {
	for {
		used := a.used.Load()
		if used+n > a.limit.Load() {
			return false
		}
		if a.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

// Give returns n bytes that were taken and are locked no more.
func (a *Account) Give(n int64) {
	if a.used.Add(-n) < 0 {
		panic("memlock: more was given back than taken")
	}
}

// Used returns the bytes that are taken now.
func (a *Account) Used() int64 { return a.used.Load() }

// Free returns how many bytes could be taken now.
func (a *Account) Free() int64 { return max(a.limit.Load()-a.used.Load(), 0) }

// Limit returns the bound.
func (a *Account) Limit() int64 { return a.limit.Load() }

// SetLimit changes the bound. What is taken beyond it stays taken until it is
// given back.
func (a *Account) SetLimit(limitBytes int64) { a.limit.Store(max(limitBytes, 0)) }
