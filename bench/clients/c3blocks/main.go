package main

import (
	"container/list"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"sync"

	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

type key struct {
	file uint64
	off  int64
}
type entry struct {
	k key
	w window.Window
}

// blockCache holds one owner of each window under a lock; every Get hands out one more owner.
type blockCache struct {
	mu   sync.Mutex
	m    map[key]*list.Element
	lru  list.List
	used int64
	max  int64
}

func (c *blockCache) get(k key) (window.Window, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.m[k]
	if !ok {
		return window.Window{}, false
	}
	c.lru.MoveToFront(e)
	return e.Value.(*entry).w.Retain(), true // must stay under the lock: no TryRetain for a lock-free lookup
}

func (c *blockCache) put(k key, w window.Window) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, dup := c.m[k]; dup {
		w.Release()
		return
	}
	c.m[k] = c.lru.PushFront(&entry{k, w})
	c.used += w.Info().PinnedBytes // what it really costs
	for c.used > c.max {
		c.evict()
	}
}
func (c *blockCache) evict() {
	e := c.lru.Remove(c.lru.Back()).(*entry)
	delete(c.m, e.k)
	c.used -= e.w.Info().PinnedBytes
	e.w.Release()
}

// shed is called by the pool before anybody has to wait.
func (c *blockCache) shed(need int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for want := c.used - 4*int64(need); c.used > want && c.lru.Len() > 0; {
		c.evict()
	}
}

type table struct {
	id    uint64
	f     *source.File
	cache *blockCache
}

var errCorrupt = errors.New("block checksum mismatch")

// block returns an owned window over the payload.
func (t *table) block(ctx context.Context, s *source.Reader, off int64, n int) (window.Window, error) {
	k := key{t.id, off}
	if w, ok := t.cache.get(k); ok {
		s.NoteHit(off, n)
		return w, nil
	}
	w, err := s.ReadManagedAt(ctx, off, n)
	if err != nil {
		return window.Window{}, err
	}
	defer w.Release()
	if w.Len() < n { // fewer only at the end: a torn table
		return window.Window{}, io.ErrUnexpectedEOF
	}
	b := w.Bytes()
	if crc32.ChecksumIEEE(b[4:]) != binary.LittleEndian.Uint32(b) {
		return window.Window{}, errCorrupt
	}
	p := w.Slice(4, n)
	t.cache.put(k, p.Retain())
	return p, nil
}

func main() {
	const blocks, blockBytes = 256, 24 << 10
	path := os.TempDir() + "/oriel-c3.sst"
	buf := make([]byte, blocks*blockBytes)
	for i := range blocks {
		b := buf[i*blockBytes : (i+1)*blockBytes]
		binary.LittleEndian.PutUint64(b[4:], uint64(i))
		binary.LittleEndian.PutUint32(b, crc32.ChecksumIEEE(b[4:]))
	}
	if err := os.WriteFile(path, buf, 0o600); err != nil {
		panic(err)
	}
	defer os.Remove(path)

	rt, err := source.NewRuntime(source.Limits{MemoryBytes: 1 << 20}) // smaller than the cache's own limit: still no hang
	if err != nil {
		panic(err)
	}
	// Copies, because the cache is to give memory back to the pool: a file of this size
	// would be lent of a mapping, which takes none of it.
	f, err := source.Open(context.Background(), path, &source.Options{Runtime: rt, Source: source.Pread, Pattern: source.Random})
	if err != nil {
		panic(err)
	}
	defer f.Close()
	t := &table{1, f, &blockCache{m: map[key]*list.Element{}, max: 2 << 20}}
	p := rt.Memory()
	defer p.OnPressure(t.cache.shed)()
	ctx := context.Background()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s := t.f.NewReader(nil)
			defer s.Close()
			for range 2000 {
				i := rand.IntN(blocks)
				w, err := t.block(ctx, s, int64(i)*blockBytes, blockBytes)
				if err != nil {
					panic(err)
				}
				if got := binary.LittleEndian.Uint64(w.Bytes()); got != uint64(i) {
					panic("wrong block")
				}
				w.Release()
			}
		})
	}
	wg.Wait()
	fmt.Printf("cache thinks %d KiB, pool says %d KiB\n", t.cache.used>>10, p.Stats().InUseBytes>>10)
}
