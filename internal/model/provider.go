package model

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/residency"
)

const (
	makeTimeout  = 30 * time.Second // to make a provider: it may ask the machine for credentials
	checkTimeout = 3 * time.Minute  // a whole self-test: a local model may have to be loaded
	listTimeout  = 30 * time.Second

	lookupTimeout = 10 * time.Second // of one inference profile, while somebody waits
)

// providers keeps one provider for each connection, as long as the connection
// is as it was when the provider was made.
type providers struct {
	adapters map[Kind]Adapter

	mu   sync.Mutex
	held map[string]*heldProvider // by connection id
}

type heldProvider struct {
	version int64
	once    sync.Once
	made    Provider
	err     error
}

func newProviders(adapters map[Kind]Adapter) *providers {
	return &providers{adapters: adapters, held: make(map[string]*heldProvider)}
}

// get returns the provider of a connection at a version, making it with build
// if there is none or an older one. Callers that come meanwhile wait for it. A
// failure is not kept: the next call tries again.
func (p *providers) get(id string, version int64, build func() (Provider, error)) (Provider, error) {
	p.mu.Lock()
	held := p.held[id]
	if held == nil || held.version < version {
		held = &heldProvider{version: version}
		p.held[id] = held
	}
	p.mu.Unlock()
	held.once.Do(func() { held.made, held.err = build() })
	if held.err != nil {
		p.mu.Lock()
		if p.held[id] == held {
			delete(p.held, id)
		}
		p.mu.Unlock()
	}
	return held.made, held.err
}

func (p *providers) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.held, id)
}

// provider returns the provider of a connection as it was just read.
func (c *Catalogue) provider(ctx context.Context, connection Connection) (Provider, error) {
	return c.providers.get(connection.ID, connection.version, func() (Provider, error) {
		// Others wait for it too, so it does not end with the first who asked.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeTimeout)
		defer cancel()
		latest, sealed, err := selectConnection(ctx, c.db, connection.ID)
		if errs.CodeOf(err) == errs.NotFound {
			return nil, unavailable()
		} else if err != nil {
			return nil, err
		}
		credentials, err := c.open(latest, sealed)
		if err != nil {
			return nil, err
		}
		return c.build(ctx, latest, credentials, "model:"+latest.ID)
	})
}

// build makes a provider. purpose names the connection in the egress record.
func (c *Catalogue) build(ctx context.Context, connection Connection, credentials Secret, purpose string) (Provider, error) {
	adapter, ok := c.providers.adapters[connection.Kind]
	if !ok {
		return nil, errs.Newf(errs.ModelFailed, "this server cannot speak to connections of kind %s", connection.Kind)
	}
	trusted, err := connection.Settings.trust()
	if err != nil {
		return nil, err
	}
	way := connection.way(purpose, trusted)
	way.ProxyLogin = credentials.login(connection.Settings)
	provider, err := adapter.New(ctx, AdapterConfig{
		Settings: connection.Settings,
		Secret:   credentials,
		Egress:   way,
		Log:      c.log.With("connection", connection.ID),
	})
	if err != nil {
		return nil, fmt.Errorf("connection %q: %w", connection.Name, err)
	}
	return provider, nil
}

// way declares what a connection may reach and how, but for the login of its proxy.
func (c Connection) way(purpose string, trusted []byte) egress.Spec {
	allow, metadata := c.Settings.destinations(c.Kind)
	return egress.Spec{Purpose: purpose, Allow: allow, Metadata: metadata, CAPEM: trusted, Proxy: c.Settings.Proxy}
}

// CheckDraft tries a connection that is not stored, step by step. remoteID is
// the provider's model that is to answer, or "" to leave that out. What it
// sends is the adapter's own few words, never a person's.
func (c *Catalogue) CheckDraft(ctx context.Context, d ConnectionDraft, remoteID string) ([]CheckStep, error) {
	if _, err := access.Authorize(ctx, access.ConnectionWrite, access.Resource{Kind: access.KindConnection}); err != nil {
		return nil, err
	}
	if d.Name == "" {
		d.Name = "draft" // it needs none to be tried
	}
	connection, credentials, err := d.validate()
	if err != nil {
		return notConfigured(err, 0), nil
	}
	return c.check(ctx, connection, credentials, remoteID, TaskOf(remoteID))
}

// CheckConnection tries connection id as it would be with p, which changes
// nothing. Its stored secret is used where p enters none.
func (c *Catalogue) CheckConnection(ctx context.Context, id string, p ConnectionPatch, remoteID string) ([]CheckStep, error) {
	if _, err := access.Authorize(ctx, access.ConnectionWrite, access.Resource{Kind: access.KindConnection, ID: id}); err != nil {
		return nil, err
	}
	before, sealed, err := selectConnection(ctx, c.db, id)
	if err != nil {
		return nil, err
	}
	connection, sealed, err := c.patch(before, sealed, p)
	if err != nil {
		return notConfigured(err, 0), nil
	}
	credentials, err := c.open(connection, sealed)
	if err != nil {
		return notConfigured(err, 0), nil
	}
	task, err := selectTask(ctx, c.db, id, remoteID)
	if err != nil {
		return nil, err
	}
	return c.check(ctx, connection, credentials, remoteID, task)
}

// notConfigured is the result of a check that ends at its first step.
func notConfigured(err error, elapsed time.Duration) []CheckStep {
	return []CheckStep{{Name: "configuration", Err: err, Elapsed: elapsed}}
}

func (c *Catalogue) check(ctx context.Context, connection Connection, credentials Secret, remoteID string, task Task) ([]CheckStep, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	purpose := "check"
	if connection.ID != "" {
		purpose += ":" + connection.ID
	}
	var steps []CheckStep
	start := time.Now()
	provider, err := c.build(ctx, connection, credentials, purpose)
	if err != nil {
		steps = notConfigured(err, time.Since(start))
	} else {
		steps = slices.Collect(checked(ctx, provider, remoteID, task))
	}
	outcome, details := audit.Success, map[string]string{"name": connection.Name, "kind": string(connection.Kind), "steps": strconv.Itoa(len(steps))}
	if n := len(steps); n > 0 && steps[n-1].Err != nil {
		outcome = audit.Failure
		details["failed_step"], details["code"] = steps[n-1].Name, string(errs.CodeOf(steps[n-1].Err))
	}
	err = c.audit.Record(context.WithoutCancel(ctx), audit.Event{
		Action: auditConnectionCheck, Resource: audit.Resource{Kind: string(access.KindConnection), ID: connection.ID},
		Outcome: outcome, Details: details,
	})
	return steps, err
}

// RemoteModels asks the provider of connection id which models it has.
func (c *Catalogue) RemoteModels(ctx context.Context, id string) ([]RemoteModel, error) {
	if _, err := access.Authorize(ctx, access.ConnectionRead, access.Resource{Kind: access.KindConnection, ID: id}); err != nil {
		return nil, err
	}
	connection, _, err := selectConnection(ctx, c.db, id)
	if err != nil {
		return nil, err
	}
	provider, err := c.provider(ctx, connection)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	models, err := provider.Models(ctx)
	if err != nil {
		return nil, err
	}
	if lister, ok := provider.(ProfileLister); ok {
		c.noteProfiles(ctx, connection, lister)
	}
	return models, nil
}

// noteProfiles tells residency where a connection's inference profiles lead. A
// list that cannot be had leaves what was known.
func (c *Catalogue) noteProfiles(ctx context.Context, connection Connection, lister ProfileLister) {
	listed, err := lister.InferenceProfiles(ctx)
	if err == nil {
		err = c.places.Note(ctx, listed)
	}
	if err != nil {
		c.log.WarnContext(ctx, "inference profiles could not be listed; what was known of them stays", "connection", connection.ID, "err", err)
	}
	ids, err := selectRemoteIDs(ctx, c.db, connection.ID)
	if err != nil {
		c.log.WarnContext(ctx, "the models of a connection could not be read", "connection", connection.ID, "err", err)
	}
	for _, id := range ids {
		if isOpaque(id) && !slices.ContainsFunc(listed, func(l residency.Listed) bool { return l.ID == id }) {
			c.noteProfile(ctx, connection, lister, id)
		}
	}
}

// isOpaque reports whether a model's id is that of an application profile, which
// shows nothing of what it was copied from.
func isOpaque(remoteID string) bool {
	return strings.HasPrefix(remoteID, "arn:") && strings.Contains(remoteID, ":application-inference-profile/")
}

// noteProfile tells residency where one inference profile leads.
func (c *Catalogue) noteProfile(ctx context.Context, connection Connection, lister ProfileLister, remoteID string) {
	listed, err := lister.InferenceProfile(ctx, remoteID)
	if err == nil {
		err = c.places.Note(ctx, []residency.Listed{listed})
	}
	if err != nil {
		c.log.WarnContext(ctx, "an inference profile could not be looked up; it is not known where it leads", "connection", connection.ID, "profile", remoteID, "err", err)
	}
}

// learnPlace finds out where a model that was just entered leads, where only
// its provider can tell. That it cannot be had does not undo the entry: until it
// is known, residency decides as for any unknown place.
func (c *Catalogue) learnPlace(ctx context.Context, m Model) {
	if !isOpaque(m.RemoteID) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	connection, _, err := selectConnection(ctx, c.db, m.ConnectionID)
	var provider Provider
	if err == nil {
		provider, err = c.provider(ctx, connection)
	}
	if err != nil {
		c.log.WarnContext(ctx, "an inference profile could not be looked up; it is not known where it leads", "connection", m.ConnectionID, "profile", m.RemoteID, "err", err)
		return
	}
	if lister, ok := provider.(ProfileLister); ok {
		c.noteProfile(ctx, connection, lister, m.RemoteID)
	}
}
