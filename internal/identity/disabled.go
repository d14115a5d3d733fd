package identity

import (
	"context"
	"fmt"
)

// Disabled returns which accounts are disabled, id alone if it is not "". It is
// for what the server does by itself when rights have changed; it asks nobody.
func (s *Service) Disabled(ctx context.Context, id string) ([]string, error) {
	const disabled = `SELECT id FROM accounts WHERE disabled = TRUE AND ($1 = '' OR id = $2)`
	rows, err := s.db.QueryContext(ctx, disabled, id, id)
	if err != nil {
		return nil, fmt.Errorf("look which accounts are disabled: %w", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("look which accounts are disabled: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
