package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"
)

const (
	meterDelay = 500 * time.Millisecond // a scan that is over by then shows no bar
	meterTick  = 150 * time.Millisecond
)

// A meter shows on a terminal how far a scan is. It does nothing for its first
// half second but add up what was read. A nil meter does nothing at all.
type meter struct {
	terminal io.Writer
	survey   func(ctx context.Context) (bytes int64, ok bool)
	read     atomic.Int64
	stop     context.CancelFunc
	done     chan struct{}

	mu   sync.Mutex
	bars *mpb.Progress // nil while no bar is shown
}

// newMeter returns a meter on w, nil if w is not a terminal that can show one.
// survey says how many bytes there are to read, if it can; it runs beside the
// scan. stopped must be called.
func newMeter(ctx context.Context, w io.Writer, survey func(context.Context) (int64, bool)) *meter {
	if !isTerminal(w) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	ctx, stop := context.WithCancel(ctx)
	m := &meter{terminal: w, survey: survey, stop: stop, done: make(chan struct{})}
	go m.run(ctx)
	return m
}

// isTerminal reports whether w writes to a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && cwriter.IsTerminal(int(f.Fd()))
}

// add says that n more bytes were read.
func (m *meter) add(n int) {
	if m != nil {
		m.read.Add(int64(n))
	}
}

// stopped takes the bar away.
func (m *meter) stopped() {
	if m != nil {
		m.stop()
		<-m.done
	}
}

// Write writes whole lines to the terminal, above the bar if one is shown.
func (m *meter) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bars != nil {
		return m.bars.Write(p)
	}
	return m.terminal.Write(p)
}

// show makes bars what Write writes to; nil is the terminal itself.
func (m *meter) show(bars *mpb.Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bars = bars
}

// run is the life of a meter.
func (m *meter) run(ctx context.Context) {
	defer close(m.done)
	p := pace{start: time.Now()}
	select {
	case <-ctx.Done():
		return
	case <-time.After(meterDelay):
	}
	total := make(chan int64, 1)
	var survey sync.WaitGroup
	defer survey.Wait()
	survey.Go(func() {
		if n, ok := m.survey(ctx); ok {
			total <- n
		}
	})
	bars := mpb.New(mpb.WithOutput(m.terminal), mpb.WithRefreshRate(meterTick))
	var text atomic.Pointer[string]
	say := func() { s := p.String(); text.Store(&s) }
	say()
	bar := bars.AddBar(0, mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return *text.Load() }, decor.WC{W: 48, C: decor.DindentRight})))
	m.show(bars)

	tick := time.NewTicker(meterTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			m.show(nil)
			bar.Abort(true)
			bars.Wait()
			return
		case p.total = <-total:
			bar.SetTotal(p.total, false)
		case now := <-tick.C:
			p.observe(now, m.read.Load())
			bar.SetCurrent(p.read)
			say()
		}
	}
}

// A pace is how far a scan is and how fast it goes.
type pace struct {
	start, last time.Time
	read, total int64   // in bytes; total is 0 while it is not known
	rate        float64 // in bytes a second; follows changes within about a second
}

// observe says that read bytes had been read at now.
func (p *pace) observe(now time.Time, read int64) {
	from, done := p.last, read-p.read
	if from.IsZero() {
		from = p.start
	}
	if d := now.Sub(from).Seconds(); d > 0 {
		v := float64(done) / d
		if !p.last.IsZero() {
			v = p.rate + (v-p.rate)*min(d, 1)
		}
		p.rate = v
	}
	p.last, p.read = now, read
}

// String returns for example "1.2 GiB / 4.0 GiB  3.1 GB/s  ETA 0:01".
func (p *pace) String() string {
	s := formatSize(p.read)
	if p.total > 0 {
		s += " / " + formatSize(p.total)
	}
	s += "  " + rate(int64(p.rate), time.Second)
	if rest := p.total - p.read; rest > 0 && p.rate >= 1 {
		eta := time.Duration(min(float64(rest)/p.rate, 1e6) * float64(time.Second)).Round(time.Second)
		s += fmt.Sprintf("  ETA %d:%02d", int(eta.Minutes()), int(eta.Seconds())%60)
	}
	return s
}
