package store

import "database/sql"

// DB lets tests read and write rows as no method would.
func (s *Store) DB() *sql.DB { return s.engine.database() }

// Settle looks at once at whom what has happened bars. A process does so soon after, and holds rows for a moment that a plan
// passes over: one in a test whose clock has jumped on meanwhile would find nobody.
func (s *Store) Settle() { s.settle() }

// BesideOthers is for the test of migrations that lose each step to another process.
var BesideOthers = besideOthers
