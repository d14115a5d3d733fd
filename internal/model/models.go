package model

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model/admission"
	"kakoi/internal/residency"
)

// Models returns every model in order.
func (c *Catalogue) Models(ctx context.Context) ([]Model, error) {
	if _, err := access.Authorize(ctx, access.ModelRead, access.Resource{Kind: access.KindModel}); err != nil {
		return nil, err
	}
	targets, err := c.targets(ctx)
	if err != nil {
		return nil, err
	}
	models := make([]Model, len(targets))
	for i, t := range targets {
		models[i] = t.model
	}
	return models, nil
}

// targets returns every model in order, with its grants.
func (c *Catalogue) targets(ctx context.Context) ([]target, error) {
	targets, err := selectTargets(ctx, c.db)
	if err != nil {
		return nil, err
	}
	grants, err := c.grants.OfKind(ctx, access.KindModel)
	for i := range targets {
		targets[i].model.Grants = grants[targets[i].model.ID]
	}
	return targets, err
}

// Judged says of each model, by its id, where it is and whether the policy
// permits that to the people it is for.
func (c *Catalogue) Judged(ctx context.Context) (map[string]residency.Decision, error) {
	return c.JudgedBy(ctx, c.places.Among(ctx))
}

// JudgedBy is Judged by something else than the policy that holds, such as one
// that is being written.
func (c *Catalogue) JudgedBy(ctx context.Context, judge func(residency.Call) residency.Decision) (map[string]residency.Decision, error) {
	if _, err := access.Authorize(ctx, access.ModelRead, access.Resource{Kind: access.KindModel}); err != nil {
		return nil, err
	}
	targets, err := c.targets(ctx)
	if err != nil {
		return nil, err
	}
	judged := make(map[string]residency.Decision, len(targets))
	for _, t := range targets {
		judged[t.model.ID] = judge(residency.Call{Place: c.place(t), ModelID: t.model.RemoteID, GroupIDs: access.Audience(t.model.Grants)})
	}
	return judged, nil
}

// JudgedRoutes says of each route of each model, by the model's id and in order,
// where it leads and whether the policy permits that.
func (c *Catalogue) JudgedRoutes(ctx context.Context) (map[string][]residency.Decision, error) {
	if _, err := access.Authorize(ctx, access.ModelRead, access.Resource{Kind: access.KindModel}); err != nil {
		return nil, err
	}
	targets, err := c.targets(ctx)
	if err != nil {
		return nil, err
	}
	judge := c.places.Judge(ctx)
	judged := make(map[string][]residency.Decision)
	for _, t := range targets {
		for _, r := range t.routes {
			way := t.by(r)
			judged[t.model.ID] = append(judged[t.model.ID], judge(residency.Call{Place: c.place(way), ModelID: way.model.RemoteID, GroupIDs: access.Audience(t.model.Grants)}))
		}
	}
	return judged, nil
}

// CreateModel makes a model, the last in the order.
func (c *Catalogue) CreateModel(ctx context.Context, d ModelDraft) (Model, error) {
	if _, err := access.Authorize(ctx, access.ModelWrite, access.Resource{Kind: access.KindModel}); err != nil {
		return Model{}, err
	}
	if d.Grants == nil {
		d.Grants = access.ForEveryone
	}
	now := fromMillis(c.now().UnixMilli())
	m := Model{
		ID: db.NewID(), ConnectionID: d.ConnectionID, RemoteID: d.RemoteID, DisplayName: d.DisplayName, Description: d.Description, Task: d.Task,
		Capabilities: d.Capabilities, Defaults: d.Defaults, Options: d.Options, Enabled: d.Enabled, Grants: d.Grants,
		Light: d.Light, FallbackID: d.FallbackID, Price: d.Price, Limits: d.Limits, Weight: d.Weight, Routes: d.Routes, CreatedAt: now, UpdatedAt: now,
	}
	err := c.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		connection, _, err := selectConnection(ctx, tx, m.ConnectionID)
		if errs.CodeOf(err) == errs.NotFound {
			return errs.InField("connectionId", "there is no such connection")
		} else if err != nil {
			return err
		}
		if m, err = m.validate(c.providers.adapters[connection.Kind]); err != nil {
			return err
		}
		if err := c.checkReferences(ctx, tx, connection, m); err != nil {
			return err
		}
		if err := c.checkRoutes(ctx, tx, m, connection.Kind); err != nil {
			return err
		}
		if m.Position, err = insertModel(ctx, tx, m); err != nil {
			return err
		}
		if err := c.grants.Set(ctx, objectOf(m), "grants", m.Grants); err != nil {
			return err
		}
		return c.recordModel(ctx, auditModelCreate, m)
	})
	if err == nil {
		c.learnPlace(ctx, m)
	}
	return m, err
}

// UpdateModel changes model id.
func (c *Catalogue) UpdateModel(ctx context.Context, id string, p ModelPatch) (Model, error) {
	if _, err := access.Authorize(ctx, access.ModelWrite, access.Resource{Kind: access.KindModel, ID: id}); err != nil {
		return Model{}, err
	}
	var m Model
	err := c.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		t, err := selectTarget(ctx, tx, id)
		if err != nil {
			return err
		}
		if m, err = t.model.patched(p).validate(c.providers.adapters[t.connection.Kind]); err != nil {
			return err
		}
		if err := c.checkReferences(ctx, tx, t.connection, m); err != nil {
			return err
		}
		if err := c.checkRoutes(ctx, tx, m, t.connection.Kind); err != nil {
			return err
		}
		m.UpdatedAt = fromMillis(c.now().UnixMilli())
		if err := updateModel(ctx, tx, m); err != nil {
			return err
		}
		if p.Grants != nil {
			if err := c.grants.Set(ctx, objectOf(m), "grants", m.Grants); err != nil {
				return err
			}
		}
		if m.Limits != t.model.Limits { // those who wait hear of it
			if err := admission.Changed(ctx, c.db, m.ID); err != nil {
				return err
			}
		}
		return c.recordModel(ctx, auditModelUpdate, m)
	})
	if err == nil && p.RemoteID != nil {
		c.learnPlace(ctx, m)
	}
	return m, err
}

// objectOf is a model as grants name it.
func objectOf(m Model) access.Object { return access.Object{Kind: access.KindModel, ID: m.ID} }

// checkReferences makes sure that the fallbacks of fallbacks end somewhere.
func (c *Catalogue) checkReferences(ctx context.Context, tx *db.Tx, of Connection, m Model) error {
	own := target{model: m, connection: of}
	own.place = c.place(own)
	foundation := own.foundation()
	seen := map[string]bool{m.ID: true}
	for next := m.FallbackID; next != ""; {
		if seen[next] {
			return errs.InField("fallbackId", "the models would stand in for each other in a circle")
		}
		seen[next] = true
		t, err := selectTarget(ctx, tx, next)
		if errs.CodeOf(err) == errs.NotFound {
			return errs.InField("fallbackId", "there is no such model")
		} else if err != nil {
			return err
		}
		if t.model.Task != m.Task {
			return errs.InField("fallbackId", "a model can stand in only for one with the same task")
		}
		if t.place = c.place(t); m.Task == TaskEmbedding && t.foundation() != foundation {
			return otherVectors()
		}
		next = t.model.FallbackID
	}
	return nil
}

// DeleteModel removes model id. Models that it stood in for lose their
// fallback; conversations keep what it said and go on with another.
func (c *Catalogue) DeleteModel(ctx context.Context, id string) error {
	if _, err := access.Authorize(ctx, access.ModelWrite, access.Resource{Kind: access.KindModel, ID: id}); err != nil {
		return err
	}
	return c.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		t, err := selectTarget(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := deleteModel(ctx, tx, id); err != nil {
			return err
		}
		if err := c.grants.Remove(ctx, objectOf(t.model)); err != nil {
			return err
		}
		return c.recordModel(ctx, auditModelDelete, t.model)
	})
}

// OrderModels puts the models ids first, in that order, and the others after
// them as they were. A model that has been deleted meanwhile is passed over.
func (c *Catalogue) OrderModels(ctx context.Context, ids []string) error {
	if _, err := access.Authorize(ctx, access.ModelWrite, access.Resource{Kind: access.KindModel}); err != nil {
		return err
	}
	return c.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		targets, err := selectTargets(ctx, tx)
		if err != nil {
			return err
		}
		rank := make(map[string]int, len(ids))
		for i, id := range ids {
			if _, twice := rank[id]; twice {
				return errs.InField("ids", "a model is there twice")
			}
			rank[id] = i
		}
		place := func(t target) int {
			if r, ok := rank[t.model.ID]; ok {
				return r
			}
			return len(ids)
		}
		slices.SortStableFunc(targets, func(a, b target) int { return place(a) - place(b) })
		for i, t := range targets {
			if position := int64(i) + 1; t.model.Position != position {
				if err := updatePosition(ctx, tx, t.model.ID, position); err != nil {
					return err
				}
			}
		}
		return c.audit.Record(ctx, audit.Event{
			Action: auditModelOrder, Resource: audit.Resource{Kind: string(access.KindModel)},
			Details: map[string]string{"first": strings.Join(ids[:min(len(ids), 10)], " ")},
		})
	})
}

func (c *Catalogue) recordModel(ctx context.Context, action string, m Model) error {
	routes := make([]string, len(m.Routes))
	for i, r := range m.Routes {
		routes[i] = fmt.Sprintf("%s/%s priority %d weight %d;", r.ConnectionID, r.RemoteID, r.Priority, r.Weight)
	}
	return c.audit.Record(ctx, audit.Event{
		Action:   action,
		Resource: audit.Resource{Kind: string(access.KindModel), ID: m.ID},
		Details: map[string]string{
			"name": m.DisplayName, "remote_id": m.RemoteID, "task": string(m.Task), "connection_id": m.ConnectionID,
			"enabled": strconv.FormatBool(m.Enabled), "grants": access.Describe(m.Grants), "fallback_id": m.FallbackID,
			"limits": fmt.Sprintf("%d at once, %d requests and %d tokens per minute", m.Limits.Concurrent, m.Limits.RequestsPerMinute, m.Limits.TokensPerMinute),
			"routes": strings.Join(routes, " "), "options": string(m.Options),
		},
	})
}
