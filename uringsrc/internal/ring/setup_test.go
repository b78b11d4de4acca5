package ring

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestAFailureOfEachStepLeavesNothingBehind(t *testing.T) {
	for _, s := range []struct {
		step string
		err  syscall.Errno
		call string
	}{
		{"io_uring_setup", syscall.ENOSYS, "io_uring_setup"},
		{"io_uring_setup", syscall.EPERM, "io_uring_setup"},
		{"io_uring_setup", syscall.ENOMEM, "io_uring_setup"},
		{"io_uring_setup", syscall.EMFILE, "io_uring_setup"},
		{"io_uring_setup", syscall.EINVAL, "io_uring_setup"},
		{"fcntl", syscall.EBADF, "fcntl"},
		{"mmap queues", syscall.ENOMEM, "mmap"},
		{"mmap entries", syscall.ENOMEM, "mmap"},
		{"madvise", syscall.EINVAL, "madvise"},
		{"RESTRICTIONS", syscall.EPERM, "io_uring_register RESTRICTIONS"},
		{"ENABLE_RINGS", syscall.EPERM, "io_uring_register ENABLE_RINGS"},
	} {
		t.Run(s.step+"/"+s.err.Error(), func(t *testing.T) {
			f := newFake()
			f.refuse[s.step] = s.err
			r, err := newRing(Config{Entries: 8, Allow: []Op{OpRead}}, f.kernel())
			var e *Error
			if r != nil || !errors.As(err, &e) || e.Call != s.call || !errors.Is(err, s.err) {
				t.Errorf("New = %v, %v, want an error of %s: %v", r, err, s.call, s.err)
			}
			if !strings.Contains(err.Error(), s.call) {
				t.Errorf("%q does not name %s", err, s.call)
			}
			if f.open != 0 {
				t.Errorf("%d descriptors and mappings not given back", f.open)
			}
		})
	}
}

func TestAKernelThatLosesCompletionsIsRefused(t *testing.T) {
	for _, lacks := range []uint32{featSingleMmap, featNoDrop, featSubmitStable} {
		f := newFake()
		f.lacks = lacks
		if _, err := newRing(Config{Entries: 8}, f.kernel()); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("without feature %#x: %v, want errors.ErrUnsupported", lacks, err)
		}
		if f.open != 0 {
			t.Errorf("%d descriptors and mappings not given back", f.open)
		}
	}
}

// TestWhatAKernelDoesNotKnowIsLeftOut goes through the ages: 6.x, 5.10 to 5.17,
// and before.
func TestWhatAKernelDoesNotKnowIsLeftOut(t *testing.T) {
	allow := []Op{OpRead, OpAsyncCancel}
	for _, s := range []struct {
		name    string
		unknown uint32
		rules   syscall.Errno
		allow   []Op
		want    Features
		setups  int
		enabled bool
	}{
		{"all", 0, 0, allow, Features{SubmitAll: true, Restricted: true}, 1, true},
		{"no submit all", setupSubmitAll, 0, allow, Features{Restricted: true}, 2, true},
		{"no restrictions", setupSubmitAll | setupDisabled, 0, allow, Features{}, 3, false},
		{"an operation it does not have", 0, syscall.EINVAL, allow, Features{SubmitAll: true}, 1, true},
		{"none asked for", 0, 0, nil, Features{SubmitAll: true}, 1, false},
		{"none asked for, no submit all", setupSubmitAll, 0, nil, Features{}, 2, false},
	} {
		t.Run(s.name, func(t *testing.T) {
			f := newFake()
			f.unknown = s.unknown
			f.refuse["RESTRICTIONS"] = s.rules
			r := f.ring(t, Config{Entries: 8, Allow: s.allow})
			got := r.Features()
			if got.SubmitAll != s.want.SubmitAll || got.Restricted != s.want.Restricted {
				t.Errorf("%+v, want SubmitAll %v and Restricted %v", got, s.want.SubmitAll, s.want.Restricted)
			}
			if len(f.setups) != s.setups || f.enabled != s.enabled {
				t.Errorf("%d calls of io_uring_setup and enabled %v, want %d and %v", len(f.setups), f.enabled, s.setups, s.enabled)
			}
			if got.Restricted {
				allowed := func(kind uint16, value int) bool {
					return slices.Contains(f.rules, restriction{kind: kind, value: uint8(value)})
				}
				if !allowed(allowOp, int(OpRead)) || !allowed(allowOp, int(OpAsyncCancel)) || allowed(allowOp, int(OpWrite)) ||
					!allowed(allowRegister, int(registerEventFD)) || allowed(allowRegister, int(registerRestrictions)) {
					t.Errorf("rules %v", f.rules)
				}
			}
		})
	}
}

func TestWhatTheCallerAsksForIsNotLeftOut(t *testing.T) {
	for _, s := range []struct {
		c    Config
		flag uint32
	}{
		{Config{SingleIssuer: true}, setupSingleIssuer},
		{Config{SingleIssuer: true, DeferTaskrun: true}, setupDeferTaskrun},
		{Config{CoopTaskrun: true}, setupCoopTaskrun},
		{Config{Completions: 8}, setupCQSize},
	} {
		f := newFake()
		f.unknown = s.flag
		s.c.Entries = 8
		if _, err := newRing(s.c, f.kernel()); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%+v where it is not known: %v, want EINVAL", s.c, err)
		}
	}
}

func TestNumbersOutOfRange(t *testing.T) {
	for _, c := range []Config{{}, {Entries: -1}, {Entries: maxEntries + 1}, {Entries: 1, Completions: -1}, {Entries: 1, Completions: maxCompletions + 1}} {
		f := newFake()
		if _, err := newRing(c, f.kernel()); !errors.Is(err, syscall.EINVAL) || len(f.setups) != 0 {
			t.Errorf("%+v: %v, want EINVAL", c, err)
		}
	}
}

func TestNewOnThisSystem(t *testing.T) {
	r, err := New(Config{Entries: 8})
	if err == nil {
		r.Close()
	}
	if runtime.GOOS != "linux" && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("New = %v, want errors.ErrUnsupported", err)
	}
	if runtime.GOOS == "linux" && err != nil && !refused(err) {
		t.Errorf("New = %v", err)
	}
}
