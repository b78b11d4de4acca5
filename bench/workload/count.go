package workload

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel"
	"github.com/oriel-go/oriel/bench/measure"
)

// The ways of counting the newlines of a file from its beginning to its end.

var newline = []byte{'\n'}

// countWindows is Oriel's way, by pread: what is claimed here is what windows cost
// beside raw calls of it. What else there is, and what is chosen, is measured by map,
// ringseq and regret.
func countWindows(name string, size int64) measure.Way {
	return measure.Way{
		Name: "oriel windows", Amount: float64(size), Source: served, Bytes: size,
		Run: func() (measure.Outcome, error) { return readWindows(name, byPread) },
	}
}

func readWindows(name string, how *oriel.Options) (o measure.Outcome, err error) {
	ctx := context.Background()
	r, err := oriel.OpenReader(ctx, name, how)
	if err != nil {
		return o, err
	}
	defer r.Close()
	n := 0
	for {
		w, err := r.ReadManaged(ctx)
		if err == io.EOF {
			return outcome(r, n), nil
		}
		if err != nil {
			return o, err
		}
		n += bytes.Count(w.Bytes(), newline)
		w.Release()
	}
}

// outcome returns what a Reader did besides its answer.
func outcome(r *oriel.Reader, answer int) measure.Outcome {
	s := r.Stats()
	return measure.Outcome{Answer: uint64(answer), Source: r.Source(), Bytes: s.Bytes, Waits: s.Waits}
}

// countPread is a loop around pread(2) with one buffer, which is made once for
// all runs.
func countPread(name string, size int64, bufferBytes int) measure.Way {
	buf := make([]byte, bufferBytes)
	return measure.Way{
		Name: "pread " + sizeName(int64(bufferBytes)), Amount: float64(size),
		Run: func() (measure.Outcome, error) { return readPread(name, buf) },
	}
}

func readPread(name string, buf []byte) (o measure.Outcome, err error) {
	f, err := os.Open(name)
	if err != nil {
		return o, err
	}
	defer f.Close()
	fd := int(f.Fd())
	count := 0
	for off := int64(0); ; {
		n, err := unix.Pread(fd, buf, off)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return o, err
		}
		if n == 0 {
			o.Answer = uint64(count)
			return o, nil
		}
		count += bytes.Count(buf[:n], newline)
		off += int64(n)
	}
}

// countBufio counts by bufio.Reader.ReadSlice, a call for each line.
func countBufio(name string, size int64) measure.Way {
	return measure.Way{
		Name: "bufio.Reader 64 KiB", Amount: float64(size),
		Run: func() (measure.Outcome, error) { return readBufio(name) },
	}
}

func readBufio(name string) (o measure.Outcome, err error) {
	f, err := os.Open(name)
	if err != nil {
		return o, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 64<<10)
	for {
		_, err := r.ReadSlice('\n')
		switch err {
		case nil:
			o.Answer++
		case bufio.ErrBufferFull:
		case io.EOF:
			return o, nil
		default:
			return o, err
		}
	}
}

// countReadFile reads the whole file into memory first.
func countReadFile(name string, size int64) measure.Way {
	return measure.Way{
		Name: "os.ReadFile", Amount: float64(size),
		Run: func() (o measure.Outcome, err error) {
			b, err := os.ReadFile(name)
			o.Answer = uint64(bytes.Count(b, newline))
			return o, err
		},
	}
}

// sizeName returns n bytes in the largest unit that divides them.
func sizeName(n int64) string {
	for _, u := range []struct {
		bytes int64
		name  string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= u.bytes && n%u.bytes == 0 {
			return fmt.Sprintf("%d %s", n/u.bytes, u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
