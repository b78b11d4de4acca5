// Package archtest holds the structure and the style of this module as tests.
//
// It parses every Go file of the tree, whatever its build tags and operating
// system, so that a rule broken in a file for Windows fails on Linux too. The
// tables in policy_test.go are policy: a change there is a decision, to be
// made in a commit that says why. Every rule has small sources that break it
// (broken_test.go), and a rule without one fails the tests itself.
package archtest
