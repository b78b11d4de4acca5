// Command bench compares Oriel with what it replaces, in the same run.
//
//	go run . [flags] [workload…]
//
// Without a workload it runs all of them; -list says which there are. The
// README says how to read what it prints.
package main
