package ring

import "syscall"

// A Completion is the result of one entry: the 16 bytes that the kernel writes
// (struct io_uring_cqe).
type Completion struct {
	UserData uint64 // of the entry
	Res      int32  // what the system call of the same name returns; negative: an error number
	Flags    uint32 // IORING_CQE_F_…; 0 for the entries of this package
}

// Err returns nil, or the syscall.Errno of an entry that failed. What io_uring
// says itself:
//
//   - EACCES: not allowed by [Config].Allow.
//   - ECANCELED: cancelled, the chain before it was broken, or the thread that
//     submitted it has ended.
//   - EBADF: no such descriptor, or no such registered file.
//   - EFAULT: the buffer is not memory, or not within the registered buffer; or
//     the thread that submitted it has ended.
//   - EINVAL: an operation, flag or index that this kernel does not have.
//   - EOPNOTSUPP: the file cannot do it.
func (c Completion) Err() error {
	if c.Res < 0 {
		return syscall.Errno(-c.Res)
	}
	return nil
}

// N returns the bytes that were read or written, 0 for an error. It can be less
// than was asked for: at the end of a file, before a bad sector, in a pipe. 0
// without an error is the end.
func (c Completion) N() int { return int(max(c.Res, 0)) }

// Terminal reports whether no further completion of the same entry follows. It
// is true for every entry of this package.
func (c Completion) Terminal() bool { return c.Flags&cqeMore == 0 }

const cqeMore = 1 << 1 // IORING_CQE_F_MORE
