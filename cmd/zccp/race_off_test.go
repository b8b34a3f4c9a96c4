//go:build !race

package main_test

// raceDetector tells that nobody looks for data races.
const raceDetector = false
