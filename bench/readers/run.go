package readers

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/pagecache"
)

// A work is the blocks that are to be read, and what was read.
type work struct {
	offs  []int64 // of the blocks, in the order in which they are begun
	words []uint64
	next  atomic.Int64
	lasts time.Duration
	began time.Time // set before the goroutines are let go
}

// take returns the number of a block that nobody has taken, until there is none
// or the time is over. Goroutines look at the clock themselves: timers may be
// late. The first block is there for however late they come: on a busy machine the
// time may be over before any of them runs.
func (w *work) take() (i int, ok bool) {
	if w.lasts > 0 && time.Since(w.began) >= w.lasts && w.next.Load() > 0 {
		return 0, false
	}
	i = int(w.next.Add(1) - 1)
	return i, i < len(w.offs)
}

// read says what block i holds.
func (w *work) read(i int, p []byte) { w.words[i] = ends(p) }

// ends makes a word of the two ends of a block.
func ends(p []byte) uint64 {
	return binary.LittleEndian.Uint64(p)*31 + binary.LittleEndian.Uint64(p[len(p)-8:])
}

// newWork shuffles the blocks of a file.
func (l *Load) newWork(size int64) (*work, error) {
	n := int(size / int64(l.BlockBytes))
	if n == 0 || l.Most > n {
		return nil, fmt.Errorf("%d blocks are not in %d bytes", max(l.Most, 1), size)
	}
	w := &work{offs: make([]int64, n), lasts: l.For}
	for i := range w.offs {
		w.offs[i] = int64(i) * int64(l.BlockBytes)
	}
	r := rand.New(rand.NewPCG(l.Seed, l.Seed))
	r.Shuffle(n, func(i, j int) { w.offs[i], w.offs[j] = w.offs[j], w.offs[i] })
	if l.Most > 0 {
		w.offs = w.offs[:l.Most]
	}
	w.words = make([]uint64, len(w.offs))
	return w, nil
}

// checked is how many blocks are read once more to see what they hold.
const checked = 500

// check reads some of the blocks in the plainest way.
func (w *work) check(f *os.File, blockBytes, reads int) error {
	p := make([]byte, blockBytes)
	for i := 0; i < reads; i += reads/checked + 1 {
		if _, err := f.ReadAt(p, w.offs[i]); err != nil {
			return err
		}
		if w.words[i] != ends(p) {
			return fmt.Errorf("the block at %d has other bytes than the file", w.offs[i])
		}
	}
	return nil
}

// run reads in this process.
func (l *Load) run() (r Result, err error) {
	f, err := os.Open(l.File)
	if err != nil {
		return r, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return r, err
	}
	if r.CachedBefore, err = pagecache.Share(l.File); err != nil {
		return r, err
	}
	w, err := l.newWork(fi.Size())
	if err != nil {
		return r, err
	}
	t, err := l.open()
	if err != nil {
		return r, err
	}
	if err = l.measure(&r, w, t); err == nil {
		r.CachedAfter, err = pagecache.Share(l.File)
	}
	if err == nil {
		err = l.judge(&r)
	}
	if err == nil {
		err = w.check(f, l.BlockBytes, r.Reads)
	}
	return r, errors.Join(err, t.close())
}

// measure has the goroutines read.
func (l *Load) measure(r *Result, w *work, t target) (err error) {
	beside := l.compute()
	r.Each = make([]int, l.Goroutines)
	failed := make([]error, l.Goroutines)
	var ready, all sync.WaitGroup
	begin := make(chan struct{})
	ready.Add(l.Goroutines)
	for g := range l.Goroutines {
		all.Go(func() {
			read := t.reader(g)
			ready.Done()
			<-begin
			r.Each[g], failed[g] = read(w)
		})
	}
	ready.Wait()
	watched := l.watch(t)
	before, err := look()
	if err != nil {
		return err
	}
	units := beside.units()
	w.began = time.Now()
	close(begin)
	all.Wait()
	r.Seconds = time.Since(w.began).Seconds()
	r.Units = float64(beside.units() - units)
	after, err := look()
	r.CPUSeconds = after.cpuSeconds - before.cpuSeconds
	r.Allocs = after.allocs - before.allocs
	r.DeviceBytes = after.deviceBytes - before.deviceBytes
	r.Threads, r.PeakRSSBytes, r.WindowBytes, err = watched(err)
	beside.stop()
	for _, n := range r.Each {
		r.Reads += n
	}
	r.Ringed, r.Bytes = t.served()
	return errors.Join(append(failed, err)...)
}

// judge returns an error if a run was not what it should be.
func (l *Load) judge(r *Result) error {
	bytes := int64(r.Reads) * int64(l.BlockBytes)
	switch {
	case r.Reads == 0:
		return fmt.Errorf("nothing was read within %v", l.For)
	case r.CachedBefore > 0:
		return fmt.Errorf("%.3g of the file were cached before", r.CachedBefore)
	case l.Direct && r.CachedAfter > 0:
		return fmt.Errorf("%.3g of the file are cached after reads past the page cache", r.CachedAfter)
	case l.Way != Pread && r.Bytes != bytes:
		return fmt.Errorf("%d bytes are counted, of %d", r.Bytes, bytes)
	case l.Way != Pread && l.Direct && r.Ringed < int64(r.Reads):
		return fmt.Errorf("%d of %d reads came through the ring", r.Ringed, r.Reads)
	}
	return pagecache.CameFromDevice(r.DeviceBytes, bytes)
}

// A moment is what the process had used by then.
type moment struct {
	cpuSeconds  float64
	allocs      uint64
	deviceBytes int64
}

func look() (m moment, err error) {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	m.allocs = s.Mallocs
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return m, os.NewSyscallError("getrusage", err)
	}
	m.cpuSeconds = float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
	m.deviceBytes, err = pagecache.DeviceBytes()
	return m, err
}

// A computing is goroutines that only compute, one for each processor, or none.
type computing struct {
	done  atomic.Bool
	ended sync.WaitGroup
	each  []counter
}

// A counter is alone on its cache lines.
type counter struct {
	n   atomic.Int64
	sum uint64 // so that the compiler leaves the work in
	_   [112]byte
}

// unitSteps are the multiplications of a unit.
const unitSteps = 1000

// compute has the goroutines compute, if that is wanted.
func (l *Load) compute() *computing {
	c := &computing{}
	if !l.Busy {
		return c
	}
	c.each = make([]counter, runtime.GOMAXPROCS(0))
	var began sync.WaitGroup
	began.Add(len(c.each))
	for i := range c.each {
		c.ended.Go(func() {
			began.Done()
			x := uint64(i)
			for !c.done.Load() {
				for range unitSteps {
					x = x*6364136223846793005 + 1
				}
				c.each[i].n.Add(1)
			}
			c.each[i].sum = x
		})
	}
	began.Wait()
	return c
}

// units returns how many units have been computed.
func (c *computing) units() (n int64) {
	for i := range c.each {
		n += c.each[i].n.Load()
	}
	return n
}

func (c *computing) stop() {
	c.done.Store(true)
	c.ended.Wait()
}

// errShort is that of a block that is not whole.
var errShort = fmt.Errorf("a block: %w", io.ErrUnexpectedEOF)
