package plan

import (
	"fmt"
	"strconv"
)

// Reason is why a way was chosen, lost or is refused, or why it was changed. It
// is a code with its numbers, and becomes a text only when somebody asks.
type Reason struct {
	code  code
	ways  Set
	ratio float32
	a, b  int64
	text  string
}

type code uint8

const (
	reasonNone code = iota

	// why a way was chosen
	reasonIsForced
	reasonEmpty
	reasonJustCopy
	reasonCopied
	reasonInMemory
	reasonUnknownShare
	reasonReadAhead
	reasonPart
	reasonReadsWait
	reasonAsked
	reasonLent
	reasonStays
	reasonCheapest
	reasonManyWait
	reasonOnce
	reasonNotHeld

	// why it cannot serve
	reasonForced
	reasonNoGuard
	reasonLockLimit
	reasonNoRing
	reasonNoDirect
	reasonNever
	reasonUnit

	// why it should not
	reasonSmallMap
	reasonSmall
	reasonRemoteMap
	reasonRemoteDirect
	reasonThrash
	reasonColdReads
	reasonColdMap
	reasonLockFree
	reasonMapped
	reasonBusy
	reasonFewWait
	reasonCacheServes
	reasonSmallWindow
	reasonHeld

	// why it lost
	reasonDearer
	reasonNear
	reasonAlike
	reasonPartNow
	reasonMayWin
	reasonFoliosUnsure
	reasonSmallFolios
	reasonCachedAlready

	// why it was changed
	reasonLeadOver
	reasonNewPlan
	reasonTry
	reasonTryAgain
	reasonTryChanged
	reasonFaster
	reasonSlower
	reasonNotFaster
	reasonWaited
	reasonTooDear
	reasonFailed

	reasons // how many there are
)

// fixed holds what needs no numbers.
var fixed = [reasons]string{
	reasonEmpty:        "there is nothing to read",
	reasonCopied:       "it is cached, and copying costs least",
	reasonInMemory:     "the file is in memory and never waits for a device",
	reasonUnknownShare: "nobody knows what of it is cached, and pread is never far from the best",
	reasonReadAhead:    "it is not cached, and the kernel reads ahead",
	reasonPart:         "part of it is cached, and the kernel reads the rest ahead",
	reasonReadsWait:    "few reads wait at a time, and what they bring stays cached",
	reasonLent:         "it is cached in large folios, and lending costs less than copying",
	reasonCheapest:     "it is expected to cost least",
	reasonOnce:         "it is not cached and read once, so the page cache need not have it",
	reasonNever:        "reading past the page cache is switched off",

	reasonColdReads:   "what is not cached would be loaded 2 MiB at a time for single reads",
	reasonColdMap:     "what is not cached is read ahead, not faulted in",
	reasonBusy:        "all processors compute, and reads through the ring would queue behind them",
	reasonCacheServes: "reads here and there gain from what the page cache keeps",
	reasonHeld:        "it may be read again, and the page cache will hold it",

	reasonAlike:         "expected to cost as much, and gains nothing",
	reasonPartNow:       "tried: part of it is cached, perhaps what comes next",
	reasonMayWin:        "tried when the first windows tell what is cached",
	reasonFoliosUnsure:  "tried: it wins if the cache is in large folios",
	reasonSmallFolios:   "in small folios populating costs more than copying",
	reasonCachedAlready: "it is cached already",

	reasonNewPlan: "the facts are different now",
	reasonWaited:  "it had to wait for the device",
	reasonTooDear: "finding out costs more than there is to gain",
}

// String returns a short phrase, "" for the zero Reason.
func (r Reason) String() string {
	if r.code >= reasons {
		return ""
	}
	if s := fixed[r.code]; s != "" {
		return s
	}
	if s := r.refusal(); s != "" {
		return s
	}
	switch r.code {
	case reasonIsForced:
		return r.ways.String() + " is forced"
	case reasonJustCopy:
		return "copying a file of " + size(r.a) + " needs no set-up"
	case reasonAsked:
		return or(r.text, "the file system") + " is asked over a connection, and reading ahead hides that"
	case reasonStays:
		return "all " + size(r.a) + " can stay locked and be read in place"
	case reasonManyWait:
		return plural(r.a, "read waits", "reads wait") + " for the device at a time"
	case reasonNotHeld:
		return "the page cache would not hold it: " + size(r.a) + ", with " + size(r.b) + " free"
	case reasonDearer:
		return "expected to cost " + times(r.ratio) + " as much"
	case reasonNear:
		if r.ratio < alike {
			return "tried: expected to cost as much"
		}
		return "tried: expected to cost " + times(r.ratio) + " as much, which is within the error"
	}
	return r.change()
}

// refusal returns why a way cannot or should not serve.
func (r Reason) refusal() string {
	switch r.code {
	case reasonForced:
		return r.ways.String() + " is forced"
	case reasonNoGuard:
		return "the file cannot be kept still: " + r.text
	case reasonLockLimit:
		return size(r.a) + " may be locked, and a mapping needs " + size(r.b)
	case reasonNoRing:
		return "there is no io_uring: " + r.text
	case reasonNoDirect:
		return "it cannot be read past the page cache: " + r.text
	case reasonUnit:
		return "windows cannot be aligned to " + strconv.FormatInt(r.a, 10) + " bytes"
	case reasonSmallMap:
		return "a guard costs more than copying a file of " + size(r.a)
	case reasonSmall:
		return "a file of " + size(r.a) + " is read before it is set up"
	case reasonRemoteMap:
		return or(r.text, "the file system") + " is asked over a connection, and a fault that waits for it stops others"
	case reasonRemoteDirect:
		return or(r.text, "the file system") + " is asked over a connection, and the page cache saves asking twice"
	case reasonThrash:
		return "extents would throw each other out: " + size(r.b) + " may be locked, and the file has " + size(r.a)
	case reasonLockFree:
		return size(r.a) + " of locked memory are free, and a Reader needs " + size(r.b)
	case reasonMapped:
		return plural(r.a, "Reader shares", "Readers share") + " the " + size(r.b) + " of locked memory already"
	case reasonFewWait:
		return plural(r.a, "read waits", "reads wait") + " at a time, which pread serves as well"
	case reasonSmallWindow:
		return "windows of " + size(r.a) + " are read better with the kernel's read-ahead"
	}
	return ""
}

// change returns why a way was changed in the middle.
func (r Reason) change() string {
	switch r.code {
	case reasonLeadOver:
		return "the reader has stayed for " + size(r.a)
	case reasonTry:
		return "tried, to see what it costs"
	case reasonTryAgain:
		return "tried again after " + plural(r.a, "stretch", "stretches")
	case reasonTryChanged:
		return "tried, because reading costs " + times(r.ratio) + " as much as it did"
	case reasonFaster:
		return "measured to cost " + times(r.ratio) + " as much, and kept"
	case reasonSlower:
		return "measured to cost " + times(r.ratio) + " as much, and left"
	case reasonNotFaster:
		return "not measurably faster"
	case reasonFailed:
		return or(r.text, "it failed")
	}
	return ""
}

// size returns a number of bytes in the largest unit that leaves a number of few
// digits.
func size(n int64) string {
	units := [...]string{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	if n == 1 {
		return "1 byte"
	}
	v, i := float64(n), 0
	for v >= kibi && i < len(units)-1 {
		v /= kibi
		i++
	}
	if v != float64(int64(v)) {
		return fmt.Sprintf("%.1f %s", v, units[i])
	}
	return fmt.Sprintf("%d %s", int64(v), units[i])
}

const kibi = 1024

func times(ratio float32) string {
	if ratio >= 10 {
		return fmt.Sprintf("%.0f times", ratio)
	}
	return fmt.Sprintf("%.2g times", ratio)
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
