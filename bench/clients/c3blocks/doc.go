// Command c3blocks reads random blocks of a storage engine whose own cache
// keeps windows alive and gives memory back under pressure.
package main
