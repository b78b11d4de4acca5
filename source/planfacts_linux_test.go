package source

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/childtest"
	"github.com/oriel-go/oriel/internal/filtertest"
	"github.com/oriel-go/oriel/source/internal/plan"
)

// untoldRole is a process in which facts cannot be asked for.
func untoldRole(t *testing.T) {
	line, _ := childtest.Hear()
	var errno, number uintptr
	calls := strings.Fields(line)
	if _, err := fmt.Sscan(calls[0], &errno); err != nil {
		t.Fatal(err)
	}
	text := random(planBytes)
	name := write(t, text)
	for _, call := range calls[1:] {
		if _, err := fmt.Sscan(call, &number); err != nil {
			t.Fatal(err)
		}
		if err := filtertest.Deny(number, syscall.Errno(errno)); err != nil {
			childtest.Tell("skip: system calls cannot be filtered: ", err)
			return
		}
	}
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	said := ""
	for _, pattern := range []Pattern{Detect, Random, Once, Reuse} {
		tries(func() bool {
			warm(t, name)
			f := openAt(t, name, &Options{Runtime: rt, Pattern: pattern})
			defer f.Close()
			e := passOf(t, f, nil, text)
			wantAt(t, f, text, 5<<20-5, 10)
			if pattern != Detect {
				return true
			}
			said = fmt.Sprintf("%q, past the cache: %q, not waiting: %v, share: %v, text: %q",
				e.Facts.Failed, e.Facts.NoDirect, e.NeverWaits, e.Facts.CachedShare, e.String())
			return e.Facts.CachedShare < 0 || e.Facts.CachedShare == 1 // or the machine has dropped a page
		})
	}
	childtest.Tell(said)
}

// A fact that cannot be had is said not to be known, and the file is read all the
// same.
func TestPlansWithoutFacts(t *testing.T) {
	for _, tt := range []struct {
		what  string
		calls []int
		want  []string // in what is said
		eperm []string // and where it is forbidden, not missing
	}{
		{"cachestat", []int{unix.SYS_CACHESTAT}, []string{"share: 1,"}, nil}, // reads that do not wait tell
		{"preadv2", []int{unix.SYS_PREADV2}, []string{"not waiting: false", "share: 1,"}, nil},
		{"both", []int{unix.SYS_CACHESTAT, unix.SYS_PREADV2}, []string{"share: -1,", "page cache           not known", "cached or not cannot be told here"},
			[]string{"cachestat: ", "preadv2: "}},
		{"statx", []int{unix.SYS_STATX}, []string{`past the cache: "statx: `, "past the page cache  no: statx: "}, nil},
		{"fstatfs", []int{unix.SYS_FSTATFS}, []string{`["fstatfs: `, "file system          unknown", "not known            fstatfs: "}, nil},
		{"fadvise", []int{unix.SYS_FADVISE64}, []string{"[]"}, nil}, // nobody is told anything by it
		{"all", []int{unix.SYS_CACHESTAT, unix.SYS_PREADV2, unix.SYS_STATX, unix.SYS_FSTATFS, unix.SYS_FADVISE64},
			[]string{"share: -1,", "statx: ", "fstatfs: "}, []string{"cachestat: ", "preadv2: "}},
	} {
		for _, errno := range []syscall.Errno{syscall.EPERM, syscall.ENOSYS} {
			t.Run(fmt.Sprintf("%s/%d", tt.what, int(errno)), func(t *testing.T) {
				c := childtest.Start(t, "untold")
				line := fmt.Sprint(int(errno))
				for _, call := range tt.calls {
					line += fmt.Sprint(" ", call)
				}
				c.Tell(line)
				said := c.Hear()
				wants := tt.want
				if errno == syscall.EPERM {
					wants = append(slices.Clone(wants), tt.eperm...)
				}
				for _, want := range wants {
					if !strings.Contains(said, want) {
						t.Errorf("what is said lacks %q: %s", want, strings.ReplaceAll(said, `\n`, "\n"))
					}
				}
				c.Good()
			})
		}
	}
}

// Facts that cannot be, or contradict each other, are no reason not to read.
func TestPlansOfFactsThatCannotBe(t *testing.T) {
	text := random(planBytes)
	name := write(t, text)
	for what, lie := range map[string]func(*plan.Facts){
		"a share that is no number":   func(k *plan.Facts) { k.CachedShare = math.NaN() },
		"a share of two":              func(k *plan.Facts) { k.CachedShare = 2 },
		"an endless share":            func(k *plan.Facts) { k.CachedShare = math.Inf(-1) },
		"a negative size":             func(k *plan.Facts) { k.SizeBytes = -5 },
		"no size":                     func(k *plan.Facts) { k.SizeBytes = 0 },
		"the largest size":            func(k *plan.Facts) { k.SizeBytes = math.MaxInt64 },
		"a size of one byte":          func(k *plan.Facts) { k.SizeBytes = 1 },
		"in memory, and rotating":     func(k *plan.Facts) { k.InMemory, k.Rotational, k.CachedShare = plan.Yes, plan.Yes, 0 },
		"in memory, and remote":       func(k *plan.Facts) { k.InMemory, k.Remote = plan.Yes, plan.Yes },
		"not cached in large folios":  func(k *plan.Facts) { k.CachedShare, k.LargeFolios = 0, plan.Yes },
		"more locked than may be":     func(k *plan.Facts) { k.LockFreeBytes, k.LockLimitBytes = math.MaxInt64, 1 },
		"negative memory":             func(k *plan.Facts) { k.LockFreeBytes, k.LockLimitBytes, k.PoolBytes, k.CacheBytes = -1, -1, -1, -1 },
		"no memory":                   func(k *plan.Facts) { k.LockFreeBytes, k.LockLimitBytes, k.PoolBytes, k.CacheBytes = 0, 0, 0, 0 },
		"the largest memory":          func(k *plan.Facts) { k.PoolBytes, k.CacheBytes, k.LockLimitBytes = math.MaxInt64, 1, math.MaxInt64 },
		"a pool of a page":            func(k *plan.Facts) { k.PoolBytes = 1 },
		"a unit that cannot be":       func(k *plan.Facts) { k.DirectUnit = -1 },
		"no processors":               func(k *plan.Facts) { k.Processors, k.Busy = -3, plan.Yes },
		"answers that are none":       func(k *plan.Facts) { k.InMemory, k.Remote, k.LargeFolios, k.NeverWaits = 9, 9, 9, 9 },
		"a negative number of others": func(k *plan.Facts) { k.Mapped = math.MinInt },
		"many others":                 func(k *plan.Facts) { k.Mapped = math.MaxInt },
		"a strange device":            func(k *plan.Facts) { k.ReadAheadBytes = math.MinInt64 },
		"nothing at all":              func(k *plan.Facts) { *k = plan.Facts{} },
		"everything refused":          func(k *plan.Facts) { k.NoGuard, k.NoRing, k.NoDirect = "a", "b", "c" },
	} {
		t.Run(what, func(t *testing.T) {
			rt := newRuntime(t, Limits{LockBytes: fewLocked})
			rt.machine.amend = lie
			for _, o := range []Options{{}, {Pattern: Once}, {Pattern: Reuse, WindowBytes: 64 << 10}} {
				o.Runtime = rt
				f := openAt(t, name, &o)
				p := passOf(t, f, nil, text)
				if chosen(t, p.Explanation).Refused {
					t.Errorf("a way is chosen that is refused:\n%s", p)
				}
				wantAt(t, f, text, 5<<20-5, 10)
				f.Close()
			}
		})
	}
}
