package model

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics measures calls, in the words of OpenTelemetry's conventions for
// generative AI where they have one.
type metrics struct {
	active   prometheus.Gauge
	calls    *prometheus.CounterVec
	retries  *prometheus.CounterVec
	tokens   *prometheus.CounterVec
	first    *prometheus.HistogramVec
	duration *prometheus.HistogramVec
	waits    *prometheus.HistogramVec
	waiting  prometheus.Gauge
	rests    *prometheus.CounterVec
}

// secondsBuckets reach from a cached answer to a long document on a slow CPU.
var secondsBuckets = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640}

func newMetrics(r prometheus.Registerer) *metrics {
	byModel := []string{"gen_ai_provider_name", "gen_ai_request_model"}
	m := &metrics{
		active: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "kakoi_model_calls_active", Help: "Calls of models that are going on.",
		}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kakoi_model_calls_total", Help: "Calls of models by how they ended: complete, stopped, or an error code.",
		}, append([]string{"feature", "outcome"}, byModel...)),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kakoi_model_retries_total", Help: "Attempts that were made again, by the code of the failure.",
		}, []string{"code"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gen_ai_client_tokens_total", Help: "Tokens used, by type.",
		}, append([]string{"gen_ai_token_type"}, byModel...)),
		first: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gen_ai_client_operation_time_to_first_chunk_seconds", Help: "Time to the first piece of an answer.", Buckets: secondsBuckets,
		}, byModel),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gen_ai_client_operation_duration_seconds", Help: "Time to the end of an answer, or to its failure.", Buckets: secondsBuckets,
		}, byModel),
		waits: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "kakoi_model_line_wait_seconds", Help: "Time that calls waited in line before they went out; those that did not wait are not counted.", Buckets: secondsBuckets,
		}, byModel),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "kakoi_model_calls_waiting", Help: "Calls of this server that wait in line for a model.",
		}),
		rests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kakoi_model_route_changes_total", Help: "How often a route of a model was left alone because it failed (rest), or worked again (resume).",
		}, []string{"state", "gen_ai_request_model"}),
	}
	if r != nil {
		r.MustRegister(m.active, m.calls, m.retries, m.tokens, m.first, m.duration, m.waits, m.waiting, m.rests)
	}
	return m
}

// observe measures a call at its end. A model that is not in the catalogue has
// no name here: a caller could otherwise invent any number of them.
func (m *metrics) observe(v *invocation, duration time.Duration) {
	provider, model := string(v.target.connection.Kind), v.target.model.RemoteID
	m.calls.WithLabelValues(v.call.Feature, string(v.outcome), provider, model).Inc()
	if model == "" {
		return
	}
	m.duration.WithLabelValues(provider, model).Observe(duration.Seconds())
	if v.firstToken > 0 {
		m.first.WithLabelValues(provider, model).Observe(v.firstToken.Seconds())
	}
	for _, t := range []struct {
		kind string
		n    int
	}{
		{"input", v.usage.InputTokens}, {"output", v.usage.OutputTokens},
		{"cache_read", v.usage.CacheReadTokens}, {"cache_write", v.usage.CacheWriteTokens},
	} {
		if t.n > 0 {
			m.tokens.WithLabelValues(t.kind, provider, model).Add(float64(t.n))
		}
	}
}
