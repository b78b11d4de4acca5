package slowfs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A root is the folder that holds the synthetic file and the folder of files.
type root struct {
	fs.Inode
	files fs.InodeEmbedder // nil: there are none
	size  int64            // of the synthetic file
}

func newRoot(backing string, size int64) (*root, error) {
	r := &root{size: size}
	if backing == "" {
		return r, nil
	}
	var err error
	r.files, err = fs.NewLoopbackRoot(backing)
	return r, err
}

// OnAdd is called when the root is mounted.
func (r *root) OnAdd(ctx context.Context) {
	file := r.NewPersistentInode(ctx, &synthetic{size: r.size}, fs.StableAttr{Mode: syscall.S_IFREG})
	r.AddChild(syntheticName, file, false)
	if r.files != nil {
		r.AddChild(filesName, r.NewPersistentInode(ctx, r.files, fs.StableAttr{Mode: syscall.S_IFDIR}), false)
	}
}

// A synthetic file holds what Content says.
type synthetic struct {
	fs.Inode
	size int64
}

// Getattr says what kind of file it is.
func (f *synthetic) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Size = uint64(f.size)
	out.Mode = 0o444
	return 0
}

// Open opens it for reading.
func (f *synthetic) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		return nil, 0, syscall.EACCES
	}
	return nil, 0, 0
}

// Read reads up to the end of the file.
func (f *synthetic) Read(_ context.Context, _ fs.FileHandle, p []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	p = p[:max(min(int64(len(p)), f.size-off), 0)]
	Content(p, off)
	return fuse.ReadResultData(p), 0
}
