package leaktest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// leave names, in the environment of a second process of this test, what
// TestLeave leaves behind there.
const leave = "LEAKTEST_LEAVE"

func TestMain(m *testing.M) {
	wait := patience
	var checks []Check
	switch os.Getenv(leave) {
	case "":
	case "check":
		checks = []Check{{"pool", func() error { return errors.New("2 slots are lent") }}}
		fallthrough
	default:
		wait = 50 * time.Millisecond
	}
	if os.Getenv(leave) == "late" {
		wait = patience
		late := time.Now().Add(30 * time.Millisecond)
		checks = []Check{{"late", func() error {
			if time.Now().Before(late) {
				return errors.New("not yet")
			}
			return nil
		}}}
	}
	os.Exit(run(m.Run, os.Stderr, wait, checks))
}

// left keeps what TestLeave leaves from the garbage collector.
var left []any

func TestLeave(t *testing.T) {
	switch kind := os.Getenv(leave); kind {
	case "", "check", "late":
	case "goroutine":
		never := make(chan int)
		go forgotten(never)
		left = append(left, never)
	case "file":
		f, err := os.Open(os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, f)
	case "mapping":
		p, err := mapFile(os.Getenv(leave + "_FILE"))
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, p)
	case "failure":
		go forgotten(make(chan int))
		t.Fatal("on purpose")
	default:
		t.Fatalf("unknown kind %q", kind)
	}
}

func forgotten(c chan int) { <-c }

// TestMainFindsWhatIsLeft runs TestLeave in processes of its own, each of
// which leaves something else behind.
func TestMainFindsWhatIsLeft(t *testing.T) {
	mapFrom := filepath.Join(t.TempDir(), "mapped file")
	if err := os.WriteFile(mapFrom, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind      string
		ok        bool
		linuxOnly bool
		want      []string
		not       string
	}{
		{kind: "", ok: true, not: "leaktest:"},
		{kind: "late", ok: true, not: "leaktest:"},
		{kind: "goroutine", want: []string{"left 1 behind", "leaktest.forgotten"}},
		{kind: "file", linuxOnly: true, want: []string{"left 1 behind", "file descriptor", "leaktest"}},
		{kind: "mapping", linuxOnly: true, want: []string{"left 1 behind", "mapping: 4096 bytes of " + mapFrom}},
		{kind: "check", want: []string{"left 1 behind", "pool: 2 slots are lent"}},
		{kind: "failure", want: []string{"on purpose"}, not: "leaktest:"},
	} {
		t.Run("leave "+c.kind, func(t *testing.T) {
			if c.linuxOnly && runtime.GOOS != "linux" {
				t.Skip("descriptors and mappings are read from /proc, on Linux only")
			}
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestLeave$")
			cmd.Env = append(os.Environ(), leave+"="+c.kind, leave+"_FILE="+mapFrom)
			out, err := cmd.CombinedOutput()
			if (err == nil) != c.ok {
				t.Errorf("ended with %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("output lacks %q", want)
				}
			}
			if c.not != "" && strings.Contains(string(out), c.not) {
				t.Errorf("output contains %q", c.not)
			}
			if t.Failed() {
				t.Logf("%s", out)
			}
		})
	}
}

func TestParseKeepsStrangers(t *testing.T) {
	got := parse(`goroutine 1 [running]:
main.main()
	/x/main.go:1 +0x1

goroutine 7 [chan receive, 2 minutes]:
pool.(*Pool).wait(0x1)
	/x/pool.go:1 +0x1
created by pool.New in goroutine 1
	/x/pool.go:2 +0x1

goroutine 8 [syscall]:
os/signal.loop()
	/x/signal.go:1 +0x1
created by os/signal.Notify.func1.1 in goroutine 6
	/x/signal.go:2 +0x1

goroutine 9 [running]:
pool.report()
created by runtime.createfing in goroutine 6
`)
	if len(got) != 1 || !strings.Contains(got["7"], "pool.(*Pool).wait") {
		t.Errorf("got %v, want goroutine 7 only", got)
	}
}
