package window_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/oriel-go/oriel/window"
	"github.com/oriel-go/oriel/window/windowtest"
)

// cursor returns a Cursor over text in windows of the given size, whose memory
// is checked for leaks when the test ends.
func cursor(t testing.TB, text string, windowBytes int, o *window.CursorOptions) *window.Cursor {
	t.Helper()
	m := windowtest.NewModel([]byte(text), windowBytes)
	c := window.NewCursor(t.Context(), m, o)
	t.Cleanup(func() {
		c.Close()
		if n := m.HeldBytes(); n != 0 {
			t.Errorf("%d bytes are still held after the Cursor was closed", n)
		}
	})
	return c
}

func TestLinesAgreeWithScanner(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, text := range []string{
		"", "\n", "\r\n", "\r", "a", "a\n", "a\nb", "a\r\nb\r\n", "\n\n\n", "\r\r\n", long, long + "\n" + long,
		"one\ntwo\nthree\n" + long + "\nfour",
	} {
		for size := 1; size < 40; size++ {
			var want []string
			for sc := bufio.NewScanner(strings.NewReader(text)); sc.Scan(); {
				want = append(want, sc.Text())
			}
			var got []string
			for line, err := range cursor(t, text, size, nil).Lines() {
				if err != nil {
					t.Fatalf("%q in windows of %d: %v", text, size, err)
				}
				got = append(got, string(line.Bytes()))
				if at := text[line.Off():]; !strings.HasPrefix(at, string(line.Bytes())) {
					t.Fatalf("%q in windows of %d: line %q is not at offset %d", text, size, line.Bytes(), line.Off())
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%q in windows of %d: lines %q, want %q", text, size, got, want)
			}
		}
	}
}

func TestLinesResumeAfterBreak(t *testing.T) {
	c := cursor(t, "a\nb\nc\nd\n", 3, nil)
	for line, err := range c.Lines() {
		if err != nil || string(line.Bytes()) != "a" {
			t.Fatalf("first line = %q, %v", line.Bytes(), err)
		}
		break
	}
	if w, err := c.Next(2); err != nil || string(w.Bytes()) != "b\n" {
		t.Fatalf("Next after a break = %v, %v", w, err)
	} else {
		w.Release()
	}
	var rest []string
	for line := range c.Lines() {
		rest = append(rest, string(line.Bytes()))
	}
	if fmt.Sprint(rest) != "[c d]" {
		t.Fatalf("the rest is %q", rest)
	}
}

func TestALineBeyondTheLimitIsTooLongAndCanBeSkipped(t *testing.T) {
	for _, size := range []int{1, 7, 64, 1000} {
		c := cursor(t, "ab\n"+strings.Repeat("x", 50)+"\ncd\n", size, &window.CursorOptions{MaxBytes: 20})
		if b, err := c.Line(); err != nil || string(b.Bytes()) != "ab" {
			t.Fatalf("windows of %d: first line = %q, %v", size, b.Bytes(), err)
		}
		for range 2 {
			_, err := c.Line()
			var e *window.Error
			if !errors.Is(err, window.ErrTooLong) || !errors.As(err, &e) || e.Off != 3 {
				t.Fatalf("windows of %d: the long line = %v, want ErrTooLong at offset 3", size, err)
			}
		}
		if n, err := c.SkipUntil('\n'); n != 51 || err != nil {
			t.Fatalf("windows of %d: SkipUntil = %d, %v, want 51", size, n, err)
		}
		if b, err := c.Line(); err != nil || string(b.Bytes()) != "cd" {
			t.Fatalf("windows of %d: the line behind = %q, %v", size, b.Bytes(), err)
		}
	}
}

func TestALineOfExactlyTheLimitIsRead(t *testing.T) {
	for _, size := range []int{1, 7, 64} {
		c := cursor(t, strings.Repeat("x", 19)+"\n"+strings.Repeat("y", 20), size, &window.CursorOptions{MaxBytes: 20})
		for _, want := range []int{19, 20} {
			if b, err := c.Line(); err != nil || b.Len() != want {
				t.Fatalf("windows of %d: line = %v, %v, want %d bytes", size, b, err, want)
			}
		}
	}
}

func TestPeekDoesNotMove(t *testing.T) {
	for size := 1; size < 12; size++ {
		c := cursor(t, "0123456789", size, nil)
		for n := range 11 {
			b, err := c.Peek(n)
			if err != nil || string(b.Bytes()) != "0123456789"[:n] || b.Off() != 0 || c.Off() != 0 {
				t.Fatalf("windows of %d: Peek(%d) = %v, %v", size, n, b, err)
			}
		}
		if b, err := c.Peek(20); err != nil || b.Len() != 10 {
			t.Fatalf("windows of %d: Peek beyond the end = %v, %v, want what is there", size, b, err)
		}
		if err := c.Skip(10); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Peek(1); err != io.EOF {
			t.Fatalf("windows of %d: Peek at the end = %v, want io.EOF", size, err)
		}
	}
}

func TestNextIsOwnedAndOutlivesTheCursor(t *testing.T) {
	m := windowtest.NewModel([]byte("0123456789"), 4)
	c := window.NewCursor(t.Context(), m, nil)
	var got []window.Window
	for _, n := range []int{2, 4, 0, 3} {
		w, err := c.Next(n)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, w)
	}
	if _, err := c.Next(2); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("Next(2) with 1 byte left = %v, want io.ErrUnexpectedEOF", err)
	}
	if c.Off() != 9 || c.Buffered() != 1 {
		t.Fatalf("after the failure: at %d with %d buffered, want 9 and 1", c.Off(), c.Buffered())
	}
	c.Close()
	for i, want := range []string{"01", "2345", "", "678"} {
		if string(got[i].Bytes()) != want {
			t.Errorf("window %d = %q, want %q", i, got[i].Bytes(), want)
		}
		got[i].Release()
	}
	if m.HeldBytes() != 0 {
		t.Errorf("%d bytes are still held", m.HeldBytes())
	}
}

func TestHostileLengthsTakeNoMemory(t *testing.T) {
	c := cursor(t, "abc", 2, &window.CursorOptions{MaxBytes: 8})
	if _, err := c.Next(1 << 30); !errors.Is(err, window.ErrTooLong) {
		t.Errorf("Next(1<<30) = %v, want ErrTooLong", err)
	}
	if _, err := c.Next(-1); !errors.Is(err, window.ErrRange) {
		t.Errorf("Next(-1) = %v, want ErrRange", err)
	}
	if _, err := c.Peek(9); !errors.Is(err, window.ErrTooLong) {
		t.Errorf("Peek(9) = %v, want ErrTooLong", err)
	}
	if err := c.Skip(-1); !errors.Is(err, window.ErrRange) {
		t.Errorf("Skip(-1) = %v, want ErrRange", err)
	}
	if err := c.Skip(1 << 60); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Skip(1<<60) = %v, want io.ErrUnexpectedEOF", err)
	}
	if err := c.Skip(1); err != io.EOF {
		t.Errorf("Skip at the end = %v, want io.EOF", err)
	}
}

func TestNumbers(t *testing.T) {
	var b []byte
	b = binary.BigEndian.AppendUint16(b, 0x0102)
	b = binary.LittleEndian.AppendUint32(b, 0x03040506)
	b = binary.BigEndian.AppendUint64(b, 1<<63)
	b = binary.AppendUvarint(b, 1<<64-1)
	b = binary.AppendVarint(b, -12345)
	over := append(bytes.Repeat([]byte{0xff}, 10), 1)
	for size := 1; size < 40; size++ {
		c := cursor(t, string(b)+string(over), size, nil)
		u16, err1 := c.Uint16(binary.BigEndian)
		u32, err2 := c.Uint32(binary.LittleEndian)
		u64, err3 := c.Uint64(binary.BigEndian)
		uv, err4 := c.Uvarint()
		v, err5 := c.Varint()
		if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
			t.Fatalf("windows of %d: %v", size, err)
		}
		if u16 != 0x0102 || u32 != 0x03040506 || u64 != 1<<63 || uv != 1<<64-1 || v != -12345 {
			t.Fatalf("windows of %d: %x %x %x %d %d", size, u16, u32, u64, uv, v)
		}
		at := c.Off()
		if _, err := c.Uvarint(); !errors.Is(err, window.ErrRange) || c.Off() != at {
			t.Fatalf("windows of %d: a varint beyond 64 bits = %v at %d, want ErrRange at %d", size, err, c.Off(), at)
		}
	}
}

func TestNumbersAtTheEnd(t *testing.T) {
	c := cursor(t, "\x80\x80", 1, nil)
	if _, err := c.Uint32(binary.BigEndian); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Uint32 of 2 bytes = %v, want io.ErrUnexpectedEOF", err)
	}
	if _, err := c.Uvarint(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half a varint = %v, want io.ErrUnexpectedEOF", err)
	}
	if err := c.Skip(2); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Uvarint(); err != io.EOF {
		t.Errorf("Uvarint at the end = %v, want io.EOF", err)
	}
	if _, err := c.Uint16(binary.BigEndian); err != io.EOF {
		t.Errorf("Uint16 at the end = %v, want io.EOF", err)
	}
}

func TestCursorIsAnIOReader(t *testing.T) {
	text := strings.Repeat("The quick brown fox.\n", 50)
	for _, size := range []int{1, 3, 64, 4096} {
		if err := iotest.TestReader(cursor(t, text, size, nil), []byte(text)); err != nil {
			t.Errorf("windows of %d: %v", size, err)
		}
		var b bytes.Buffer
		if n, err := io.Copy(&b, cursor(t, text, size, nil)); err != nil || b.String() != text || n != int64(len(text)) {
			t.Errorf("windows of %d: io.Copy = %d, %v", size, n, err)
		}
	}
}

func TestWriteToSaysWhatTheWriterTook(t *testing.T) {
	c := cursor(t, "0123456789", 4, nil)
	n, err := c.WriteTo(iotest.TruncateWriter(io.Discard, 6))
	if err != nil || n != 10 {
		t.Fatalf("a writer that lies: %d, %v", n, err)
	}
	c = cursor(t, "0123456789", 4, nil)
	n, err = c.WriteTo(writerFunc(func(p []byte) (int, error) { return 1, nil }))
	if err != io.ErrShortWrite || n != 1 || c.Off() != 1 {
		t.Fatalf("a short write: %d, %v, at %d; want 1, io.ErrShortWrite, 1", n, err, c.Off())
	}
	if _, err = c.WriteTo(writerFunc(func(p []byte) (int, error) { return len(p) + 1, nil })); err == nil {
		t.Fatal("a count beyond the buffer is believed")
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// mustPanic runs f and returns what it panics with.
func mustPanic(t *testing.T, what string, f func()) (got any) {
	t.Helper()
	defer func() {
		if got = recover(); got == nil {
			t.Errorf("%s did not panic", what)
		}
	}()
	f()
	return nil
}

func TestABorrowedEndsWithTheNextCall(t *testing.T) {
	c := cursor(t, "a\nb\nc\n", 2, nil)
	calls := map[string]func(){
		"Line":      func() { c.Line() },
		"Peek":      func() { c.Peek(0) },
		"Until":     func() { c.Until('x') },
		"Skip":      func() { c.Skip(0) },
		"Read":      func() { c.Read(nil) },
		"ReadByte":  func() { c.ReadByte() },
		"Next":      func() { c.Next(0) },
		"Uint16":    func() { c.Uint16(binary.BigEndian) },
		"Uvarint":   func() { c.Uvarint() },
		"SkipUntil": func() { c.SkipUntil('x') },
		"Close":     func() { c.Close() },
	}
	for name, call := range calls {
		b, err := c.Peek(0)
		if err != nil && err != io.EOF && !errors.Is(err, window.ErrClosed) {
			t.Fatal(err)
		}
		call()
		for _, use := range []func(){func() { b.Bytes() }, func() { b.Len() }, func() { b.Off() }, func() { b.Retain(t.Context()) }} {
			mustPanic(t, "use of a Borrowed after "+name, use)
		}
		c = cursor(t, "a\nb\nc\n", 2, nil)
	}
}

// A Borrowed cannot be sent where a Window is expected: the types differ. Sent
// as what it is, it has ended by the time the receiver looks at it, if the
// sender went on.
func TestABorrowedThatWasSentPanics(t *testing.T) {
	c := cursor(t, "a\nb\n", 8, nil)
	ch := make(chan window.Borrowed, 2)
	for line, err := range c.Lines() {
		if err != nil {
			t.Fatal(err)
		}
		ch <- line
	}
	close(ch)
	for line := range ch {
		got := mustPanic(t, "a Borrowed that was sent", func() { line.Bytes() })
		if s := fmt.Sprint(got); !strings.HasPrefix(s, "window: Borrowed used after") {
			t.Errorf("the panic says %q", s)
		}
	}
}

func TestRetainKeepsWhatWasLent(t *testing.T) {
	for size := 1; size < 10; size++ {
		m := windowtest.NewModel([]byte("one\ntwo\nthree\n"), size)
		c := window.NewCursor(t.Context(), m, nil)
		var kept []window.Window
		for line, err := range c.Lines() {
			if err != nil {
				t.Fatal(err)
			}
			w, err := line.Retain(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			kept = append(kept, w)
		}
		c.Close()
		for i, want := range []string{"one", "two", "three"} {
			if string(kept[i].Bytes()) != want || kept[i].Off() != int64(4*i) {
				t.Errorf("windows of %d: kept %q at %d, want %q at %d", size, kept[i].Bytes(), kept[i].Off(), want, 4*i)
			}
			kept[i].Release()
		}
		if m.HeldBytes() != 0 {
			t.Errorf("windows of %d: %d bytes are still held", size, m.HeldBytes())
		}
	}
	c := cursor(t, "x\n", 8, nil)
	b, _ := c.Line()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Retain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Retain with a context that has ended = %v", err)
	}
}

func TestTheErrorOfAnIteratorDropped(t *testing.T) {
	boom := errors.New("boom")
	r := windowtest.ErrAfter(windowtest.NewModel([]byte("a\nb\nrest"), 3), 6, boom)
	c := window.NewCursor(t.Context(), r, nil)
	defer c.Close()
	n := 0
	got := mustPanic(t, "the Borrowed that came with an error", func() {
		for line, _ := range c.Lines() { // the mistake
			_ = line.Bytes()
			n++
		}
	})
	if err, ok := got.(error); !ok || !errors.Is(err, boom) || n != 2 {
		t.Errorf("panic with %v after %d lines, want boom after 2", got, n)
	}
	if c.Buffered() != 2 {
		t.Errorf("%d bytes are left of the prefix, want 2", c.Buffered())
	}
}

func TestBreakAndPanicInsideALoopLeakNothing(t *testing.T) {
	m := windowtest.NewModel([]byte("a\nb\nc\n"), 2)
	func() {
		defer func() { recover() }()
		c := window.NewCursor(t.Context(), m, nil)
		defer c.Close()
		for range c.Lines() {
			panic("inside the loop")
		}
	}()
	if m.HeldBytes() != 0 {
		t.Errorf("%d bytes are still held after a panic", m.HeldBytes())
	}
}

func TestWindowsLendsEverything(t *testing.T) {
	c := cursor(t, "0123456789", 4, nil)
	if err := c.Skip(1); err != nil {
		t.Fatal(err)
	}
	var got []string
	for b, err := range c.Windows() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d:%s", b.Off(), b.Bytes()))
	}
	if want := "[1:123 4:4567 8:89]"; fmt.Sprint(got) != want {
		t.Errorf("Windows = %v, want %v", got, want)
	}
}

func TestAReaderThatFailsLosesNothing(t *testing.T) {
	boom := errors.New("boom")
	for size := 1; size < 8; size++ {
		r := windowtest.Flaky(windowtest.NewModel([]byte("hello\nworld\n"), size), boom)
		c := window.NewCursor(t.Context(), r, nil)
		var got []string
		failures := 0
		for {
			b, err := c.Line()
			if err == io.EOF {
				break
			}
			if err != nil {
				if !errors.Is(err, boom) {
					t.Fatal(err)
				}
				failures++
				continue
			}
			got = append(got, string(b.Bytes()))
		}
		c.Close()
		if fmt.Sprint(got) != "[hello world]" || failures == 0 {
			t.Errorf("windows of %d: lines %q after %d failures", size, got, failures)
		}
	}
}

func TestAClosedCursor(t *testing.T) {
	c := cursor(t, "abc\n", 8, nil)
	if _, err := c.Peek(1); err != nil {
		t.Fatal(err)
	}
	c.Close()
	c.Close()
	_, e1 := c.Line()
	_, e2 := c.Next(0)
	_, e3 := c.Read(make([]byte, 1))
	_, e4 := c.Uvarint()
	_, e5 := c.ReadByte()
	e6 := c.Skip(1)
	_, e7 := c.SkipUntil('\n')
	for i, err := range []error{e1, e2, e3, e4, e5, e6, e7} {
		if !errors.Is(err, window.ErrClosed) {
			t.Errorf("call %d after Close = %v, want ErrClosed", i+1, err)
		}
	}
	for _, err := range c.Windows() {
		if !errors.Is(err, window.ErrClosed) {
			t.Errorf("Windows after Close = %v, want ErrClosed", err)
		}
	}
}

// seeking is a Reader that can seek, and counts the windows it was asked for.
type seeking struct {
	text  string
	pos   int
	reads int
}

func (s *seeking) ReadManaged(context.Context) (window.Window, error) {
	if s.pos >= len(s.text) {
		return window.Window{}, io.EOF
	}
	s.reads++
	n := min(4, len(s.text)-s.pos)
	b, err := window.Heap.Acquire(context.Background(), n)
	if err != nil {
		return window.Window{}, err
	}
	copy(b.Bytes(), s.text[s.pos:])
	s.pos += n
	return window.New(b, nil, b.Bytes(), int64(s.pos-n)), nil
}

func (s *seeking) SeekTo(off int64) error { s.pos = int(off); return nil }
func (s *seeking) Size() int64            { return int64(len(s.text)) }

func TestSkipSeeksOverWhatIsFarAhead(t *testing.T) {
	s := &seeking{text: strings.Repeat("0123456789", 100)}
	c := window.NewCursor(t.Context(), s, nil)
	defer c.Close()
	for _, n := range []int64{1, 500, 3, 490} {
		if err := c.Skip(n); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := c.ReadByte(); err != nil || b != '4' || s.reads > 6 {
		t.Errorf("ReadByte at 994 = %q, %v after %d windows", b, err, s.reads)
	}
	if err := c.Skip(6); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Skip over the end = %v, want io.ErrUnexpectedEOF", err)
	}
}

func TestPeekingAcrossWindowsHoldsAWindowAndAJoin(t *testing.T) {
	m := windowtest.NewModel(bytes.Repeat([]byte("0123456789"), 100), 100)
	c := window.NewCursor(t.Context(), m, nil)
	defer c.Close()
	if err := c.Skip(50); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if b, err := c.Peek(200); err != nil || b.Len() != 200 {
			t.Fatalf("Peek = %v, %v", b, err)
		}
		if n := m.HeldBytes(); n > 300 {
			t.Fatalf("%d bytes are held, want a window of 100 and a join of 200 at most", n)
		}
	}
}

func TestLinesNoAlloc(t *testing.T) {
	if window.RaceEnabled {
		t.Skip("the race detector allocates")
	}
	s := &endless{p: bytes.Repeat([]byte(strings.Repeat("x", 79)+"\n"), 3)}
	c := window.NewCursor(t.Context(), s, nil)
	defer c.Close()
	lines := c.Lines()
	got := testing.AllocsPerRun(1000, func() {
		n := 0
		for _, err := range lines {
			if n++; err != nil || n == 10 {
				break
			}
		}
	})
	if got != 0 {
		t.Errorf("10 lines cost %v allocations", got)
	}
}

// endless hands out the same bytes for ever.
type endless struct {
	p   []byte
	off int64
}

func (e *endless) ReadManaged(context.Context) (window.Window, error) {
	e.off += int64(len(e.p))
	return window.New(e, nil, e.p, e.off-int64(len(e.p))), nil
}

func (e *endless) Free() {}

// FuzzCursor drives a Cursor and a bufio.Reader over the same bytes.
func FuzzCursor(f *testing.F) {
	f.Add([]byte("one\ntwo\r\nthree"), uint8(3), []byte{0, 1, 2, 3, 4, 5, 6, 7})
	f.Add([]byte("\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), uint8(1), []byte{5, 5, 5})
	f.Fuzz(func(t *testing.T, text []byte, size uint8, program []byte) {
		runCursorModel(t, text, int(size)+1, program)
	})
}

func TestCursorAgainstBufio(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	rounds := 20_000
	if testing.Short() {
		rounds = 2_000
	}
	for range rounds {
		text := make([]byte, rnd.IntN(300))
		for i := range text {
			text[i] = "ab\n\r\x80\xff\x01"[rnd.IntN(7)]
		}
		program := make([]byte, rnd.IntN(60))
		for i := range program {
			program[i] = byte(rnd.Uint32())
		}
		runCursorModel(t, text, 1+rnd.IntN(64), program)
		if t.Failed() {
			t.Fatalf("text %q, program %v", text, program)
		}
	}
}

func runCursorModel(t *testing.T, text []byte, size int, program []byte) {
	m := windowtest.NewModel(text, size)
	c := window.NewCursor(context.Background(), m, nil)
	r := bufio.NewReaderSize(bytes.NewReader(text), len(text)+64)
	off := 0 // of r
	same := func(op string, got []byte, gotErr error, want []byte, wantErr error) {
		if !bytes.Equal(got, want) || (gotErr == nil) != (wantErr == nil) || (gotErr == io.EOF) != (wantErr == io.EOF) {
			t.Fatalf("%s at %d in windows of %d: %q, %v; the model says %q, %v", op, off, size, got, gotErr, want, wantErr)
		}
	}
	for i, op := range program {
		n := int(op >> 3)
		switch op & 7 {
		case 0:
			b, err := c.Until('\n')
			want, werr := r.ReadBytes('\n')
			if werr == io.EOF && len(want) > 0 {
				werr = nil
			}
			same("Until", bytesOf(b, err), err, want, werr)
			off += len(want)
		case 1:
			b, err := c.Peek(n)
			want, werr := r.Peek(n)
			if len(want) > 0 {
				werr = nil
			}
			same("Peek", bytesOf(b, err), err, want, werr)
		case 2:
			w, err := c.Next(n)
			want, _ := r.Peek(n)
			if len(want) == n {
				same("Next", w.Bytes(), err, want, nil)
				r.Discard(n)
				off += n
			} else if err == nil || (err == io.EOF) != (len(want) == 0) {
				t.Fatalf("Next(%d) at %d with %d left = %v", n, off, len(want), err)
			}
			w.Release()
		case 3:
			err := c.Skip(int64(n))
			d, werr := r.Discard(n)
			if (err == nil) != (werr == nil) {
				t.Fatalf("Skip(%d) at %d = %v, the model says %v", n, off, err, werr)
			}
			off += d
		case 4:
			p := make([]byte, n)
			got, err := c.Read(p)
			want := make([]byte, got)
			io.ReadFull(r, want)
			if off += got; !bytes.Equal(p[:got], want) || (err != nil && err != io.EOF) {
				t.Fatalf("Read at %d = %q, %v; the model says %q", off, p[:got], err, want)
			}
		case 5:
			at, _ := r.Peek(binary.MaxVarintLen64)
			want, used := binary.Uvarint(at)
			got, err := c.Uvarint()
			if (err == nil) != (used > 0) || err == nil && got != want {
				t.Fatalf("Uvarint at %d = %d, %v; the model says %d of %d bytes", off, got, err, want, used)
			}
			r.Discard(max(used, 0))
			off += max(used, 0)
		case 6:
			n, err := c.SkipUntil('\n')
			want, werr := r.ReadBytes('\n')
			if n != int64(len(want)) || (err == nil) != (werr == nil) {
				t.Fatalf("SkipUntil at %d = %d, %v; the model says %d, %v", off, n, err, len(want), werr)
			}
			off += len(want)
		case 7:
			b, err := c.ReadByte()
			want, werr := r.ReadByte()
			if b != want || err != werr {
				t.Fatalf("ReadByte at %d = %q, %v; the model says %q, %v", off, b, err, want, werr)
			}
			if werr == nil {
				off++
			}
		}
		if i > 0 && c.Off() != int64(off) && off > 0 {
			t.Fatalf("Off = %d, want %d", c.Off(), off)
		}
	}
	c.Close()
	if m.HeldBytes() != 0 {
		t.Fatalf("%d bytes are still held", m.HeldBytes())
	}
}

// bytesOf returns the bytes that were lent, if any.
func bytesOf(b window.Borrowed, err error) []byte {
	if err != nil {
		return nil
	}
	return b.Bytes()
}

func BenchmarkLines(b *testing.B) {
	s := &endless{p: bytes.Repeat([]byte(strings.Repeat("x", 79)+"\n"), 256<<10/80)}
	c := window.NewCursor(b.Context(), s, nil)
	defer c.Close()
	b.SetBytes(80)
	b.ReportAllocs()
	n := 0
	for line, err := range c.Lines() {
		if err != nil || line.Len() != 79 {
			b.Fatal(err)
		}
		if n++; n >= b.N {
			break
		}
	}
}
