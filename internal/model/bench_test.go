package model_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/admission"
	"kakoi/internal/model/openai"
)

// BenchmarkPath measures what the path of a call adds: to an adapter that calls
// a model server on loopback with the standard library's client, first the way
// out, then the whole Invoker (who, residency, budgets, ledger, audit), then
// limits that are kept. The four take turns, so that what else the machine does
// is in all of them alike, and their medians are compared.
//
// It is run by make bench-path.
func BenchmarkPath(b *testing.B) {
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		b.Run(string(engine), func(b *testing.B) {
			up := startOpenAI(b)
			in := install(b, dbtest.Open(b, engine), up)
			ctx, end := context.WithCancel(in.person)
			var ledger sync.WaitGroup
			ledger.Go(func() { in.invoker.Run(ctx) })
			defer ledger.Wait()
			defer end()
			limited, err := in.catalogue.CreateModel(in.admin, model.ModelDraft{
				ConnectionID: in.model.ConnectionID, RemoteID: up.remoteID, Enabled: true,
				Limits: admission.Limits{Concurrent: 1000, RequestsPerMinute: 1_000_000_000, TokensPerMinute: 1_000_000_000},
			})
			if err != nil {
				b.Fatal(err)
			}
			base := up.draft.Settings.BaseURL
			adapter := func(client *http.Client) func() error {
				p := openai.New(openai.Config{BaseURL: base, APIKey: up.draft.Secret.APIKey, HTTP: client, Log: slog.New(slog.DiscardHandler)})
				return func() error {
					for _, err := range p.Stream(ctx, model.Request{Model: up.remoteID, Messages: asked}) {
						if err != nil {
							return err
						}
					}
					return nil
				}
			}
			gated, err := egress.New(egress.Options{Log: slog.New(slog.DiscardHandler)}).Client(egress.Spec{Purpose: "bench", Allow: []string{base[len("http://") : len(base)-len("/v1")]}})
			if err != nil {
				b.Fatal(err)
			}
			invoker := func(id string) func() error {
				return func() error {
					for _, err := range in.invoker.Stream(ctx, model.Call{ModelID: id, Feature: "chat", Messages: asked}) {
						if err != nil {
							return err
						}
					}
					return nil
				}
			}
			plain := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 10}}
			defer plain.CloseIdleConnections()
			ways := []struct {
				name string
				call func() error
				took []time.Duration
			}{
				{name: "direct", call: adapter(plain)}, {name: "gate", call: adapter(gated)},
				{name: "invoker", call: invoker(in.model.ID)}, {name: "limits", call: invoker(limited.ID)},
			}
			for b.Loop() {
				for i := range ways {
					w := &ways[i]
					start := time.Now()
					if err := w.call(); err != nil {
						b.Fatal(fmt.Errorf("%s: %w (%s)", w.name, err, errs.CodeOf(err)))
					}
					w.took = append(w.took, time.Since(start))
				}
			}
			b.ReportMetric(0, "ns/op") // of all four together: it says nothing
			direct := median(ways[0].took)
			for _, w := range ways {
				m := median(w.took)
				b.ReportMetric(float64(m.Nanoseconds())/1000, "µs-"+w.name)
				b.ReportMetric(float64(m)/float64(direct), "×-"+w.name)
			}
		})
	}
}

var asked = []model.Message{{Role: model.RoleUser, Parts: []model.Part{{Type: model.PartText, Text: "[[say ok]]"}}}}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
