package store

import "database/sql"

// DB lets tests read and write rows as no method would.
func (s *Store) DB() *sql.DB { return s.engine.database() }
