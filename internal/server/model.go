package server

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/classification"
	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/admission"
)

// offer is a model as the person who may use it sees it.
type offer struct {
	ID             string                 `json:"id"`
	DisplayName    string                 `json:"displayName"`
	Description    string                 `json:"description"`
	Capabilities   capabilities           `json:"capabilities"`
	Defaults       parameters             `json:"defaults" doc:"What holds where the person sets nothing."`
	ConnectionKind model.Kind             `json:"connectionKind" enum:"openai,bedrock,demo"`
	ConnectionName string                 `json:"connectionName"`
	Demo           bool                   `json:"demo" doc:"A built-in demonstration, no real model."`
	ProcessedAt    string                 `json:"processedAt" doc:"Where what is sent is processed, in words."`
	Place          place                  `json:"place" doc:"The same in its parts, for a translated text."`
	Classes        []classification.Class `json:"classes" doc:"How confidential what is written to it may be; 0 among them where it may be unclassified."`
	IsDefault      bool                   `json:"isDefault" doc:"The one this person starts with."`
}

// offers is what a person may talk with and dictate to.
type offers struct {
	Items       []offer      `json:"items"`
	Transcriber *transcriber `json:"transcriber,omitempty" doc:"What turns speech into text; absent where nothing does."`
	Barred      int          `json:"barred,omitempty" doc:"Where no model is offered: how many would be if the residency policy permitted where they are."`
}

// capabilities have the fields of model.Capabilities.
type capabilities struct {
	Vision        bool `json:"vision" kind:"enum" doc:"Takes images."`
	Documents     bool `json:"documents" kind:"enum" doc:"Takes document files as they are."`
	Video         bool `json:"video,omitempty" kind:"enum" doc:"Takes video."`
	Reasoning     bool `json:"reasoning" kind:"enum" doc:"Thinks aloud, takes an effort."`
	Tools         bool `json:"tools" kind:"enum" doc:"Calls tools."`
	ContextTokens int  `json:"contextTokens" kind:"number" minimum:"0" maximum:"100000000" doc:"Prompt and answer together; 0 is unknown."`
	OutputTokens  int  `json:"outputTokens" kind:"number" minimum:"0" maximum:"100000000" doc:"Longest answer; 0 is unknown."`
}

// parameters have the fields of model.Parameters.
type parameters struct {
	Temperature     *float64     `json:"temperature,omitempty" kind:"number" minimum:"0" maximum:"2"`
	TopP            *float64     `json:"topP,omitempty" kind:"number" minimum:"0" maximum:"1"`
	MaxTokens       *int         `json:"maxTokens,omitempty" kind:"number" minimum:"1" maximum:"100000000" doc:"Longest answer."`
	ReasoningEffort model.Effort `json:"reasoningEffort,omitempty" kind:"enum" enum:"none,low,medium,high" doc:"Absent: the model decides."`
}

// price has the fields of model.Price.
type price struct {
	Currency   string   `json:"currency" kind:"enum" enum:"JPY,USD," doc:"Empty: the price is not known."`
	Input      float64  `json:"input" kind:"number" minimum:"0" doc:"For a million tokens that no cache held."`
	Output     float64  `json:"output" kind:"number" minimum:"0" doc:"For a million tokens of answer and reasoning."`
	CacheRead  *float64 `json:"cacheRead,omitempty" kind:"number" minimum:"0" doc:"Absent: as input."`
	CacheWrite *float64 `json:"cacheWrite,omitempty" kind:"number" minimum:"0" doc:"Absent: as input."`
}

// catalogueModel is a model as its administrator sees it.
type catalogueModel struct {
	ID           string          `json:"id"`
	ConnectionID string          `json:"connectionId"`
	RemoteID     string          `json:"remoteId" doc:"As the provider calls it."`
	DisplayName  string          `json:"displayName"`
	Description  string          `json:"description"`
	Task         model.Task      `json:"task" enum:"chat,transcription,embedding,rerank,image,guardrail" doc:"What it is for: talking, turning speech into text or texts into vectors, ordering texts, making images; a guardrail judges texts."`
	Capabilities capabilities    `json:"capabilities"`
	Defaults     parameters      `json:"defaults"`
	Options      json.RawMessage `json:"options,omitempty" doc:"Extras of the provider, an object."`
	Position     int64           `json:"position" doc:"Order in every list."`
	Enabled      bool            `json:"enabled"`
	Grants       []grant         `json:"grants" doc:"Who may use it. A deny wins; whom nothing allows may not."`
	Light        bool            `json:"light" doc:"Makes titles and other small things."`
	FallbackID   string          `json:"fallbackId" doc:"The model that answers when this one cannot, or empty."`
	Price        price           `json:"price"`
	Limits       modelLimits     `json:"limits"`
	Weight       int             `json:"weight" doc:"The share of its own connection among its routes of priority 1."`
	Routes       []modelRoute    `json:"routes" doc:"Further ways to it, beside its own connection, which has priority 1."`
	Rests        []routeRest     `json:"rests,omitempty" doc:"Which of its ways are left alone because they failed; in lists."`
	Line         *modelLine      `json:"line,omitempty" doc:"Who is answered and who waits; in lists."`
	Residency    *decision       `json:"residency,omitempty" doc:"Where it is, and whether the policy permits that to the people it is for; in lists."`
}

// modelLimits have the fields of admission.Limits.
type modelLimits struct {
	Concurrent        int `json:"concurrent" kind:"number" minimum:"0" maximum:"1000000000" doc:"Answers at once; 0 is no limit."`
	RequestsPerMinute int `json:"requestsPerMinute" kind:"number" minimum:"0" maximum:"1000000000" doc:"Calls begun in a minute; 0 is no limit."`
	TokensPerMinute   int `json:"tokensPerMinute" kind:"number" minimum:"0" maximum:"1000000000" doc:"Input, and the longest answer until it is known, in a minute; 0 is no limit."`
}

// modelRoute is a further way to a model.
type modelRoute struct {
	ConnectionID string    `json:"connectionId"`
	RemoteID     string    `json:"remoteId" doc:"As the provider of this connection calls the model."`
	Weight       int       `json:"weight" doc:"Its share among the routes of its priority."`
	Priority     int       `json:"priority" doc:"1 goes first; a higher one only when no lower can answer."`
	Residency    *decision `json:"residency,omitempty" doc:"Where it leads, and whether the policy permits that; in lists."`
}

// RouteInput is a route as it is set.
type RouteInput struct {
	ConnectionID string `json:"connectionId" kind:"id" minLength:"1" maxLength:"64"`
	RemoteID     string `json:"remoteId,omitempty" kind:"name" maxLength:"2048" doc:"Absent: as the model's own."`
	Weight       int    `json:"weight,omitempty" kind:"number" minimum:"1" maximum:"1000" doc:"Absent: 1."`
	Priority     int    `json:"priority,omitempty" kind:"number" minimum:"1" maximum:"9" doc:"Absent: 1."`
}

// routeRest is a way that is left alone for a while.
type routeRest struct {
	ConnectionID string    `json:"connectionId"`
	RemoteID     string    `json:"remoteId"`
	Since        time.Time `json:"since"`
	Until        time.Time `json:"until" doc:"Then one call tries it again."`
	Code         errs.Code `json:"code" doc:"Of the last failure."`
}

// modelLine is how the line of a model stands.
type modelLine struct {
	Running int `json:"running" doc:"Calls that are answered."`
	Waiting int `json:"waiting" doc:"Calls that wait for their turn."`
	Ceiling int `json:"ceiling,omitempty" doc:"Answers at once that the provider was found to take lately; absent: as many as there are."`
}

func routesOf(in []RouteInput) []model.Route {
	return mapped(in, func(r RouteInput) model.Route { return model.Route(r) })
}

func catalogueModelOf(m model.Model) catalogueModel {
	return catalogueModel{
		ID: m.ID, ConnectionID: m.ConnectionID, RemoteID: m.RemoteID, DisplayName: m.DisplayName, Description: m.Description,
		Task: m.Task, Capabilities: capabilities(m.Capabilities), Defaults: parameters(m.Defaults), Options: m.Options, Position: m.Position,
		Enabled: m.Enabled, Grants: mapped(m.Grants, grantOf), Light: m.Light, FallbackID: m.FallbackID, Price: price(m.Price),
		Limits: modelLimits(m.Limits), Weight: m.Weight, Routes: mapped(m.Routes, func(r model.Route) modelRoute {
			return modelRoute{ConnectionID: r.ConnectionID, RemoteID: r.RemoteID, Weight: r.Weight, Priority: r.Priority}
		}),
	}
}

type modelDraft struct {
	ConnectionID string          `json:"connectionId" kind:"id" minLength:"1" maxLength:"64"`
	RemoteID     string          `json:"remoteId" kind:"name" minLength:"1" maxLength:"2048" doc:"As the provider calls it."`
	DisplayName  string          `json:"displayName,omitempty" kind:"name" maxLength:"200" doc:"Empty: as remoteId."`
	Description  string          `json:"description,omitempty" kind:"freeText" maxLength:"2000"`
	Task         model.Task      `json:"task,omitempty" kind:"enum" enum:"chat,transcription,embedding,rerank,image,guardrail" doc:"Absent: as remoteId tells."`
	Capabilities capabilities    `json:"capabilities,omitempty"`
	Defaults     parameters      `json:"defaults,omitempty"`
	Options      json.RawMessage `json:"options,omitempty" kind:"freeText" doc:"Extras of the provider, an object."`
	Enabled      bool            `json:"enabled,omitempty" kind:"enum"`
	Grants       *[]grant        `json:"grants,omitempty" maxItems:"500" doc:"Absent: everyone may use it."`
	Light        bool            `json:"light,omitempty" kind:"enum"`
	FallbackID   string          `json:"fallbackId,omitempty" kind:"id" maxLength:"64"`
	Price        *price          `json:"price,omitempty"`
	Limits       *modelLimits    `json:"limits,omitempty"`
	Weight       int             `json:"weight,omitempty" kind:"number" minimum:"1" maximum:"1000" doc:"Absent: 1."`
	Routes       []RouteInput    `json:"routes,omitempty" maxItems:"20"`
}

type modelChange struct {
	ConnectionID *string          `json:"connectionId,omitempty" kind:"id" maxLength:"64" doc:"Must be the one it has."`
	RemoteID     *string          `json:"remoteId,omitempty" kind:"name" minLength:"1" maxLength:"2048"`
	DisplayName  *string          `json:"displayName,omitempty" kind:"name" maxLength:"200"`
	Description  *string          `json:"description,omitempty" kind:"freeText" maxLength:"2000"`
	Task         *model.Task      `json:"task,omitempty" kind:"enum" enum:"chat,transcription,embedding,rerank,image,guardrail"`
	Capabilities *capabilities    `json:"capabilities,omitempty"`
	Defaults     *parameters      `json:"defaults,omitempty"`
	Options      *json.RawMessage `json:"options,omitempty" kind:"freeText"`
	Enabled      *bool            `json:"enabled,omitempty" kind:"enum"`
	Grants       *[]grant         `json:"grants,omitempty" maxItems:"500" doc:"Replaces all."`
	Light        *bool            `json:"light,omitempty" kind:"enum"`
	FallbackID   *string          `json:"fallbackId,omitempty" kind:"id" maxLength:"64"`
	Price        *price           `json:"price,omitempty"`
	Limits       *modelLimits     `json:"limits,omitempty"`
	Weight       *int             `json:"weight,omitempty" kind:"number" minimum:"1" maximum:"1000"`
	Routes       *[]RouteInput    `json:"routes,omitempty" maxItems:"20" doc:"Replaces all."`
}

type modelOrder struct {
	IDs []string `json:"ids" kind:"id" maxItems:"10000" doc:"They come first, in this order."`
}

func (s *Server) modelOperations() {
	register(s, route{method: http.MethodGet, path: "/models", id: "listOffers", tag: "model", summary: "The models this person may talk with, in the administrator's order, and the one that turns their speech into text."}, s.listOffers)
	register(s, route{method: http.MethodGet, path: "/admin/models", id: "listModels", tag: "admin", needs: needs(access.ModelRead), summary: "Every model of every connection, in order."}, s.listModels)
	register(s, route{method: http.MethodPost, path: "/admin/models", id: "createModel", tag: "admin", needs: needs(access.ModelWrite), summary: "Adds a model to the catalogue, as the last.", status: http.StatusCreated}, s.createModel)
	register(s, route{method: http.MethodPut, path: "/admin/models/order", id: "orderModels", tag: "admin", needs: needs(access.ModelWrite), summary: "Puts the models in order.", status: http.StatusNoContent}, s.orderModels)
	register(s, route{method: http.MethodPatch, path: "/admin/models/{id}", id: "updateModel", tag: "admin", needs: needs(access.ModelWrite), summary: "Changes a model."}, s.updateModel)
	register(s, route{method: http.MethodDelete, path: "/admin/models/{id}", id: "deleteModel", tag: "admin", needs: needs(access.ModelWrite), summary: "Removes a model; conversations keep what it said.", status: http.StatusNoContent}, s.deleteModel)
}

func (s *Server) listOffers(ctx context.Context, _ *none) (*body[offers], error) {
	usable, err := s.catalogue.Offers(ctx)
	if err != nil {
		return nil, err
	}
	listener, err := s.transcriberOf(ctx)
	if err != nil {
		return nil, err
	}
	barred := 0
	if len(usable) == 0 {
		if barred, err = s.catalogue.Barred(ctx); err != nil {
			return nil, err
		}
	}
	first, _ := model.DefaultOf(usable, requestOf(ctx).account.Preferences.DefaultModelID)
	return ok(offers{Transcriber: listener, Barred: barred, Items: mapped(usable, func(o model.Offer) offer {
		return offer{
			ID: o.ID, DisplayName: o.DisplayName, Description: o.Description,
			Capabilities: capabilities(o.Capabilities), Defaults: parameters(o.Defaults),
			ConnectionKind: o.Kind, ConnectionName: o.ConnectionName, Demo: o.Kind == model.KindDemo,
			ProcessedAt: o.Place.String(), Place: placeOf(o.Place), Classes: o.Classes, IsDefault: o.ID == first.ID,
		}
	})}), nil
}

func (s *Server) listModels(ctx context.Context, _ *none) (*body[list[catalogueModel]], error) {
	models, err := s.catalogue.Models(ctx)
	if err != nil {
		return nil, err
	}
	judged, err := s.catalogue.Judged(ctx)
	if err != nil {
		return nil, err
	}
	routes, err := s.catalogue.JudgedRoutes(ctx)
	if err != nil {
		return nil, err
	}
	rests, err := s.catalogue.Rests(ctx)
	if err != nil {
		return nil, err
	}
	lines, err := s.invoker.Lines(ctx, models)
	if err != nil {
		return nil, err
	}
	name, err := s.namer(ctx, mapped(models, func(m model.Model) []access.Grant { return m.Grants })...)
	if err != nil {
		return nil, err
	}
	return ok(list[catalogueModel]{Items: mapped(models, func(m model.Model) catalogueModel {
		out := catalogueModelOf(m)
		out.Grants = mapped(m.Grants, name)
		for i, d := range routes[m.ID] {
			out.Routes[i].Residency = decisionOf(d)
		}
		for _, r := range rests {
			if m.Reaches(r.ConnectionID, r.RemoteID) {
				out.Rests = append(out.Rests, routeRest(r))
			}
		}
		if l, ok := lines[m.ID]; ok {
			line := modelLine(l)
			out.Line = &line
		}
		if d, ok := judged[m.ID]; ok {
			out.Residency = decisionOf(d)
		}
		return out
	})}), nil
}

func (s *Server) createModel(ctx context.Context, in *struct{ Body modelDraft }) (*body[catalogueModel], error) {
	b := in.Body
	if b.Price == nil {
		b.Price = &price{}
	}
	if b.Limits == nil {
		b.Limits = &modelLimits{}
	}
	m, err := s.catalogue.CreateModel(ctx, model.ModelDraft{
		ConnectionID: b.ConnectionID, RemoteID: b.RemoteID, DisplayName: b.DisplayName, Description: b.Description,
		Task: b.Task, Capabilities: model.Capabilities(b.Capabilities), Defaults: model.Parameters(b.Defaults), Options: b.Options,
		Enabled: b.Enabled, Grants: grantsIn(b.Grants), Light: b.Light, FallbackID: b.FallbackID, Price: model.Price(*b.Price),
		Limits: admission.Limits(*b.Limits), Weight: b.Weight, Routes: routesOf(b.Routes),
	})
	if err != nil {
		return nil, err
	}
	return ok(catalogueModelOf(m)), nil
}

func (s *Server) updateModel(ctx context.Context, in *struct {
	IDInput
	Body modelChange
}) (*body[catalogueModel], error) {
	b := in.Body
	var routes *[]model.Route
	if b.Routes != nil {
		all := routesOf(*b.Routes)
		routes = &all
	}
	m, err := s.catalogue.UpdateModel(ctx, in.ID, model.ModelPatch{
		RemoteID: b.RemoteID, DisplayName: b.DisplayName, Description: b.Description,
		Task: b.Task, Capabilities: (*model.Capabilities)(b.Capabilities), Defaults: (*model.Parameters)(b.Defaults), Options: b.Options,
		Enabled: b.Enabled, Grants: grantsChanged(b.Grants), Light: b.Light, FallbackID: b.FallbackID, Price: (*model.Price)(b.Price),
		Limits: (*admission.Limits)(b.Limits), Weight: b.Weight, Routes: routes,
	})
	if err != nil {
		return nil, err
	}
	return ok(catalogueModelOf(m)), nil
}

func (s *Server) orderModels(ctx context.Context, in *struct{ Body modelOrder }) (*none, error) {
	return nil, s.catalogue.OrderModels(ctx, in.Body.IDs)
}

func (s *Server) deleteModel(ctx context.Context, in *IDInput) (*none, error) {
	return nil, s.catalogue.DeleteModel(ctx, in.ID)
}
