package probe

import (
	"testing"

	"golang.org/x/sys/unix"
)

// sink keeps what the benchmarks got.
var sink any

// BenchmarkProbes has the costs that the comments tell.
func BenchmarkProbes(b *testing.B) {
	const size = 64 << 20
	f := fileOf(b, size)
	needCachestat(b, f)
	var st unix.Stat_t
	if err := unix.Fstat(fd(f), &st); err != nil {
		b.Fatal(err)
	}
	n, dev := fd(f), uint64(st.Dev)
	run := func(name string, ask func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := ask(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("FileSystemOf", func() (err error) { _, err = FileSystemOf(n); return })
	run("DirectIO", func() (err error) { _, _, err = DirectIO(n); return })
	run("DeviceOf", func() (err error) { _, err = DeviceOf(dev); return })
	run("MemoryNow", func() (err error) { _, err = MemoryNow(); return })
	run("HugePages", func() (err error) { _, err = HugePages(); return })
	run("Leases", func() (err error) { _, _, err = Leases(); return })
	run("RingSetting", func() (err error) { _, err = RingSetting(); return })
	run("Kernel", func() (err error) { _, err = Kernel(); return })
	run("NoWait", func() (err error) { _, err = NoWait(n); return })
	run("DontCache", func() (err error) { _, err = DontCache(n); return })
	run("ProcessorsNow", func() error { sink = ProcessorsNow(); return nil })
	for _, s := range []struct {
		state string
		cache func()
	}{
		{"large", func() { readInOrder(b, f, 0, size) }},
		{"small", func() { readAtRandom(b, f, 0, size) }},
	} {
		evict(b, f)
		s.cache()
		run("Cached/4KiB/"+s.state, func() (err error) { _, _, err = Cached(n, size/2, 4<<10); return })
		run("Cached/2MiB/"+s.state, func() (err error) { _, _, err = Cached(n, size/2, 2<<20); return })
		run("Cached/64MiB/"+s.state, func() (err error) { _, _, err = Cached(n, 0, size); return })
		run("CachedShare/"+s.state, func() (err error) { _, err = CachedShare(n, size); return })
		run("shareByReads/"+s.state, func() (err error) { _, err = shareByReads(n, size); return })
		run("LargeFolios/"+s.state, func() (err error) { _, err = LargeFolios(n, size/2, size); return })
	}
	evict(b, f)
	run("CachedShare/none", func() (err error) { _, err = CachedShare(n, size); return })
	readAtRandom(b, f, size/2, size/2+4096)
	run("LargeFolios/part", func() (err error) { _, err = LargeFolios(n, size/2, size); return })
}
