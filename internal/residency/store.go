package residency

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kakoi/internal/db"
)

func selectListed(ctx context.Context, q db.Queryer) ([]Listed, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, region, models, listed_at FROM inference_profiles`)
	if err != nil {
		return nil, fmt.Errorf("read inference profiles: %w", err)
	}
	defer rows.Close()
	var all []Listed
	for rows.Next() {
		var l Listed
		var models string
		var at int64
		if err := rows.Scan(&l.ID, &l.Region, &models, &at); err != nil {
			return nil, fmt.Errorf("read inference profiles: %w", err)
		}
		if err := json.Unmarshal([]byte(models), &l.Models); err != nil {
			return nil, fmt.Errorf("read inference profile %s: %w", l.ID, err)
		}
		l.At = time.UnixMilli(at).UTC()
		all = append(all, l)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read inference profiles: %w", err)
	}
	return all, nil
}

func upsertListed(ctx context.Context, q db.Queryer, l Listed) error {
	models, err := json.Marshal(l.Models)
	if err != nil {
		return fmt.Errorf("write inference profile %s: %w", l.ID, err)
	}
	_, err = q.ExecContext(ctx, `
		INSERT INTO inference_profiles (id, region, models, listed_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id, region) DO UPDATE SET models = excluded.models, listed_at = excluded.listed_at`,
		l.ID, l.Region, string(models), l.At.UnixMilli())
	if err != nil {
		return fmt.Errorf("write inference profile %s: %w", l.ID, err)
	}
	return nil
}
