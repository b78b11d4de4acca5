package probe

import (
	"errors"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
)

func TestSettings(t *testing.T) {
	const (
		huge   = "sys/kernel/mm/transparent_hugepage/enabled"
		enable = "proc/sys/fs/leases-enable"
		breaks = "proc/sys/fs/lease-break-time"
		ring   = "proc/sys/kernel/io_uring_disabled"
	)
	for _, tt := range []struct {
		root fstest.MapFS
		want string
		fail string // a part of the error's text
	}{
		{fstest.MapFS{huge: text("always [madvise] never\n")}, "madvise", ""},
		{fstest.MapFS{huge: text("[always] madvise never\n")}, "always", ""},
		{fstest.MapFS{huge: text("always madvise [never]")}, "never", ""},
		{fstest.MapFS{huge: text("always madvise never\n")}, "", "no choice"},
		{fstest.MapFS{huge: text("always [] never\n")}, "", "no choice"},
		{fstest.MapFS{huge: text("always [madvise\n")}, "", "no choice"},
		{fstest.MapFS{huge: text("")}, "", "no choice"},
		{fstest.MapFS{}, "", huge},
	} {
		got, err := hugePagesIn(tt.root)
		if got != tt.want || (err == nil) != (tt.fail == "") || err != nil && !strings.Contains(err.Error(), tt.fail) {
			t.Errorf("huge pages of %v: %q, %v, want %q and %q", tt.root, got, err, tt.want, tt.fail)
		}
	}
	for _, tt := range []struct {
		root    fstest.MapFS
		enabled bool
		seconds int
		fail    string
	}{
		{fstest.MapFS{enable: text("1\n"), breaks: text("45\n")}, true, 45, ""},
		{fstest.MapFS{enable: text("0\n"), breaks: text("0\n")}, false, 0, ""},
		{fstest.MapFS{enable: text("1\n")}, true, 0, breaks},
		{fstest.MapFS{breaks: text("45\n")}, false, 0, enable},
		{fstest.MapFS{enable: text("yes\n"), breaks: text("45\n")}, false, 0, enable},
		{fstest.MapFS{enable: text("1\n"), breaks: text("9999999999\n")}, true, 0, breaks},
	} {
		enabled, seconds, err := leasesIn(tt.root)
		if enabled != tt.enabled || seconds != tt.seconds && tt.fail == "" || (err == nil) != (tt.fail == "") || err != nil && !strings.Contains(err.Error(), tt.fail) {
			t.Errorf("leases of %v: %v, %d, %v", tt.root, enabled, seconds, err)
		}
	}
	for s, want := range map[string]int{"0\n": 0, "1\n": 1, "2": 2} {
		if got, err := ringSettingIn(fstest.MapFS{ring: text(s)}); err != nil || got != want {
			t.Errorf("a setting of %q: %d, %v", s, got, err)
		}
	}
	if _, err := ringSettingIn(fstest.MapFS{ring: text("no")}); err == nil {
		t.Error("a setting that is a word has no error")
	}
	if _, err := ringSettingIn(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no setting: %v, want fs.ErrNotExist", err)
	}
}

// TestBusy has more goroutines compute than there are processors.
func TestBusy(t *testing.T) {
	waitFor := func(want bool, state string) {
		t.Helper()
		const most = 1 << 20 // questions, each of which lets others run
		for range most {
			if ProcessorsNow().Busy() == want {
				return
			}
			runtime.Gosched()
		}
		t.Errorf("%s: Busy is never %v", state, want)
	}
	waitFor(false, "alone")
	var stop atomic.Bool
	var computing sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		computing.Go(func() {
			for !stop.Load() {
			}
		})
	}
	waitFor(true, "with many that compute")
	stop.Store(true)
	computing.Wait()
	waitFor(false, "alone again")
}
