package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/secret"
)

// The actions on connections and models as the audit log names them.
const (
	auditConnectionCreate = "connection.create"
	auditConnectionUpdate = "connection.update"
	auditConnectionDelete = "connection.delete"
	auditConnectionCheck  = "connection.check"
	auditModelCreate      = "model.create"
	auditModelUpdate      = "model.update"
	auditModelDelete      = "model.delete"
	auditModelOrder       = "model.order"
)

// Groups finds the groups that models are restricted to.
type Groups interface {
	Group(ctx context.Context, id string) (access.Group, error)
}

// Fetcher gets a small page from a declared destination; egress.Gate does.
type Fetcher interface {
	Fetch(ctx context.Context, s egress.Spec, url string, limit int64) (egress.Page, error)
}

// Adapter makes the providers of one kind of connection.
type Adapter struct {
	// New returns a provider for one connection. It may ask the machine it
	// runs on, but not the provider.
	New func(ctx context.Context, c AdapterConfig) (Provider, error)
	// CheckOptions checks the options of a catalogue entry; nil has none.
	CheckOptions func(options json.RawMessage) error
}

// AdapterConfig is what an adapter needs to know of a connection. The HTTP
// client that it uses is made from Egress by whoever wires it.
type AdapterConfig struct {
	Settings Settings
	Secret   Secret
	Egress   egress.Spec
	Log      *slog.Logger
}

// Headers returns the headers that go with every request, secret ones too.
func (c AdapterConfig) Headers() map[string]string {
	all := make(map[string]string, len(c.Settings.Headers)+len(c.Secret.Headers))
	maps.Copy(all, c.Settings.Headers)
	maps.Copy(all, c.Secret.Headers)
	return all
}

// CatalogueOptions are what a catalogue is made of.
type CatalogueOptions struct {
	DB       *db.DB
	Secrets  *secret.Sealer
	Audit    *audit.Log
	Groups   Groups
	Adapters map[Kind]Adapter
	Fetch    Fetcher // looks for servers on this machine
	// OwnAddress is where this server listens, host:port: not a model server.
	OwnAddress string
	Now        func() time.Time
	Log        *slog.Logger
}

// Catalogue keeps connections and models. A change takes effect with the next
// call, on every node.
type Catalogue struct {
	db         *db.DB
	secrets    *secret.Sealer
	audit      *audit.Log
	groups     Groups
	providers  *providers
	fetch      Fetcher
	ownAddress string
	now        func() time.Time
	log        *slog.Logger
}

// NewCatalogue returns the catalogue kept in o.DB.
func NewCatalogue(o CatalogueOptions) *Catalogue {
	return &Catalogue{
		db: o.DB, secrets: o.Secrets, audit: o.Audit, groups: o.Groups,
		providers: newProviders(o.Adapters), fetch: o.Fetch, ownAddress: o.OwnAddress,
		now: o.Now, log: o.Log,
	}
}

// ConnectionDraft is a connection that is about to be made or tried.
type ConnectionDraft struct {
	Name     string
	Kind     Kind
	Enabled  bool
	Settings Settings
	Secret   Secret
}

// ConnectionPatch changes a connection. A nil field stays as it is; Settings
// replaces all settings.
type ConnectionPatch struct {
	Name     *string
	Enabled  *bool
	Settings *Settings
	Secret   *SecretPatch
}

// Connections returns every connection, oldest first.
func (c *Catalogue) Connections(ctx context.Context) ([]Connection, error) {
	if _, err := access.Authorize(ctx, access.ConnectionRead, access.Resource{Kind: access.KindConnection}); err != nil {
		return nil, err
	}
	return selectConnections(ctx, c.db)
}

// Connection returns connection id.
func (c *Catalogue) Connection(ctx context.Context, id string) (Connection, error) {
	if _, err := access.Authorize(ctx, access.ConnectionRead, access.Resource{Kind: access.KindConnection, ID: id}); err != nil {
		return Connection{}, err
	}
	connection, _, err := selectConnection(ctx, c.db, id)
	return connection, err
}

// CreateConnection makes a connection. The error has code InvalidInput with
// the field at fault, or Conflict if the name is taken.
func (c *Catalogue) CreateConnection(ctx context.Context, d ConnectionDraft) (Connection, error) {
	if _, err := access.Authorize(ctx, access.ConnectionWrite, access.Resource{Kind: access.KindConnection}); err != nil {
		return Connection{}, err
	}
	connection, credentials, err := d.validate()
	if err != nil {
		return Connection{}, err
	}
	now := fromMillis(c.now().UnixMilli())
	connection.ID, connection.CreatedAt, connection.UpdatedAt, connection.version = db.NewID(), now, now, 1
	sealed, err := c.seal(connection.ID, credentials)
	if err != nil {
		return Connection{}, err
	}
	err = c.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := insertConnection(ctx, tx, connection, sealed); err != nil {
			return err
		}
		return c.recordConnection(ctx, auditConnectionCreate, connection)
	})
	return connection, err
}

// validate returns the draft as it is stored, without its id and times.
func (d ConnectionDraft) validate() (Connection, Secret, error) {
	name, err := cleanConnectionName(d.Name)
	if err != nil {
		return Connection{}, Secret{}, err
	}
	settings, err := d.Settings.validate(d.Kind)
	if err != nil {
		return Connection{}, Secret{}, err
	}
	credentials, err := d.Secret.validate(d.Kind, settings)
	if err != nil {
		return Connection{}, Secret{}, err
	}
	return Connection{Name: name, Kind: d.Kind, Enabled: d.Enabled, Settings: settings, SecretNames: credentials.names()}, credentials, nil
}

// UpdateConnection changes connection id. Its secret stays unless the patch
// changes it, except that a key must be entered again when it would be sent to
// another server.
func (c *Catalogue) UpdateConnection(ctx context.Context, id string, p ConnectionPatch) (Connection, error) {
	if _, err := access.Authorize(ctx, access.ConnectionWrite, access.Resource{Kind: access.KindConnection, ID: id}); err != nil {
		return Connection{}, err
	}
	var connection Connection
	err := c.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		before, sealed, err := selectConnection(ctx, tx, id)
		if err != nil {
			return err
		}
		connection = before
		if connection, sealed, err = c.patch(before, sealed, p); err != nil {
			return err
		}
		connection.UpdatedAt = fromMillis(c.now().UnixMilli())
		if err := updateConnection(ctx, tx, connection, sealed); err != nil {
			return err
		}
		return c.recordConnection(ctx, auditConnectionUpdate, connection)
	})
	return connection, err
}

// patch returns a connection and its sealed secret changed by p.
func (c *Catalogue) patch(before Connection, sealed []byte, p ConnectionPatch) (Connection, []byte, error) {
	after := before
	var err error
	if p.Name != nil {
		if after.Name, err = cleanConnectionName(*p.Name); err != nil {
			return before, nil, err
		}
	}
	set(&after.Enabled, p.Enabled)
	if p.Settings == nil && p.Secret == nil {
		return after, sealed, nil // also when the secret cannot be opened
	}
	if p.Settings != nil {
		if after.Settings, err = p.Settings.validate(before.Kind); err != nil {
			return before, nil, err
		}
		if kept := keptSecrets(before.SecretNames, p.Secret); travels(before.Kind, before.Settings, after.Settings, kept) {
			return before, nil, errs.InField("secret."+kept[0],
				"the address is another server's now; enter the stored secret again, so that it is not sent somewhere unseen")
		}
	}
	credentials, err := c.open(before, sealed)
	if errs.CodeOf(err) == errs.SecretUnreadable && p.Secret != nil {
		credentials, err = Secret{}, nil // it is being entered again
	}
	if err != nil {
		return before, nil, err
	}
	if p.Secret != nil {
		credentials = credentials.patched(*p.Secret)
	}
	if credentials, err = credentials.validate(before.Kind, after.Settings); err != nil {
		return before, nil, err
	}
	after.SecretNames = credentials.names()
	sealed, err = c.seal(before.ID, credentials)
	return after, sealed, err
}

// keptSecrets returns which stored secrets p neither replaces nor removes.
func keptSecrets(names []string, p *SecretPatch) []string {
	if p == nil {
		return names
	}
	entered := map[string]bool{
		"apiKey": p.APIKey != nil, "accessKeyId": p.AccessKeyID != nil, "secretAccessKey": p.SecretAccessKey != nil,
		"sessionToken": p.SessionToken != nil, "bearerToken": p.BearerToken != nil,
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		if header, ok := strings.CutPrefix(name, "headers."); ok {
			for entered := range p.Headers {
				if strings.EqualFold(entered, header) {
					return true
				}
			}
		}
		return entered[name]
	})
}

// DeleteConnection removes connection id. If it has models, withModels must say
// that they go too; otherwise the error has code Conflict. Conversations keep
// what their models said and go on with another.
func (c *Catalogue) DeleteConnection(ctx context.Context, id string, withModels bool) error {
	if _, err := access.Authorize(ctx, access.ConnectionWrite, access.Resource{Kind: access.KindConnection, ID: id}); err != nil {
		return err
	}
	err := c.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		connection, _, err := selectConnection(ctx, tx, id)
		if err != nil {
			return err
		}
		if connection.Models > 0 && !withModels {
			return errs.Newf(errs.Conflict, "this connection has %d models; delete them with it, or first", connection.Models).
				With("models", strconv.Itoa(connection.Models))
		}
		if err := deleteConnection(ctx, tx, id); err != nil {
			return err
		}
		return c.recordConnection(ctx, auditConnectionDelete, connection)
	})
	if err == nil {
		c.providers.forget(id)
	}
	return err
}

// recordConnection writes the audit event of an act on a connection.
func (c *Catalogue) recordConnection(ctx context.Context, action string, connection Connection) error {
	destinations, _ := connection.Settings.destinations(connection.Kind)
	return c.audit.Record(ctx, audit.Event{
		Action:   action,
		Resource: audit.Resource{Kind: string(access.KindConnection), ID: connection.ID},
		Details: map[string]string{
			"name": connection.Name, "kind": string(connection.Kind), "enabled": strconv.FormatBool(connection.Enabled),
			"destinations": strings.Join(destinations, " "), "secrets": strings.Join(connection.SecretNames, " "),
		},
	})
}

// Models returns every model in order.
func (c *Catalogue) Models(ctx context.Context) ([]Model, error) {
	if _, err := access.Authorize(ctx, access.ModelRead, access.Resource{Kind: access.KindModel}); err != nil {
		return nil, err
	}
	targets, err := selectTargets(ctx, c.db)
	if err != nil {
		return nil, err
	}
	models := make([]Model, len(targets))
	for i, t := range targets {
		models[i] = t.model
	}
	return models, nil
}

// CreateModel makes a model, the last in the order.
func (c *Catalogue) CreateModel(ctx context.Context, d ModelDraft) (Model, error) {
	if _, err := access.Authorize(ctx, access.ModelWrite, access.Resource{Kind: access.KindModel}); err != nil {
		return Model{}, err
	}
	now := fromMillis(c.now().UnixMilli())
	m := Model{
		ID: db.NewID(), ConnectionID: d.ConnectionID, RemoteID: d.RemoteID, DisplayName: d.DisplayName, Description: d.Description,
		Capabilities: d.Capabilities, Defaults: d.Defaults, Options: d.Options, Enabled: d.Enabled, GroupIDs: d.GroupIDs,
		Light: d.Light, FallbackID: d.FallbackID, Price: d.Price, CreatedAt: now, UpdatedAt: now,
	}
	err := c.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		connection, _, err := selectConnection(ctx, tx, m.ConnectionID)
		if errs.CodeOf(err) == errs.NotFound {
			return errs.InField("connectionId", "there is no such connection")
		} else if err != nil {
			return err
		}
		if m, err = m.validate(c.providers.adapters[connection.Kind].CheckOptions); err != nil {
			return err
		}
		if err := c.checkReferences(ctx, tx, m); err != nil {
			return err
		}
		if m.Position, err = insertModel(ctx, tx, m); err != nil {
			return err
		}
		return c.recordModel(ctx, auditModelCreate, m)
	})
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
		if m, err = t.model.patched(p).validate(c.providers.adapters[t.connection.Kind].CheckOptions); err != nil {
			return err
		}
		if err := c.checkReferences(ctx, tx, m); err != nil {
			return err
		}
		m.UpdatedAt = fromMillis(c.now().UnixMilli())
		if err := updateModel(ctx, tx, m); err != nil {
			return err
		}
		return c.recordModel(ctx, auditModelUpdate, m)
	})
	return m, err
}

// checkReferences makes sure that the groups exist and that the fallbacks of
// fallbacks end somewhere.
func (c *Catalogue) checkReferences(ctx context.Context, tx *db.Tx, m Model) error {
	for _, group := range m.GroupIDs {
		if _, err := c.groups.Group(ctx, group); errs.CodeOf(err) == errs.NotFound {
			return errs.InField("groupIds", "one of the groups does not exist any more").With("group", group)
		} else if err != nil {
			return err
		}
	}
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
	return c.audit.Record(ctx, audit.Event{
		Action:   action,
		Resource: audit.Resource{Kind: string(access.KindModel), ID: m.ID},
		Details: map[string]string{
			"name": m.DisplayName, "remote_id": m.RemoteID, "connection_id": m.ConnectionID,
			"enabled": strconv.FormatBool(m.Enabled), "groups": strings.Join(m.GroupIDs, " "), "fallback_id": m.FallbackID,
		},
	})
}

// Offers returns the models, in order, that the person who acts in ctx may use.
func (c *Catalogue) Offers(ctx context.Context) ([]Offer, error) {
	p, err := access.Authorize(ctx, access.ModelUse, access.Resource{Kind: access.KindModel})
	if err != nil {
		return nil, err
	}
	targets, err := selectUsable(ctx, c.db, p.GroupIDs)
	if err != nil {
		return nil, err
	}
	offers := make([]Offer, len(targets))
	for i, t := range targets {
		offers[i] = t.offer()
	}
	return offers, nil
}

// Offer returns model id if the person who acts in ctx may use it. Otherwise
// the error has code ModelUnavailable, whether it is unknown, switched off or
// not for them.
func (c *Catalogue) Offer(ctx context.Context, id string) (Offer, error) {
	t, err := c.usable(ctx, id)
	return t.offer(), err
}

func (t target) offer() Offer {
	m := t.model
	m.GroupIDs = nil
	return Offer{Model: m, ConnectionName: t.connection.Name, Kind: t.connection.Kind, Place: t.connection.Place(m.RemoteID)}
}

// DefaultOf returns which of offers a person starts with: the one they prefer
// if it is there, otherwise the first that is not a demonstration, otherwise
// the first. ok is false when there is none.
func DefaultOf(offers []Offer, preferredID string) (o Offer, ok bool) {
	for _, suits := range []func(Offer) bool{
		func(o Offer) bool { return preferredID != "" && o.ID == preferredID },
		func(o Offer) bool { return o.Kind != KindDemo },
		func(Offer) bool { return true },
	} {
		if i := slices.IndexFunc(offers, suits); i >= 0 {
			return offers[i], true
		}
	}
	return Offer{}, false
}

// LightOf returns which of offers does small things beside a conversation that
// is held with model id: the first light one, otherwise that model itself. A
// demonstration does not speak for a real model.
func LightOf(offers []Offer, id string) (o Offer, ok bool) {
	i := slices.IndexFunc(offers, func(o Offer) bool { return o.ID == id })
	if i < 0 {
		return Offer{}, false
	}
	for _, o := range offers {
		if o.Light && (o.Kind != KindDemo || offers[i].Kind == KindDemo) {
			return o, true
		}
	}
	return offers[i], true
}

// usable returns model id as the person who acts in ctx may use it.
func (c *Catalogue) usable(ctx context.Context, id string) (target, error) {
	p, err := access.Require(ctx)
	if err != nil {
		return target{}, err
	}
	t, err := selectTarget(ctx, c.db, id)
	if errs.CodeOf(err) == errs.NotFound {
		return target{}, unavailable()
	} else if err != nil {
		return target{}, err
	}
	err = access.Decide(p, access.ModelUse, access.Resource{Kind: access.KindModel, ID: id, GroupIDs: t.model.GroupIDs})
	if errs.CodeOf(err) == errs.NotFound || (err == nil && (!t.model.Enabled || !t.connection.Enabled)) {
		return target{}, unavailable()
	}
	return t, err
}

// unavailable is one error for every reason, so that nobody learns which
// models there are for others.
func unavailable() error {
	return errs.New(errs.ModelUnavailable, "this model is not available to you; choose another")
}

// Seed makes a demonstration if there is no connection at all, so that a fresh
// installation can be tried before any model is reached.
func (c *Catalogue) Seed(ctx context.Context) error {
	now := fromMillis(c.now().UnixMilli())
	connection := Connection{ID: db.NewID(), Name: "Demo", Kind: KindDemo, Enabled: true, CreatedAt: now, UpdatedAt: now}
	provider, err := c.build(ctx, connection, Secret{}, "model:"+connection.ID)
	if err != nil {
		return fmt.Errorf("make the demonstration: %w", err)
	}
	models, err := provider.Models(ctx)
	if err != nil {
		return fmt.Errorf("make the demonstration: %w", err)
	}
	return c.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := countConnections(ctx, tx)
		if err != nil || n > 0 {
			return err
		}
		if err := insertConnection(ctx, tx, connection, nil); err != nil {
			return err
		}
		if err := c.recordConnection(ctx, auditConnectionCreate, connection); err != nil {
			return err
		}
		for _, remote := range models {
			m := Model{
				ID: db.NewID(), ConnectionID: connection.ID, RemoteID: remote.ID, DisplayName: remote.Name,
				Capabilities: remote.Capabilities, Enabled: true, CreatedAt: now, UpdatedAt: now,
			}
			if _, err := insertModel(ctx, tx, m); err != nil {
				return err
			}
			if err := c.recordModel(ctx, auditModelCreate, m); err != nil {
				return err
			}
		}
		return nil
	})
}

// secretPlace is where a connection's secret is stored, as its seal knows it.
func secretPlace(id string) string { return secret.Place("connections", id, "secret") }

// seal returns the stored form of a secret, or nil for an empty one.
func (c *Catalogue) seal(id string, s Secret) ([]byte, error) {
	if len(s.names()) == 0 {
		return nil, nil
	}
	plaintext, err := s.encode()
	if err != nil {
		return nil, fmt.Errorf("seal the secret of connection %s: %w", id, errors.New("it cannot be encoded"))
	}
	return c.secrets.Seal(plaintext, secretPlace(id))
}

// open returns the secret of a connection.
func (c *Catalogue) open(connection Connection, sealed []byte) (Secret, error) {
	if len(sealed) == 0 {
		return Secret{}, nil
	}
	plaintext, err := c.secrets.Open(sealed, secretPlace(connection.ID))
	if err != nil {
		return Secret{}, fmt.Errorf("open the secret of connection %q: %w", connection.Name, err)
	}
	s, err := decodeSecret(plaintext)
	if err != nil {
		// The text of the error may quote what it could not read.
		return Secret{}, errs.Newf(errs.SecretUnreadable, "the secret of connection %q is damaged; enter it again", connection.Name)
	}
	return s, nil
}
