package archtest

import (
	"os"
	"slices"
	"testing"
)

var rules = slices.Concat(fileRules, importRules, codeRules)

// TestTree runs every rule over the module.
func TestTree(t *testing.T) {
	tree := load(os.DirFS("../.."))
	if _, ok := tree.packages()["window"]; !ok || len(tree.files) < 20 {
		t.Fatalf("found only %d files: this is not the module's tree", len(tree.files))
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, v := range tree.check([]rule{r}) {
				t.Error(v)
			}
		})
	}
}

// TestPolicyNamesWhatExists fails for rows about packages that are gone, so
// that an exception does not outlive its reason.
func TestPolicyNamesWhatExists(t *testing.T) {
	tree := load(os.DirFS("../.."))
	exists := func(pattern string) bool {
		return slices.ContainsFunc(tree.files, func(f *file) bool { return matches(pattern, f.dir) })
	}
	// The design names these before they are built.
	reserved := []string{"uringsrc/internal/ring", "pipeline/tlsstage"}
	for _, r := range lattice {
		if !exists(r.pkg) && !slices.Contains(reserved, r.pkg) {
			t.Errorf("lattice: there is no package %s", r.pkg)
		}
	}
	for _, m := range []map[string]string{testSupport, talkers} {
		for dir := range m {
			if !exists(dir) {
				t.Errorf("policy makes an exception for %s, which does not exist", dir)
			}
		}
	}
	for p := range sleepers {
		if !slices.ContainsFunc(tree.files, func(f *file) bool { return f.path == p }) {
			t.Errorf("policy makes an exception for %s, which does not exist", p)
		}
	}
}
