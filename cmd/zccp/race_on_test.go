//go:build race

package main_test

// raceDetector tells that the tests, and so the programs that they build and
// run, look for data races.
const raceDetector = true
