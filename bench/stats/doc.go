// Package stats compares two ways by samples that were taken in pairs.
//
// A [Comparison] is the ratio of the medians of a way and its baseline, with a
// bootstrap interval over the pairs: pairs are drawn together, so that what
// disturbs both halves of a pair does not widen the interval. A [Bound] is
// judged by the interval, never by the figure in its middle.
package stats
