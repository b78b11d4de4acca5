//go:build race

package uringsrc_test

const raceEnabled = true
