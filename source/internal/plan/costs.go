package plan

// What reading costs, in nanoseconds, on the kind of machine that the project
// is measured on: Linux 6.18, two Zen 5 processors of a virtual machine, ext4 on
// a virtio disk. A bench command measures them again and compares. "Facts" are
// the project's measured facts, "bench" the records of its bench module. Other
// machines differ by some factor, mostly the same one for all ways; where it is
// not, Trial finds out.
const (
	// Copying what is cached. Facts, "Cached, sequential": 25.6 GB/s by calls of
	// 256 KiB in large folios, 12.5 in small ones. The call is bench's, with the
	// window and its accounting.
	preadCallNs         = 450.0
	copyLargeNsPerByte  = 0.040
	copySmallNsPerByte  = 0.085
	copyUnsureNsPerByte = 0.050 // most of what was read in order lies in large folios

	// Lending it of a mapping. Facts: 33 GB/s where windows of 4 MiB are
	// populated, locked, unlocked and dropped in large folios, 3.4 to 7 in small
	// ones. The set-up is the lease, the map and the keeper (bench).
	mapSetupNs         = 60_000.0
	mapWindowNs        = 70.0 // Facts: a locked range is lent in 64 to 73 ns
	mapLargeNsPerByte  = 0.030
	mapSmallNsPerByte  = 0.250
	mapUnsureNsPerByte = 0.140 // the mean of both

	// Waiting for the device, in order. Facts, "Cold, sequential": pread 1.3 to
	// 2.5 GB/s behind the kernel's read-ahead, direct 3.3 to 4.3 when enough
	// reads are in flight, a mapping 1.2 to 3.1, the ring through the page cache
	// 0.6 to 3.8. Direct is set up with descriptors and the first reads' wait.
	coldNsPerByte    = 0.75
	mapColdNsPerByte = 0.80
	ringColdFactor   = 1.3
	directNsPerByte  = 0.33
	// The same into small pages, each of which is a segment to the device: 0.71 to
	// 0.86 whatever the size of the windows, where huge pages had 0.35 (bench,
	// calibrate).
	directSmallNsPerByte = 0.80
	directSetupNs        = 150_000.0

	// Other devices. A turning disk moves about 150 MB/s and seeks in 8 ms
	// (manufacturers' data), a link of 1 Gbit/s moves 125 MB/s and answers in
	// half a millisecond. All ways wait for them alike.
	rotationalNsPerByte = 6.5
	rotationalWaitNs    = 8_000_000.0
	remoteNsPerByte     = 8.0
	remoteWaitNs        = 500_000.0

	// Waiting for the device, here and there, for each read of 4 KiB: by the only
	// one that waits, and by each of 64, as their share of the throughput (bench).
	waitAlonePreadNs = 60_000.0
	waitAloneRingNs  = 58_000.0
	waitManyPreadNs  = 28_000.0
	waitManyRingNs   = 11_000.0
	manyWaiting      = 64
	// Facts: with all processors computing, 64 readers get 13,000 reads a second
	// through the ring and 35,000 to 37,000 by pread.
	busyRingFactor = 3.0

	// Cached, here and there. Facts: a read through the ring takes 1.2 µs, one by
	// pread 0.7 with its 4 KiB, one of a locked mapping 64 to 73 ns.
	readPreadNs = 500.0
	readRingNs  = 1_200.0
	readMapNs   = 70.0
	touchNsPerB = 0.030 // of a locked mapping: the memory's own speed
	// Facts, "Random 4 KiB": locking another extent of 2 MiB takes 20 µs in large
	// folios and up to 300 in small ones.
	loadLargeNs = 20_000.0
	loadSmallNs = 300_000.0
)
