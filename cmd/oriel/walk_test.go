package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// grow makes a tree in a new directory and makes that the current one. A name
// that ends in / is a directory, "a -> b" a symbolic link to b, "p|" a FIFO,
// and any other a file that contains its own name and a newline.
func grow(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	t.Chdir(root)
	for _, name := range names {
		var err error
		link, to, isLink := strings.Cut(name, " -> ")
		fifo, isFIFO := strings.CutSuffix(name, "|")
		switch {
		case isLink:
			err = os.Symlink(to, link)
		case isFIFO:
			makeFIFO(t, fifo)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(name, 0o777)
		default:
			if err = os.MkdirAll(filepath.Dir(name), 0o777); err == nil {
				err = os.WriteFile(name, []byte(name+"\n"), 0o666)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// listed returns the paths that l finds, with what is wrong with them.
func listed(ctx context.Context, l *lister) (got []string) {
	l.list(ctx, func(e entry) {
		s := filepath.ToSlash(e.path)
		var path *fs.PathError
		switch {
		case errors.As(e.err, &path):
			s += ": " + path.Err.Error()
		case e.err != nil:
			s += ": " + e.err.Error()
		}
		got = append(got, s)
	})
	return got
}

func TestListTree(t *testing.T) {
	grow(t, "d/b", "d/a/x", "d/.hidden", "d/.git/config", "d/empty/", "d/z", "other",
		"d/link -> b", "d/up -> ..", "d/dangling -> nothing", "d/pipe|")
	want := []string{"d/.git/config", "d/.hidden", "d/a/x", "d/b", "d/z"}
	for range 2 { // the same each time
		if got := listed(t.Context(), &lister{paths: []string{"d"}}); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestListNamedPaths(t *testing.T) {
	grow(t, "d/f", "f", "tofile -> f", "todir -> d", "dangling -> nothing", "p|")
	got := listed(t.Context(), &lister{paths: []string{"p", "tofile", "todir", "dangling", "none", "f", "f/x", "d/", "-"}})
	want := []string{
		"p", "tofile", "todir/f", "dangling: no such file or directory", "none: no such file or directory",
		"f", "f/x: not a directory", "d/f", "-",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestListFromFile(t *testing.T) {
	grow(t, "d/f", "g")
	e := &fakeEngine{files: map[string]fakeFile{
		"list":  {data: []byte("d\n\nnone\n-\ng")},
		"nulls": {data: []byte("g\x00d")},
		"torn":  {data: []byte("g\nd"), err: fs.ErrInvalid},
	}}
	for _, c := range []struct {
		l    lister
		want []string
	}{
		{lister{paths: []string{"g"}, from: "list"}, []string{"g", "d/f", "none: no such file or directory", "-", "g"}},
		{lister{from: "nulls", null: true}, []string{"g", "d/f"}},
		{lister{from: "missing"}, []string{"missing: open missing: file does not exist"}},
		{lister{from: "torn"}, []string{"g", "torn: read torn [3): invalid argument"}},
	} {
		c.l.open = e.open
		if got := listed(t.Context(), &c.l); !slices.Equal(got, c.want) {
			t.Errorf("--files-from %s: %q, want %q", c.l.from, got, c.want)
		}
	}
	if n := e.inUse.Load(); n != 0 {
		t.Errorf("%d inputs or windows were not given back", n)
	}
}

func TestListFromStandardInputIsNoInput(t *testing.T) {
	e := &fakeEngine{files: map[string]fakeFile{"-": {data: []byte("-\n")}}}
	got := listed(t.Context(), &lister{from: "-", open: e.open})
	if want := []string{"-: " + errListIsInput.Error()}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestListEndsWithTheContext(t *testing.T) {
	grow(t, "d/a", "d/b", "d/c")
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	l := &lister{paths: []string{"d", "d"}}
	l.list(ctx, func(entry) { n++; cancel() })
	if n != 1 {
		t.Errorf("%d files after the context ended, want none", n-1)
	}
}

func TestSurvey(t *testing.T) {
	grow(t, "d/a", "d/b", "p|")
	e := &fakeEngine{files: map[string]fakeFile{"list": {data: []byte("d\nd/a\nnone")}}}
	for _, c := range []struct {
		l    lister
		want string
	}{
		{lister{paths: []string{"d", "none"}}, "8 true"},
		{lister{from: "list"}, "12 true"},
		{lister{paths: []string{"d", "p"}}, "8 false"}, // a pipe does not know
		{lister{paths: []string{"-"}}, "0 false"},
		{lister{from: "-"}, "0 false"}, // must not be read
	} {
		c.l.open = e.open
		n, ok := c.l.survey(t.Context())
		if got := fmt.Sprint(n, ok); got != c.want {
			t.Errorf("%q --files-from %q: %s, want %s", c.l.paths, c.l.from, got, c.want)
		}
	}
}
