package server

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kakoi/internal/access"
	"kakoi/internal/errs"
)

// healthz says that the process answers.
func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "ok\n")
}

// readyz says whether requests should be sent here: the store answers and
// nobody has asked the server to stop.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	err := s.db.Ping(ctx)
	if err == nil && s.draining.Load() {
		err = errs.New(errs.Unavailable, "The server is stopping.")
	}
	if err != nil {
		s.answer(w, r, "readyz", errs.Wrap(errs.Unavailable, "Not ready.", err))
		return
	}
	healthz(w, r)
}

// measures are what the server counts of itself.
type measures struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	streams  prometheus.Gauge
}

func newMeasures(runs func() int) *measures {
	m := &measures{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_server_requests_total", Help: "Requests by method, route and status.",
		}, []string{"http_request_method", "http_route", "http_response_status_code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_server_request_duration_seconds", Help: "Time to answer a request; streams are not in it.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"http_request_method", "http_route"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{Name: "kakoi_streams_active", Help: "Event streams that are open."}),
	}
	m.registry.MustRegister(
		m.requests, m.duration, m.streams,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "kakoi_runs_active", Help: "Answers that are being written on this node."},
			func() float64 { return float64(runs()) }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// observe counts a request by its route, which is one of a few; its path is
// anything.
func (m *measures) observe(method, pattern string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		method = "_OTHER" // a client could invent any number of them
	}
	m.requests.WithLabelValues(method, pattern, strconv.Itoa(status)).Inc()
	if pattern != "GET "+apiPrefix+runEventsPath && pattern != "GET "+apiPrefix+eventsPath {
		m.duration.WithLabelValues(method, pattern).Observe(took.Seconds())
	}
}

// metricsFor serves the measures to this machine and to administrators.
func (s *Server) metricsFor() http.Handler {
	measured := promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !direct(r) {
			r, err := s.authenticate(r)
			if err == nil {
				_, err = access.Authorize(r.Context(), access.SystemRead, access.Resource{Kind: access.KindSystem})
			}
			if err != nil {
				s.answer(w, r, "metrics", err)
				return
			}
		}
		w.Header().Set("Cache-Control", "no-store")
		measured.ServeHTTP(w, r)
	})
}

// direct reports whether a request was made on this machine rather than passed
// on by a proxy on it.
func direct(r *http.Request) bool {
	for _, h := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback()
}
