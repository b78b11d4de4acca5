// Package spread spreads goroutines over shards of what they all count or take.
package spread
