package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/window"
)

// namesOf returns the names in a list that comes in windows cut anywhere.
func namesOf(t *testing.T, list string, delim byte) ([]string, error) {
	t.Helper()
	e := &fakeEngine{files: map[string]fakeFile{"list": {data: []byte(list)}}}
	in, err := e.open(t.Context(), "list")
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	var names []string
	err = eachName(t.Context(), in, delim, func(s string) { names = append(names, s) })
	if n := e.inUse.Load(); n != 1 {
		t.Errorf("%d windows were not released", n-1)
	}
	return names, err
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		list  string
		delim byte
		want  []string
	}{
		{"", '\n', nil},
		{"\n\n", '\n', nil},
		{"a", '\n', []string{"a"}},
		{"a\nb\n", '\n', []string{"a", "b"}},
		{"a\n\nb", '\n', []string{"a", "b"}},
		{"a b\r\n-\n", '\n', []string{"a b\r", "-"}},
		{"a\nb\x00c\x00", 0, []string{"a\nb", "c"}},
	} {
		got, err := namesOf(t, c.list, c.delim)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, %v; want %q", c.list, got, err, c.want)
		}
	}
}

func TestNamesAcrossWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 50 {
		var want []string
		for range r.IntN(100) {
			want = append(want, "n"+string(randomText(r, r.IntN(1000), "abc/.")))
		}
		got, err := namesOf(t, strings.Join(want, "\n"), '\n')
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%d names, %v; want %d", len(got), err, len(want))
		}
	}
}

func TestNamesTooLong(t *testing.T) {
	got, err := namesOf(t, "a\n"+strings.Repeat("x", longestName+1)+"\nb", '\n')
	if !errors.Is(err, window.ErrTooLong) || !slices.Equal(got, []string{"a"}) {
		t.Errorf("%q, %v; want a and ErrTooLong", got, err)
	}
}

func TestNamesEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	e := &fakeEngine{files: map[string]fakeFile{"list": {data: []byte("a\nb"), hang: true}}}
	in, err := e.open(ctx, "list")
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	err = eachName(ctx, in, '\n', func(string) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}
