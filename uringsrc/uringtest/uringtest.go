package uringtest

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/oriel-go/oriel/uringsrc"
	"github.com/oriel-go/oriel/uringsrc/internal/simring"
	"github.com/oriel-go/oriel/window"
)

// A Kernel is what a version of Linux can do.
type Kernel int

// Kernels that differ for an Engine.
const (
	Linux61  Kernel = iota // everything
	Linux515               // completions that overflowed are refused with EBUSY
	Linux510               // as that, and no wait in the kernel is bounded: the Engine works by the bell
	Linux51                // New refuses it
)

func (k Kernel) String() string {
	return [...]string{"Linux 6.1", "Linux 5.15", "Linux 5.10", "Linux 5.1"}[k]
}

// Options say what is simulated. The zero value is a ring that does everything at
// once and without a fault.
type Options struct {
	// Kernel is what the rings can do.
	Kernel Kernel

	// Engine is what uringsrc.New would be given. The default of InFlight is 16
	// here.
	Engine uringsrc.Options

	// Seats is the number of rings besides the shared one, which the Engine gives
	// to goroutines that wait for themselves.
	Seats int

	// Completions is how many completions a ring holds before they overflow. 0 is
	// room for all.
	Completions int

	// Content reads what the file with descriptor fd holds at off into p, when
	// the read completes; off -1 is the file's position. It returns fewer bytes
	// than asked for at the end of the file, or before an error, which is a
	// syscall.Errno. It is called by one goroutine at a time, with the simulation
	// locked. The default is Bytes.
	Content func(fd int, p []byte, off int64) (n int, err error)

	// Faults are what goes wrong, and how often.
	Faults Faults

	// Steps says that the bell only rings when the test calls Step.
	Steps bool
}

// Faults say what happens to how many of 1000; see its fields.
type Faults = simring.Faults

// Bytes is the content of every file unless Options say otherwise: bytes that
// differ by descriptor and offset, without an end.
func Bytes(fd int, p []byte, off int64) (n int, err error) { return simring.Bytes(fd, p, off) }

// A Simulation is what the rings of an Engine are in. Its methods may be called by
// any goroutine.
type Simulation struct {
	w *simring.World
	e *uringsrc.Engine
}

// Counts say what a Simulation has seen.
type Counts = simring.Counts

// New returns an Engine over rings that are simulated. The seed decides about what
// the Options leave to chance. An error wraps window.ErrRefused, as that of
// uringsrc.New does, or says what is wrong with the Options.
func New(seed uint64, o Options) (*uringsrc.Engine, *Simulation, error) {
	if o.Engine.InFlight == 0 {
		o.Engine.InFlight = 16
	}
	if n := o.Engine.InFlight; n < 1 || n > uringsrc.MaxInFlight || o.Engine.InFlightBytes < 0 || o.Seats < 0 {
		return nil, nil, fmt.Errorf("uringtest: %w: %+v", window.ErrOption, o.Engine)
	}
	if o.Kernel >= Linux51 {
		err := fmt.Errorf("%w: io_uring: this %v is simulated: %w", window.ErrRefused, o.Kernel, syscall.EOPNOTSUPP)
		return nil, nil, &window.Error{Op: "io_uring", Err: err}
	}
	if o.Kernel == Linux61 {
		o.Faults.EnterBusy = 0
	}
	w := simring.New(seed, o.Faults, o.Content, o.Steps)
	leads := o.Kernel <= Linux515
	info := uringsrc.Info{Leads: leads, Restricted: true}
	var rings []uringsrc.Ring
	for i := range 1 + o.Seats {
		n := o.Engine.InFlight
		if i > 0 {
			n = min(n, 4)
		}
		room := 4 * n
		if o.Completions > 0 {
			room = o.Completions
		}
		rings = append(rings, uringsrc.Ring{Driver: w.NewRing(2*n, room, leads), InFlight: n})
	}
	e := uringsrc.NewOver(o.Engine, info, w, rings...)
	return e, &Simulation{w: w, e: e}, nil
}

// Step moves the clock to the next completion, and has the Engine take it in if
// the bell rang. It reports whether there was one.
func (s *Simulation) Step() bool {
	completed, rang := s.w.Step()
	if rang {
		s.e.Poll()
	}
	return completed
}

// Release has reads complete that never would, and makes no more of them.
func (s *Simulation) Release() { s.w.Release() }

// SetFaults replaces the faults from now on.
func (s *Simulation) SetFaults(f Faults) { s.w.SetFaults(f) }

// Counts returns what was seen so far.
func (s *Simulation) Counts() Counts { return s.w.Counts() }

// Check returns what the Engine has done that a ring's user must not, and what is
// left in flight, once the Engine was closed.
func (s *Simulation) Check() error { return s.w.Check() }

// Random returns faults of many kinds, each often, seldom or never, of which a
// read can survive all: it ends with its bytes or with a RingError.
func Random(seed uint64) Faults {
	rng := rand.New(rand.NewPCG(seed, 0xfa017))
	often := func(of1000 int) int { return of1000 * rng.IntN(4) / 3 * rng.IntN(2) }
	return Faults{
		Late:             often(1000),
		Latest:           time.Duration(1+rng.IntN(3000)) * time.Microsecond,
		Short:            often(500),
		Interrupted:      often(200),
		Again:            often(200),
		Canceled:         often(30),
		Fault:            often(30),
		Ignored:          often(300),
		Missed:           often(500),
		CancelLate:       often(500),
		EnterInterrupted: often(300),
		EnterAgain:       often(20),
		EnterBusy:        often(300),
	}
}
