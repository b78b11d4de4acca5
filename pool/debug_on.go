//go:build orieldebug

package pool

// debugBuild makes every pool begin with the whole debug mode on.
const debugBuild = true
