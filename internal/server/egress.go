package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/config"
	"kakoi/internal/dsse"
	"kakoi/internal/egress/report"
	"kakoi/internal/model"
	"kakoi/internal/secret"
)

// egressMonth is what left the installation in a month.
type egressMonth struct {
	Month        string              `json:"month" doc:"2026-11, of Japan."`
	FirstMonth   string              `json:"firstMonth" doc:"On record."`
	From         time.Time           `json:"from"`
	To           time.Time           `json:"to"`
	MadeAt       time.Time           `json:"madeAt"`
	Complete     bool                `json:"complete" doc:"The month is over."`
	Network      egressNetwork       `json:"network"`
	Allowed      []egressAllowed     `json:"allowed" doc:"What may be reached now."`
	Destinations []egressDestination `json:"destinations" doc:"What was reached, or refused."`
	Total        egressAmounts       `json:"total"`
	Watches      []egressWatch       `json:"watches" doc:"The processes that kept the record."`
	Unwatched    []string            `json:"unwatched" doc:"Processes that wrote into the record before it was noted when they run."`
	Gaps         []egressGap         `json:"gaps" doc:"Times for which no process is on record."`
	Key          egressKey           `json:"key"`
}

type egressNetwork struct {
	Closed             bool     `json:"closed"`
	OwnRanges          []string `json:"ownRanges"`
	PublicDestinations []string `json:"publicDestinations"`
}

type egressAllowed struct {
	Destination string `json:"destination" doc:"host:port"`
	Purpose     string `json:"purpose" doc:"database, dns, detect, check, or model: and check: with the id of a connection."`
	Name        string `json:"name,omitempty" doc:"Of the connection."`
}

type egressAmounts struct {
	Dials         int64 `json:"dials" doc:"Connections tried."`
	Failures      int64 `json:"failures" doc:"Of those, how many could not be made."`
	Refusals      int64 `json:"refusals" doc:"Not tried: not declared, or led where it must not."`
	BytesSent     int64 `json:"bytesSent"`
	BytesReceived int64 `json:"bytesReceived"`
}

type egressDestination struct {
	Destination string        `json:"destination" doc:"host:port"`
	Purpose     string        `json:"purpose"`
	Name        string        `json:"name,omitempty" doc:"Of the connection."`
	Amounts     egressAmounts `json:"amounts"`
	First       time.Time     `json:"first" doc:"The hour, by its beginning."`
	Last        time.Time     `json:"last"`
}

type egressWatch struct {
	Node    string     `json:"node"`
	Version string     `json:"version"`
	From    time.Time  `json:"from"`
	To      time.Time  `json:"to" doc:"Until then nothing is missing."`
	End     report.End `json:"end" enum:"running,orderly,lost"`
}

type egressGap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// egressKey verifies reports.
type egressKey struct {
	Fingerprint string `json:"fingerprint" doc:"SHA-256 of the key in its standard form (DER)."`
	PEM         string `json:"pem"`
}

// MonthInput names a month.
type MonthInput struct {
	Month string `query:"month" kind:"name" maxLength:"7" pattern:"^[0-9]{4}-[0-9]{2}$" doc:"2026-11, of Japan; absent: the present one."`
}

func (s *Server) egressOperations() {
	register(s, route{method: http.MethodGet, path: "/admin/egress", id: "getEgress", tag: "admin", needs: needs(access.SystemRead), summary: "What left the installation in a month, and what may."}, s.getEgress)
	register(s, route{method: http.MethodGet, path: "/admin/egress/report", id: "exportEgress", tag: "admin", needs: needs(access.SystemRead, access.SystemExportEvidence), summary: "The same as a file: signed, or as a page to read."}, s.exportEgress)
}

func (s *Server) getEgress(ctx context.Context, in *MonthInput) (*body[egressMonth], error) {
	r, first, err := s.outgoing.Read(ctx, in.Month)
	if err != nil {
		return nil, err
	}
	key, err := s.outgoing.PublicKey(ctx)
	if err != nil {
		return nil, err
	}
	return ok(egressMonth{
		r.Month, first, r.From, r.To, r.MadeAt, r.Complete, egressNetwork(r.Network),
		mapped(r.Allowed, func(a report.Allowed) egressAllowed { return egressAllowed(a) }),
		mapped(r.Destinations, func(d report.Destination) egressDestination {
			return egressDestination{d.Destination, d.Purpose, d.Name, egressAmounts(d.Amounts), d.First, d.Last}
		}),
		egressAmounts(r.Total), mapped(r.Watches, func(w report.Watch) egressWatch { return egressWatch(w) }), r.Unwatched,
		mapped(r.Gaps, func(g report.Gap) egressGap { return egressGap(g) }), egressKey{key.Fingerprint, string(key.PEM)},
	}), nil
}

func (s *Server) exportEgress(ctx context.Context, in *struct {
	MonthInput
	Format string `query:"format" kind:"enum" enum:"signed,html" default:"signed"`
}) (*huma.StreamResponse, error) {
	r, _, err := s.outgoing.Read(ctx, in.Month)
	if err != nil {
		return nil, err
	}
	who, _ := access.From(ctx)
	var file bytes.Buffer
	mediaType, name := "application/json", "kakoi-egress-"+r.Month+".json"
	if in.Format == "html" {
		mediaType, name = "text/html; charset=utf-8", "kakoi-egress-"+r.Month+".html"
		err = report.WriteHTML(&file, r, who.Locale)
	} else {
		var signed []byte
		signed, err = s.outgoing.Signed(ctx, r.Month)
		file.Write(signed)
	}
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(out huma.Context) {
		out.SetHeader("Content-Type", mediaType)
		out.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
		out.SetHeader("Cache-Control", "no-store")
		_, _ = file.WriteTo(out.BodyWriter()) // the length is not said: who gets half of it has no JSON
	}}, nil
}

// EgressReport returns the signed report of a month. A server may be running on
// the same store.
func EgressReport(ctx context.Context, cfg config.Config, version string, log *slog.Logger, month string) ([]byte, error) {
	var file []byte
	err := withReports(ctx, cfg, version, log, func(s *report.Service) (err error) {
		file, err = s.SignedForOperator(ctx, month)
		return err
	})
	return file, err
}

// EgressKey returns the public key that verifies reports, as PEM.
func EgressKey(ctx context.Context, cfg config.Config, version string, log *slog.Logger) ([]byte, error) {
	var key report.PublicKey
	err := withReports(ctx, cfg, version, log, func(s *report.Service) (err error) {
		key, err = s.PublicKeyForOperator(ctx)
		return err
	})
	return key.PEM, err
}

// EgressVerified is what a report says that was verified.
type EgressVerified struct {
	Month       string
	MadeAt      time.Time
	Complete    bool
	Version     string
	Closed      bool
	Fingerprint string // of the key that it was verified with
	Total       struct{ Destinations, Dials, Refusals, BytesSent, BytesReceived int64 }
	Gaps        int
	Lost        int // processes whose end is not on record
	// HTML writes it as a page to read.
	HTML func(w io.Writer, locale string) error
}

// VerifyEgress returns what a report says, if the owner of the key, in PEM, has
// signed it. It needs no store. With an error, malformed says that a file is no
// report or no key at all, rather than the signature false.
func VerifyEgress(file, keyText []byte) (v EgressVerified, malformed bool, err error) {
	key, err := dsse.ParseKey(keyText)
	if err != nil {
		return v, true, err
	}
	r, err := report.Verify(file, key)
	if err != nil {
		return v, errors.Is(err, dsse.ErrMalformed), err
	}
	id, err := dsse.Fingerprint(key)
	v = EgressVerified{
		Month: r.Month, MadeAt: r.MadeAt, Complete: r.Complete, Version: r.Version, Closed: r.Network.Closed, Fingerprint: id, Gaps: len(r.Gaps),
		HTML: func(w io.Writer, locale string) error { return report.WriteHTML(w, r, locale) },
	}
	for _, w := range r.Watches {
		if w.End == report.EndLost {
			v.Lost++
		}
	}
	v.Total.Destinations, v.Total.Dials, v.Total.Refusals = int64(len(r.Destinations)), r.Total.Dials, r.Total.Refusals
	v.Total.BytesSent, v.Total.BytesReceived = r.Total.BytesSent, r.Total.BytesReceived
	return v, false, err
}

func withReports(ctx context.Context, cfg config.Config, version string, log *slog.Logger, do func(*report.Service) error) error {
	store, err := openExisting(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }() // what was to be written is, or was refused
	key, err := secret.LoadFile(cfg.MasterKeyFile())
	if err != nil {
		return err
	}
	record := audit.New(store, time.Now)
	catalogue := model.NewCatalogue(model.CatalogueOptions{DB: store, Audit: record, Now: time.Now, Log: log})
	return do(newReports(cfg, store, secret.New(key), record, catalogue, version, time.Now))
}
