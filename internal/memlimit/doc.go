// Package memlimit tells how much memory the process may use: the smallest of
// GOMEMLIMIT, the limits of its control groups and what the machine has. It finds
// those groups for others too, and what room is in each.
package memlimit
