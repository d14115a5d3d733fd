package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/secret"
)

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
		if name := travelling(before.Kind, before.Settings, after.Settings, keptSecrets(before.SecretNames, p.Secret)); name != "" {
			return before, nil, errs.InField("secret."+name,
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
		proxyPassword: p.ProxyPassword != nil,
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

// Dependent is a model that needs a connection.
type Dependent struct {
	ID          string
	DisplayName string
}

// Dependents are the models that need a connection.
type Dependents struct {
	Models []Dependent // its own, which go with it
	Routed []Dependent // those of others, which lose a way
}

// Dependents returns who needs connection id, in the order of the catalogue.
func (c *Catalogue) Dependents(ctx context.Context, id string) (Dependents, error) {
	if _, err := access.Authorize(ctx, access.ConnectionRead, access.Resource{Kind: access.KindConnection, ID: id}); err != nil {
		return Dependents{}, err
	}
	if _, _, err := selectConnection(ctx, c.db, id); err != nil {
		return Dependents{}, err
	}
	return selectDependents(ctx, c.db, id)
}

// DeleteConnection removes connection id. If models need it, withModels must say
// that its own go too and others lose a way; otherwise the error has code
// Conflict. Conversations keep what their models said and go on with another.
func (c *Catalogue) DeleteConnection(ctx context.Context, id string, withModels bool) error {
	if _, err := access.Authorize(ctx, access.ConnectionWrite, access.Resource{Kind: access.KindConnection, ID: id}); err != nil {
		return err
	}
	err := c.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		connection, _, err := selectConnection(ctx, tx, id)
		if err != nil {
			return err
		}
		if !withModels {
			needed, err := selectDependents(ctx, tx, id)
			if err != nil {
				return err
			}
			if own, routed := len(needed.Models), len(needed.Routed); own+routed > 0 {
				return errs.Newf(errs.Conflict, "this connection has %d models, and %d others have a way over it; delete them with it, or first", own, routed).
					With("models", strconv.Itoa(own)).With("routed", strconv.Itoa(routed))
			}
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
	settings := connection.Settings
	destinations, _ := settings.destinations(connection.Kind)
	roles := make([]string, len(settings.Roles))
	for i, r := range settings.Roles {
		roles[i] = r.ARN
	}
	return c.audit.Record(ctx, audit.Event{
		Action:   action,
		Resource: audit.Resource{Kind: string(access.KindConnection), ID: connection.ID},
		Details: map[string]string{
			"name": connection.Name, "kind": string(connection.Kind), "enabled": strconv.FormatBool(connection.Enabled),
			"destinations": strings.Join(destinations, " "), "secrets": strings.Join(connection.SecretNames, " "),
			"country": settings.Country, "region": settings.Region, "proxy": settings.Proxy, "roles": strings.Join(roles, " "),
		},
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
