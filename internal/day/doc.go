// Package day has no code of its own: its test lets a department work for a day. The program itself runs as two nodes from the
// sample configuration, with PostgreSQL and Redis; SIPp is two carriers and the customers behind them; agents sit at baresip and
// at JsSIP in Chromium, with the official Socket.IO client as their tab; a CRM verifies every webhook. Then things break, and in
// the end the record is held against what the far ends saw.
//
// make day runs it (about three minutes), make day LONG=1 for half an hour, in which memory, goroutines and file descriptors
// have to stay flat.
package day
