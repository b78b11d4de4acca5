package archtest

// modulePath is the path of the root module.
const modulePath = "github.com/oriel-go/oriel"

// Limits. A file is one noun; a reader should hold a function on one screen
// and a half. Tests are tables and scripts and may be longer.
const (
	maxFileLines     = 600
	maxTestFileLines = 900
	maxFuncLines     = 90
	maxTestFuncLines = 150
)

// lattice says who may import whom within the module. Imports go down only:
//
//	oriel (root)   cmd/oriel
//	      |       /
//	    source  pipeline
//	    /    \     |
//	mmapsrc uringsrc
//	    \    /     |
//	     pool ─────┘
//	      |
//	    window
//	      |
//	   internal
//
// The first row that matches a package counts; a package without a row is a
// violation, so that a new one is placed on purpose. Standard library and
// outside modules are the business of outside, below.
//
// A test file of the package itself obeys its row and may use testSupport
// besides. An external test (package x_test) may import anything of ours,
// because nobody who imports x compiles it; internal packages stay blind to
// the public ones even there.
var lattice = []row{
	// For the tests of every package, so it must not need any of them.
	{pkg: "internal/leaktest"},
	// System calls, invariants: mechanisms that know no window.
	{pkg: "internal/...", may: []string{"internal/..."}},

	// The contract. Everything stands on it, so it stands on nothing.
	{pkg: "window", may: []string{"internal/..."}},
	// The contract in executable form; third parties import it, so it needs
	// no more than the contract.
	{pkg: "window/windowtest", may: []string{"window"}},

	// The memory.
	{pkg: "pool", may: []string{"window", "internal/..."}},

	// Mechanisms: how bytes arrive. They do not know each other, and policy
	// (source) chooses between them.
	{pkg: "mmapsrc", may: []string{"window", "pool", "internal/..."}},
	{pkg: "uringsrc/internal/ring", may: []string{"internal/..."}},
	{pkg: "uringsrc/internal/simring", may: []string{"uringsrc/internal/ring"}},
	{pkg: "uringsrc", may: []string{"window", "pool", "uringsrc/internal/...", "internal/..."}},
	{pkg: "uringsrc/uringtest", may: []string{"window", "uringsrc", "uringsrc/internal/..."}},

	// Policy: how to read is decided without a system call.
	{pkg: "source/internal/access"},
	{pkg: "source/internal/plan", may: []string{"source/internal/access"}},
	{pkg: "source/internal/simdevice", may: []string{"source/internal/access"}},
	{pkg: "source", may: []string{"window", "pool", "mmapsrc", "uringsrc", "source/internal/...", "internal/..."}},

	// Composition: works over any window.Reader, so it does not know source.
	{pkg: "pipeline", may: []string{"window", "pool", "internal/..."}},
	{pkg: "pipeline/tlsstage", may: []string{"window", "pool", "pipeline", "internal/..."}},

	// What a newcomer sees first: aliases, no mechanism.
	{pkg: ".", may: []string{"source", "window", "pool", "pipeline"}},

	// Commands may import anything of ours; nothing imports them.
	{pkg: "cmd/...", may: []string{"..."}},
}

// outside lists what library packages may import besides the standard
// library; "/..." includes everything below. Whoever imports Oriel gets these
// and nothing else. Commands and tests are free.
var outside = []string{
	"golang.org/x/sys/...",
	"github.com/edsrzf/mmap-go",
	"github.com/valyala/bytebufferpool",
}

// banned lists standard packages that the library must not pull in.
var banned = map[string]string{
	"net/http": "it would be linked into every program that opens a file",
	"log":      "the library logs only through a *slog.Logger that the caller gives",
	"flag":     "the library has Options, not flags",
}

// nested lists the folders that are modules of their own, because they need
// more than outside allows. Each replaces the root module by its folder.
var nested = map[string]string{
	"bench": "evidence: baselines and peers to compare with",
}

// testSupport lists packages that exist for tests. Only tests, and each other,
// import them; in them the rules for tests hold as well.
var testSupport = map[string]string{
	"internal/childtest":  "second processes",
	"internal/filtertest": "system calls that fail",
	"internal/leaktest":   "the TestMain of the library packages",
	"internal/threadtest": "threads that see or may something else",
	"window/windowtest":   "the conformance suite",

	"source/internal/simdevice": "devices that are simulated",
	"uringsrc/internal/simring": "rings that are simulated",
	"uringsrc/uringtest":        "engines over them",
}

// talkers lists library packages that may print, and why.
var talkers = map[string]string{
	"internal/childtest": "a child is told its role by the environment, and prints what it tells; no program links it",
	"internal/leaktest":  "reports to standard error what tests left behind; no program links it",
}

// sleepers lists test files that may sleep, and why.
var sleepers = map[string]string{
	"uringsrc/program_test.go":         "its goroutines are in a bubble of synctest, which sim_test.go makes",
	"window/windowtest/broken_test.go": "delays are among the faults of the sources it breaks on purpose",
}

// exportedVars lists exported package-level variables other than error
// sentinels (Err…), and why each does not configure anything.
var exportedVars = map[string]string{
	"window.Heap": "a Memory without state, in the manner of io.Discard",
}

// A row of the lattice: pkg is a folder, "." for the root, with "/..." for
// everything below too.
type row struct {
	pkg string
	may []string
}
