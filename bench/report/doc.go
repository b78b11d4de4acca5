// Package report prints what was measured: as a table for people, as Markdown
// to be kept, and as JSON with every sample.
package report
