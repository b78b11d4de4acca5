package source

import (
	"fmt"
	"log/slog"

	"github.com/oriel-go/oriel/window"
)

// Kind is a way in which bytes can arrive.
type Kind uint8

const (
	// Auto leaves the choice to the library: a plan is made of what is known of
	// the file, its file system and the machine, and corrected by what reading
	// costs. Explain tells it.
	Auto Kind = iota
	// Pread reads regular files and block devices by positioned reads into
	// pool memory. Forced on anything else it is refused.
	Pread
	// Mmap lends slices of a mapping of a regular file while a guard keeps the
	// file from changing; package mmapsrc says what that is. What cannot be
	// lent, because the budget of locked memory is spent or a writer has come,
	// is copied. A file that cannot be guarded when it is opened is refused. A
	// cache or an index, which reads the same ranges again and again, should
	// say Reuse; without that a range at an offset is copied until its extent
	// of 2 MiB has been read from 64 times.
	Mmap
	// Uring reads regular files and block devices through io_uring into pool
	// memory: what waits for a device holds no thread, and any number of reads
	// are in flight. What is cached and can be had without waiting is read by
	// pread, which is cheaper (0.7 against 1.2 µs for 4 KiB), and the window
	// says so. Where there is no io_uring a file that is to be read so is
	// refused.
	Uring
)

func (k Kind) String() string {
	switch k {
	case Auto:
		return "auto"
	case Pread:
		return "pread"
	case Mmap:
		return "mmap"
	case Uring:
		return "uring"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Direct says whether a file is read past the page cache, by O_DIRECT. Uring
// reads so, and Auto where it chooses that.
type Direct uint8

const (
	// DirectAuto reads past the cache where that pays: what is declared Once, or
	// does not fit into the memory that the cache can have, in windows of at
	// least 256 KiB of which less than half is cached.
	DirectAuto Direct = iota
	// DirectAlways reads all that is in windows so. A file whose file system
	// cannot do it is refused. The page cache is neither used nor filled: a
	// second pass costs as much as the first.
	DirectAlways
	// DirectNever reads nothing so.
	DirectNever
)

func (d Direct) String() string {
	if int(d) < len(directNames) {
		return directNames[d]
	}
	return fmt.Sprintf("Direct(%d)", uint8(d))
}

var directNames = [...]string{"auto", "always", "never"}

// Pattern is a hint at the order in which a source will be read.
type Pattern uint8

const (
	// Detect leaves the pattern to be found out: a Reader is taken to be read
	// from front to back until it is moved, reads at offsets for Random until
	// they turn out to go backwards or in strides.
	Detect Pattern = iota
	// Sequential is read from front to back: ahead of a reader that turns out
	// to wait. Of a mapping up to 8 MiB are loaded at a time, and given up
	// behind the reader.
	Sequential
	// Random is read here and there: nothing is read ahead, and a Reader that
	// is read in order nevertheless waits for every window that is not cached.
	// Of a mapping is loaded what has been read from often.
	Random
	// Once is Sequential, and will not be read again: it may be read past the
	// page cache, or leave it.
	Once
	// Reuse is read again and again. Of a mapping is loaded what is touched,
	// and it stays loaded while the budget lasts.
	Reuse
)

func (p Pattern) String() string {
	if int(p) < len(patternNames) {
		return patternNames[p]
	}
	return fmt.Sprintf("Pattern(%d)", uint8(p))
}

var patternNames = [...]string{"detect", "sequential", "random", "once", "reuse"}

// Window sizes, in bytes.
const (
	// Granularity is what every window size is a multiple of: the page size
	// of most machines, and the pool's smallest size class.
	Granularity = 4 << 10
	// DefaultWindowBytes is the size of a file's windows: in the measurements
	// behind the design it read a cached file fastest (25.6 GB/s against 21 at
	// 128 KiB and at 4 MiB). A small memory budget lowers it.
	DefaultWindowBytes = 256 << 10
	// StreamWindowBytes is the default size of a stream's windows, that of a
	// Linux pipe's buffer.
	StreamWindowBytes = 64 << 10
	// LargestWindowBytes is the pool's largest size class.
	LargestWindowBytes = 4 << 20
)

// Options says how a source is opened. The zero value, and nil, are the
// documented defaults. What is out of range is a [window.Error] that wraps
// [window.ErrOption]: of Open, OpenReader and NewFile themselves, and of the
// first read of what New, NewStream, FromBytes and NewReader return.
type Options struct {
	// Runtime owns the memory and the limits. nil is Default().
	Runtime *Runtime

	// Source forces the way in which bytes arrive. A source that cannot serve
	// is then refused with window.ErrRefused and never replaced by another.
	Source Kind

	// Immutable promises that nobody changes or truncates the file while it or a
	// window of it is open. Mmap then maps it without a guard, and its windows
	// are window.Trusted. When the promise is broken their bytes change, and
	// touching them may raise SIGBUS, which ends the process.
	Immutable bool

	// Direct says whether the file is read past the page cache. DirectAlways
	// is refused beside a Source that cannot, and forces one that can.
	Direct Direct

	// Pattern is a hint.
	Pattern Pattern

	// Logger, if not nil, is told at level Info when a Reader changes the way in
	// which it reads: at most every few MiB.
	Logger *slog.Logger

	// WindowBytes is the size of a Reader's windows: a multiple of
	// Granularity, at most LargestWindowBytes and the Runtime's memory
	// budget. 0 is DefaultWindowBytes for files and StreamWindowBytes for
	// streams, or a quarter of the budget if that is less.
	WindowBytes int
}

// settings are checked Options.
type settings struct {
	rt      *Runtime
	kind    Kind
	pattern Pattern
	window  int // 0: the default of the kind
	direct  Direct

	immutable bool
	log       *slog.Logger
}

// check returns the settings that o asks for.
func (o *Options) check() (s settings, err error) {
	if o == nil {
		o = &Options{}
	}
	s = settings{o.Runtime, o.Source, o.Pattern, o.WindowBytes, o.Direct, o.Immutable, o.Logger}
	if s.rt == nil {
		s.rt = Default()
	}
	switch {
	case o.Source > Uring:
		err = fmt.Errorf("%w: Source: %v", window.ErrOption, o.Source)
	case o.Direct > DirectNever:
		err = fmt.Errorf("%w: Direct: %v", window.ErrOption, o.Direct)
	case o.Direct == DirectAlways && (o.Source == Pread || o.Source == Mmap):
		err = fmt.Errorf("%w: Direct: %v, of Source: %v; only %v reads so", window.ErrOption, o.Direct, o.Source, Uring)
	case o.Pattern > Reuse:
		err = fmt.Errorf("%w: Pattern: %v", window.ErrOption, o.Pattern)
	case o.WindowBytes != 0:
		err = checkWindow(o.WindowBytes, s.rt.maxWindow())
	}
	return s, err
}

// forced returns what a source is forced to be, "" for nothing.
func (s *settings) forced() string {
	switch {
	case s.kind != Auto:
		return s.kind.String()
	case s.direct == DirectAlways:
		return "Direct: " + s.direct.String()
	}
	return ""
}

// checkWindow returns nil if n is a window size of at most limit.
func checkWindow(n, limit int) error {
	switch {
	case n <= 0:
		return fmt.Errorf("%w: a window of %d bytes", window.ErrOption, n)
	case n%Granularity != 0:
		return fmt.Errorf("%w: a window of %d bytes is not a multiple of %d", window.ErrOption, n, Granularity)
	case n > limit:
		return fmt.Errorf("%w: a window of %d bytes where the largest is %d", window.ErrOption, n, limit)
	}
	return nil
}

// windowBytes returns the window size to use, by default the given one.
func (s *settings) windowBytes(byDefault int) int {
	if s.window != 0 {
		return s.window
	}
	n := min(byDefault, int(min(s.rt.memoryBytes()/4, LargestWindowBytes)))
	return max(n-n%Granularity, Granularity)
}
