package probe

import "fmt"

// A FileSystem is what a file lies on.
type FileSystem struct {
	// Name is the usual one, such as "ext4", which stands for ext2 and ext3 too.
	// A type that is not known has its number in the name.
	Name string

	// Type is what statfs tells, without a sign.
	Type int64

	// InMemory says that its files are nowhere but in memory: their pages are
	// always cached, unless they have been swapped out.
	InMemory bool

	// Remote says that somebody else has the files, another machine or a process
	// of this one (FUSE, and so virtiofs): they may change without the kernel's
	// knowledge, and nothing is known of how long a read takes.
	Remote bool

	// ReadOnly says that the mount is read-only. Another mount of the same file
	// system may not be.
	ReadOnly bool
}

// newFileSystem names the type that statfs tells. It is 32 bits wide, with or
// without a sign.
func newFileSystem(kind uint32, readOnly bool) FileSystem {
	f := FileSystem{Type: int64(kind), ReadOnly: readOnly}
	for _, k := range kinds {
		if k.kind == kind {
			f.Name, f.InMemory, f.Remote = k.name, k.where == inMemory, k.where == remote
			return f
		}
	}
	f.Name = fmt.Sprintf("a file system of type %#x", kind)
	return f
}

// A place is where a file system has its files.
type place int

const (
	local place = iota // on a device, or made up while they are read
	inMemory
	remote
)

// kinds are the types of file systems, from linux/magic.h and, where they are not
// there, their own sources. They are not taken from x/sys, which has them for
// Linux only.
var kinds = []struct {
	kind  uint32
	name  string
	where place
}{
	{0xef53, "ext4", local},
	{0x58465342, "xfs", local},
	{0x9123683e, "btrfs", local},
	{0xf2f52010, "F2FS", local},
	{0xca451a4e, "bcachefs", local},
	{0x2fc12fc1, "ZFS", local},
	{0x73717368, "squashfs", local},
	{0xe0f5e1e2, "erofs", local},
	{0x28cd3d45, "cramfs", local},
	{0x9660, "isofs", local},
	{0x15013346, "UDF", local},
	{0x4d44, "vfat", local},
	{0x2011bab0, "exFAT", local},
	{0x7366746e, "NTFS", local},
	{0x5346544e, "NTFS", local},
	{0x52654973, "reiserfs", local},
	{0x3153464a, "JFS", local},
	{0x3434, "NILFS", local},
	{0x7461636f, "OCFS2", local},
	{0x01161970, "GFS2", local},
	{0x72b6, "JFFS2", local},
	{0x24051905, "UBIFS", local},
	{0x794c7630, "overlayfs", local},
	{0xf15f, "eCryptfs", local},
	{0x62646576, "bdev", local},
	{0x64646178, "devdax", local},

	{0x01021994, "tmpfs", inMemory},
	{0x858458f6, "ramfs", inMemory},
	{0x958458f6, "hugetlbfs", inMemory},

	{0x65735546, "FUSE", remote},
	{0x6969, "NFS", remote},
	{0xfe534d42, "SMB", remote},
	{0xff534d42, "SMB", remote},
	{0x517b, "SMB", remote},
	{0x00c36400, "Ceph", remote},
	{0x01021997, "9P", remote},
	{0x5346414f, "AFS", remote},
	{0x6b414653, "AFS", remote},
	{0x73757245, "Coda", remote},
	{0x0bd00bd0, "Lustre", remote},
	{0x47504653, "GPFS", remote},
	{0x786f4256, "vboxsf", remote},
	{0xbacbacbc, "vmhgfs", remote},

	{0x9fa0, "procfs", local},
	{0x62656572, "sysfs", local},
	{0x27e0eb, "cgroup", local},
	{0x63677270, "cgroup2", local},
	{0x64626720, "debugfs", local},
	{0x74726163, "tracefs", local},
	{0x73636673, "securityfs", local},
	{0x6165676c, "pstore", local},
	{0xde5e81e4, "efivarfs", local},
	{0xcafe4a11, "bpf", local},
	{0x1cd1, "devpts", local},
	{0x50495045, "pipefs", local},
	{0x534f434b, "sockfs", local},
	{0x09041934, "anonymous inodes", local},
	{0x6e736673, "nsfs", local},
	{0x5345434d, "secretmem", local},
}
