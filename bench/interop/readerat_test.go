package interop

import (
	"archive/zip"
	"context"
	"debug/elf"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// TestZip reads the archives that archive/zip is tested with, the broken ones
// too, which have to fail in the same way.
func TestZip(t *testing.T) {
	read := 0
	for _, name := range goFiles(t, "src/archive/zip/testdata/*zip") {
		std, ours := both(t, name)
		want, wantErr := zip.NewReader(std, ours.Size())
		got, gotErr := zip.NewReader(ours.WithContext(t.Context()), ours.Size())
		same(t, name, nil, wantErr, nil, gotErr)
		if wantErr != nil || gotErr != nil {
			continue
		}
		if len(want.File) != len(got.File) {
			t.Errorf("%s: %d entries, want %d", name, len(got.File), len(want.File))
			continue
		}
		for i := range want.File {
			if !reflect.DeepEqual(want.File[i].FileHeader, got.File[i].FileHeader) {
				t.Errorf("%s: entry %d differs", name, i)
			}
			w, wErr := readWhole(want.File[i].Open())
			g, gErr := readWhole(got.File[i].Open())
			same(t, name+": "+want.File[i].Name, w, wErr, g, gErr)
			read++
		}
	}
	if read < 20 {
		t.Errorf("only %d entries were read", read)
	}
}

func TestZipEndsWithItsContext(t *testing.T) {
	name := filepath.Join(t.TempDir(), "zip")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	e, err := w.CreateHeader(&zip.FileHeader{Name: "stored", Method: zip.Store})
	if err == nil {
		_, err = e.Write(content(1 << 20))
	}
	if err := errors.Join(err, w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	_, ours := both(t, name)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := zip.NewReader(ours.WithContext(ctx), ours.Size())
	if err != nil {
		t.Fatal(err)
	}
	entry, err := r.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer entry.Close()
	if _, err := entry.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(entry); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context has ended: %v", err)
	}
}

// TestELF reads a test program, one that was kept and so has its symbols.
func TestELF(t *testing.T) {
	name := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "test", "-c", "-o", name, "../stats").CombinedOutput(); err != nil {
		t.Fatalf("building a program: %v\n%s", err, out)
	}
	std, ours := both(t, name)
	want, err := elf.NewFile(std)
	if err != nil {
		t.Skip("programs are not ELF here:", err)
	}
	got, err := elf.NewFile(ours)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(want.FileHeader, got.FileHeader) || len(want.Sections) != len(got.Sections) {
		t.Fatal("another header")
	}
	for i := range want.Sections {
		w, wErr := want.Sections[i].Data()
		g, gErr := got.Sections[i].Data()
		same(t, want.Sections[i].Name, w, wErr, g, gErr)
	}
	w, wErr := want.Symbols()
	g, gErr := got.Symbols()
	if wErr != nil || gErr != nil || len(w) == 0 || !slices.Equal(w, g) {
		t.Errorf("%d symbols through os.File (%v), %d through Oriel (%v)", len(w), wErr, len(g), gErr)
	}
	if s := ours.Stats(); s.Reads == 0 || ours.Explain().Source != "pread" {
		t.Errorf("served by %q, %+v", ours.Explain().Source, s)
	}
}

// TestReadAtAgrees compares single reads around every edge.
func TestReadAtAgrees(t *testing.T) {
	const n = 300_001
	std, ours := both(t, file(t, content(n)))
	for _, off := range []int64{0, 1, 4095, 4096, n - 4097, n - 1, n, n + 1, 1 << 40} {
		for _, size := range []int{1, 2, 4096, 256 << 10, n, n + 5} {
			w, g := make([]byte, size), make([]byte, size)
			wn, wErr := std.ReadAt(w, off)
			gn, gErr := ours.ReadAt(g, off)
			if wn != gn || wErr != gErr {
				t.Errorf("%d bytes at %d: %d, %v through os.File; %d, %v through Oriel", size, off, wn, wErr, gn, gErr)
			}
			same(t, "the bytes", w, nil, g, nil)
		}
	}
}
