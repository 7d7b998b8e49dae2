package store

import "database/sql"

// DB lets tests write rows that no method would.
func (s *Store) DB() *sql.DB { return s.write }
