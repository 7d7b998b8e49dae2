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
// TestPredictiveDay is that of a department whose customers are called before there is an agent, by two nodes on the
// defaults. SIPp is the customers' signalling, and their ears and mouths are the test's: it knows when each of them heard an
// agent's phone or the message. All agents leave at once, a trunk and a node are lost; what the customers have heard is then
// what the account in SQL, the API and the reports count, call by call.
//
// TestMachines is the detector of answering machines at customers who speak: SIPp's answer as machines, with a greeting of a
// synthesiser and a beep, and as people, for each action and for an agent who has gone; what they hear, and when, is held against
// the record and the account.
//
// make day runs them (about ten minutes), make day LONG=1 for longer: half an hour of TestDay and an hour of
// TestPredictiveDay with 40 agents, in which memory, goroutines and file descriptors have to stay flat.
package day
