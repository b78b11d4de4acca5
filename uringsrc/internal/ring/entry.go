package ring

// An Entry is one submission: the 64 bytes that the kernel reads (struct
// io_uring_sqe). Its constructors return it by value, and [Ring.Push] copies it.
//
// An Entry holds the address of its buffer as a number, which does not keep the
// buffer alive. Somebody else holds a reference to it from before the push until
// the terminal completion: until then the kernel reads or writes it, also after a
// cancel and also after [Ring.Close]. The buffer does not move: it is mapped or
// on the heap, and never on a goroutine's stack, which making an Entry sees to.
//
// A descriptor is looked up when the entry is submitted, not when it is pushed.
// One that was closed in between gives EBADF, or another file's bytes when its
// number was used again: whoever pushes keeps the file open until the completion.
type Entry struct {
	op       Op
	flags    Flags
	priority uint16 // ioprio, unused
	fd       int32
	off      uint64 // file offset, -1 the file's position
	addr     uint64 // of the buffer, or the target of a cancel
	len      uint32 // bytes of the buffer
	opFlags  uint32 // rw_flags, fsync_flags, cancel_flags
	userData uint64
	bufIndex uint16
	identity uint16 // personality, unused
	spliceFD int32  // unused
	addr3    uint64 // unused
	_        uint64
}

// MaxLen is the number of bytes that one entry reads or writes at most: a longer
// buffer is used up to there, as read(2) does. It is a multiple of every page
// size in use.
const MaxLen = 0x7fff_0000

// With returns the entry with these flags, instead of those it had.
func (e Entry) With(f Flags) Entry { e.flags = f; return e }

// Op returns what the entry does.
func (e *Entry) Op() Op { return e.op }

// Flags returns how the entry is carried out.
func (e *Entry) Flags() Flags { return e.flags }

// FD returns the descriptor, or the index of the registered file with FixedFile.
func (e *Entry) FD() int { return int(e.fd) }

// Off returns the offset within the file, and -1 for the file's position.
func (e *Entry) Off() int64 { return int64(e.off) }

// Len returns the bytes of the buffer.
func (e *Entry) Len() int { return int(e.len) }

// OpFlags returns the flags that belong to the operation: RWF_… of a read or
// write, FsyncData of an fsync.
func (e *Entry) OpFlags() uint32 { return e.opFlags }

// BufIndex returns the registered buffer of ReadFixed and WriteFixed.
func (e *Entry) BufIndex() int { return int(e.bufIndex) }

// UserData returns the number that the completion will carry.
func (e *Entry) UserData() uint64 { return e.userData }

// Target returns the user data of the entry that a Cancel is for.
func (e *Entry) Target() uint64 { return e.addr }

// Nop does nothing and completes with 0.
func Nop(userData uint64) Entry { return Entry{op: OpNop, fd: -1, userData: userData} }

// Fsync has what was written to fd before made durable. Entries submitted
// beside it are not waited for: link them, or drain. Its flags are 0 or
// FsyncData.
func Fsync(fd int, flags uint32, userData uint64) Entry {
	return Entry{op: OpFsync, fd: int32(fd), opFlags: flags, userData: userData}
}

// FsyncData leaves out what is not needed to read the data, as fdatasync does.
const FsyncData = 1

// Cancel asks for the end of one entry whose user data is target, and is an
// entry with a completion of its own:
//
//   - 0: found, and it will end soon; its own completion says ECANCELED, or what
//     it had got until then.
//   - EALREADY: found and under way, which may not be interruptible. Its own
//     completion says EINTR, ECANCELED or that it has succeeded.
//   - ENOENT: not found. It has completed, or it has not been submitted.
//
// Both entries have exactly one completion each, in either order. Only that of
// the target says that its buffer is free.
func Cancel(target, userData uint64) Entry {
	return Entry{op: OpAsyncCancel, fd: -1, addr: target, userData: userData}
}
