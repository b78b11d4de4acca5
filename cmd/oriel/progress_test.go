package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	p := pace{start: start}
	p.observe(at(0.5), 1e9)
	if got, want := p.String(), "953.7 MiB  2.00 GB/s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	p.total = 8e9
	for i := range 50 { // slows down to 0.1 GB/s, and the estimate with it
		p.observe(at(0.6+0.1*float64(i)), 1e9+int64(i+1)*1e7)
	}
	if got, want := p.String(), "1.4 GiB / 7.5 GiB  0.11 GB/s  ETA 0:59"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	p.observe(at(5.5), p.read) // the same instant again
	p.observe(at(60), p.read)  // and a stall
	if got, want := p.String(), "1.4 GiB / 7.5 GiB  0.00 MB/s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	p.observe(at(61), 9e9) // the file has grown
	if got := p.String(); strings.Contains(got, "ETA") {
		t.Errorf("%q beyond the end", got)
	}
}

func TestNoMeterWithoutATerminal(t *testing.T) {
	survey := func(context.Context) (int64, bool) { t.Error("surveyed"); return 0, false }
	m := newMeter(t.Context(), io.Discard, survey)
	if m != nil {
		t.Fatal("a meter on what is no terminal")
	}
	m.add(1) // and nil works
	m.stopped()
}

func TestMeterIsQuietInAShortScan(t *testing.T) {
	tty, until := openTerminal(t)
	survey := func(context.Context) (int64, bool) { t.Error("surveyed"); return 0, false }
	m := newMeter(t.Context(), tty, survey)
	m.add(1 << 20)
	io.WriteString(m, "a line\n")
	m.stopped()
	if got := until("\n"); got != "a line\r\n" {
		t.Errorf("%q on the terminal, want the line alone", got)
	}
}

func TestMeterShowsABarAndTakesItAway(t *testing.T) {
	tty, until := openTerminal(t)
	m := newMeter(t.Context(), tty, func(context.Context) (int64, bool) { return 4 << 20, true })
	m.add(1 << 20)
	until("1.0 MiB / 4.0 MiB")
	until("ETA")
	io.WriteString(m, "a line\n")
	until("a line\r\n")
	until("1.0 MiB") // and the bar again, below it
	m.stopped()
	io.WriteString(m, "the last line\n")
	if got := until("the last line\r\n"); !strings.HasSuffix(got, "\x1b[Jthe last line\r\n") { // the screen is erased from where the bar was
		t.Errorf("the bar outlives the meter: %q", got)
	}
}

func TestMeterNotOnADumbTerminal(t *testing.T) {
	tty, _ := openTerminal(t)
	t.Setenv("TERM", "dumb")
	if newMeter(t.Context(), tty, nil) != nil {
		t.Error("a meter on a terminal that cannot move its cursor")
	}
}
