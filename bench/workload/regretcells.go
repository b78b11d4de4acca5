package workload

import (
	"fmt"
	"strings"

	"github.com/oriel-go/oriel/source"
)

// The matrix of regret: what is read in which order, how much at a time, in
// which state of the page cache, of which file, by how many goroutines. Of 900
// combinations these are measured, each for the reason beside it. They are those
// at which the choice of a source turns, and those that it must leave alone.

// A regretPattern is an order of reads.
type regretPattern string

const (
	patternSequential regretPattern = "sequential" // front to back, by ReadManaged or a Cursor
	patternRandom     regretPattern = "random"     // at offsets, by File.ReadManagedAt
	patternStrided    regretPattern = "strided"    // one of 16, by Reader.ReadManagedAt
	patternBackward   regretPattern = "backward"   // back to front, by Reader.ReadManagedAt
	patternLimit      regretPattern = "limit"      // open, seek, read three sizes, close
)

// A regretCache is a state of the page cache.
type regretCache string

const (
	cacheCold      regretCache = "cold"
	cacheLarge     regretCache = "large"
	cacheSmall     regretCache = "small"
	cacheHalf      regretCache = "half"      // every other MiB is cached
	cacheFirstHalf regretCache = "firsthalf" // the first half is
)

// A regretFile is a file, or as many of a kind as a run needs.
type regretFile int

const (
	fileSmall  regretFile = iota // 64 KiB
	fileMiddle                   // a sixteenth of the largest: 64 MiB by default
	fileLarge                    // -size: 1 GiB by default
)

// Sizes of reads, in bytes. 256 bytes are those of a Cursor, when they are read
// in order.
const (
	sizeDefault = 0 // Reader's own windows
	size256     = 256
	size4K      = 4 << 10
	size64K     = 64 << 10
	size1M      = 1 << 20
)

// A regretCell is one of the matrix.
type regretCell struct {
	pattern    regretPattern
	size       int
	cache      regretCache
	file       regretFile
	goroutines int
	declared   source.Pattern
	why        string // it is telling
}

// name returns the name of the cell's experiment.
func (c *regretCell) name(fileBytes int64) string {
	size := "default"
	if c.size != sizeDefault {
		size = plainSize(int64(c.size))
	}
	name := fmt.Sprintf("regret/%s/%s/%s/%s/%d", c.pattern, size, c.cache, plainSize(fileBytes), c.goroutines)
	if c.declared != source.Detect {
		name += "/" + c.declared.String()
	}
	return name
}

// plainSize is sizeName in one word.
func plainSize(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%dB", n)
	}
	return strings.ReplaceAll(sizeName(n), " ", "")
}

// regretCells are the cells, at most 60.
var regretCells = []regretCell{
	// Cached, from front to back: a mapping wins or loses by the folios, which no stat shows.
	{patternSequential, sizeDefault, cacheLarge, fileLarge, 1, source.Detect, "a mapping is half as fast again"},
	{patternSequential, sizeDefault, cacheLarge, fileMiddle, 1, source.Detect, "the guard has to be earned in 3 ms"},
	{patternSequential, sizeDefault, cacheLarge, fileSmall, 1, source.Detect, "opening is most of it: planning must cost nothing"},
	{patternSequential, sizeDefault, cacheSmall, fileLarge, 1, source.Detect, "a mapping is half as fast"},
	{patternSequential, sizeDefault, cacheSmall, fileMiddle, 1, source.Detect, "there is little time to find that out"},
	{patternSequential, sizeDefault, cacheLarge, fileLarge, 2, source.Detect, "two share the lock budget"},
	{patternSequential, sizeDefault, cacheLarge, fileLarge, 64, source.Detect, "the lock budget is not for 64"},
	{patternSequential, sizeDefault, cacheLarge, fileSmall, 64, source.Detect, "many open small files at a time"},
	{patternSequential, sizeDefault, cacheLarge, fileLarge, 1, source.Once, "cached: past the page cache would be waste"},
	{patternSequential, sizeDefault, cacheSmall, fileLarge, 1, source.Once, "cached, and a mapping is no better"},
	{patternSequential, size1M, cacheLarge, fileLarge, 1, source.Detect, "a window of half an extent"},
	{patternSequential, size64K, cacheLarge, fileLarge, 1, source.Detect, "lending costs less than a system call"},
	{patternSequential, size4K, cacheLarge, fileMiddle, 1, source.Detect, "system calls are most of it"},
	{patternSequential, size1M, cacheSmall, fileMiddle, 2, source.Detect, "small folios, two at a time"},
	{patternSequential, size256, cacheLarge, fileMiddle, 1, source.Detect, "records: the consumer is most of it"},
	{patternSequential, size256, cacheSmall, fileMiddle, 1, source.Detect, "the same, where a mapping is dearer"},

	// Half cached: the first windows say nothing about the others.
	{patternSequential, sizeDefault, cacheHalf, fileMiddle, 1, source.Detect, "cached and cold take turns"},
	{patternSequential, sizeDefault, cacheHalf, fileMiddle, 1, source.Once, "the same, to be read once"},
	{patternSequential, sizeDefault, cacheFirstHalf, fileMiddle, 1, source.Detect, "it looks cached, and then is not"},
	{patternSequential, sizeDefault, cacheFirstHalf, fileLarge, 1, source.Once, "it looks cached, and past the cache would be better at last"},
	{patternSequential, size64K, cacheHalf, fileMiddle, 2, source.Detect, "two, and little windows"},

	// Cold, from front to back.
	{patternSequential, sizeDefault, cacheCold, fileLarge, 1, source.Detect, "the kernel reads ahead"},
	{patternSequential, sizeDefault, cacheCold, fileLarge, 1, source.Once, "past the page cache is three times as fast"},
	{patternSequential, sizeDefault, cacheCold, fileMiddle, 1, source.Detect, "little to read ahead of"},
	{patternSequential, sizeDefault, cacheCold, fileMiddle, 1, source.Once, "a ring has to be earned in 20 ms"},
	{patternSequential, sizeDefault, cacheCold, fileSmall, 1, source.Detect, "a tree of small files"},
	{patternSequential, sizeDefault, cacheCold, fileSmall, 64, source.Once, "the same as scan does it"},
	{patternSequential, sizeDefault, cacheCold, fileLarge, 2, source.Once, "two past the page cache"},
	{patternSequential, sizeDefault, cacheCold, fileLarge, 64, source.Detect, "64 at once confuse readahead"},
	{patternSequential, size4K, cacheCold, fileMiddle, 1, source.Detect, "windows too small for the device"},
	{patternSequential, size64K, cacheCold, fileMiddle, 1, source.Once, "too small for reading past the cache"},
	{patternSequential, size1M, cacheCold, fileLarge, 1, source.Once, "windows as the device likes them"},
	{patternSequential, size256, cacheCold, fileMiddle, 1, source.Detect, "records of a cold file"},

	// At random.
	{patternRandom, size4K, cacheLarge, fileLarge, 1, source.Detect, "more than can be locked: extents would throw each other out"},
	{patternRandom, size4K, cacheSmall, fileLarge, 1, source.Random, "the same, declared, and loading is dearer"},
	{patternRandom, size4K, cacheLarge, fileSmall, 1, source.Reuse, "all of it can be locked, and is read again"},
	{patternRandom, size256, cacheLarge, fileMiddle, 1, source.Detect, "a system call for 256 bytes"},
	{patternRandom, size4K, cacheLarge, fileMiddle, 64, source.Detect, "many, and no ring is wanted"},
	{patternRandom, size64K, cacheLarge, fileLarge, 2, source.Detect, "copying is most of it"},
	{patternRandom, size1M, cacheSmall, fileMiddle, 1, source.Reuse, "half an extent at a time, again and again"},
	{patternRandom, size4K, cacheHalf, fileMiddle, 2, source.Detect, "every other read waits"},
	{patternRandom, size4K, cacheCold, fileLarge, 1, source.Detect, "one read waits: pread's"},
	{patternRandom, size4K, cacheCold, fileLarge, 2, source.Random, "two do"},
	{patternRandom, size4K, cacheCold, fileLarge, 64, source.Detect, "64 do: the ring's"},
	{patternRandom, size64K, cacheCold, fileLarge, 64, source.Random, "the same, bound by the device"},
	{patternRandom, size1M, cacheCold, fileLarge, 2, source.Detect, "large and here and there"},

	// One of 16, and backwards: what the kernel does not read ahead.
	{patternStrided, size4K, cacheLarge, fileLarge, 1, source.Detect, "a column of a cached file"},
	{patternStrided, size64K, cacheSmall, fileMiddle, 1, source.Detect, "larger, in small folios"},
	{patternStrided, size4K, cacheCold, fileMiddle, 1, source.Detect, "the next one is known"},
	{patternStrided, size64K, cacheCold, fileLarge, 2, source.Detect, "two know it"},
	{patternBackward, size64K, cacheLarge, fileMiddle, 1, source.Detect, "the end of a log, cached"},
	{patternBackward, size4K, cacheHalf, fileMiddle, 1, source.Detect, "the same, half of it"},
	{patternBackward, size64K, cacheCold, fileMiddle, 1, source.Detect, "the same, cold"},

	// A few windows, and away.
	{patternLimit, sizeDefault, cacheLarge, fileLarge, 1, source.Detect, "who leaves early has not paid for a mapping"},
	{patternLimit, size4K, cacheLarge, fileSmall, 64, source.Detect, "the head of many small files"},
	{patternLimit, size64K, cacheSmall, fileMiddle, 2, source.Detect, "small folios"},
	{patternLimit, size256, cacheHalf, fileMiddle, 1, source.Detect, "three records"},
	{patternLimit, sizeDefault, cacheCold, fileMiddle, 1, source.Once, "read ahead is waste"},
	{patternLimit, size64K, cacheCold, fileMiddle, 64, source.Detect, "64 wait for little"},
	{patternLimit, size1M, cacheCold, fileMiddle, 2, source.Detect, "larger"},
}
