package readers

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// watchEvery is how often threads and memory are looked at.
const watchEvery = 20 * time.Millisecond

// watch looks at the process again and again, if that is wanted, until the
// returned function is called, and once more then. That one hands on an error
// that it is given.
func (l *Load) watch(t target) func(error) (threads int, peakRSSBytes, windowBytes int64, err error) {
	var threads, rss, windows int64
	look := func() error {
		n, err := status("Threads:")
		threads = max(threads, n)
		if f, ok := t.(*file); ok {
			windows = max(windows, f.windowBytes())
		}
		return err
	}
	over := make(chan struct{})
	var watching sync.WaitGroup
	var failed error
	if l.Watch {
		watching.Go(func() {
			tick := time.NewTicker(watchEvery)
			defer tick.Stop()
			for failed == nil {
				select {
				case <-over:
					return
				case <-tick.C:
					failed = look()
				}
			}
		})
	}
	return func(err error) (int, int64, int64, error) {
		close(over)
		watching.Wait()
		for _, next := range []error{failed, look()} {
			if err == nil {
				err = next
			}
		}
		if err == nil {
			rss, err = status("VmHWM:") // KiB
		}
		return int(threads), rss << 10, windows, err
	}
}

// status returns a number of /proc/self/status.
func status(key string) (int64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == key {
			return strconv.ParseInt(f[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no %s", key)
}
