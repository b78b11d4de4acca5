package ring

import (
	"sync/atomic"
	"unsafe"
)

// params is struct io_uring_params: what is asked of the kernel, and its answer.
type params struct {
	sqEntries   uint32
	cqEntries   uint32
	flags       uint32
	threadCPU   uint32 // unused
	threadIdle  uint32 // unused
	features    uint32
	workQueueFD uint32 // unused
	_           [3]uint32
	sq          sqOffsets
	cq          cqOffsets
}

// sqOffsets says where in the first mapping the submission queue's words are.
type sqOffsets struct {
	head, tail, mask, entries, flags, dropped, array, _ uint32
	_                                                   uint64
}

// cqOffsets says the same of the completion queue; flags is 0 before Linux 5.8.
type cqOffsets struct {
	head, tail, mask, entries, overflow, cqes, flags, _ uint32
	_                                                   uint64
}

// restriction is struct io_uring_restriction.
type restriction struct {
	kind  uint16
	value uint8
	_     uint8
	_     [3]uint32
}

// filesUpdate is struct io_uring_rsrc_update, whose pointer is a number.
type filesUpdate struct {
	at  uint32
	_   uint32
	fds uint64
}

const (
	_ = -uint(unsafe.Sizeof(params{}) ^ 120)
	_ = -uint(unsafe.Offsetof(params{}.sq) ^ 40)
	_ = -uint(unsafe.Offsetof(params{}.cq) ^ 80)
	_ = -uint(unsafe.Sizeof(restriction{}) ^ 16)
	_ = -uint(unsafe.Sizeof(filesUpdate{}) ^ 16)
	_ = -uint(unsafe.Sizeof(Completion{}) ^ 16)
	_ = -uint(unsafe.Offsetof(Completion{}.Res) ^ 8)
	_ = -uint(unsafe.Offsetof(Completion{}.Flags) ^ 12)
)

// Flags of io_uring_setup (IORING_SETUP_…).
const (
	setupCQSize       = 1 << 3
	setupDisabled     = 1 << 6
	setupSubmitAll    = 1 << 7
	setupCoopTaskrun  = 1 << 8
	setupTaskrunFlag  = 1 << 9
	setupSingleIssuer = 1 << 12
	setupDeferTaskrun = 1 << 13
)

// What io_uring_setup says that it can do (IORING_FEAT_…).
const (
	featSingleMmap   = 1 << 0
	featNoDrop       = 1 << 1
	featSubmitStable = 1 << 2
	featExtArg       = 1 << 8
	featCQESkip      = 1 << 11
)

// Where the mappings are (IORING_OFF_…). The first holds both queues but for
// the entries (IORING_FEAT_SINGLE_MMAP).
const (
	mapQueues  = 0
	mapEntries = 0x1000_0000
)

// Flags of io_uring_enter (IORING_ENTER_…).
const (
	enterGetEvents = 1 << 0
	enterExtArg    = 1 << 3
)

// Bits of the submission queue's flags (IORING_SQ_…), which the kernel sets.
const (
	sqOverflow = 1 << 1 // completions wait outside of the queue
	sqTaskrun  = 1 << 2 // the thread that submitted has to enter the kernel
)

// cqNoEvent in the completion queue's flags, which only we set, keeps the
// kernel from signalling the eventfd (IORING_CQ_EVENTFD_DISABLED).
const cqNoEvent = 1 << 0

// A registerOp is what io_uring_register does (IORING_REGISTER_…).
type registerOp uint32

const (
	registerBuffers      registerOp = 0
	unregisterBuffers    registerOp = 1
	registerFiles        registerOp = 2
	unregisterFiles      registerOp = 3
	registerEventFD      registerOp = 4
	unregisterEventFD    registerOp = 5
	updateFiles          registerOp = 6
	registerRestrictions registerOp = 11
	enableRings          registerOp = 12
)

// Kinds of restriction (IORING_RESTRICTION_…).
const (
	allowRegister = 0
	allowOp       = 1
	allowFlags    = 2
)

// argument is what io_uring_register is given.
type argument = unsafe.Pointer

func restrictionsArg(p []restriction) argument { return argument(unsafe.SliceData(p)) }
func intsArg(p []int32) argument               { return argument(unsafe.SliceData(p)) }

// updateArg returns the argument of updateFiles: one block with the descriptors
// behind the struct that has their address, so that one pointer keeps both.
func updateArg(at int, fds []int) argument {
	const words = unsafe.Sizeof(filesUpdate{}) / 4
	block := append(make([]int32, words, int(words)+len(fds)+1), numbers(fds)...)
	head := (*filesUpdate)(argument(&block[0]))
	head.at = uint32(at)
	head.fds = uint64(uintptr(argument(&block[:words+1][words])))
	return argument(head)
}

// queuesBytes returns the bytes of the first mapping, and entriesBytes those of
// the second.
func (p *params) queuesBytes() int {
	return int(max(p.cq.cqes+p.cqEntries*uint32(unsafe.Sizeof(Completion{})), p.sq.array+p.sqEntries*4))
}

func (p *params) entriesBytes() int { return int(p.sqEntries) * int(unsafe.Sizeof(Entry{})) }

// word returns the 32 bits at an offset of a mapping. The kernel aligns them.
func word(m []byte, off uint32) *uint32 { return (*uint32)(unsafe.Pointer(&m[off])) }

// newQueues finds the two queues in the mappings.
func newQueues(p *params, queues, entries []byte) (submissions, completions) {
	s := submissions{
		head:    word(queues, p.sq.head),
		tail:    word(queues, p.sq.tail),
		flags:   word(queues, p.sq.flags),
		dropped: word(queues, p.sq.dropped),
		entries: unsafe.Slice((*Entry)(unsafe.Pointer(&entries[0])), p.sqEntries),
	}
	s.mask = p.sqEntries - 1
	s.next = atomic.LoadUint32(s.tail)
	// The kernel finds an entry through this array. Entry i is always at place i.
	for i := range p.sqEntries {
		atomic.StoreUint32(word(queues, p.sq.array+4*i), i)
	}
	c := completions{
		head:    word(queues, p.cq.head),
		tail:    word(queues, p.cq.tail),
		lost:    word(queues, p.cq.overflow),
		entries: unsafe.Slice((*Completion)(unsafe.Pointer(&queues[p.cq.cqes])), p.cqEntries),
	}
	if p.cq.flags != 0 {
		c.flags = word(queues, p.cq.flags)
	}
	c.mask = p.cqEntries - 1
	c.next = atomic.LoadUint32(c.head)
	return s, c
}
