package server

import (
	"context"
	"net/http"
	"time"

	"kakoi/internal/access"
)

// unit is a part of the organisation as it is at one moment.
type unit struct {
	ID       string    `json:"id"`
	Code     string    `json:"code"`
	Name     string    `json:"name"`
	ParentID string    `json:"parentId,omitempty" doc:"Absent at the top."`
	Position int       `json:"position" doc:"Among those of one parent."`
	Members  int       `json:"members" doc:"People who have a post in it, not in those below."`
	Within   int       `json:"within" doc:"People who have a post in it or below it."`
	May      []permits `json:"may" doc:"What whoever asks may do in it: organisation.write, account.write, role.assign."`
	From     time.Time `json:"from,omitzero" doc:"Of this name and place."`
	Until    time.Time `json:"until,omitzero" doc:"Of this name and place; absent: no such day."`
}

func unitOf(u access.Unit) unit {
	from, until := timesOf(u.Span)
	return unit{ID: u.ID, Code: u.Code, Name: u.Name, ParentID: u.ParentID, Position: u.Position, Members: u.Members, Within: u.Within, May: permitted(u.May), From: from, Until: until}
}

type newUnit struct {
	Code     string    `json:"code" kind:"name" minLength:"1" maxLength:"50" doc:"The organisation's own, unique."`
	Name     string    `json:"name" kind:"name" minLength:"1" maxLength:"100"`
	ParentID string    `json:"parentId,omitempty" kind:"id" maxLength:"64" doc:"Absent: at the top."`
	Position int       `json:"position,omitempty" kind:"number" minimum:"0" maximum:"1000000"`
	From     time.Time `json:"from,omitzero" kind:"number" doc:"Absent: now."`
}

type unitChange struct {
	Code     *string   `json:"code,omitempty" kind:"name" minLength:"1" maxLength:"50" doc:"At once, whatever the day."`
	Name     *string   `json:"name,omitempty" kind:"name" minLength:"1" maxLength:"100"`
	ParentID *string   `json:"parentId,omitempty" kind:"id" maxLength:"64" doc:"Empty: to the top."`
	Position *int      `json:"position,omitempty" kind:"number" minimum:"0" maximum:"1000000"`
	From     time.Time `json:"from,omitzero" kind:"number" doc:"Absent: now."`
}

// permitted are actions as the interface reads them.
func permitted(actions []access.Action) []permits {
	return mapped(actions, func(a access.Action) permits { return permits(a) })
}

// MomentInput is a moment to look at.
type MomentInput struct {
	At time.Time `query:"at" kind:"number" doc:"Absent: now."`
}

func (in MomentInput) moment() time.Time {
	if in.At.IsZero() {
		return time.Now()
	}
	return in.At
}

func (s *Server) unitOperations() {
	register(s, route{method: http.MethodGet, path: "/admin/units", id: "listUnits", tag: "admin", needs: needs(access.OrganisationRead), summary: "The organisation's units as they are on a day."}, s.listUnits)
	register(s, route{method: http.MethodGet, path: "/admin/units/planned", id: "listPlannedUnits", tag: "admin", needs: needs(access.OrganisationRead), summary: "What units are to be, after a day; one that only ends is not among them."}, s.listPlannedUnits)
	register(s, route{method: http.MethodGet, path: "/admin/units/{id}/periods", id: "listUnitPeriods", tag: "admin", needs: needs(access.OrganisationRead), summary: "What a unit was, is and is to be."}, s.listUnitPeriods)
	register(s, route{method: http.MethodPost, path: "/admin/units", id: "createUnit", tag: "admin", needs: needs(access.OrganisationWrite), summary: "Makes a unit.", status: http.StatusCreated}, s.createUnit)
	register(s, route{method: http.MethodPatch, path: "/admin/units/{id}", id: "updateUnit", tag: "admin", needs: needs(access.OrganisationWrite), summary: "Renames or moves a unit, from a day on."}, s.updateUnit)
	register(s, route{method: http.MethodDelete, path: "/admin/units/{id}", id: "abolishUnit", tag: "admin", needs: needs(access.OrganisationWrite), summary: "Ends a unit on a day; nothing may be below or in it then.", status: http.StatusNoContent}, s.abolishUnit)
}

func (s *Server) listUnits(ctx context.Context, in *MomentInput) (*body[list[unit]], error) {
	return unitsOf(s.units.List(ctx, in.moment()))
}

func (s *Server) listPlannedUnits(ctx context.Context, in *MomentInput) (*body[list[unit]], error) {
	return unitsOf(s.units.Planned(ctx, in.moment()))
}

func (s *Server) listUnitPeriods(ctx context.Context, in *IDInput) (*body[list[unit]], error) {
	return unitsOf(s.units.Periods(ctx, in.ID))
}

func unitsOf(units []access.Unit, err error) (*body[list[unit]], error) {
	if err != nil {
		return nil, err
	}
	return ok(list[unit]{Items: mapped(units, unitOf)}), nil
}

func (s *Server) createUnit(ctx context.Context, in *struct{ Body newUnit }) (*body[unit], error) {
	u, err := s.units.Create(ctx, access.UnitDraft(in.Body))
	if err != nil {
		return nil, err
	}
	return ok(unitOf(u)), nil
}

func (s *Server) updateUnit(ctx context.Context, in *struct {
	IDInput
	Body unitChange
}) (*body[unit], error) {
	u, err := s.units.Update(ctx, in.ID, access.UnitChange(in.Body))
	if err != nil {
		return nil, err
	}
	return ok(unitOf(u)), nil
}

func (s *Server) abolishUnit(ctx context.Context, in *struct {
	IDInput
	From time.Time `query:"from" kind:"number" doc:"Absent: now."`
}) (*none, error) {
	return nil, s.units.Abolish(ctx, in.ID, in.From)
}
