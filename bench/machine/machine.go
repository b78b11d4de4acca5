package machine

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Facts are what a figure depends on besides the code. What cannot be had is
// empty or 0.
type Facts struct {
	Kernel      string `json:"kernel"`
	Arch        string `json:"arch"`
	CPU         string `json:"cpu"`
	CPUs        int    `json:"cpus"`
	GoMaxProcs  int    `json:"gomaxprocs"`
	MemoryBytes uint64 `json:"memoryBytes"`
	FileSystem  string `json:"fileSystem"` // of the folder with the files
	HugePages   string `json:"hugePages"`  // transparent ones: always, madvise or never
	Load        string `json:"load"`       // averages of 1, 5 and 15 minutes when it began
	Go          string `json:"go"`
	Commit      string `json:"commit"`
	Modified    bool   `json:"modified"` // files differ from the commit, or there is none
}

// Look returns the facts. Files are read in dir; the code is in the folder
// source.
func Look(dir, source string) Facts {
	f := Facts{
		Arch:       runtime.GOARCH,
		CPUs:       runtime.NumCPU(),
		GoMaxProcs: runtime.GOMAXPROCS(0),
		Go:         runtime.Version(),
		CPU:        field("/proc/cpuinfo", "model name"),
		HugePages:  chosen(read("/sys/kernel/mm/transparent_hugepage/enabled")),
		Load:       strings.Join(firstFields(read("/proc/loadavg"), 3), " "),
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		f.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	var i unix.Sysinfo_t
	if unix.Sysinfo(&i) == nil {
		f.MemoryBytes = uint64(i.Totalram) * uint64(i.Unit)
	}
	f.FileSystem = fileSystem(dir)
	f.Commit, f.Modified = commit(source)
	return f
}

func read(name string) string {
	b, _ := os.ReadFile(name)
	return string(bytes.TrimSpace(b))
}

// field returns the value of the first line "key : value" of a file.
func field(name, key string) string {
	for line := range strings.Lines(read(name)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func firstFields(s string, n int) []string {
	f := strings.Fields(s)
	return f[:min(n, len(f))]
}

// chosen returns the word in brackets of "always [madvise] never".
func chosen(s string) string {
	_, s, _ = strings.Cut(s, "[")
	s, _, _ = strings.Cut(s, "]")
	return s
}

// fileSystem returns the type of the file system that dir is on.
func fileSystem(dir string) string {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return ""
	}
	switch uint32(st.Type) {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.TMPFS_MAGIC:
		return "tmpfs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlayfs"
	}
	return "other"
}

// commit returns what is checked out in dir.
func commit(dir string) (hash string, modified bool) {
	git := func(args ...string) (string, error) {
		out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).Output()
		return strings.TrimSpace(string(out)), err
	}
	hash, err := git("rev-parse", "HEAD")
	if err != nil {
		return "", true
	}
	// What the run itself records is no change of the code.
	changed, err := git("status", "--porcelain", "--", ".", ":(exclude)bench/results")
	return hash, err != nil || changed != ""
}
