package workload

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/oriel-go/oriel"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/window"
)

// lineLengths are the lengths of lines on average, in bytes. What is claimed
// is claimed of the first.
var lineLengths = []int{80, 10, 40, 250}

// lines compares Cursor.Lines with what the standard library has.
func lines(c *Config) ([]measure.Experiment, error) {
	var list []measure.Experiment
	for i, length := range lineLengths {
		name, err := c.Store.Lines(c.LineBytes, length)
		if err != nil {
			return nil, err
		}
		subject, size := cursorLines(name, c.LineBytes), c.LineBytes
		contests := []measure.Contest{
			{A: subject, B: scannerLines(name, size, 0), Bound: stats.AtLeast(1.4)},
			{A: subject, B: scannerLines(name, size, 256<<10), Bound: stats.AtLeast(1)},
			{A: subject, B: scannerLines(name, size, 64<<10)},
			{A: subject, B: sliceLines(name, size)},
			{A: subject, B: wholeLines(name, size)},
		}
		limits := []measure.Limit{allocsPerLine(name)}
		if i > 0 {
			contests[0].Bound, contests[1].Bound, limits = nil, nil, nil
		}
		itself := scannerLines(name, size, 0)
		e, err := inState(measure.Experiment{
			Name:  fmt.Sprintf("lines/%d", length),
			About: fmt.Sprintf("read the lines of %s of text, %d bytes each on average, cached in large folios", sizeName(size), length),
			Unit:  "byte", Metric: measure.Speed, Pairs: c.Pairs, Itself: &itself, Contests: contests, Limits: limits,
		}, large, name)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// A tally is what every way of reading lines computes.
type tally struct {
	lines, bytes uint64 // bytes without newlines
	firsts       uint64 // sum of the first bytes
}

func (t *tally) add(line []byte) {
	t.lines++
	t.bytes += uint64(len(line))
	if len(line) > 0 {
		t.firsts += uint64(line[0])
	}
}

func (t *tally) answer() uint64 { return t.lines<<40 ^ t.bytes<<16 ^ t.firsts }

// The ways are functions of their own, not closures of what makes a Way: when
// that is inlined, Go inlines nothing into the copies of its closures.

// cursorLines is Oriel's way.
func cursorLines(name string, size int64) measure.Way {
	return measure.Way{
		Name: "oriel Cursor.Lines", Amount: float64(size), Source: served, Bytes: size,
		Run: func() (measure.Outcome, error) { return readCursorLines(name) },
	}
}

func readCursorLines(name string) (o measure.Outcome, err error) {
	ctx := context.Background()
	r, err := oriel.OpenReader(ctx, name, byPread)
	if err != nil {
		return o, err
	}
	defer r.Close()
	c := window.NewCursor(ctx, r, nil)
	defer c.Close()
	var t tally
	for line, err := range c.Lines() {
		if err != nil {
			return o, err
		}
		t.add(line.Bytes())
	}
	o = outcome(r, 0)
	o.Answer = t.answer()
	return o, nil
}

// scannerLines is bufio.Scanner's. A buffer of 0 is its default, 4 KiB that
// grow to 64 KiB only for longer lines.
func scannerLines(name string, size int64, bufferBytes int) measure.Way {
	buffer := "default"
	if bufferBytes > 0 {
		buffer = sizeName(int64(bufferBytes))
	}
	return measure.Way{
		Name: "bufio.Scanner " + buffer, Amount: float64(size),
		Run: func() (measure.Outcome, error) { return readScannerLines(name, bufferBytes) },
	}
}

func readScannerLines(name string, bufferBytes int) (o measure.Outcome, err error) {
	f, err := os.Open(name)
	if err != nil {
		return o, err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	if bufferBytes > 0 {
		s.Buffer(make([]byte, bufferBytes), bufferBytes)
	}
	var t tally
	for s.Scan() {
		t.add(s.Bytes())
	}
	o.Answer = t.answer()
	return o, s.Err()
}

// sliceLines is that of bufio.Reader with a buffer as large as a window.
func sliceLines(name string, size int64) measure.Way {
	return measure.Way{
		Name: "bufio.Reader.ReadSlice 256 KiB", Amount: float64(size),
		Run: func() (measure.Outcome, error) { return readSliceLines(name) },
	}
}

func readSliceLines(name string) (o measure.Outcome, err error) {
	f, err := os.Open(name)
	if err != nil {
		return o, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 256<<10)
	var t tally
	for {
		line, err := r.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 {
			break
		}
		if err != nil {
			return o, err // every line of the file has its newline
		}
		t.add(line[:len(line)-1])
	}
	o.Answer = t.answer()
	return o, nil
}

// wholeLines is bytes.Lines over all of the file in memory.
func wholeLines(name string, size int64) measure.Way {
	return measure.Way{
		Name: "bytes.Lines of os.ReadFile", Amount: float64(size),
		Run: func() (measure.Outcome, error) { return readWholeLines(name) },
	}
}

func readWholeLines(name string) (o measure.Outcome, err error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return o, err
	}
	var t tally
	for line := range bytes.Lines(b) {
		t.add(line[:len(line)-1])
	}
	o.Answer = t.answer()
	return o, nil
}

// warmLines is how many lines are read before allocations are counted.
const warmLines = 10_000

// allocsPerLine counts what reading lines allocates once it is under way.
func allocsPerLine(name string) measure.Limit {
	return measure.Limit{
		Name: "allocations per line", Unit: "per line", Bound: stats.AtMost(0.001), Runs: 3, Every: true,
		Measure: func() (float64, error) {
			if err := pagecache.KeepLarge(name); err != nil { // waiting allocates
				return 0, err
			}
			var before, after runtime.MemStats
			n := 0
			for _, err := range oriel.Lines(context.Background(), name, nil) {
				if err != nil {
					return 0, err
				}
				if n == warmLines {
					runtime.ReadMemStats(&before)
				}
				n++
			}
			runtime.ReadMemStats(&after)
			if n <= warmLines {
				return 0, io.ErrUnexpectedEOF
			}
			return float64(after.Mallocs-before.Mallocs) / float64(n-warmLines), nil
		},
	}
}
