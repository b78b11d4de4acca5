// Command c1count counts the newlines of files, once through a Cursor and once
// by hand. It is the first of the clients that the contract was written for.
package main
