// Package semaphore provides a counting semaphore whose waiters are served in
// order and can be cancelled, and whose size can be changed.
package semaphore
