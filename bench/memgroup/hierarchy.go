package memgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ErrUnavailable is why no group can be made.
var ErrUnavailable = errors.New("there is no memory control group to be had")

// A version of control groups is the names of its files.
type version struct {
	limit    string // bytes that a group may use
	noSwap   string // set to 0 so that nothing is swapped out instead; may be missing
	peak     string // bytes that it used at most; may be missing
	counters string // a file of counters by name
	failed   string // that of allocations that met the limit, or a file that has it alone
	kills    string // the counter of processes that were killed
}

var (
	// memory.memsw.limit_in_bytes would bound what is swapped out as well, but
	// then the kernel does not count in memory.failcnt (6.18).
	first = &version{
		limit: "memory.limit_in_bytes", noSwap: "memory.swappiness", peak: "memory.max_usage_in_bytes",
		counters: "memory.oom_control", failed: "memory.failcnt", kills: "oom_kill",
	}
	second = &version{
		limit: "memory.max", noSwap: "memory.swap.max", peak: "memory.peak",
		counters: "memory.events", failed: "max", kills: "oom_kill",
	}
)

// A place is a folder in which groups can be made.
type place struct {
	*version
	dir string
}

// A system is where the kernel says what there is: /proc/self.
type system struct{ dir string }

var here = system{"/proc/self"}

// Available returns an error that wraps [ErrUnavailable], with the reason, where
// no group can be made.
func Available() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: only root makes them", ErrUnavailable)
	}
	p, err := here.find()
	if err != nil {
		return err
	}
	g, err := p.make(1 << 30)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return g.Remove()
}

// find returns where groups of this process's can be made. The first version is
// preferred: where it has the memory controller the second has not.
func (s system) find() (p place, err error) {
	mounts, err := os.ReadFile(filepath.Join(s.dir, "mountinfo"))
	if err != nil {
		return p, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	groups, err := os.ReadFile(filepath.Join(s.dir, "cgroup"))
	if err != nil {
		return p, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if m, ok := mountOf(string(mounts), "cgroup", "memory"); ok {
		return place{first, m.folder(groupOf(string(groups), "memory"))}, nil
	}
	m, ok := mountOf(string(mounts), "cgroup2", "")
	if !ok {
		return p, fmt.Errorf("%w: no control groups are mounted", ErrUnavailable)
	}
	for dir := m.folder(groupOf(string(groups), "")); ; dir = filepath.Dir(dir) {
		handed, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
		if err == nil && slices.Contains(strings.Fields(string(handed)), "memory") {
			return place{second, dir}, nil
		}
		if dir == m.point || len(dir) < len(m.point) {
			return p, fmt.Errorf("%w: no group hands the memory controller on to those below it", ErrUnavailable)
		}
	}
}

// A mount shows the groups from root downwards at a point.
type mount struct{ root, point string }

// mountOf returns the first mount of a file system with an option, "" for any.
// A line of mounts ends with the type, the source and the options of the file
// system, behind a dash; the root is its fourth field and the point its fifth.
func mountOf(mounts, kind, option string) (m mount, ok bool) {
	const rootField, pointField = 3, 4
	for line := range strings.Lines(mounts) {
		front, back, _ := strings.Cut(line, " - ")
		f, b := strings.Fields(front), strings.Fields(back)
		if len(f) <= pointField || len(b) < 3 || b[0] != kind {
			continue
		}
		if option == "" || slices.Contains(strings.Split(b[2], ","), option) {
			return mount{f[rootField], f[pointField]}, true
		}
	}
	return m, false
}

// folder returns where a group is seen, or the topmost that is if it is not.
func (m mount) folder(group string) string {
	below, err := filepath.Rel(m.root, group)
	if err != nil || !filepath.IsLocal(below) {
		return m.point
	}
	dir := filepath.Join(m.point, below)
	if _, err := os.Stat(dir); err != nil {
		return m.point
	}
	return dir
}

// groupOf returns the group of a process in the hierarchy with a controller, ""
// for the second version's: lines are number:controllers:group.
func groupOf(groups, controller string) string {
	for line := range strings.Lines(groups) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) == 3 && slices.Contains(strings.Split(f[1], ","), controller) {
			return f[2]
		}
	}
	return "/"
}
