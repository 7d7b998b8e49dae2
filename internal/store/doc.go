// Package store is the system of record: all SQL of the product, on PostgreSQL or SQLite.
//
// There is one set of plain queries, written in PostgreSQL's dialect; dialect.go is the whole difference to SQLite. Each
// file holds the queries of one type. A method is one transaction, and what becomes true in it is told to the CRM by
// events that are written in the same transaction (event.go); once it is committed, [Options.OnEvent] wakes whoever
// delivers them.
//
// The attempt protocol of docs/architecture.md is in plan.go, claim.go, close.go and code.go, in the order of a call's life.
// Its guards are in the schema too: partial unique indexes keep a contact and a number in one open attempt at a time, and
// CHECKs refuse rows that cannot be.
//
// Moments are kept as Unix milliseconds, NULL for "has not happened"; they are answered in UTC.
package store
