// Package hostile tests what Oriel's mappings promise on devices that die or
// fail, in processes that have too little memory or are killed, and on file
// systems that must not be mapped.
//
// It has tests only. They need root, FUSE, loop devices and control groups, and
// each says what it lacks where it skips.
package hostile
