package fio

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"

	"github.com/oriel-go/oriel/bench/child"
)

// ErrUnavailable is why there is nothing to compare with.
var ErrUnavailable = errors.New("fio is not installed")

// A Job says what is read.
type Job struct {
	File       string
	BlockBytes int
	Depth      int    // reads in flight
	Direct     bool   // past the page cache
	Reads      int    // how many; with Random no two of the same block
	Random     bool   // in any order, without the kernel's readahead; else from front to back
	Seed       uint64 // of the order
}

// A Result says what became of a job.
type Result struct {
	Seconds    float64
	CPUSeconds float64 // of the thread that read
	Bytes      int64
	Process    child.Result // CPU time and peak memory of all of it
}

// Available returns ErrUnavailable where fio cannot be run.
func Available() error {
	if _, err := exec.LookPath("fio"); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// Run runs a job. All of its reads have succeeded when the error is nil.
func Run(j Job) (r Result, err error) {
	if err := Available(); err != nil {
		return r, err
	}
	p, err := child.Run("fio", j.args()...)
	if err != nil {
		return r, err
	}
	if r, err = parse(p.Stdout); err != nil {
		return r, fmt.Errorf("fio: %w", err)
	}
	r.Process = p
	if want := int64(j.Reads) * int64(j.BlockBytes); r.Bytes != want {
		return r, fmt.Errorf("fio: read %d bytes, not %d", r.Bytes, want)
	}
	return r, nil
}

func (j Job) args() []string {
	direct, order := "0", "read"
	if j.Direct {
		direct = "1"
	}
	if j.Random {
		order = "randread"
	}
	return []string{
		"--name=bench", "--readonly", "--output-format=json",
		"--ioengine=io_uring", "--thread=1", "--invalidate=0",
		"--filename=" + j.File, "--rw=" + order, "--direct=" + direct,
		"--bs=" + strconv.Itoa(j.BlockBytes), "--iodepth=" + strconv.Itoa(j.Depth),
		"--number_ios=" + strconv.Itoa(j.Reads), "--randseed=" + strconv.FormatUint(j.Seed, 10),
	}
}

// parse returns what fio says of its one job.
func parse(stdout string) (r Result, err error) {
	var said struct {
		Jobs []struct {
			Error int
			Read  struct {
				Bytes   int64   `json:"io_bytes"`
				Runtime float64 // milliseconds
			}
			User   float64 `json:"usr_cpu"` // percent of the time
			System float64 `json:"sys_cpu"`
		}
	}
	if err := json.Unmarshal([]byte(stdout), &said); err != nil {
		return r, err
	}
	if len(said.Jobs) != 1 {
		return r, fmt.Errorf("says something of %d jobs", len(said.Jobs))
	}
	j := said.Jobs[0]
	switch {
	case j.Error != 0:
		return r, fmt.Errorf("error %d", j.Error)
	case j.Read.Runtime <= 0:
		return r, errors.New("too few reads to be measured: they took less than a millisecond")
	}
	r.Seconds, r.Bytes = j.Read.Runtime/1e3, j.Read.Bytes
	r.CPUSeconds = r.Seconds * (j.User + j.System) / 100
	return r, nil
}
