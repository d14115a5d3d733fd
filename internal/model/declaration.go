package model

import (
	"context"

	"kakoi/internal/egress"
)

// Declarations returns what connections let the program reach, and for what.
// Whoever shows it decides who may see it.
func (c *Catalogue) Declarations(ctx context.Context) ([]egress.Declaration, error) {
	connections, err := selectConnections(ctx, c.db)
	if err != nil {
		return nil, err
	}
	list := []egress.Declaration{{Purpose: "detect", Destinations: detectAt}}
	for _, connection := range connections {
		allow, _ := connection.Settings.destinations(connection.Kind)
		list = append(list, egress.Declaration{Purpose: "model:" + connection.ID, Name: connection.Name, Destinations: allow})
	}
	return list, nil
}
