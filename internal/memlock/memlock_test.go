package memlock

import (
	"sync"
	"testing"

	"github.com/oriel-go/oriel/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestAccountLendsUpToItsLimit(t *testing.T) {
	a := New(10)
	if !a.Take(7) || a.Take(4) || !a.Take(3) {
		t.Fatal("10 bytes are not 7 and 3")
	}
	if a.Used() != 10 || a.Free() != 0 || a.Limit() != 10 {
		t.Errorf("used %d, free %d of %d", a.Used(), a.Free(), a.Limit())
	}
	a.SetLimit(5)
	if a.Free() != 0 || a.Take(0) {
		t.Error("a lowered limit lends what is taken beyond it")
	}
	a.Give(6)
	if !a.Take(1) || a.Take(1) {
		t.Error("4 taken of 5 leave one")
	}
}

func TestAccountWithoutALimitLendsNothing(t *testing.T) {
	for _, n := range []int64{0, -1} {
		if New(n).Take(1) {
			t.Errorf("an Account of %d lent a byte", n)
		}
	}
}

func TestAccountRefusesToTakeBackTooMuch(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("giving back more than was taken did not panic")
		}
	}()
	New(1).Give(1)
}

func TestAccountIsExactUnderContention(t *testing.T) {
	a := New(100)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				if a.Take(30) {
					if a.Used() > 100 {
						t.Error("more is used than the limit")
					}
					a.Give(30)
				}
			}
		})
	}
	wg.Wait()
	if a.Used() != 0 {
		t.Errorf("%d bytes are taken at the end", a.Used())
	}
}

func TestDefaultIsBoundedAndSaysWhy(t *testing.T) {
	n, from := Default()
	if n < 0 || n > mostBytes || from == "" {
		t.Errorf("Default is %d bytes from %q", n, from)
	}
}
