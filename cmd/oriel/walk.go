package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// An entry is one file to read, or what kept it from being found.
type entry struct {
	path string      // as it is opened and shown; "-" is standard input
	d    fs.DirEntry // nil where it is not known
	err  error
}

var errListIsInput = errors.New("standard input is the list of files")

// A lister finds the files that a scan reads. It finds the same ones in the
// same order each time, as long as the tree stays as it is.
type lister struct {
	paths []string
	from  string // a file that lists more paths, "-" for standard input, "" for none
	null  bool   // the list's paths end in NUL, not in a newline
	stdin io.Reader
	open  func(ctx context.Context, path string) (input, error)
}

// list calls visit with every entry: those of the paths, then those of the
// list. It stops when ctx ends.
func (l *lister) list(ctx context.Context, visit func(entry)) {
	for _, path := range l.paths {
		l.path(ctx, path, visit)
	}
	if l.from == "" {
		return
	}
	delim := byte('\n')
	if l.null {
		delim = 0
	}
	in, err := l.open(ctx, l.from)
	if err == nil {
		err = eachName(ctx, in, delim, func(name string) { l.path(ctx, name, visit) })
		closeInput(in, &err)
	}
	if err != nil && ctx.Err() == nil {
		visit(entry{path: l.from, err: err})
	}
}

// path visits one path of the command line or of the list: a directory's
// regular files, and anything else itself. A symbolic link stands for what it
// points to.
func (l *lister) path(ctx context.Context, path string, visit func(entry)) {
	if ctx.Err() != nil {
		return
	}
	info, err := l.stat(path)
	switch {
	case path == "-":
		visit(entry{path: path, d: info, err: err})
	case err != nil:
		visit(entry{path: path, err: err})
	case info.IsDir():
		l.tree(ctx, path, visit)
	default:
		visit(entry{path: path, d: info})
	}
}

// stat describes what path names, as far as that is known of standard input.
func (l *lister) stat(path string) (fs.DirEntry, error) {
	var info fs.FileInfo
	var err error
	switch f, isFile := l.stdin.(*os.File); {
	case path != "-":
		info, err = os.Stat(path)
	case l.from == "-":
		err = errListIsInput
	case isFile:
		info, err = f.Stat()
	}
	if info == nil {
		return nil, err
	}
	return fs.FileInfoToDirEntry(info), err
}

// tree visits the regular files of a tree in lexical order of their names.
// Links in it are not followed.
func (l *lister) tree(ctx context.Context, root string, visit func(entry)) {
	if info, err := os.Lstat(root); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		root += string(filepath.Separator) // so that the root is what it points to
	}
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return fs.SkipAll
		case err != nil:
			visit(entry{path: path, err: err})
		case d.Type().IsRegular():
			visit(entry{path: path, d: d})
		}
		return nil
	})
}

// survey returns how many bytes there are in what list finds, and false if that
// cannot be known: standard input cannot be listed twice, and a pipe does not
// know how much it will bring.
func (l *lister) survey(ctx context.Context) (bytes int64, ok bool) {
	if l.from == "-" {
		return 0, false
	}
	ok = true
	l.list(ctx, func(e entry) {
		switch {
		case e.err != nil:
		case e.d == nil || !e.d.Type().IsRegular():
			ok = false
		default:
			if info, err := e.d.Info(); err == nil {
				bytes += info.Size()
			}
		}
	})
	return bytes, ok && ctx.Err() == nil
}
