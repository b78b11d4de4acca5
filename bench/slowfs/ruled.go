package slowfs

import (
	"sync/atomic"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// A ruled file system is another one under rules. The channels that say that a
// request was interrupted are not looked at: Go programs interrupt their system
// calls all the time by the signal that preempts goroutines, and a read that
// said EINTR would be an I/O error of the page cache.
type ruled struct {
	fuse.RawFileSystem
	rules atomic.Pointer[Rules]

	reads, bytes, failed atomic.Int64
}

func (s *ruled) counts() Counts { return Counts{s.reads.Load(), s.bytes.Load(), s.failed.Load()} }

// alive returns fuse.OK unless everything is to fail.
func (s *ruled) alive() fuse.Status {
	if s.rules.Load().Dead {
		s.failed.Add(1)
		return fuse.EIO
	}
	return fuse.OK
}

// Read is where most rules are about.
func (s *ruled) Read(cancel <-chan struct{}, in *fuse.ReadIn, p []byte) (fuse.ReadResult, fuse.Status) {
	r := s.rules.Load()
	s.reads.Add(1)
	time.Sleep(r.Delay)
	off := int64(in.Offset)
	if r.ShortBytes > 0 {
		p = p[:min(len(p), r.ShortBytes)]
	}
	if r.fails(off, len(p)) {
		s.failed.Add(1)
		return nil, fuse.EIO
	}
	result, status := s.RawFileSystem.Read(cancel, in, p)
	if status.Ok() {
		s.bytes.Add(int64(result.Size()))
	}
	return result, status
}

// Open keeps what is cached of a file, so that it can be mapped; short reads
// cannot be cached.
func (s *ruled) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	status := s.alive()
	if status.Ok() {
		status = s.RawFileSystem.Open(cancel, in, out)
	}
	s.setCaching(out)
	return status
}

// Create is Open of a new file.
func (s *ruled) Create(cancel <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	status := s.alive()
	if status.Ok() {
		status = s.RawFileSystem.Create(cancel, in, name, out)
	}
	s.setCaching(&out.OpenOut)
	return status
}

func (s *ruled) setCaching(out *fuse.OpenOut) {
	if s.rules.Load().ShortBytes > 0 {
		out.OpenFlags |= fuse.FOPEN_DIRECT_IO
	} else {
		out.OpenFlags |= fuse.FOPEN_KEEP_CACHE
	}
}

// What follows fails when the file system is dead and has no other rules.

func (s *ruled) Lookup(cancel <-chan struct{}, in *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	if status := s.alive(); !status.Ok() {
		return status
	}
	return s.RawFileSystem.Lookup(cancel, in, name, out)
}

func (s *ruled) GetAttr(cancel <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	if status := s.alive(); !status.Ok() {
		return status
	}
	return s.RawFileSystem.GetAttr(cancel, in, out)
}

func (s *ruled) SetAttr(cancel <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	if status := s.alive(); !status.Ok() {
		return status
	}
	return s.RawFileSystem.SetAttr(cancel, in, out)
}

func (s *ruled) Unlink(cancel <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	if status := s.alive(); !status.Ok() {
		return status
	}
	return s.RawFileSystem.Unlink(cancel, in, name)
}

func (s *ruled) Write(cancel <-chan struct{}, in *fuse.WriteIn, p []byte) (uint32, fuse.Status) {
	if status := s.alive(); !status.Ok() {
		return 0, status
	}
	return s.RawFileSystem.Write(cancel, in, p)
}

func (s *ruled) Writev(cancel <-chan struct{}, in *fuse.WriteIn, p [][]byte) (uint32, fuse.Status) {
	if status := s.alive(); !status.Ok() {
		return 0, status
	}
	return s.RawFileSystem.Writev(cancel, in, p)
}

func (s *ruled) Flush(cancel <-chan struct{}, in *fuse.FlushIn) fuse.Status {
	if status := s.alive(); !status.Ok() {
		return status
	}
	return s.RawFileSystem.Flush(cancel, in)
}

func (s *ruled) Fsync(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	if status := s.alive(); !status.Ok() {
		return status
	}
	return s.RawFileSystem.Fsync(cancel, in)
}

func (s *ruled) Fallocate(cancel <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	if status := s.alive(); !status.Ok() {
		return status
	}
	return s.RawFileSystem.Fallocate(cancel, in)
}

func (s *ruled) OpenDir(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	if status := s.alive(); !status.Ok() {
		return status
	}
	return s.RawFileSystem.OpenDir(cancel, in, out)
}

func (s *ruled) StatFs(cancel <-chan struct{}, in *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	if status := s.alive(); !status.Ok() {
		return status
	}
	return s.RawFileSystem.StatFs(cancel, in, out)
}
