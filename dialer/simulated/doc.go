// Package simulated is a phone network of scripted phones: customers who answer, are busy or ring out, agents' phones that
// answer by themselves or stay silent, talks that either side ends.
//
// What a phone does is drawn from a [Script] by the seed and the attempt's id alone, so a run can be repeated whatever
// the order of its calls. When it does it is told by a [Clock]: real, hurried for a demonstration, or virtual. All calls
// wait in one heap of moments that one goroutine serves; thousands of calls a second need no thousands of goroutines.
//
// Every ring of a customer's phone is counted, and written to a [Ledger] if there is one, so that tests can hold the
// dialer to its promise: at most one ring an attempt.
package simulated
