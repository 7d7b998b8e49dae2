// Package day has no code of its own: its tests let people work for a day.
//
// TestFrontEndDay is one agent's, at one node on its defaults, in a page made of the examples in docs/frontend.md: by our own
// telephony with SIPp and JsSIP in Chromium, by the Mediatel simulator, and by npm's socket.io servers as Mediatels. Each state
// is checked field by field.
//
// TestDay is a department's. The program itself runs as two nodes from the sample configuration, with PostgreSQL and Redis; SIPp
// is two carriers and the customers behind them; agents sit at baresip and at JsSIP in Chromium, with the official Socket.IO
// client as their tab; a CRM verifies every webhook. Then things break, and in the end the record is held against what the far
// ends saw.
//
// make day runs them (about seven minutes), make day LONG=1 for longer: half an hour of TestDay, in which memory, goroutines and
// file descriptors have to stay flat.
package day
