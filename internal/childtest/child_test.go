package childtest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestChild(t *testing.T) {
	Run(t, map[string]func(t *testing.T){
		"echo":  echoRole,
		"waits": Waits,
		"skips": func(*testing.T) { Tell("skip: ", "it has no ", 1) },
		"fails": func(t *testing.T) { t.Error("on purpose") },
		"exits": func(*testing.T) {
			fmt.Fprintln(os.Stderr, "last words")
			os.Exit(7)
		},
	})
}

// echoRole tells what it hears, after its argument, and prints something besides.
func echoRole(*testing.T) {
	for line, ok := Hear(); ok; line, ok = Hear() {
		fmt.Println("printed")
		Tell(Argument(), ", ", line)
	}
}

// A recorder is a test that remembers what becomes of it.
type recorder struct {
	testing.TB
	skipped, failed string
}

func (r *recorder) Skip(args ...any) {
	r.skipped = fmt.Sprint(args...)
	runtime.Goexit()
}

func (r *recorder) Errorf(format string, args ...any) { r.failed = fmt.Sprintf(format, args...) }

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// record runs a test in a goroutine of its own, as the testing package does.
func record(t *testing.T, test func(t testing.TB)) *recorder {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(r)
	}()
	<-done
	return r
}

func TestLinesGoToTheChildAndBack(t *testing.T) {
	c := Start(t, "echo", "number ", 5)
	for _, args := range [][]any{{"a line"}, {}, {"> ", 1, 2}} {
		c.Tell(args...)
		if got, want := c.Hear(), "number 5, "+fmt.Sprint(args...); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	c.Tell("not asked for")
	c.Good()
	if said := c.Said(); strings.Count(said, "printed\n") != 4 || !strings.Contains(said, "> number 5, not asked for\n") || strings.Contains(said, "a line") {
		t.Errorf("the child said %q", said)
	}
}

func TestWithoutAnArgument(t *testing.T) {
	c := Start(t, "echo")
	c.Tell("a line")
	if got := c.Hear(); got != ", a line" {
		t.Errorf("heard %q", got)
	}
	c.Good()
}

func TestWhatTheChildLacksSkipsTheTest(t *testing.T) {
	r := record(t, func(t testing.TB) {
		Start(t, "skips").Hear()
		t.Errorf("the test goes on")
	})
	if r.skipped != "it has no 1" || r.failed != "" {
		t.Errorf("skipped because %q, failed because %q", r.skipped, r.failed)
	}
}

// TestWhatGoesWrongInTheChild is said, with what the child printed, wherever the test
// notices it first.
func TestWhatGoesWrongInTheChild(t *testing.T) {
	for role, wants := range map[string][]string{
		"fails":  {"exit status 1", "on purpose"},
		"exits":  {"exit status 7", "last words"},
		"no one": {"exit status 1", `there is no role "no one"`},
	} {
		for where, notice := range map[string]func(c *Child){
			"hear": func(c *Child) { c.Hear() },
			"good": (*Child).Good,
			"wait": func(c *Child) {
				if err := c.Wait(); err != nil {
					c.t.Errorf("%v: %s", err, c.Said())
				}
			},
		} {
			r := record(t, func(t testing.TB) { notice(Start(t, role)) })
			for _, want := range wants {
				if !strings.Contains(r.failed, want) {
					t.Errorf("%s, %s: failed because %q, want %q", role, where, r.failed, want)
				}
			}
		}
	}
}

func TestAChildThatDoesNotListen(t *testing.T) {
	r := record(t, func(t testing.TB) {
		c := Start(t, "exits")
		c.Wait()
		c.Tell("a line")
	})
	if !strings.Contains(r.failed, "does not listen") {
		t.Errorf("failed because %q", r.failed)
	}
}

func TestTheChildEndsBeforeTheTest(t *testing.T) {
	var left, killed *Child
	t.Run("test", func(t *testing.T) {
		left, killed = Start(t, "waits"), Start(t, "waits")
		if s := left.State(); s != nil {
			t.Errorf("it has ended: %v", s)
		}
		killed.Process().Kill()
		if err := killed.Wait(); err == nil {
			t.Error("it was killed, and ended well")
		}
	})
	for _, c := range []*Child{left, killed} {
		if s := c.State(); s == nil || s.Success() {
			t.Errorf("the end of a child that waited is %v", s)
		}
	}
}
