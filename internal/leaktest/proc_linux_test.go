package leaktest

import (
	"maps"
	"os"
	"syscall"
	"testing"
)

func mapFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ, syscall.MAP_SHARED)
}

func TestParseMapsKeepsFilesOnly(t *testing.T) {
	got := parseMaps(`00400000-00401000 r--p 00000000 fd:01 7 /tmp/x.test
00401000-00402000 r-xp 00001000 fd:01 7 /tmp/x.test
c000000000-c000400000 rw-p 00000000 00:00 0
c000400000-c000401000 rw-p 00000000 00:00 0 [anon: Go: heap]
7f0000000000-7f0000001000 r--s 00000000 fd:01 8 /tmp/a b (deleted)
7f0000001000-7f0000003000 r--s 00001000 fd:01 8 /tmp/a b (deleted)
7f0000004000-7f0000005000 rw-s 00000000 00:0e 9 anon_inode:[io_uring]
7f0000006000-7f0000007000 rw-s 00000000 00:01 9 /memfd:x (deleted)
7f0000008000-7f0000009000 r--p 00000000 fd:01 9 /usr/lib/locale/C.utf8/LC_CTYPE
7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0 [stack]
`)
	want := map[string]int64{"/tmp/a b (deleted)": 3 << 12, "anon_inode:[io_uring]": 1 << 12, "/memfd:x (deleted)": 1 << 12}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
