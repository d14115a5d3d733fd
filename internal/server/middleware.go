package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/identity"
)

// request is what is known of a request before its operation.
type request struct {
	id        string
	address   string // of the client, after trusted proxies
	userAgent string
	route     string           // the pattern of the API that it met, or ""
	token     string           // of the session the browser shows, or ""
	account   identity.Account // who is signed in; zero for nobody
	control   *http.ResponseController
}

// endReadDeadline lets the rest of the request take its time.
func (r *request) endReadDeadline() {
	if r.control != nil {
		_ = r.control.SetReadDeadline(time.Time{}) // a recorder in a test has none
	}
}

type requestKey struct{}

// requestOf returns what is known of the request of ctx.
func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// identify gives each request an id, says where it comes from, and logs it when
// it has been answered: no query, no body, nothing a person wrote.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		known := &request{id: db.NewID(), address: s.clientAddress(r), userAgent: r.UserAgent(), control: http.NewResponseController(w)}
		ctx := context.WithValue(r.Context(), requestKey{}, known)
		ctx = audit.WithRequest(ctx, audit.RequestInfo{ID: known.id, Address: known.address, UserAgent: known.userAgent})
		r = r.WithContext(ctx)
		w.Header().Set("X-Request-Id", known.id)
		if r.ContentLength != 0 {
			// For what is refused before anybody reads it; operations set their own.
			_ = known.control.SetReadDeadline(begun.Add(time.Minute))
		}
		out := &response{ResponseWriter: w}
		next.ServeHTTP(out, r)

		took := time.Since(begun)
		s.metrics.observe(r.Method, named(known.route != "", known.route, r.Pattern), out.status, took)
		level := slog.LevelDebug
		if strings.HasPrefix(r.URL.Path, "/api/") {
			level = slog.LevelInfo
		}
		s.log.LogAttrs(ctx, level, "request",
			slog.String("request", known.id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", out.status), slog.Int64("bytes", out.bytes), slog.Duration("took", took),
			slog.String("address", known.address), slog.String("account", known.account.ID))
	})
}

// response remembers what was answered.
type response struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader implements http.ResponseWriter.
func (w *response) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach what is beneath.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// rescue turns a panic into a 500 and a line in the log.
func (s *Server) rescue(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(cause)
			}
			s.log.ErrorContext(r.Context(), "panic", "request", requestOf(r.Context()).id, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			if out, ok := w.(*response); ok && out.status != 0 {
				panic(http.ErrAbortHandler) // half an answer must not look like a whole one
			}
			problemOf(r.Context(), errs.New(errs.Internal, "")).write(w)
		}()
		next.ServeHTTP(w, r)
	})
}

const (
	// pagePolicy is what a page of ours may do; web/vite.config.ts has the same.
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; " +
		"connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	// sandboxPolicy is that of the frame without an origin that draws diagrams;
	// web/build/diagram-sandbox.ts has the same.
	sandboxPolicy = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; " +
		"form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts"
	// dataPolicy is that of everything that is no page.
	dataPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox"
)

// protect sets the headers that bind the browser.
func protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if strings.HasPrefix(r.URL.Path, "/sandbox/") {
			h.Set("Content-Security-Policy", sandboxPolicy)
			// The frame has no origin, so its own script comes to it from elsewhere.
			h.Set("Cross-Origin-Resource-Policy", "cross-origin")
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("Permissions-Policy", "microphone=(), camera=(), geolocation=()")
		} else {
			h.Set("Content-Security-Policy", pagePolicy)
			h.Set("Cross-Origin-Resource-Policy", "same-origin")
			h.Set("Referrer-Policy", "same-origin")
			h.Set("X-Frame-Options", "DENY")
			h.Set("Permissions-Policy", "microphone=(self), camera=(), geolocation=(), payment=(), usb=(), interest-cohort=()")
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses what another site made a browser send.
func (s *Server) sameOrigin(next http.Handler) (http.Handler, error) {
	guard := http.NewCrossOriginProtection()
	if s.publicURL != "" {
		// A proxy may have changed Host, and over plain HTTP browsers send only Origin.
		if err := guard.AddTrustedOrigin(s.publicURL); err != nil {
			return nil, fmt.Errorf("trust %s: %w", s.publicURL, err)
		}
	}
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.answer(w, r, "crossOrigin", errs.New(errs.CrossOrigin, "This request came from another site."))
	}))
	return guard.Handler(next), nil
}

// apiOnly is what holds for the whole API: its bodies are JSON, its answers
// are not kept, and its caller is known.
func (s *Server) apiOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", dataPolicy)
		h.Set("Cache-Control", "no-store")
		h.Add("Vary", "Cookie")
		if hasForeignBody(r) {
			s.answer(w, r, "contentType", errs.New(errs.UnsupportedType, "The body must be application/json."))
			return
		}
		r, err := s.authenticate(r)
		if err != nil {
			s.answer(w, r, "authenticate", err)
			return
		}
		if most, operation := s.fileLimit(r); r.ContentLength > most {
			s.refuseFile(w, r, operation, most)
			return
		}
		next.ServeHTTP(w, r)
		requestOf(r.Context()).route = r.Pattern
	})
}

// hasForeignBody reports whether a request brings something that a form of
// another site could have sent. Files are raw bytes of any type.
func hasForeignBody(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.ContentLength == 0 ||
		r.URL.Path == attachmentsPath || r.URL.Path == transcriptionsPath || r.URL.Path == apiPrefix+importsPath {
		return false
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err != nil || mediaType != "application/json"
}

// authenticate puts the person of the session into the context. A session that
// has ended is nobody's: what needs a person refuses by itself.
func (s *Server) authenticate(r *http.Request) (*http.Request, error) {
	cookies := r.CookiesNamed(s.cookieName)
	if len(cookies) == 0 {
		return r, nil
	}
	known := requestOf(r.Context())
	known.token = cookies[0].Value
	principal, account, err := s.identity.Authenticate(r.Context(), known.token)
	switch {
	case errs.CodeOf(err) == errs.Unauthenticated:
		return r, nil
	case err != nil:
		return r, err
	}
	known.account = account
	return r.WithContext(access.WithPrincipal(r.Context(), principal)), nil
}

// clientAddress is where a request comes from: the connection's other end or,
// behind trusted proxies, the nearest address that is none of them. What stands
// to the left of it in X-Forwarded-For could be anybody's invention.
func (s *Server) clientAddress(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	client := peer.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !s.trusted(client) {
			break
		}
		hop = strings.TrimSpace(hop)
		next, err := netip.ParseAddr(strings.Trim(hop, "[]"))
		if err != nil {
			withPort, err := netip.ParseAddrPort(hop)
			if err != nil {
				break
			}
			next = withPort.Addr()
		}
		client = next.Unmap().WithZone("")
	}
	return client.String()
}

func (s *Server) trusted(a netip.Addr) bool {
	return slices.ContainsFunc(s.proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}
