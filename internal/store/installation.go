package store

import (
	"context"
	"fmt"
)

// Installation is the name that was made with the tables, by which this database's nodes know each other on a shared Redis.
func (s *Store) Installation(ctx context.Context) (string, error) {
	name, err := one(ctx, s, scanText, `SELECT name FROM installation WHERE id = 1`)
	if err != nil {
		return "", fmt.Errorf("store: the installation's name: %w", err)
	}
	return name, nil
}
