package leaktest

import (
	"runtime"
	"strings"
)

// standing lists goroutines that the standard library starts once and keeps.
var standing = []string{
	"os/signal.loop(",           // after the first signal.Notify
	"runtime.ensureSigM",        // likewise
	"created by runtime.",       // finalizers, cleanups, tracing, while they run
	"created by runtime/trace.", // go test -trace
	"created by runtime/pprof.", // go test -cpuprofile
	"created by testing.",       // the testing package waits for these itself
}

// goroutines returns the stacks of all goroutines but this one and standing
// ones, by number.
func goroutines() map[string]string {
	buf := make([]byte, 64<<10)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	return parse(string(buf))
}

// parse splits what runtime.Stack wrote. The calling goroutine comes first
// and is left out.
func parse(stacks string) map[string]string {
	m := map[string]string{}
	for i, s := range strings.Split(strings.TrimSpace(stacks), "\n\n") {
		number, _, _ := strings.Cut(strings.TrimPrefix(s, "goroutine "), " ")
		if i > 0 && !isStanding(s) {
			m[number] = s
		}
	}
	return m
}

func isStanding(stack string) bool {
	for line := range strings.Lines(stack) {
		for _, s := range standing {
			if strings.HasPrefix(line, s) {
				return true
			}
		}
	}
	return false
}
