package pool

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/oriel-go/oriel/window"
)

// DefaultBudgetBytes is the budget of a pool whose options name none.
const DefaultBudgetBytes = 64 << 20

// minBudgetBytes is the smallest budget.
const minBudgetBytes = 4 << 10

// Options are what a pool is made with. The zero value is valid.
type Options struct {
	// BudgetBytes is the memory that may be in use or kept idle, at least
	// 4 KiB. Default: 64 MiB.
	BudgetBytes int64

	// ReserveBytes is what all sessions together may hold beyond the budget.
	// Negative means none. Default: as much as the budget, also after
	// SetBudget.
	ReserveBytes int64

	// LowBytes is the idle memory that is kept however long nobody uses it,
	// at most HighBytes. Default: a quarter of the budget, at most 8 MiB.
	LowBytes int64

	// HighBytes is the idle memory beyond which Free gives memory back at
	// once, at most the budget. Default: half the budget.
	HighBytes int64

	// Logger receives what the debug mode finds, and the first refusal of the
	// system to take memory back. It is called with locks of the pool held, so
	// its handler must not use the pool. Default: nil, which logs nothing.
	Logger *slog.Logger
}

// bounds are the numbers that follow from the options and a budget.
type bounds struct {
	budget, reserve, low, high int64
}

// boundsFor returns the bounds of a budget. What was given is kept as far as
// the budget allows; what was not follows the budget.
func (o *Options) boundsFor(budget int64) bounds {
	b := bounds{budget, o.ReserveBytes, o.LowBytes, o.HighBytes}
	switch {
	case b.reserve < 0:
		b.reserve = 0
	case b.reserve == 0:
		b.reserve = budget
	}
	if b.high == 0 {
		b.high = max(budget/2, min(b.low, budget))
	}
	b.high = min(b.high, budget)
	if b.low == 0 {
		b.low = min(8<<20, budget/4)
	}
	b.low = min(b.low, b.high)
	return b
}

// check returns one error for all options that are out of range.
func (o *Options) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	budget := o.BudgetBytes
	if budget == 0 {
		budget = DefaultBudgetBytes
	}
	if budget < minBudgetBytes {
		bad("BudgetBytes is %d, at least %d is needed", o.BudgetBytes, minBudgetBytes)
	}
	if o.LowBytes < 0 {
		bad("LowBytes is %d, it must not be negative", o.LowBytes)
	}
	if o.HighBytes < 0 {
		bad("HighBytes is %d, it must not be negative", o.HighBytes)
	}
	if o.HighBytes > budget {
		bad("HighBytes is %d, more than the budget of %d", o.HighBytes, budget)
	}
	if o.LowBytes > budget {
		bad("LowBytes is %d, more than the budget of %d", o.LowBytes, budget)
	}
	if o.HighBytes > 0 && o.LowBytes > o.HighBytes {
		bad("LowBytes is %d, more than HighBytes, %d", o.LowBytes, o.HighBytes)
	}
	if len(errs) == 0 {
		return nil
	}
	return &window.Error{Op: "new pool", Err: fmt.Errorf("%w: %w", window.ErrOption, errors.Join(errs...))}
}
