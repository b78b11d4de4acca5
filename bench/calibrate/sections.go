package main

import (
	"fmt"
	"math/rand/v2"
)

// coldReaders are the numbers of goroutines that read blocks of a cold file.
var coldReaders = []int{aloneReaders, 8, 16, 32, manyReaders}

const (
	aloneReaders = 1
	manyReaders  = 64
)

// sections are everything that is measured, in its order.
func sections() []section {
	return []section{
		{
			name:    "cached, large folios",
			prepare: func(g *rig) error { return g.cache(largeFolios) },
			keep:    func(g *rig) error { return largeFolios.keep(g.name) },
			steps:   append(largeSteps(), randomSteps()...),
		},
		{
			name:    "cached, small folios",
			prepare: func(g *rig) error { return g.cache(smallFolios) },
			keep:    func(g *rig) error { return smallFolios.keep(g.name) },
			steps: []step{
				{[]constant{{"copySmallNsPerByte", perByte, "copying cached bytes in small folios by 256 KiB, and counting"}},
					func(g *rig) error { return g.measureCopy("copySmallNsPerByte", "") }},
				{[]constant{{"mapSmallNsPerByte", perByte, "windows of a mapping, small folios, and counting"}},
					func(g *rig) error { return g.measureLent("mapSmallNsPerByte") }},
				{[]constant{{"loadSmallNs", perCall, "loading an extent of 2 MiB for one read, small folios"}},
					func(g *rig) error { return g.measureExtents("loadSmallNs") }},
			},
		},
		{name: "cold, from front to back", cold: true, steps: coldSteps()},
		{name: "cold, at random", cold: true, steps: waitSteps()},
	}
}

// largeSteps measure what is read from front to back in large folios.
func largeSteps() []step {
	return []step{
		{[]constant{
			{"copyLargeNsPerByte", perByte, "copying cached bytes in large folios by 256 KiB, and counting"},
			{"preadCallNs", perCall, "a pread of cached bytes, apart from the bytes"},
		}, func(g *rig) error { return g.measureCopy("copyLargeNsPerByte", "preadCallNs") }},
		{[]constant{{"mapLargeNsPerByte", perByte, "windows of a mapping, large folios, and counting"}},
			func(g *rig) error { return g.measureLent("mapLargeNsPerByte") }},
		{[]constant{
			{"mapSetupNs", perCall, "mapping a file and giving it up, beyond its bytes and opening it for pread"},
			{"mapHeadNs", perCall, "the first 8 MiB of a mapping beyond the last: a file begins in small folios"},
		}, (*rig).measureMapSetup},
		{[]constant{{"touchNsPerB", perByte, "counting what is mapped and resident already, large folios"}},
			(*rig).measureTouch},
		{[]constant{{"loadLargeNs", perCall, "loading an extent of 2 MiB for one read, large folios"}},
			func(g *rig) error { return g.measureExtents("loadLargeNs") }},
	}
}

// randomSteps measure blocks of the cached file at random offsets.
func randomSteps() []step {
	rng := rand.New(rand.NewPCG(1, 2))
	return []step{
		{[]constant{{"readPreadNs", perCall, "4 KiB at random, cached, by pread, apart from the bytes"}},
			func(g *rig) error { return g.preadRandom(rng) }},
		{[]constant{{"readRingNs", perCall, "4 KiB at random, cached, through the ring, apart from the bytes"}},
			func(g *rig) error { return g.ringRandom(rng) }},
		{[]constant{{"readMapNs", perCall, "4 KiB at random of what is mapped and locked, lent and two words touched"}},
			func(g *rig) error { return g.mapRandom(rng) }},
	}
}

// coldSteps read the cold file from front to back.
func coldSteps() []step {
	return []step{
		{[]constant{
			{"coldNsPerByte", perByte, "a cold file by pread of 256 KiB, and counting"},
			{"ringColdFactor", times, "the same through the ring and the page cache, for each byte by pread"},
		}, (*rig).measureCold},
		{[]constant{{"mapColdNsPerByte", perByte, "a cold file through a mapping, and counting"}},
			(*rig).measureMapCold},
		{[]constant{
			{"directNsPerByte", perByte, "a file past the page cache, in huge pages, and counting"},
			{"directSmallNsPerByte", perByte, "the same in small pages"},
		}, (*rig).measureDirect},
		{[]constant{{"directSetupNs", perCall, "reading past the page cache, beyond the bytes and opening for pread"}},
			(*rig).measureDirectSetup},
	}
}

// waitSteps read blocks of the cold file at random offsets.
func waitSteps() (list []step) {
	for _, n := range coldReaders {
		about := fmt.Sprintf("4 KiB of a cold file at random by %%s, %d at a time, for each", n)
		list = append(list, step{[]constant{
			{waitName(n, "Pread"), perCall, fmt.Sprintf(about, "pread")},
			{waitName(n, "Ring"), perCall, fmt.Sprintf(about, "the ring")},
		}, func(g *rig) error { return g.measureWaits(n) }})
	}
	return append(list, step{[]constant{
		{"busyRingFactor", times, "how much more than pread the ring suffers while all processors compute, 64 at a time"},
	}, (*rig).measureBusy})
}

// waitName is the name of what a read by a way waits where n do. The planner has
// names for the ends and reckons with what lies between.
func waitName(n int, way string) string {
	switch n {
	case aloneReaders:
		return "waitAlone" + way + "Ns"
	case manyReaders:
		return "waitMany" + way + "Ns"
	}
	return fmt.Sprintf("wait%d%sNs", n, way)
}
