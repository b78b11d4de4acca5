package source

import (
	"strings"
	"testing"
	"time"
)

func TestNumbersAsText(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1: "1 bytes", 1023: "1023 bytes", 1024: "1 KiB", 1536: "1.5 KiB", 4097: "4 KiB", 1<<20 - 1: "1 MiB",
		1<<20 - 512: "1 MiB", 1<<20 - 513: "1023 KiB", 8 << 20: "8 MiB", 129499136: "124 MiB", 25 << 30: "25 GiB", 1<<63 - 1: "8 EiB",
	} {
		if got := sizeText(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	for _, tt := range []struct {
		n    int64
		d    time.Duration
		want string
	}{
		{0, time.Second, "0 MB/s"}, {1e6, time.Second, "1 MB/s"}, {1.5e6, time.Second, "1.5 MB/s"}, {999e6, time.Second, "999 MB/s"},
		{1e9, time.Second, "1 GB/s"}, {32.52e9, time.Second, "32.5 GB/s"}, {1234e9, time.Second, "1234 GB/s"}, {5, 0, "5 GB/s"},
	} {
		if got := rateText(tt.n, tt.d); got != tt.want {
			t.Errorf("%d bytes in %v are %q, want %q", tt.n, tt.d, got, tt.want)
		}
	}
	for off, want := range map[int64]string{0: "0 bytes", 256 << 10: "256 KiB", 8 << 20: "8 MiB", 116<<20 + 512<<10: "116.5 MiB", 5<<30 + 256<<10: "5120.25 MiB"} {
		if got := offText(off); got != want {
			t.Errorf("offset %d is %q, want %q", off, got, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "0s", 848: "848ns", 1329: "1.33µs", 23300000: "23.3ms", 1757 * time.Millisecond: "1.76s"} {
		if got := roundText(d); got != want {
			t.Errorf("%d ns are %q, want %q", d, got, want)
		}
	}
}

// What a person reads, line by line. What has not happened has no line.
func TestExplanationAsText(t *testing.T) {
	e := Explanation{
		Name: "f", Source: "pread", Why: "a regular file", Reads: "detect", SizeBytes: 256 << 20, WindowBytes: 256 << 10, AheadBytes: 256 << 10,
		NeverWaits: true, MemoryBytes: 1 << 20, MemoryFrom: "the default", Threads: 64,
		Facts: &Facts{
			FileSystem: "ext4", InMemory: "no", Remote: "no", CachedShare: 0.5, LargeFolios: "no", NoRing: "refused", DirectUnit: 512,
			LockFreeBytes: 8 << 20, ReadAheadBytes: 128 << 10, Rotational: "no", Processors: 2, Busy: "yes", Failed: []string{"statfs: EPERM"},
		},
		WorkBytes: 256 << 20,
		Candidates: []Candidate{
			{Source: "pread", Cost: 23 * time.Millisecond, Chosen: true, Reason: "it is cheap", Bytes: 1 << 20, Measured: time.Millisecond},
			{Source: "uring direct", Refused: true, Reason: "there is none"},
		},
		Switches: []Switch{
			{From: "pread", To: "mmap", Trying: true, Off: 8 << 20, Reason: "it may be faster"},
			{From: "mmap", To: "pread", Off: 12 << 20, Reason: "it is not"},
		},
		Stats: Stats{Reads: 9, Bytes: 1000, Lent: 2, Ringed: 3, Waits: 4, WaitTime: 5 * time.Millisecond, AheadBytes: 6 << 10, WastedBytes: 1 << 10, Hits: 7},
	}
	const want = `f: read by pread (a regular file)
  plan                 pread: it is cheap
  size                 256 MiB
  windows              256 KiB, pattern detect, at most 256 KiB read ahead
  memory               at most 1 MiB (1048576 bytes: the default)
  pread                what is cached is read inline (RWF_NOWAIT); at most 64 reads wait at a time
what is known
  file system          ext4, reads 128 KiB ahead
  page cache           has 50 % of what was looked at, in small folios
  kept still           yes: as far as is known, and 8 MiB may be locked
  io_uring             no: refused
  past the page cache  yes: in units of 512 bytes (O_DIRECT)
  processors           2, all of them busy
  not known            statfs: EPERM
what reading 256 MiB would cost
> pread                23ms  it is cheap
  uring direct         -     there is none
what it did cost, the caller's work included
  pread                1 MiB at 1.05 GB/s
what was changed
  at 8 MiB             from pread to mmap for a while: it may be faster
  at 12 MiB            from mmap to pread: it is not
so far
  read                 9 reads of 1000 bytes, 2 lent of a mapping, 3 through io_uring
  waited               4 of them, for 5ms
  read ahead           6 KiB, 1 KiB of it in vain
  hits                 7 in the caller's cache`
	if got := e.String(); got != want {
		t.Errorf("the text is\n%s\nwant\n%s", got, want)
	}
	e = Explanation{Source: "stream", Why: "a pipe", Reads: "detect", WindowBytes: 64 << 10, MemoryBytes: 1 << 20, MemoryFrom: "the default"}
	const stream = `(no name): read by stream (a pipe)
  windows              64 KiB, pattern detect
  memory               at most 1 MiB (1048576 bytes: the default)`
	if got := e.String(); got != stream {
		t.Errorf("the text is\n%s\nwant\n%s", got, stream)
	}
}

// Where nothing is known, the text says so and has no numbers.
func TestUnknownCapabilitiesAsText(t *testing.T) {
	c := Capabilities{
		Path: "p", NoFile: "there is none", InMemory: canUnknown, Remote: canUnknown, Device: DeviceFacts{Rotational: canUnknown},
		Machine: MachineFacts{OS: "plan9", Arch: "386", Go: "go1", Processors: 1, PageBytes: 4096},
		Pread:   PreadFacts{untried, untried, untried}, Mmap: MmapFacts{Locks: untried, Leases: untried, Still: untried, File: untried},
		Uring:  UringFacts{Rings: untried, File: untried, Direct: untried, Setting: -1},
		Bounds: BoundFacts{InFlight: -1}, Failed: []string{"one", "two"},
	}
	wantSound(t, c)
	text := c.String()
	for _, want := range []string{
		"p\n  no file        there is none\n  file system    unknown\n  device         unknown\n", "plan9/386, kernel unknown",
		"  machine        unknown\n  control group  no limit that is known\n  GOMEMLIMIT     none\n  huge pages     unknown\n",
		"what could not be asked\n  one\n  two",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "io_uring_disabled") {
		t.Errorf("the text has a setting that is not known:\n%s", text)
	}
	c.Memory = MemoryFacts{TotalBytes: 8 << 30, AvailableBytes: 7 << 30, CgroupLimitBytes: 2 << 30, CgroupRoomBytes: 1 << 30, GoLimitBytes: 512 << 20}
	c.FileSystem, c.Remote, c.Device = "NFS", canYes, DeviceFacts{Name: "0:50", ReadAheadBytes: 128 << 10, Rotational: canNo}
	text = c.String()
	for _, want := range []string{
		"8 GiB, of which 7 GiB can be had", "at most 2 GiB, of which 1 GiB can be had", "GOMEMLIMIT     512 MiB", "NFS, which may be far away",
		"0:50, reads 128 KiB ahead, says that it does not rotate",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
}
