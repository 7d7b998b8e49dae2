// Package store is the system of record: all SQL of the product, on PostgreSQL or SQLite.
//
// There is one set of plain queries, written in PostgreSQL's dialect; postgres.go and sqlite.go are the whole difference.
// An opened [Store] is a set of small types over one database, one for each interface that a room declares (rooms.go); each of
// the other files holds the queries of one subject. A method is one transaction, and what becomes true in it is told to
// the CRM by events that are written in the same transaction (event.go); once it is committed, [Options.OnEvent] wakes
// whoever delivers them.
//
// The attempt protocol of docs/architecture.md is in plan.go, claim.go, close.go and code.go, in the order of a call's life.
// Its guards are in the schema too: partial unique indexes keep a contact, a person and a number in one open attempt at a
// time, and CHECKs refuse rows that cannot be.
//
// Hundreds of calls take a step each second, and a transaction costs much the same for one row as for fifty. So the steps
// of calls gather while a transaction is on its way (batcher.go), each decides on rows that the next transaction holds in
// memory (step.go), and what has changed is written by one statement a table (gather.go).
//
// Moments are kept as Unix milliseconds, NULL for "has not happened"; they are returned in UTC.
package store
