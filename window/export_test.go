package window

// RaceEnabled is raceEnabled, for the tests in package window_test.
const RaceEnabled = raceEnabled
