package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/doctor"
	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/residency"
)

type connection struct {
	ID          string             `json:"id"`
	Name        string             `json:"name"`
	Kind        model.Kind         `json:"kind" enum:"openai,bedrock,demo"`
	Enabled     bool               `json:"enabled"`
	Settings    connectionSettings `json:"settings"`
	SecretNames []string           `json:"secretNames" doc:"Which secrets are stored: apiKey, headers.X-Team-Key. Their values are never returned."`
	Models      int                `json:"models" doc:"Of the catalogue."`
	CreatedAt   time.Time          `json:"createdAt"`
	UpdatedAt   time.Time          `json:"updatedAt"`
}

func connectionOf(c model.Connection) connection {
	return connection{
		ID: c.ID, Name: c.Name, Kind: c.Kind, Enabled: c.Enabled, Settings: connectionSettingsOf(c.Settings),
		SecretNames: orEmpty(c.SecretNames), Models: c.Models, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
}

// connectionSettings have the fields of model.Settings.
type connectionSettings struct {
	BaseURL string            `json:"baseUrl,omitempty" kind:"url" maxLength:"2048" doc:"openai: up to and without /chat/completions."`
	Headers map[string]string `json:"headers,omitempty" kind:"freeText" maxProperties:"50" doc:"openai: sent with every request; a secret one belongs into secret."`

	Country string `json:"country,omitempty" kind:"name" maxLength:"2" doc:"openai: where the server stands, ISO 3166-1 alpha-2, such as JP."`

	Region               string `json:"region,omitempty" kind:"name" maxLength:"64" doc:"bedrock"`
	Endpoint             string `json:"endpoint,omitempty" kind:"url" maxLength:"2048" doc:"bedrock: of bedrock-runtime, instead of the public one."`
	ControlEndpoint      string `json:"controlEndpoint,omitempty" kind:"url" maxLength:"2048" doc:"bedrock: of bedrock, which lists models."`
	STSEndpoint          string `json:"stsEndpoint,omitempty" kind:"url" maxLength:"2048" doc:"bedrock: of STS, in a region; the global one is refused."`
	AgentRuntimeEndpoint string `json:"agentRuntimeEndpoint,omitempty" kind:"url" maxLength:"2048" doc:"bedrock: of bedrock-agent-runtime, which puts documents in order."`
	AgentEndpoint        string `json:"agentEndpoint,omitempty" kind:"url" maxLength:"2048" doc:"bedrock: of bedrock-agent, which keeps knowledge bases."`
	FIPS                 bool   `json:"fips,omitempty" kind:"enum" doc:"bedrock: the public FIPS endpoints, where none is given."`
	Credentials          string `json:"credentials,omitempty" kind:"enum" enum:"default,static,profile,bearer" doc:"bedrock: where they come from."`
	Profile              string `json:"profile,omitempty" kind:"name" maxLength:"200" doc:"bedrock: with credentials profile, its name."`

	Roles []assumedRole `json:"roles,omitempty" maxItems:"5" doc:"bedrock: assumed one after the other, beginning with the credentials."`

	CAPEM  string `json:"caPem,omitempty" kind:"freeText" maxLength:"200000" doc:"The only authorities whose certificates are trusted, in PEM; without any, the system's are."`
	CAFile string `json:"caFile,omitempty" kind:"name" maxLength:"4096" doc:"The same, as a file on the server."`
	Proxy  string `json:"proxy,omitempty" kind:"url" maxLength:"2048" doc:"openai, bedrock: the HTTP proxy that everything goes through."`

	ProxyUser string `json:"proxyUser,omitempty" kind:"name" maxLength:"200" doc:"openai, bedrock: where the proxy asks for Basic authentication; its password is a secret."`
}

// assumedRole has the fields of model.AssumedRole.
type assumedRole struct {
	ARN            string            `json:"arn" kind:"name" maxLength:"700"`
	ExternalID     string            `json:"externalId,omitempty" kind:"name" maxLength:"1224" doc:"Demanded by the role's owner; no secret."`
	Region         string            `json:"region,omitempty" kind:"name" maxLength:"64" doc:"Whose STS is asked; empty: the connection's."`
	Endpoint       string            `json:"endpoint,omitempty" kind:"url" maxLength:"2048" doc:"Of STS, instead of the connection's or the region's public one."`
	DurationSecs   int               `json:"durationSeconds,omitempty" kind:"number" minimum:"0" maximum:"43200" doc:"0: an hour."`
	SessionName    string            `json:"sessionName,omitempty" kind:"freeText" maxLength:"256" doc:"{account}, {email} and {group} stand for who asks. Empty: kakoi."`
	SourceIdentity string            `json:"sourceIdentity,omitempty" kind:"freeText" maxLength:"256" doc:"Likewise; empty sends none."`
	Tags           map[string]string `json:"tags,omitempty" kind:"freeText" maxProperties:"50" doc:"Of the session; likewise in their values."`
	TransitiveTags bool              `json:"transitiveTags,omitempty" kind:"enum" doc:"The tags go with the roles that follow."`
}

func connectionSettingsOf(s model.Settings) connectionSettings {
	return connectionSettings{
		BaseURL: s.BaseURL, Headers: s.Headers, Country: s.Country, Region: s.Region, Endpoint: s.Endpoint, ControlEndpoint: s.ControlEndpoint,
		STSEndpoint: s.STSEndpoint, Credentials: s.Credentials, Profile: s.Profile, CAPEM: s.CAPEM, CAFile: s.CAFile,
		AgentRuntimeEndpoint: s.AgentRuntimeEndpoint, AgentEndpoint: s.AgentEndpoint, FIPS: s.FIPS, Proxy: s.Proxy, ProxyUser: s.ProxyUser,
		Roles: mapped(s.Roles, func(r model.AssumedRole) assumedRole { return assumedRole(r) }),
	}
}

func (s connectionSettings) settings() model.Settings {
	return model.Settings{
		BaseURL: s.BaseURL, Headers: s.Headers, Country: s.Country, Region: s.Region, Endpoint: s.Endpoint, ControlEndpoint: s.ControlEndpoint,
		STSEndpoint: s.STSEndpoint, Credentials: s.Credentials, Profile: s.Profile, CAPEM: s.CAPEM, CAFile: s.CAFile,
		AgentRuntimeEndpoint: s.AgentRuntimeEndpoint, AgentEndpoint: s.AgentEndpoint, FIPS: s.FIPS, Proxy: s.Proxy, ProxyUser: s.ProxyUser,
		Roles: mapped(s.Roles, func(r assumedRole) model.AssumedRole { return model.AssumedRole(r) }),
	}
}

func (s *connectionSettings) settingsOrNil() *model.Settings {
	if s == nil {
		return nil
	}
	settings := s.settings()
	return &settings
}

// connectionSecret has the fields of model.SecretPatch.
type connectionSecret struct {
	APIKey          *string           `json:"apiKey,omitempty" kind:"secret" maxLength:"16384"`
	Headers         map[string]string `json:"headers,omitempty" kind:"secret" maxProperties:"50"`
	AccessKeyID     *string           `json:"accessKeyId,omitempty" kind:"secret" maxLength:"16384"`
	SecretAccessKey *string           `json:"secretAccessKey,omitempty" kind:"secret" maxLength:"16384"`
	SessionToken    *string           `json:"sessionToken,omitempty" kind:"secret" maxLength:"16384"`
	BearerToken     *string           `json:"bearerToken,omitempty" kind:"secret" maxLength:"16384"`
	ProxyPassword   *string           `json:"proxyPassword,omitempty" kind:"secret" maxLength:"16384"`
}

func (s *connectionSecret) whole() model.Secret {
	if s == nil {
		return model.Secret{}
	}
	return model.Secret{
		APIKey: value(s.APIKey), Headers: s.Headers, AccessKeyID: value(s.AccessKeyID), SecretAccessKey: value(s.SecretAccessKey),
		SessionToken: value(s.SessionToken), BearerToken: value(s.BearerToken), ProxyPassword: value(s.ProxyPassword),
	}
}

type connectionDraft struct {
	Name     string             `json:"name" kind:"name" maxLength:"200"`
	Kind     model.Kind         `json:"kind" kind:"enum" enum:"openai,bedrock,demo"`
	Enabled  bool               `json:"enabled" required:"false" kind:"enum"`
	Settings connectionSettings `json:"settings,omitempty"`
	Secret   *connectionSecret  `json:"secret,omitempty"`
}

func (d connectionDraft) draft() model.ConnectionDraft {
	return model.ConnectionDraft{Name: d.Name, Kind: d.Kind, Enabled: d.Enabled, Settings: d.Settings.settings(), Secret: d.Secret.whole()}
}

type connectionChange struct {
	Name     *string             `json:"name,omitempty" kind:"name" maxLength:"200"`
	Kind     model.Kind          `json:"kind,omitempty" kind:"enum" enum:"openai,bedrock,demo" doc:"Must be the one it has."`
	Enabled  *bool               `json:"enabled,omitempty" kind:"enum"`
	Settings *connectionSettings `json:"settings,omitempty" doc:"Replaces all settings."`
	Secret   *connectionSecret   `json:"secret,omitempty" doc:"What is absent stays as it is; what is empty is removed."`
}

func (c *connectionChange) patch() model.ConnectionPatch {
	if c == nil {
		return model.ConnectionPatch{}
	}
	return model.ConnectionPatch{Name: c.Name, Enabled: c.Enabled, Settings: c.Settings.settingsOrNil(), Secret: (*model.SecretPatch)(c.Secret)}
}

type dependent struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
}

type dependents struct {
	Models []dependent `json:"models" doc:"Its own: they go with it."`
	Routed []dependent `json:"routed" doc:"Of other connections: they lose a way."`
}

type checkResult struct {
	Steps     []checkStep `json:"steps" doc:"Those that were come to; the last one failed, or nothing did."`
	Residency *decision   `json:"residency,omitempty" doc:"Where it is, and whether the policy permits that to everybody; absent where only a model's name tells."`
}

type checkStep struct {
	Name      string            `json:"name" doc:"Stable: configuration, resolve, connect, tls, clock, credentials, role_1 and so on, list_models, answer, stream, headroom."`
	OK        bool              `json:"ok"`
	Code      errs.Code         `json:"code,omitempty"`
	Params    map[string]string `json:"params,omitempty" doc:"Of the failure or the finding: reason and what it speaks of."`
	Finding   doctor.Code       `json:"finding,omitempty" doc:"What the doctor calls it, which knows cause and remedy: of a step that passed, something to look at."`
	Detail    string            `json:"detail,omitempty" doc:"What was found, or what went wrong."`
	ElapsedMS int64             `json:"elapsedMs"`
}

func checkResultOf(steps []model.CheckStep, remoteID, region string) checkResult {
	return checkResult{Steps: mapped(steps, func(c model.CheckStep) checkStep {
		out := checkStep{Name: c.Name, OK: c.Err == nil, Detail: c.Detail, ElapsedMS: c.Elapsed.Milliseconds()}
		if c.Err != nil {
			out.Code = errs.CodeOf(c.Err)
			if failed := (*errs.Error)(nil); errors.As(c.Err, &failed) && out.Code != errs.Internal {
				out.Params = failed.Params
			}
			if out.Detail == "" && out.Code != errs.Internal {
				out.Detail = c.Err.Error()
			}
		}
		if found := doctor.Finding(c, remoteID, region); c.Warning != nil || tells(found) {
			out.Finding, out.Params = found.Code, found.Params
			if c.Err == nil {
				out.Detail = found.Detail
			}
		}
		return out
	})}
}

// tells reports whether the doctor knows more of a failure than its code says.
// Of the way to a server, the doctor's own probes do.
func tells(s doctor.Step) bool {
	switch s.Name {
	case "configuration", "resolve", "connect", "tls", "list_models":
		return false
	}
	return s.Code != "" && s.Code != doctor.CallFailed
}

// at adds where it is, if that is known.
func (r checkResult) at(d residency.Decision, known bool) checkResult {
	if known {
		r.Residency = decisionOf(d)
	}
	return r
}

type remoteModel struct {
	ID           string          `json:"id" doc:"As the provider calls it."`
	Name         string          `json:"name" doc:"For people."`
	Task         model.Task      `json:"task" enum:"chat,transcription,embedding,rerank,image,guardrail"`
	Capabilities capabilities    `json:"capabilities"`
	Options      json.RawMessage `json:"options,omitempty" doc:"That its entry in the catalogue should have."`
}

func remoteModelOf(m model.RemoteModel) remoteModel {
	return remoteModel{m.ID, m.Name, cmp.Or(m.Task, model.TaskChat), capabilities(m.Capabilities), m.Options}
}

type detected struct {
	Kind    model.Kind    `json:"kind" enum:"openai,bedrock,demo"`
	BaseURL string        `json:"baseUrl"`
	Product string        `json:"product"`
	Models  []remoteModel `json:"models"`
}

// CheckedModel names the model that is to answer in a check.
type CheckedModel struct {
	RemoteID string `query:"remoteId" kind:"name" maxLength:"2048" doc:"The provider's model that is to answer; empty leaves that step out, or takes one of the catalogue."`
}

func (s *Server) connectionOperations() {
	register(s, route{method: http.MethodGet, path: "/admin/connections", id: "listConnections", tag: "admin", needs: needs(access.ConnectionRead), summary: "The connections to where models run, oldest first."}, s.listConnections)
	register(s, route{method: http.MethodPost, path: "/admin/connections", id: "createConnection", tag: "admin", needs: needs(access.ConnectionWrite), summary: "Makes a connection.", status: http.StatusCreated}, s.createConnection)
	register(s, route{method: http.MethodGet, path: "/admin/connections/detected", id: "detectServers", tag: "admin", needs: needs(access.ConnectionRead), summary: "Model servers on this machine that no connection uses yet."}, s.detectServers)
	register(s, route{method: http.MethodPost, path: "/admin/connections/check", id: "checkDraft", tag: "admin", needs: needs(access.ConnectionWrite), summary: "Tries a connection that is not stored, step by step."}, s.checkDraft)
	register(s, route{method: http.MethodGet, path: "/admin/connections/{id}", id: "getConnection", tag: "admin", needs: needs(access.ConnectionRead), summary: "One connection."}, s.getConnection)
	register(s, route{method: http.MethodPatch, path: "/admin/connections/{id}", id: "updateConnection", tag: "admin", needs: needs(access.ConnectionWrite), summary: "Changes a connection, at once."}, s.updateConnection)
	register(s, route{method: http.MethodDelete, path: "/admin/connections/{id}", id: "deleteConnection", tag: "admin", needs: needs(access.ConnectionWrite), summary: "Removes a connection.", status: http.StatusNoContent}, s.deleteConnection)
	register(s, route{method: http.MethodGet, path: "/admin/connections/{id}/dependents", id: "listDependents", tag: "admin", needs: needs(access.ConnectionRead), summary: "The models that need a connection: its own, and those with a way over it."}, s.listDependents)
	register(s, route{method: http.MethodPost, path: "/admin/connections/{id}/check", id: "checkConnection", tag: "admin", needs: needs(access.ModelRead, access.ConnectionWrite), summary: "Tries a stored connection, with changes that are not saved."}, s.checkConnection)
	register(s, route{method: http.MethodGet, path: "/admin/connections/{id}/remote-models", id: "listRemoteModels", tag: "admin", needs: needs(access.ConnectionRead), summary: "What the provider says it has."}, s.listRemoteModels)
}

func (s *Server) listConnections(ctx context.Context, _ *none) (*body[list[connection]], error) {
	connections, err := s.catalogue.Connections(ctx)
	if err != nil {
		return nil, err
	}
	return ok(list[connection]{Items: mapped(connections, connectionOf)}), nil
}

func (s *Server) createConnection(ctx context.Context, in *struct{ Body connectionDraft }) (*body[connection], error) {
	c, err := s.catalogue.CreateConnection(ctx, in.Body.draft())
	if err != nil {
		return nil, err
	}
	return ok(connectionOf(c)), nil
}

func (s *Server) detectServers(ctx context.Context, _ *none) (*body[list[detected]], error) {
	found, err := s.catalogue.Detect(ctx)
	if err != nil {
		return nil, err
	}
	return ok(list[detected]{Items: mapped(found, func(d model.Detected) detected {
		return detected{d.Kind, d.BaseURL, d.Product, mapped(d.Models, remoteModelOf)}
	})}), nil
}

func (s *Server) checkDraft(ctx context.Context, in *struct {
	CheckedModel
	Body connectionDraft
}) (*body[checkResult], error) {
	steps, err := s.catalogue.CheckDraft(ctx, in.Body.draft(), in.RemoteID)
	if err != nil {
		return nil, err
	}
	d, known, err := s.catalogue.DraftPlace(ctx, in.Body.draft(), in.RemoteID)
	if err != nil {
		return nil, err
	}
	return ok(checkResultOf(steps, in.RemoteID, in.Body.Settings.Region).at(d, known)), nil
}

func (s *Server) getConnection(ctx context.Context, in *IDInput) (*body[connection], error) {
	c, err := s.catalogue.Connection(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(connectionOf(c)), nil
}

func (s *Server) updateConnection(ctx context.Context, in *struct {
	IDInput
	Body connectionChange
}) (*body[connection], error) {
	if err := s.sameKind(ctx, in.ID, in.Body.Kind); err != nil {
		return nil, err
	}
	c, err := s.catalogue.UpdateConnection(ctx, in.ID, in.Body.patch())
	if err != nil {
		return nil, err
	}
	return ok(connectionOf(c)), nil
}

// sameKind refuses to turn a connection into one of another kind, which would
// be another connection.
func (s *Server) sameKind(ctx context.Context, id string, kind model.Kind) error {
	if kind == "" {
		return nil
	}
	c, err := s.catalogue.Connection(ctx, id)
	if err == nil && c.Kind != kind {
		err = errs.InField("kind", "the kind of a connection cannot be changed; make another connection")
	}
	return err
}

func (s *Server) deleteConnection(ctx context.Context, in *struct {
	IDInput
	WithModels bool `query:"withModels" kind:"enum" doc:"Its models go with it, and others lose their ways over it; otherwise a connection that models need stays."`
}) (*none, error) {
	return nil, s.catalogue.DeleteConnection(ctx, in.ID, in.WithModels)
}

func (s *Server) listDependents(ctx context.Context, in *IDInput) (*body[dependents], error) {
	found, err := s.catalogue.Dependents(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	named := func(d model.Dependent) dependent { return dependent(d) }
	return ok(dependents{Models: mapped(found.Models, named), Routed: mapped(found.Routed, named)}), nil
}

func (s *Server) checkConnection(ctx context.Context, in *struct {
	IDInput
	CheckedModel
	Body *connectionChange
}) (*body[checkResult], error) {
	if in.Body != nil {
		if err := s.sameKind(ctx, in.ID, in.Body.Kind); err != nil {
			return nil, err
		}
	}
	if in.RemoteID == "" {
		models, err := s.catalogue.Models(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range models {
			if m.ConnectionID == in.ID && m.Enabled {
				in.RemoteID = m.RemoteID
				break
			}
		}
	}
	steps, err := s.catalogue.CheckConnection(ctx, in.ID, in.Body.patch(), in.RemoteID)
	if err != nil {
		return nil, err
	}
	d, known, err := s.catalogue.ConnectionPlace(ctx, in.ID, in.Body.patch(), in.RemoteID)
	if err != nil {
		return nil, err
	}
	region := ""
	if in.Body != nil && in.Body.Settings != nil {
		region = in.Body.Settings.Region
	} else {
		c, err := s.catalogue.Connection(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		region = c.Settings.Region
	}
	return ok(checkResultOf(steps, in.RemoteID, region).at(d, known)), nil
}

func (s *Server) listRemoteModels(ctx context.Context, in *IDInput) (*body[list[remoteModel]], error) {
	models, err := s.catalogue.RemoteModels(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(list[remoteModel]{Items: mapped(models, remoteModelOf)}), nil
}

// value is what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
