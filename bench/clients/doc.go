// Package clients holds programs that were written against the contract before
// the library was, and the test that runs them. docs/decisions/0002-clients.md
// says how they differ from what was written then.
package clients
