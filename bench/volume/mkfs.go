package volume

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
)

// format makes a writable file system of the whole file.
func format(ctx context.Context, kind, file string) error {
	switch kind {
	case "ext4":
		return run(ctx, "mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", file)
	case "xfs":
		return run(ctx, "mkfs.xfs", "-q", "-f", file)
	}
	return run(ctx, "mkfs."+kind, "-q", "-f", file)
}

// pack makes a file system that cannot be written of a folder.
func pack(ctx context.Context, kind, dir, file string) error {
	if kind == "squashfs" {
		return run(ctx, "mksquashfs", dir, file, "-noappend", "-no-progress", "-quiet")
	}
	return run(ctx, "mkfs."+kind, "--quiet", file, dir)
}

// run runs a tool, which ordinary users need not have in their PATH.
func run(ctx context.Context, tool string, args ...string) error {
	path, err := exec.LookPath(tool)
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if err == nil {
			break
		}
		path, err = exec.LookPath(filepath.Join(dir, tool))
	}
	if err != nil {
		return fmt.Errorf("%w: the tool %s is not installed", ErrUnavailable, tool)
	}
	out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %s", tool, err, bytes.TrimSpace(out))
	}
	return nil
}
