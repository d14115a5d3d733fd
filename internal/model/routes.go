package model

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"

	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/residency"
)

// Route is a further way to a model, beside its own connection: another
// account, another region, another server.
type Route struct {
	ConnectionID string
	RemoteID     string // as the provider of this connection calls the model
	Weight       int    // its share among the routes of its priority
	Priority     int    // 1 goes first; a higher one only when no lower can answer
}

const (
	maxRoutes   = 20
	maxWeight   = 1000
	maxPriority = 9

	ownPriority = 1 // of the model's own connection
)

// route is a Route with its connection.
type route struct {
	Route
	connection Connection
	place      residency.Place // set by the catalogue
}

// reachable reports whether one of the ways to t is switched on.
func (t target) reachable() bool {
	return t.connection.Enabled || slices.ContainsFunc(t.routes, func(r route) bool { return r.connection.Enabled })
}

// Reaches reports whether one of the ways to m is this one.
func (m Model) Reaches(connectionID, remoteID string) bool {
	return m.ConnectionID == connectionID && m.RemoteID == remoteID || slices.ContainsFunc(m.Routes, func(r Route) bool {
		return r.ConnectionID == connectionID && r.RemoteID == remoteID
	})
}

// cleanRoutes returns the routes of m as they are stored.
func (m Model) cleanRoutes() (Model, error) {
	if m.Weight == 0 {
		m.Weight = 1
	}
	if m.Weight < 1 || m.Weight > maxWeight {
		return m, errs.InField("weight", fmt.Sprintf("a weight is from 1 to %d", maxWeight))
	}
	if len(m.Routes) > maxRoutes {
		return m, errs.InField("routes", fmt.Sprintf("a model has at most %d routes", maxRoutes))
	}
	routes := slices.Clone(m.Routes)
	if routes == nil {
		routes = []Route{}
	}
	seen := map[[2]string]bool{{m.ConnectionID, m.RemoteID}: true}
	for i := range routes {
		r := &routes[i]
		field := routeField(i)
		if r.RemoteID == "" {
			r.RemoteID = m.RemoteID
		}
		if len(r.RemoteID) > maxRemoteID || !printable(r.RemoteID) {
			return m, errs.InField(field+".remoteId", "give the id by which the provider knows the model, for example gemma3:4b or jp.anthropic.claude-sonnet-4-6")
		}
		r.Weight, r.Priority = cmp.Or(r.Weight, 1), cmp.Or(r.Priority, ownPriority)
		if r.Weight < 1 || r.Weight > maxWeight {
			return m, errs.InField(field+".weight", fmt.Sprintf("a weight is from 1 to %d", maxWeight))
		}
		if r.Priority < 1 || r.Priority > maxPriority {
			return m, errs.InField(field+".priority", fmt.Sprintf("a priority is from 1 to %d", maxPriority))
		}
		key := [2]string{r.ConnectionID, r.RemoteID}
		if seen[key] {
			return m, errs.InField(field+".connectionId", "this route is there already").With("reason", "twice")
		}
		seen[key] = true
	}
	m.Routes = routes
	return m, nil
}

// routeField is the path of a route in what was sent.
func routeField(i int) string { return "routes[" + strconv.Itoa(i) + "]" }

// checkRoutes makes sure that the connections of routes exist and speak what
// the model's own does: its options and what it has said before mean nothing to
// others.
func (c *Catalogue) checkRoutes(ctx context.Context, tx *db.Tx, m Model, kind Kind) error {
	for i, r := range m.Routes {
		field := routeField(i) + ".connectionId"
		connection, _, err := selectConnection(ctx, tx, r.ConnectionID)
		if errs.CodeOf(err) == errs.NotFound {
			return errs.InField(field, "there is no such connection").With("reason", "gone")
		} else if err != nil {
			return err
		}
		if connection.Kind != kind {
			return errs.InField(field, "a route goes over a connection of the same kind as the model's own; a model of another kind can stand in as its fallback").With("reason", "kind")
		}
	}
	return nil
}

// ways returns t by each of its routes that is switched on, its own among them,
// in the order in which a call with this key tries them: by priority, and within
// one by weight. Calls of one key, such as a conversation, go the same way while
// the routes stay as they are, so that a provider finds the prompt in its cache.
// An empty key takes its chance.
func (t target) ways(key string) []target {
	if len(t.routes) == 0 { // whoever asks knows that it is switched on
		return []target{t}
	}
	type way struct {
		target
		priority int
		rank     float64
	}
	own := route{Route{t.connection.ID, t.model.RemoteID, cmp.Or(t.model.Weight, 1), ownPriority}, t.connection, t.place}
	ways := make([]way, 0, len(t.routes)+1)
	for _, r := range append([]route{own}, t.routes...) {
		if !r.connection.Enabled {
			continue
		}
		ways = append(ways, way{t.by(r), r.Priority, rank(key, r.Route)})
	}
	slices.SortStableFunc(ways, func(a, b way) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(b.rank, a.rank))
	})
	out := make([]target, len(ways))
	for i, w := range ways {
		out[i] = w.target
	}
	return out
}

// by returns t as it is reached by r.
func (t target) by(r route) target {
	t.connection, t.model.RemoteID, t.place = r.connection, r.RemoteID, r.place
	return t
}

// rank is weighted rendezvous hashing: of all keys, a route comes first for a
// share that is its weight, and when a route goes only its own keys move.
func rank(key string, r Route) float64 {
	h := fnv.New64a()
	for _, s := range []string{key, r.ConnectionID, r.RemoteID} {
		_, _ = h.Write([]byte(s)) // a hash takes everything
		_, _ = h.Write([]byte{0})
	}
	// FNV leaves the last bytes in the low bits; mix them up (splitmix64).
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	at := (float64(x>>11) + 0.5) / (1 << 53) // between 0 and 1
	return float64(r.Weight) / -math.Log(at)
}

// together returns where a call may be processed that takes one of several
// ways: all of the places, and the least that is known of any.
func together(places []residency.Place) residency.Place {
	all := places[0]
	vague := map[residency.Kind]int{residency.Server: 0, residency.Host: 1, residency.Regions: 2, residency.Anywhere: 3, residency.Unknown: 4}
	for _, p := range places[1:] {
		switch {
		case p.Kind == residency.Regions && all.Kind == residency.Regions:
			all.Regions = slices.Compact(slices.Sorted(slices.Values(slices.Concat(all.Regions, p.Regions))))
			all.From = same(all.From, p.From)
			all.Profile, all.Model, all.Basis = same(all.Profile, p.Profile), same(all.Model, p.Model), same(all.Basis, p.Basis)
		case p.Kind == residency.Host && all.Kind == residency.Host:
			if !slices.Contains(strings.Split(all.Name, ", "), p.Name) {
				all.Name += ", " + p.Name
			}
			all.Country = same(all.Country, p.Country)
		case p.Kind == residency.Host && all.Kind == residency.Regions, p.Kind == residency.Regions && all.Kind == residency.Host:
			// Neither says the other: both are named, in no country of their own.
			all = residency.Place{Kind: residency.Host, Name: all.String() + ", " + p.String()}
		case vague[p.Kind] > vague[all.Kind]:
			all = p
		}
	}
	return all
}

func same(a, b string) string {
	if a == b {
		return a
	}
	return ""
}

const routeColumns = `r.model_id, r.connection_id, r.remote_id, r.weight, r.priority`

// selectRoutes returns the routes of model id, or of all if it is "", by model.
func selectRoutes(ctx context.Context, q db.Queryer, id string) (map[string][]route, error) {
	query := `
	SELECT ` + routeColumns + `, ` + connectionColumns + `
	FROM   model_routes r JOIN connections c ON c.id = r.connection_id`
	var args []any
	if id != "" {
		query, args = query+`
	WHERE  r.model_id = $1`, []any{id}
	}
	rows, err := q.QueryContext(ctx, query+`
	ORDER  BY r.model_id, r.position`, args...)
	if err != nil {
		return nil, fmt.Errorf("list routes of models: %w", err)
	}
	defer rows.Close()
	routes := make(map[string][]route)
	for rows.Next() {
		var model string
		var r route
		var c connectionRow
		if err := rows.Scan(append([]any{&model, &r.ConnectionID, &r.RemoteID, &r.Weight, &r.Priority}, c.dest()...)...); err != nil {
			return nil, fmt.Errorf("list routes of models: %w", err)
		}
		if r.connection, err = c.connection(); err != nil {
			return nil, err
		}
		routes[model] = append(routes[model], r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list routes of models: %w", err)
	}
	return routes, nil
}

// routed returns t with its routes.
func (t target) routed(routes []route) target {
	t.routes = routes
	t.model.Routes = make([]Route, len(routes))
	for i, r := range routes {
		t.model.Routes[i] = r.Route
	}
	return t
}

func replaceRoutes(ctx context.Context, q db.Queryer, m Model) error {
	if _, err := q.ExecContext(ctx, `DELETE FROM model_routes WHERE model_id = $1`, m.ID); err != nil {
		return fmt.Errorf("write the routes of model %s: %w", m.ID, err)
	}
	for i, r := range m.Routes {
		_, err := q.ExecContext(ctx, `INSERT INTO model_routes (model_id, connection_id, remote_id, weight, priority, position) VALUES ($1, $2, $3, $4, $5, $6)`,
			m.ID, r.ConnectionID, r.RemoteID, r.Weight, r.Priority, i)
		if err != nil {
			return fmt.Errorf("write the routes of model %s: %w", m.ID, err)
		}
	}
	return nil
}
