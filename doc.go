// Package oriel reads files, pipes and custom sources in windows: owned slices
// of resident memory that do not change and do not disappear until they are
// released.
//
//	for line, err := range oriel.Lines(ctx, "huge.log", nil) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(line.Off(), len(line.Bytes()))
//	}
//
// This package is the front door. Package window holds the contract (windows,
// cursors, errors, and the words used for them), package source opens things,
// package pool is the memory. The name Create is reserved for writing, which
// this version does not do.
//
// # Who releases
//
// What a function or method returns as a [Window] is yours: Release it once,
// on every path, or hand it to somebody who will. What an iterator or a
// [Cursor] method returns as a [Borrowed] is lent until its next call: there is
// nothing to release, and Retain makes a Window of it.
//
//	w, err := f.ReadManagedAt(ctx, off, n)   yours; none when err != nil
//	w.Retain(), w.Slice(lo, hi)              one more, yours too
//	c.Next(n)                                yours
//	c.Line(), c.Until('\n'), c.Peek(n)       lent until c's next call
//	range c.Lines(), range oriel.Lines(…)    lent until the next iteration
//	line.Retain(ctx)                         yours
//	w.Bytes()                                lent until w is released
//
// Sending a Window to another goroutine hands it over: the receiver releases
// it. Releasing twice, or using what was released, panics. A window held keeps
// memory of a bounded pool in use: a cache of windows registers with
// [pool.Pool.OnPressure], or copies small pieces with [Window.Compact].
//
// Close of a File, Reader or Cursor takes no window away from anybody.
package oriel
