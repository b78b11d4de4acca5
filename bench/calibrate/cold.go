package main

import (
	"slices"

	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

// measureCold reads the cold file by pread and through the ring, in the other
// order every other time: memory that was used a moment ago is cheaper.
func (g *rig) measureCold() error {
	var pread, ring float64
	ways := []func() error{
		func() (err error) {
			pread, err = g.coldPass(func() (passed, error) { return g.preadPass(copyBytes) })
			return err
		},
		func() (err error) {
			ring, err = g.coldWindows(byRing, whatever) // what the kernel has read ahead is copied
			return err
		},
	}
	if len(g.values["coldNsPerByte"])%2 == 1 {
		slices.Reverse(ways)
	}
	for _, read := range ways {
		if err := read(); err != nil {
			return err
		}
	}
	g.add("coldNsPerByte", pread)
	g.add("ringColdFactor", ring/pread)
	return nil
}

// measureMapCold reads the cold file through a mapping.
func (g *rig) measureMapCold() error {
	v, err := g.coldWindows(byMap, whatever)
	if err == nil {
		g.add("mapColdNsPerByte", v)
	}
	return err
}

// measureDirect reads the file past the page cache, in windows of huge pages and of
// small ones.
func (g *rig) measureDirect() error {
	v, err := g.coldWindows(byDirect, ringed)
	if err != nil {
		return err
	}
	g.add("directNsPerByte", v)
	small := byDirect
	small.WindowBytes = source.DirectWindowBytes / 2
	if v, err = g.coldWindows(small, ringed); err == nil {
		g.add("directSmallNsPerByte", v)
	}
	return err
}

// coldWindows is coldPass of windows.
func (g *rig) coldWindows(how source.Options, is func(window.Window) error) (perByte float64, err error) {
	return g.coldPass(func() (passed, error) { return g.windowPass(g.name, 0, how, is) })
}

// measureDirectSetup reads the end of the file past the page cache, which leaves
// it cold.
func (g *rig) measureDirectSetup() error {
	if err := pagecache.Evict(g.name); err != nil {
		return err
	}
	setup, _, err := g.setup(byDirect, ringed)
	if err == nil {
		g.add("directSetupNs", setup)
	}
	return err
}

// coldPass reads the cold file, all of which has to come from the device, and
// returns nanoseconds for a byte: of the whole, because what is read ahead comes
// in bursts.
func (g *rig) coldPass(read func() (passed, error)) (perByte float64, err error) {
	if err := g.chill(g.sizeBytes); err != nil {
		return 0, err
	}
	before, err := pagecache.DeviceBytes()
	if err != nil {
		return 0, err
	}
	p, err := read()
	if err != nil {
		return 0, err
	}
	after, err := pagecache.DeviceBytes()
	if err == nil {
		err = pagecache.CameFromDevice(after-before, g.sizeBytes)
	}
	return p.total / float64(g.sizeBytes), err
}
