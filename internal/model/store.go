package model

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/residency"
)

const connectionColumns = `c.id, c.name, c.kind, c.enabled, c.settings, c.secret_names, c.version, c.created_at, c.updated_at`

// connectionRow receives connectionColumns.
type connectionRow struct {
	c                    Connection
	settings, names      string
	createdAt, updatedAt int64
}

func (r *connectionRow) dest() []any {
	return []any{&r.c.ID, &r.c.Name, &r.c.Kind, &r.c.Enabled, &r.settings, &r.names, &r.c.version, &r.createdAt, &r.updatedAt}
}

func (r *connectionRow) connection() (Connection, error) {
	if err := json.Unmarshal([]byte(r.settings), &r.c.Settings); err != nil {
		return Connection{}, fmt.Errorf("read the settings of connection %s: %w", r.c.ID, err)
	}
	if err := json.Unmarshal([]byte(r.names), &r.c.SecretNames); err != nil {
		return Connection{}, fmt.Errorf("read connection %s: %w", r.c.ID, err)
	}
	r.c.CreatedAt, r.c.UpdatedAt = fromMillis(r.createdAt), fromMillis(r.updatedAt)
	return r.c, nil
}

const selectConnectionQuery = `
	SELECT ` + connectionColumns + `, c.secret, (SELECT COUNT(*) FROM models m WHERE m.connection_id = c.id)
	FROM   connections c
	WHERE  c.id = $1`

// selectConnection returns connection id and its sealed secret.
func selectConnection(ctx context.Context, q db.Queryer, id string) (Connection, []byte, error) {
	var r connectionRow
	var sealed []byte
	err := q.QueryRowContext(ctx, selectConnectionQuery, id).Scan(append(r.dest(), &sealed, &r.c.Models)...)
	if errors.Is(err, sql.ErrNoRows) {
		return Connection{}, nil, errs.New(errs.NotFound, "there is no such connection")
	} else if err != nil {
		return Connection{}, nil, fmt.Errorf("read connection %s: %w", id, err)
	}
	c, err := r.connection()
	return c, sealed, err
}

const selectConnectionsQuery = `
	SELECT ` + connectionColumns + `, (SELECT COUNT(*) FROM models m WHERE m.connection_id = c.id)
	FROM   connections c
	ORDER  BY c.created_at, c.id`

func selectConnections(ctx context.Context, q db.Queryer) ([]Connection, error) {
	rows, err := q.QueryContext(ctx, selectConnectionsQuery)
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	defer rows.Close()
	list := []Connection{}
	for rows.Next() {
		var r connectionRow
		if err := rows.Scan(append(r.dest(), &r.c.Models)...); err != nil {
			return nil, fmt.Errorf("list connections: %w", err)
		}
		c, err := r.connection()
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	return list, nil
}

const insertConnectionQuery = `
	INSERT INTO connections (id, name, kind, enabled, settings, secret, secret_names, created_at, updated_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

func insertConnection(ctx context.Context, q db.Queryer, c Connection, sealed []byte) error {
	settings, names, err := encodeConnection(c)
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, insertConnectionQuery, c.ID, c.Name, string(c.Kind), c.Enabled, settings, sealed, names,
		c.CreatedAt.UnixMilli(), c.UpdatedAt.UnixMilli())
	return connectionWritten(err, c)
}

const updateConnectionQuery = `
	UPDATE connections
	SET    name = $1, enabled = $2, settings = $3, secret = $4, secret_names = $5, updated_at = $6, version = version + 1
	WHERE  id = $7`

func updateConnection(ctx context.Context, q db.Queryer, c Connection, sealed []byte) error {
	settings, names, err := encodeConnection(c)
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, updateConnectionQuery, c.Name, c.Enabled, settings, sealed, names, c.UpdatedAt.UnixMilli(), c.ID)
	return connectionWritten(err, c)
}

func encodeConnection(c Connection) (settings, names string, err error) {
	s, err := json.Marshal(c.Settings)
	if err != nil {
		return "", "", fmt.Errorf("write connection %s: %w", c.ID, err)
	}
	if c.SecretNames == nil {
		c.SecretNames = []string{}
	}
	n, err := json.Marshal(c.SecretNames)
	if err != nil {
		return "", "", fmt.Errorf("write connection %s: %w", c.ID, err)
	}
	return string(s), string(n), nil
}

func connectionWritten(err error, c Connection) error {
	if db.IsUniqueViolation(err) {
		e := errs.Newf(errs.Conflict, "there is a connection of the name %s already", c.Name)
		e.Field = "name"
		return e
	} else if err != nil {
		return fmt.Errorf("write connection %s: %w", c.ID, err)
	}
	return nil
}

const selectDependentsQuery = `
	SELECT m.id, m.display_name, m.connection_id
	FROM   models m
	WHERE  m.connection_id = $1
	OR     EXISTS (SELECT 1 FROM model_routes r WHERE r.model_id = m.id AND r.connection_id = $2)
	ORDER  BY m.position, m.id`

// selectDependents returns the models that need connection id.
func selectDependents(ctx context.Context, q db.Queryer, id string) (Dependents, error) {
	rows, err := q.QueryContext(ctx, selectDependentsQuery, id, id)
	if err != nil {
		return Dependents{}, fmt.Errorf("read who needs connection %s: %w", id, err)
	}
	defer rows.Close()
	var found Dependents
	for rows.Next() {
		var d Dependent
		var own string
		if err := rows.Scan(&d.ID, &d.DisplayName, &own); err != nil {
			return Dependents{}, fmt.Errorf("read who needs connection %s: %w", id, err)
		}
		if own == id {
			found.Models = append(found.Models, d)
		} else {
			found.Routed = append(found.Routed, d)
		}
	}
	if err := rows.Err(); err != nil {
		return Dependents{}, fmt.Errorf("read who needs connection %s: %w", id, err)
	}
	return found, nil
}

func deleteConnection(ctx context.Context, q db.Queryer, id string) error {
	for _, statement := range []string{
		`DELETE FROM model_routes WHERE connection_id = $1`,
		`UPDATE models SET fallback_id = NULL WHERE fallback_id IN (SELECT id FROM models WHERE connection_id = $1)`,
		`DELETE FROM models WHERE connection_id = $1`,
		`DELETE FROM connections WHERE id = $1`,
	} {
		if _, err := q.ExecContext(ctx, statement, id); err != nil {
			return fmt.Errorf("delete connection %s: %w", id, err)
		}
	}
	return nil
}

func countConnections(ctx context.Context, q db.Queryer) (int, error) {
	var n int
	err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM connections`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count connections: %w", err)
	}
	return n, nil
}

const modelColumns = `m.id, m.connection_id, m.remote_id, m.display_name, m.description, m.capabilities, m.defaults, m.options,
	       m.position, m.enabled, m.task, m.light, COALESCE(m.fallback_id, ''), m.currency, m.input_price, m.output_price,
	       m.cache_read_price, m.cache_write_price, m.created_at, m.updated_at,
	       m.max_concurrent, m.requests_per_minute, m.tokens_per_minute, m.weight`

// modelRow receives modelColumns.
type modelRow struct {
	m                               Model
	capabilities, defaults, options string
	input, output                   int64
	cacheRead, cacheWrite           sql.NullInt64
	createdAt, updatedAt            int64
}

func (r *modelRow) dest() []any {
	return []any{
		&r.m.ID, &r.m.ConnectionID, &r.m.RemoteID, &r.m.DisplayName, &r.m.Description, &r.capabilities, &r.defaults, &r.options,
		&r.m.Position, &r.m.Enabled, &r.m.Task, &r.m.Light, &r.m.FallbackID, &r.m.Price.Currency, &r.input, &r.output,
		&r.cacheRead, &r.cacheWrite, &r.createdAt, &r.updatedAt,
		&r.m.Limits.Concurrent, &r.m.Limits.RequestsPerMinute, &r.m.Limits.TokensPerMinute, &r.m.Weight,
	}
}

func (r *modelRow) model() (Model, error) {
	m := r.m
	if err := json.Unmarshal([]byte(r.capabilities), &m.Capabilities); err != nil {
		return Model{}, fmt.Errorf("read the capabilities of model %s: %w", m.ID, err)
	}
	if err := json.Unmarshal([]byte(r.defaults), &m.Defaults); err != nil {
		return Model{}, fmt.Errorf("read the defaults of model %s: %w", m.ID, err)
	}
	if r.options != "" {
		m.Options = json.RawMessage(r.options)
	}
	m.Price.Input, m.Price.Output = units(r.input), units(r.output)
	m.Price.CacheRead, m.Price.CacheWrite = optionalUnits(r.cacheRead), optionalUnits(r.cacheWrite)
	m.Routes = []Route{}
	m.CreatedAt, m.UpdatedAt = fromMillis(r.createdAt), fromMillis(r.updatedAt)
	return m, nil
}

func units(micros int64) float64 { return float64(micros) / microsPerUnit }

func optionalUnits(micros sql.NullInt64) *float64 {
	if !micros.Valid {
		return nil
	}
	u := units(micros.Int64)
	return &u
}

func optionalMicros(units *float64) sql.NullInt64 {
	if units == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: micros(*units), Valid: true}
}

// target is a model and the way to it.
type target struct {
	model      Model
	connection Connection
	place      residency.Place // where the model is; set by the catalogue
	routes     []route         // further ways
}

var grantsColumn = access.GrantsColumn(access.KindModel, "m.id")

var selectTargetQuery = `
	SELECT ` + modelColumns + `, ` + connectionColumns + `,
	       ` + grantsColumn + `,
	       (SELECT COUNT(*) FROM model_routes r WHERE r.model_id = m.id)
	FROM   models m JOIN connections c ON c.id = m.connection_id
	WHERE  m.id = $1`

// selectTarget returns model id, its grants, its connection and its routes.
func selectTarget(ctx context.Context, q db.Queryer, id string) (target, error) {
	var m modelRow
	var c connectionRow
	var grants string
	var routes int
	err := q.QueryRowContext(ctx, selectTargetQuery, id).Scan(append(append(m.dest(), c.dest()...), &grants, &routes)...)
	if errors.Is(err, sql.ErrNoRows) {
		return target{}, errs.New(errs.NotFound, "there is no such model")
	} else if err != nil {
		return target{}, fmt.Errorf("read model %s: %w", id, err)
	}
	t, err := newTarget(m, c)
	if err != nil {
		return target{}, err
	}
	t.model.Grants = access.ParseGrants(grants)
	if routes == 0 { // most models have none, and need no second query
		return t, nil
	}
	further, err := selectRoutes(ctx, q, id)
	return t.routed(further[id]), err
}

// selectTask returns what a connection's model is for, by its name where the
// catalogue does not have it.
func selectTask(ctx context.Context, q db.Queryer, connectionID, remoteID string) (Task, error) {
	var task Task
	err := q.QueryRowContext(ctx, `SELECT task FROM models WHERE connection_id = $1 AND remote_id = $2 ORDER BY position LIMIT 1`, connectionID, remoteID).Scan(&task)
	if errors.Is(err, sql.ErrNoRows) {
		return TaskOf(remoteID), nil
	} else if err != nil {
		return "", fmt.Errorf("read what model %s is for: %w", remoteID, err)
	}
	return task, nil
}

// selectRemoteIDs returns the provider's ids of a connection's models.
func selectRemoteIDs(ctx context.Context, q db.Queryer, connectionID string) (ids []string, err error) {
	rows, err := q.QueryContext(ctx, `SELECT DISTINCT remote_id FROM models WHERE connection_id = $1 ORDER BY remote_id`, connectionID)
	if err != nil {
		return nil, fmt.Errorf("read the models of connection %s: %w", connectionID, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("read the models of connection %s: %w", connectionID, err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func newTarget(m modelRow, c connectionRow) (target, error) {
	model, err := m.model()
	if err != nil {
		return target{}, err
	}
	connection, err := c.connection()
	return target{model: model, connection: connection}, err
}

const selectTargetsQuery = `
	SELECT ` + modelColumns + `, ` + connectionColumns + `
	FROM   models m JOIN connections c ON c.id = m.connection_id
	ORDER  BY m.position, m.id`

// selectTargets returns every model in order, without its grants.
func selectTargets(ctx context.Context, q db.Queryer) ([]target, error) {
	return queryTargets(ctx, q, selectTargetsQuery)
}

// selectUsable returns the models, in order, that p may use for task now. Their
// grants are left out: a person need not know them.
func selectUsable(ctx context.Context, q db.Queryer, task Task, p access.Principal) ([]target, error) {
	var where db.Conditions
	where.Add("m.enabled")
	where.Add("m.task = ?", string(task))
	where.Add("(c.enabled OR EXISTS (SELECT 1 FROM model_routes r JOIN connections rc ON rc.id = r.connection_id WHERE r.model_id = m.id AND rc.enabled))")
	access.Granted(&where, p, access.Within{Kind: access.KindModel, Column: "m.id"})
	query := `
	SELECT ` + modelColumns + `, ` + connectionColumns + `
	FROM   models m JOIN connections c ON c.id = m.connection_id` + where.Where() + `
	ORDER  BY m.position, m.id`
	return queryTargets(ctx, q, query, where.Args()...)
}

func queryTargets(ctx context.Context, q db.Queryer, query string, args ...any) ([]target, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	defer rows.Close()
	targets := []target{}
	for rows.Next() {
		var m modelRow
		var c connectionRow
		if err := rows.Scan(append(m.dest(), c.dest()...)...); err != nil {
			return nil, fmt.Errorf("list models: %w", err)
		}
		t, err := newTarget(m, c)
		if err != nil {
			return nil, err
		}
		targets = append(targets, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	if err := rows.Close(); err != nil { // a transaction has one conversation
		return nil, fmt.Errorf("list models: %w", err)
	}
	routes, err := selectRoutes(ctx, q, "")
	if err != nil {
		return nil, err
	}
	for i, t := range targets {
		if of := routes[t.model.ID]; of != nil {
			targets[i] = t.routed(of)
		}
	}
	return targets, nil
}

const insertModelQuery = `
	INSERT INTO models (id, connection_id, remote_id, display_name, description, capabilities, defaults, options, position,
	                    enabled, task, light, fallback_id, currency, input_price, output_price, cache_read_price, cache_write_price,
	                    created_at, updated_at, max_concurrent, requests_per_minute, tokens_per_minute, weight)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, (SELECT COALESCE(MAX(position), 0) + 1 FROM models),
	        $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
	RETURNING position`

// insertModel stores m as the last in the order and returns its position.
func insertModel(ctx context.Context, q db.Queryer, m Model) (position int64, err error) {
	capabilities, defaults, err := encodeModel(m)
	if err != nil {
		return 0, err
	}
	err = q.QueryRowContext(ctx, insertModelQuery, m.ID, m.ConnectionID, m.RemoteID, m.DisplayName, m.Description,
		capabilities, defaults, string(m.Options), m.Enabled, string(m.Task), m.Light, nullable(m.FallbackID),
		m.Price.Currency, micros(m.Price.Input), micros(m.Price.Output), optionalMicros(m.Price.CacheRead), optionalMicros(m.Price.CacheWrite),
		m.CreatedAt.UnixMilli(), m.UpdatedAt.UnixMilli(),
		m.Limits.Concurrent, m.Limits.RequestsPerMinute, m.Limits.TokensPerMinute, max(m.Weight, 1)).Scan(&position)
	if err != nil {
		return 0, fmt.Errorf("write model %s: %w", m.ID, err)
	}
	if err := replaceRoutes(ctx, q, m); err != nil {
		return 0, err
	}
	return position, nil
}

const updateModelQuery = `
	UPDATE models
	SET    remote_id = $1, display_name = $2, description = $3, capabilities = $4, defaults = $5, options = $6,
	       enabled = $7, task = $8, light = $9, fallback_id = $10, currency = $11, input_price = $12, output_price = $13,
	       cache_read_price = $14, cache_write_price = $15, updated_at = $16,
	       max_concurrent = $17, requests_per_minute = $18, tokens_per_minute = $19, weight = $20
	WHERE  id = $21`

func updateModel(ctx context.Context, q db.Queryer, m Model) error {
	capabilities, defaults, err := encodeModel(m)
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, updateModelQuery, m.RemoteID, m.DisplayName, m.Description, capabilities, defaults, string(m.Options),
		m.Enabled, string(m.Task), m.Light, nullable(m.FallbackID), m.Price.Currency, micros(m.Price.Input), micros(m.Price.Output),
		optionalMicros(m.Price.CacheRead), optionalMicros(m.Price.CacheWrite), m.UpdatedAt.UnixMilli(),
		m.Limits.Concurrent, m.Limits.RequestsPerMinute, m.Limits.TokensPerMinute, max(m.Weight, 1), m.ID)
	if err != nil {
		return fmt.Errorf("write model %s: %w", m.ID, err)
	}
	if err := replaceRoutes(ctx, q, m); err != nil {
		return err
	}
	return nil
}

func encodeModel(m Model) (capabilities, defaults string, err error) {
	c, err := json.Marshal(m.Capabilities)
	if err != nil {
		return "", "", fmt.Errorf("write model %s: %w", m.ID, err)
	}
	d, err := json.Marshal(m.Defaults)
	if err != nil {
		return "", "", fmt.Errorf("write model %s: %w", m.ID, err)
	}
	return string(c), string(d), nil
}

func updatePosition(ctx context.Context, q db.Queryer, id string, position int64) error {
	if _, err := q.ExecContext(ctx, `UPDATE models SET position = $1 WHERE id = $2`, position, id); err != nil {
		return fmt.Errorf("order model %s: %w", id, err)
	}
	return nil
}

func deleteModel(ctx context.Context, q db.Queryer, id string) error {
	if _, err := q.ExecContext(ctx, `DELETE FROM models WHERE id = $1`, id); err != nil {
		return fmt.Errorf("delete model %s: %w", id, err)
	}
	return nil
}

const insertUsageQuery = `
	INSERT INTO usage_records (id, started_at, account_id, model_id, model_name, requested_model_id, connection_id, feature,
	                           conversation_id, run_id, place, place_reason, input_tokens, output_tokens, reasoning_tokens,
	                           cache_read_tokens, cache_write_tokens, estimated, cost_micros, currency, outcome, attempts,
	                           first_token_ms, duration_ms, audio_ms, operation, units)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)`

func insertUsage(ctx context.Context, q db.Queryer, u UsageRecord) error {
	var firstToken sql.NullInt64
	if u.FirstToken > 0 {
		firstToken = sql.NullInt64{Int64: u.FirstToken.Milliseconds(), Valid: true}
	}
	_, err := q.ExecContext(ctx, insertUsageQuery, u.ID, u.StartedAt.UnixMilli(), u.AccountID, u.ModelID, u.ModelName,
		u.RequestedModelID, u.ConnectionID, u.Feature, u.ConversationID, u.RunID, u.Place, u.PlaceReason,
		u.Usage.InputTokens, u.Usage.OutputTokens, u.Usage.ReasoningTokens, u.Usage.CacheReadTokens, u.Usage.CacheWriteTokens,
		u.Usage.Estimated, u.Cost.Micros, u.Cost.Currency, string(u.Outcome), u.Attempts, firstToken, u.Duration.Milliseconds(),
		u.Audio.Milliseconds(), u.Operation, u.Units)
	if err != nil {
		return fmt.Errorf("record the use of model %s: %w", u.ModelID, err)
	}
	return nil
}

func nullable(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
