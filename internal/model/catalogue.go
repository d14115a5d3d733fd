package model

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/classification"
	"kakoi/internal/db"
	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/residency"
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

// Fetcher gets a small page from a declared destination; egress.Gate does.
type Fetcher interface {
	Fetch(ctx context.Context, s egress.Spec, url string, limit int64) (egress.Page, error)
}

// Places knows where models are and which of them the policy permits;
// residency.Service does.
type Places interface {
	Bedrock(host, region, modelID string) residency.Place
	Host(host, country, modelID string) residency.Place
	Judge(ctx context.Context) func(residency.Call) residency.Decision
	Among(ctx context.Context) func(residency.Call) residency.Decision
	DecidePlace(ctx context.Context, place residency.Place) residency.Decision
	Note(ctx context.Context, listed []residency.Listed) error
}

// Adapter makes the providers of one kind of connection.
type Adapter struct {
	// New returns a provider for one connection. It may ask the machine it
	// runs on, but not the provider.
	New func(ctx context.Context, c AdapterConfig) (Provider, error)
	// CheckOptions checks the options of a catalogue entry; nil has none.
	CheckOptions func(options json.RawMessage) error
	// Tasks are what its providers do besides talking.
	Tasks []Task
	// Reaches returns what a call with the options of a catalogue entry reaches
	// besides its model, as Places names it; nil is nothing.
	Reaches func(options json.RawMessage) []string
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
	Grants   *access.Grants
	Adapters map[Kind]Adapter
	Fetch    Fetcher // looks for servers on this machine
	Places   Places
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
	grants     *access.Grants
	providers  *providers
	fetch      Fetcher
	places     Places
	ownAddress string
	now        func() time.Time
	log        *slog.Logger
}

// NewCatalogue returns the catalogue kept in o.DB.
func NewCatalogue(o CatalogueOptions) *Catalogue {
	return &Catalogue{
		db: o.DB, secrets: o.Secrets, audit: o.Audit, grants: o.Grants,
		providers: newProviders(o.Adapters), fetch: o.Fetch, places: o.Places, ownAddress: o.OwnAddress,
		now: o.Now, log: o.Log,
	}
}

// Offers returns the models, in order, that the person who acts in ctx may talk
// with and whose place is permitted.
func (c *Catalogue) Offers(ctx context.Context) ([]Offer, error) {
	return c.offers(ctx, TaskChat)
}

// Transcribers returns the models that turn the speech of the person who acts
// in ctx into text, in order.
func (c *Catalogue) Transcribers(ctx context.Context) ([]Offer, error) {
	return c.offers(ctx, TaskTranscription)
}

// Barred returns how many models the person who acts in ctx could talk with if
// the policy permitted where they are.
func (c *Catalogue) Barred(ctx context.Context) (int, error) {
	_, barred, err := c.parted(ctx, TaskChat)
	return barred, err
}

func (c *Catalogue) offers(ctx context.Context, task Task) ([]Offer, error) {
	offers, _, err := c.parted(ctx, task)
	return offers, err
}

// parted parts the models that a person may use into those whose place is
// permitted and the number of the others.
func (c *Catalogue) parted(ctx context.Context, task Task) (offers []Offer, barred int, err error) {
	p, err := access.Authorize(ctx, access.ModelUse, access.Resource{Kind: access.KindModel, Any: true})
	if err != nil {
		return nil, 0, err
	}
	targets, err := selectUsable(ctx, c.db, task, p)
	if err != nil {
		return nil, 0, err
	}
	judge := c.places.Judge(ctx)
	offers = make([]Offer, 0, len(targets))
	for _, t := range targets {
		// Where what a person writes may be processed is wherever one of the
		// routes that a call may take leads.
		if o := c.placed(t).offered(judge, p.GroupIDs); len(o.Classes) > 0 {
			offers = append(offers, o)
		} else {
			barred++
		}
	}
	return offers, barred, nil
}

// Offer returns model id if the person who acts in ctx may talk with it.
// Otherwise the error has code ModelUnavailable, whether it is unknown, switched
// off, not for them or not for talking.
func (c *Catalogue) Offer(ctx context.Context, id string) (Offer, error) {
	t, err := c.usable(ctx, id, TaskChat)
	if err != nil {
		return Offer{}, err
	}
	p, err := access.Require(ctx)
	if err != nil {
		return Offer{}, err
	}
	return t.offered(c.places.Judge(ctx), p.GroupIDs), nil
}

// offered returns t as members of the groups may use it: its place is wherever
// one of the routes leads that a call of some class may take.
func (t target) offered(judge func(residency.Call) residency.Decision, groupIDs []string) Offer {
	m := t.model
	m.Grants, m.Routes = nil, nil
	o := Offer{Model: m, ConnectionName: t.connection.Name, Kind: t.connection.Kind, Place: t.place}
	var taken []residency.Place
	for _, way := range t.ways("") {
		classes := slices.DeleteFunc(classification.Any(), func(class classification.Class) bool {
			return !judge(residency.Call{Place: way.place, ModelID: way.model.RemoteID, GroupIDs: groupIDs, Class: class}).Allowed
		})
		if len(classes) > 0 {
			taken = append(taken, way.place)
			o.Classes = append(o.Classes, classes...)
		}
	}
	slices.Sort(o.Classes)
	o.Classes = slices.Compact(o.Classes)
	if len(taken) > 0 {
		o.Place = together(taken)
	}
	return o
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

// usable returns model id as the person who acts in ctx may use it for task.
func (c *Catalogue) usable(ctx context.Context, id string, task Task) (target, error) {
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
	err = access.Decide(p, access.ModelUse, access.Resource{Kind: access.KindModel, ID: id, Grants: t.model.Grants})
	if errs.CodeOf(err) == errs.NotFound || (err == nil && (!t.model.Enabled || !t.reachable() || t.model.Task != task)) {
		return target{}, unavailable()
	}
	return c.placed(t), err
}

// placed returns t with where each of its ways leads.
func (c *Catalogue) placed(t target) target {
	t.place = c.place(t)
	for i, r := range t.routes {
		t.routes[i].place = c.place(t.by(r))
	}
	return t
}

// unavailable is one error for every reason, so that nobody learns which
// models there are for others.
func unavailable() error {
	return errs.New(errs.ModelUnavailable, "this model is not available to you; choose another")
}

// DemoName is what a demonstration and its model are called at first. It reads
// in both languages: who sees it first has not chosen one yet.
const DemoName = "デモ / Demo"

// Seed makes a demonstration if there is no connection at all, so that a fresh
// installation can be tried before any model is reached.
func (c *Catalogue) Seed(ctx context.Context) error {
	now := fromMillis(c.now().UnixMilli())
	connection := Connection{ID: db.NewID(), Name: DemoName, Kind: KindDemo, Enabled: true, CreatedAt: now, UpdatedAt: now}
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
				ID: db.NewID(), ConnectionID: connection.ID, RemoteID: remote.ID, DisplayName: remote.Name, Task: TaskChat,
				Capabilities: remote.Capabilities, Enabled: true, Grants: access.ForEveryone, CreatedAt: now, UpdatedAt: now,
			}
			if _, err := insertModel(ctx, tx, m); err != nil {
				return err
			}
			if err := c.grants.Set(ctx, objectOf(m), "grants", m.Grants); err != nil {
				return err
			}
			if err := c.recordModel(ctx, auditModelCreate, m); err != nil {
				return err
			}
		}
		return nil
	})
}
