package pool

import (
	"math/rand/v2"
	"testing"
)

// A model is what a pool must look like after a sequence of calls by one
// goroutine. Every byte of a script is a call or its argument.
type model struct {
	t        *testing.T
	p        *Pool
	sessions [2]*Session
	budget   int64
	held     []heldBuffer
	inUse    int64
	gets     uint64
}

type heldBuffer struct {
	b    *Buffer
	mark byte
}

func runModel(t *testing.T, script []byte, debug Debug) {
	m := &model{t: t, budget: 1 << 20}
	p, err := New(&Options{BudgetBytes: m.budget, ReserveBytes: 512 * kib})
	if err != nil {
		t.Fatal(err)
	}
	m.p = p
	p.SetDebug(debug)
	m.sessions[0], m.sessions[1] = p.NewSession(128*kib), p.NewSession(1<<20)
	for i := 0; i+1 < len(script); i += 2 {
		m.step(script[i], script[i+1])
		m.check()
	}
	for len(m.held) > 0 {
		m.free(0)
		m.check()
	}
	if st := p.Stats(); st.OverdrawnBytes != 0 || st.InUseBytes != 0 {
		t.Errorf("with nothing held: %+v", st)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if st := p.Stats(); st.MappedBytes != 0 || st.Corrupted != 0 {
		t.Errorf("after Close: %+v", st)
	}
}

// step does one call.
func (m *model) step(op, arg byte) {
	n := int(arg%64)*1021<<(arg%8) + 1 // up to about 8 MiB, most of it small
	switch op % 8 {
	case 0, 1, 2:
		if b, ok := m.p.TryGet(n); ok {
			m.add(b, n)
		} else if m.idle()+m.room() >= int64(ClassSize(n)) {
			m.t.Fatalf("TryGet(%d) failed: %+v", n, m.p.Stats())
		}
	case 3:
		// A Get that would wait, or overdraw too much, fails instead.
		s := m.sessions[op>>3&1]
		if m.idle()+m.room() < int64(ClassSize(n)) && !m.mayOverdraw(s, n) {
			return
		}
		b, err := s.Get(bg, n)
		if err != nil {
			m.t.Fatalf("Get(%d): %v: %+v", n, err, m.p.Stats())
		}
		m.add(b, n)
	case 4, 5:
		if len(m.held) > 0 {
			m.free(int(arg) % len(m.held))
		}
	case 6:
		m.budget = int64(arg)<<14 + minBudgetBytes
		if err := m.p.SetBudget(m.budget); err != nil {
			m.t.Fatal(err)
		}
	case 7:
		if arg < 32 {
			m.p.Trim()
			if m.idle() != 0 {
				m.t.Fatalf("after Trim: %+v", m.p.Stats())
			}
		} else if arg < 64 {
			m.p.mu.Lock()
			m.p.armed = true
			m.p.mu.Unlock()
			m.p.tick()
		}
	}
}

func (m *model) idle() int64 {
	st := m.p.Stats()
	return st.IdleBytes + st.QuarantinedBytes
}

// room is what may still be committed within the budget.
func (m *model) room() int64 {
	st := m.p.Stats()
	return st.BudgetBytes - (st.InUseBytes + st.IdleBytes + st.QuarantinedBytes - st.OverdrawnBytes)
}

func (m *model) mayOverdraw(s *Session, n int) bool {
	debt := int64(ClassSize(n)) - m.idle() - m.room()
	m.p.mu.Lock()
	defer m.p.mu.Unlock()
	return s.overdrawn+debt <= s.reserve && m.p.overdrawn+debt <= m.p.reserve
}

// add fills the buffer with a mark that nobody else's writes must change.
func (m *model) add(b *Buffer, n int) {
	h := heldBuffer{b, byte(m.gets%200) + 1}
	m.gets++
	m.inUse += int64(b.Size())
	if len(b.Bytes()) != n || cap(b.Bytes()) != n || b.Size() != ClassSize(n) {
		m.t.Fatalf("Get(%d): %d bytes of %d", n, len(b.Bytes()), b.Size())
	}
	for _, off := range marks(n) {
		b.Bytes()[off] = h.mark
	}
	m.held = append(m.held, h)
}

// marks returns the first and last byte and one of every page.
func marks(n int) []int {
	at := []int{n - 1}
	for off := 0; off < n; off += 4 * kib {
		at = append(at, off)
	}
	return at
}

func (m *model) free(i int) {
	h := m.held[i]
	for _, off := range marks(len(h.b.Bytes())) {
		if h.b.Bytes()[off] != h.mark {
			m.t.Fatalf("byte %d of a held buffer was changed by another", off)
		}
	}
	m.inUse -= int64(h.b.Size())
	m.held[i] = m.held[len(m.held)-1]
	m.held = m.held[:len(m.held)-1]
	h.b.Free()
}

// check compares the account with the model and with the slabs themselves.
func (m *model) check() {
	st := m.p.Stats()
	if st.InUseBytes != m.inUse || st.Gets != m.gets || st.BudgetBytes != m.budget {
		m.t.Fatalf("in use %d, %d gets: %+v", m.inUse, m.gets, st)
	}
	kept := st.IdleBytes + st.QuarantinedBytes
	if kept > 0 && m.inUse+kept > m.budget {
		m.t.Fatalf("memory is idle beyond the budget: %+v", st)
	}
	if st.IdleBytes > st.HighBytes || st.OverdrawnBytes > max(0, m.inUse-m.budget) || st.OverdrawnBytes > 512*kib {
		m.t.Fatalf("bounds: %+v", st)
	}
	m.p.mu.Lock()
	defer m.p.mu.Unlock()
	var committed, mapped int64
	for sl := range m.p.slabs {
		mapped += sl.region.mappedBytes()
		for i := range sl.slots {
			if sl.raw&(1<<i) == 0 {
				committed += int64(len(sl.slots[i].mem))
			}
		}
		if sl.raw == sl.all || sl.leaving != 0 {
			m.t.Fatal("a slab that nobody needs is still mapped")
		}
	}
	if committed != m.p.committed || mapped != m.p.mapped {
		m.t.Fatalf("committed %d, mapped %d: %d and %d in the slabs", m.p.committed, m.p.mapped, committed, mapped)
	}
	troubled := m.p.troubledLocked()
	if (m.p.attention.Load() != 0) != troubled {
		m.t.Fatalf("attention is %d, trouble is %v", m.p.attention.Load(), troubled)
	}
	for i := range m.p.shards {
		if n, _ := m.p.shards[i].idle(); troubled && n != 0 {
			m.t.Fatal("a shard is not empty while the pool needs attention")
		}
	}
}

func modelDebug(seed uint64) Debug {
	switch seed % 3 {
	case 0:
		return Debug{Level: Poison, SampleEvery: 2, QuarantineBytes: 128 * kib}
	case 1:
		return Debug{Level: Stacks, SampleEvery: 2}
	}
	return Debug{}
}

func TestPoolAgainstTheModel(t *testing.T) {
	runs := 60
	if testing.Short() || raceEnabled {
		runs = 9
	}
	for seed := range uint64(runs) {
		r := rand.New(rand.NewPCG(seed, 1))
		script := make([]byte, 600)
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		runModel(t, script, modelDebug(seed))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzPool(f *testing.F) {
	for seed := range uint64(3) {
		f.Add([]byte{0, 1, 0, 9, 3, 63, 6, 0, 4, 0, 11, 63, 7, 0, 5, 0, 7, 40}, seed)
	}
	f.Fuzz(func(t *testing.T, script []byte, seed uint64) {
		runModel(t, script[:min(len(script), 400)], modelDebug(seed))
	})
}
