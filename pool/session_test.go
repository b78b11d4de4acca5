package pool

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oriel-go/oriel/window"
)

func TestTwoSessionsOnTwoBuffersBothGetTheirJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, &Options{BudgetBytes: 128 * kib})
		done := make(chan bool, 2)
		hold := make(chan bool)
		for range 2 {
			go func() {
				s := p.NewSession(64 * kib)
				defer s.Close()
				w := get(t, s, 64*kib)
				<-hold // until both hold one
				join := get(t, s, 64*kib)
				w.Free()
				join.Free()
				done <- true
			}()
		}
		synctest.Wait()
		close(hold)
		<-done
		<-done
		if st := p.Stats(); st.OverdrawnBytes != 0 || st.InUseBytes != 0 {
			t.Errorf("left over: %+v", st)
		}
	})
}

func TestOverdraftIsBoundedBySessionAndPool(t *testing.T) {
	p := newPool(t, &Options{BudgetBytes: 64 * kib, ReserveBytes: 24 * kib})
	budget := get(t, p, 64*kib)
	a, b := p.NewSession(16*kib), p.NewSession(16*kib)
	a1, a2, b1 := get(t, a, 8*kib), get(t, a, 8*kib), get(t, b, 8*kib)
	st := p.Stats()
	if st.OverdrawnBytes != 24*kib || st.InUseBytes != 88*kib {
		t.Errorf("overdrawn: %+v", st)
	}
	for _, s := range []*Session{a, b} { // its own reserve is used up, everybody's is
		ctx, cancel := context.WithTimeout(bg, time.Millisecond)
		_, err := s.Get(ctx, 4*kib)
		wantErr(t, err, context.DeadlineExceeded)
		cancel()
	}
	a1.Free()
	b2 := get(t, b, 8*kib) // what a gave back
	for _, x := range []*Buffer{budget, a2, b1, b2} {
		x.Free()
	}
	if st := p.Stats(); st.OverdrawnBytes != 0 || st.InUseBytes != 0 || st.IdleBytes > st.HighBytes {
		t.Errorf("left over: %+v", st)
	}
}

func TestSessionHoldingNothingMayOverdraw(t *testing.T) {
	p := newPool(t, &Options{BudgetBytes: 64 * kib})
	all := get(t, p, 64*kib)
	s := p.NewSession(8 * kib)
	get(t, s, 8*kib).Free()
	if _, ok := s.TryGet(8 * kib); ok {
		t.Error("TryGet overdrew")
	}
	all.Free()
}

func TestReserveServesARequestLargerThanTheBudget(t *testing.T) {
	p := newPool(t, &Options{BudgetBytes: 64 * kib, ReserveBytes: 1 << 20})
	s := p.NewSession(64 * kib)
	small := get(t, p, 4*kib)
	small.Free() // idle memory counts as room
	b := get(t, s, 128*kib)
	if st := p.Stats(); st.OverdrawnBytes != 64*kib || st.InUseBytes != 128*kib || st.IdleBytes != 0 {
		t.Errorf("overdrawn: %+v", st)
	}
	b.Free()
	_, err := s.Get(bg, 128*kib+1)
	wantErr(t, err, window.ErrNoMemory)
	_, err = p.Get(bg, 128*kib)
	wantErr(t, err, window.ErrNoMemory)
	// Other classes and mappings of their own overdraw alike.
	s = p.NewSession(1 << 20)
	get(t, s, 1<<20).Free()
	p2 := newPool(t, &Options{BudgetBytes: 4 << 20, ReserveBytes: 4 << 20})
	get(t, p2.NewSession(4<<20), 6<<20).Free()
	if st := p2.Stats(); st.OverdrawnBytes != 0 || st.MappedBytes != 0 {
		t.Errorf("left over: %+v", st)
	}
}

func TestDebtsArePaidByWhateverIsFreed(t *testing.T) {
	p := newPool(t, &Options{BudgetBytes: 128 * kib})
	a, b := get(t, p, 64*kib), get(t, p, 64*kib)
	s := p.NewSession(64 * kib)
	over := get(t, s, 64*kib)
	a.Free()
	if st := p.Stats(); st.OverdrawnBytes != 0 || st.InUseBytes != 128*kib || st.IdleBytes != 0 {
		t.Errorf("after a free by somebody else: %+v", st)
	}
	again := get(t, s, 64*kib) // the reserve is whole again
	half := get(t, p.NewSession(8*kib), 8*kib)
	b.Free()
	if st := p.Stats(); st.OverdrawnBytes != 8*kib || st.InUseBytes != 136*kib {
		t.Errorf("after a free that pays the older debt: %+v", st)
	}
	for _, x := range []*Buffer{over, again, half} {
		x.Free()
	}
	if st := p.Stats(); st.OverdrawnBytes != 0 || st.InUseBytes != 0 {
		t.Errorf("left over: %+v", st)
	}
}

func TestWaitingSessionIsServedWhenItsReserveComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, &Options{BudgetBytes: 64 * kib})
		all := get(t, p, 64*kib)
		first := make(chan *Buffer, 1)
		go func() { first <- get(t, p, 64*kib) }() // it comes first and waits for the budget
		synctest.Wait()
		s := p.NewSession(8 * kib)
		a := get(t, s, 8*kib)
		second := make(chan *Buffer, 1)
		go func() { second <- get(t, s, 8*kib) }()
		synctest.Wait()
		if len(second) != 0 {
			t.Error("the session overdrew twice")
		}
		a.Free()
		b := <-second
		if len(first) != 0 {
			t.Error("the overdraft served another's account")
		}
		b.Free()
		all.Free()
		(<-first).Free()
	})
}

func TestClosedSessionOverdrawsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, &Options{BudgetBytes: 64 * kib})
		s := p.NewSession(64 * kib)
		all := get(t, s, 64*kib)
		over := get(t, s, 64*kib)
		failed := make(chan error)
		go func() {
			_, err := s.Get(bg, 128*kib) // waits: only without the other two there is enough
			failed <- err
		}()
		synctest.Wait()
		s.Close()
		s.Close()
		wantErr(t, <-failed, window.ErrNoMemory)
		clear(over.Bytes()) // stays valid
		over.Free()
		ctx, cancel := context.WithTimeout(bg, time.Second)
		defer cancel()
		_, err := s.Get(ctx, 64*kib)
		wantErr(t, err, context.DeadlineExceeded)
		all.Free()
		get(t, s, 64*kib).Free() // within the budget
	})
}

func TestPressureComesBeforeTheReserve(t *testing.T) {
	p := newPool(t, &Options{BudgetBytes: 64 * kib})
	cached := get(t, p, 64*kib)
	p.OnPressure(func(int) {
		if cached != nil {
			cached.Free()
			cached = nil
		}
	})
	s := p.NewSession(64 * kib)
	b := get(t, s, 64*kib)
	if st := p.Stats(); st.OverdrawnBytes != 0 || cached != nil {
		t.Errorf("overdrew while a cache had memory: %+v", st)
	}
	over := get(t, s, 64*kib) // nothing to press out any more
	over.Free()
	b.Free()
}
