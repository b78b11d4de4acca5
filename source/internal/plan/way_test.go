package plan

import "testing"

func TestNames(t *testing.T) {
	for w, want := range map[Way]string{Pread: "pread", Mmap: "mmap", Ring: "uring", Direct: "uring direct", Ways: "no way"} {
		if got := w.String(); got != want {
			t.Errorf("way %d is %q, want %q", w, got, want)
		}
	}
	for s, want := range map[Set]string{0: "no way", Of(Mmap): "mmap", Of(Ring, Pread): "pread or uring", Of(Ways): "no way"} {
		if got := s.String(); got != want {
			t.Errorf("set %b is %q, want %q", s, got, want)
		}
	}
	if s := Of(Mmap, Direct); s.Has(Pread) || !s.Has(Mmap) || s.Has(Ring) || !s.Has(Direct) || s.Has(Ways) {
		t.Errorf("set %b", s)
	}
}

// TestEveryReasonHasWords: a code that says nothing would print nothing.
func TestEveryReasonHasWords(t *testing.T) {
	seen := map[string]code{}
	for c := reasonNone + 1; c < reasons; c++ {
		text := Reason{code: c, ways: Of(Mmap), a: 3 << 20, b: 5 << 20, ratio: 1.4, text: "EPERM"}.String()
		if text == "" {
			t.Errorf("reason %d has no words", c)
		}
		if other, ok := seen[text]; ok && (c != reasonForced || other != reasonIsForced) {
			t.Errorf("reasons %d and %d both say %q", other, c, text)
		}
		seen[text] = c
	}
	if s := (Reason{}).String() + (Reason{code: reasons}).String(); s != "" {
		t.Errorf("no reason says %q", s)
	}
}

func TestSizes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1: "1 byte", 1000: "1000 bytes", 4096: "4 KiB", 5 << 19: "2.5 MiB", 1 << 40: "1 TiB", 1<<63 - 1: "8 EiB", -5: "-5 bytes"} {
		if got := size(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

// TestEqualCostsTakeTheSimplerWay, which is the one that needs no set-up.
func TestEqualCostsTakeTheSimplerWay(t *testing.T) {
	var cs [Ways]Candidate
	if w, ok := cheapest(&cs); w != Pread || !ok {
		t.Errorf("%v, %v", w, ok)
	}
	cs[Pread].Refused = true
	if w, ok := cheapest(&cs); w != Mmap || !ok {
		t.Errorf("%v, %v", w, ok)
	}
}
