package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/oriel-go/oriel/bench/data"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/uringsrc"
)

const (
	blockBytes     = 4 << 10
	copyBytes      = 256 << 10    // of a pread in a pass
	extentBytes    = 2 << 20      // what is loaded of a mapping at once
	leastFileBytes = 2 * lapBytes // so that there are laps and extents
	coldShare      = 2            // of so many rounds one is made of a cold file
)

// A rig is a file that is measured, and what was found out so far.
type rig struct {
	name      string // of the file
	short     string // a file of setupBytes
	sizeBytes int64
	rounds    int
	file      *os.File
	rt        *source.Runtime  // with the limits that users have
	engine    *uringsrc.Engine // nil where there is none
	noEngine  error
	buf       []byte
	copyNs    float64 // what copying a cached byte takes, as it was last measured

	seed uint64 // of the order of random reads, another one each time

	values map[string][]float64
	failed map[string]error
	notes  []string
	sum    uint64 // of what was read, so that the compiler leaves the reads in
}

func newRig(store data.Store, sizeBytes int64, rounds int) (g *rig, err error) {
	g = &rig{sizeBytes: sizeBytes, rounds: rounds, buf: make([]byte, copyBytes), values: map[string][]float64{}, failed: map[string]error{}}
	if g.name, err = store.Random(sizeBytes); err != nil {
		return nil, err
	}
	if g.short, err = store.Random(setupBytes); err != nil {
		return nil, err
	}
	if g.file, err = os.Open(g.name); err != nil {
		return nil, err
	}
	if g.rt, err = source.NewRuntime(source.Limits{}); err != nil {
		return nil, errors.Join(err, g.file.Close())
	}
	g.engine, g.noEngine = uringsrc.New(uringsrc.Options{})
	return g, nil
}

func (g *rig) close() error {
	err := errors.Join(g.rt.Close(), g.file.Close())
	if g.engine != nil {
		err = errors.Join(err, g.engine.Close(context.Background()))
	}
	return err
}

// add notes a value of a constant: one of each round.
func (g *rig) add(name string, value float64) { g.values[name] = append(g.values[name], value) }

// estimate returns what was found out about every constant.
func (g *rig) estimate(table map[string]float64) (list []estimate) {
	for _, s := range sections() {
		for _, step := range s.steps {
			for _, c := range step.constants {
				list = append(list, c.estimateOf(g.values[c.name], table, g.failed[c.name]))
			}
		}
	}
	return list
}

// A folios is a state of the page cache that a file is wholly in.
type folios struct {
	name  string
	cache func(name string) error
	keep  func(name string) error
}

var (
	largeFolios = folios{"large", pagecache.CacheLarge, pagecache.KeepLarge}
	smallFolios = folios{"small", pagecache.CacheSmall, pagecache.KeepSmall}
)

// cache caches the files in a state, and says which state that was: no stat tells
// large folios from small ones.
func (g *rig) cache(f folios) error {
	if err := errors.Join(f.cache(g.short), f.cache(g.name)); err != nil {
		return err
	}
	state, err := pagecache.Look(g.name)
	if err == nil {
		g.notes = append(g.notes, fmt.Sprintf("the file in %s folios: %v", f.name, state))
	}
	return err
}

// chill has the file come from the device, into memory that was used before.
func (g *rig) chill(warmBytes int64) error {
	if err := pagecache.Evict(g.name); err != nil {
		return err
	}
	return pagecache.WarmMemory(warmBytes)
}
