package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// statuses is the one place where a code becomes an HTTP status.
var statuses = map[errs.Code]int{
	errs.Internal:        http.StatusInternalServerError,
	errs.InvalidInput:    http.StatusUnprocessableEntity,
	errs.Unauthenticated: http.StatusUnauthorized,
	errs.Forbidden:       http.StatusForbidden,
	errs.FeatureWithheld: http.StatusForbidden,
	errs.NotFound:        http.StatusNotFound,
	errs.WrongMethod:     http.StatusMethodNotAllowed,
	errs.Conflict:        http.StatusConflict,
	errs.TooLarge:        http.StatusRequestEntityTooLarge,
	errs.RateLimited:     http.StatusTooManyRequests,
	errs.Unavailable:     http.StatusServiceUnavailable,
	errs.CrossOrigin:     http.StatusForbidden,
	errs.UnsupportedType: http.StatusUnsupportedMediaType,

	errs.SetupLinkInvalid:       http.StatusGone,
	errs.SignInFailed:           http.StatusUnauthorized,
	errs.PasswordTooWeak:        http.StatusUnprocessableEntity,
	errs.PasswordChangeRequired: http.StatusForbidden,
	errs.EmailTaken:             http.StatusConflict,
	errs.LastAdministrator:      http.StatusConflict,

	errs.SecondFactorRequired:          http.StatusForbidden,
	errs.SecondFactorEnrolmentRequired: http.StatusForbidden,
	errs.SecondFactorFailed:            http.StatusUnprocessableEntity,
	errs.PasskeyFailed:                 http.StatusUnprocessableEntity,
	errs.PasskeyUnavailable:            http.StatusConflict,
	errs.ReauthenticationRequired:      http.StatusForbidden,

	errs.ModelUnavailable:    http.StatusConflict,
	errs.NoModel:             http.StatusConflict,
	errs.ModelInput:          http.StatusUnprocessableEntity,
	errs.ModelThrottled:      http.StatusTooManyRequests,
	errs.ModelBusy:           http.StatusTooManyRequests,
	errs.ModelContextTooLong: http.StatusUnprocessableEntity,
	errs.ModelAccessDenied:   http.StatusBadGateway,
	errs.ModelCredentials:    http.StatusBadGateway,
	errs.ModelNotFound:       http.StatusBadGateway,
	errs.ModelUnreachable:    http.StatusBadGateway,
	errs.ModelTimeout:        http.StatusGatewayTimeout,
	errs.ModelRefused:        http.StatusUnprocessableEntity,
	errs.ModelInvalidRequest: http.StatusBadGateway,
	errs.ModelBrokeOff:       http.StatusBadGateway,
	errs.ModelFailed:         http.StatusBadGateway,

	errs.RunActive:        http.StatusConflict,
	errs.RunNotActive:     http.StatusConflict,
	errs.RunInterrupted:   http.StatusConflict,
	errs.NothingToResume:  http.StatusConflict,
	errs.TemporaryPolicy:  http.StatusForbidden,
	errs.ResidencyDenied:  http.StatusForbidden,
	errs.EgressDenied:     http.StatusForbidden,
	errs.ResourceExceeded: http.StatusTooManyRequests,
	errs.SecretUnreadable: http.StatusInternalServerError,
	errs.FileUnreadable:   http.StatusInternalServerError,
}

const problemType = "application/problem+json"

// problem is every answer that is not a success (RFC 9457).
type problem struct {
	Type      string            `json:"type" doc:"Always about:blank; the code tells problems apart."`
	Title     string            `json:"title" doc:"The status in words."`
	Status    int               `json:"status"`
	Code      errs.Code         `json:"code" doc:"Stable name of the kind of failure, in snake_case."`
	Detail    string            `json:"detail" doc:"One English sentence for a person."`
	RequestID string            `json:"requestId" doc:"Names this request in the logs and in the audit trail."`
	Field     string            `json:"field,omitempty" doc:"The input at fault, as a path: turn.text."`
	Params    map[string]string `json:"params,omitempty" doc:"Values that a translated text may name."`

	retryAfter string
}

// Error implements error.
func (p *problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *problem) GetHeaders() http.Header {
	if p.retryAfter == "" {
		return nil
	}
	return http.Header{"Retry-After": {p.retryAfter}}
}

// ContentType implements huma.ContentTypeFilter.
func (p *problem) ContentType(string) string { return problemType }

// write answers r with p, outside of huma.
func (p *problem) write(w http.ResponseWriter) {
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", problemType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // a client that has left is nobody's failure
}

// problemOf says to the client what it may know of err.
func problemOf(ctx context.Context, err error) *problem {
	code := errs.CodeOf(err)
	status, ok := statuses[code]
	if !ok {
		code, status = errs.Internal, http.StatusInternalServerError
	}
	p := &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, RequestID: requestOf(ctx).id}
	var known *errs.Error
	if errors.As(err, &known) {
		p.Detail, p.Field, p.Params = known.Message, known.Field, known.Params
	}
	if code == errs.Internal {
		// What went wrong inside is for the log, whatever the error says.
		p.Detail, p.Field, p.Params = "Something went wrong on our side. The log knows this request by its id.", "", nil
	}
	p.retryAfter = p.Params["retryAfterSeconds"]
	var wait model.RetryAfter
	if p.retryAfter == "" && errors.As(err, &wait) && wait.RetryAfter() > 0 {
		p.retryAfter = strconv.Itoa(int((wait.RetryAfter() + time.Second - 1) / time.Second))
	}
	if p.retryAfter == "" && code == errs.Unavailable {
		p.retryAfter = "2"
	}
	return p
}

// fail turns what an operation returned into its answer. It is where failures
// are logged, each once, and where refusals reach the audit trail.
func (s *Server) fail(ctx context.Context, operation string, err error) *problem {
	p := problemOf(ctx, err)
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		s.log.DebugContext(ctx, "the client left", "request", p.RequestID, "operation", operation)
	case p.Status >= http.StatusInternalServerError:
		level := slog.LevelError
		if p.Code != errs.Internal && p.Code != errs.SecretUnreadable && p.Code != errs.FileUnreadable {
			level = slog.LevelWarn // somebody else's failure
		}
		s.log.Log(ctx, level, "request failed", "request", p.RequestID, "operation", operation, "code", p.Code, "err", err)
	default:
		s.log.DebugContext(ctx, "request refused", "request", p.RequestID, "operation", operation, "code", p.Code, "err", err)
	}
	if p.Code == errs.Forbidden {
		s.recordDenied(ctx, operation)
	}
	return p
}

// recordDenied writes down that somebody tried what they may not do.
func (s *Server) recordDenied(ctx context.Context, operation string) {
	if _, ok := access.From(ctx); !ok {
		return
	}
	err := s.audit.Record(context.WithoutCancel(ctx), audit.Event{
		Action: "access.denied", Resource: audit.Resource{Kind: "operation", ID: operation}, Outcome: audit.Denied,
	})
	if err != nil {
		s.log.ErrorContext(ctx, "a refusal is missing in the audit trail", "request", requestOf(ctx).id, "operation", operation, "err", err)
	}
}

// answer writes err as a problem, outside of huma.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, operation string, err error) {
	s.fail(r.Context(), operation, err).write(w)
}

// adoptProblems gives huma our form of an error, which it keeps in variables of
// its package.
var adoptProblems = sync.OnceFunc(func() {
	huma.DefaultArrayNullable = false // our lists are never null
	huma.NewError = func(status int, message string, details ...error) huma.StatusError {
		return refusal(context.Background(), status, message, details)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, details ...error) huma.StatusError {
		return refusal(ctx.Context(), status, message, details)
	}
})

// refusal is the answer to a request that huma did not let through to its
// operation.
func refusal(ctx context.Context, status int, message string, details []error) *problem {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return problemOf(ctx, errs.New(errs.TooLarge, "The request is larger than this operation takes."))
	case http.StatusUnsupportedMediaType:
		return problemOf(ctx, errs.New(errs.UnsupportedType, "The body must be application/json."))
	case http.StatusInternalServerError:
		if message != "cannot read request body" {
			return problemOf(ctx, errs.New(errs.Internal, message))
		}
	}
	refused := errs.InField("", message)
	var detail huma.ErrorDetailer
	if len(details) > 0 && errors.As(details[0], &detail) {
		// The value at fault is not repeated: it may be a secret.
		d := detail.ErrorDetail()
		refused.Message = d.Message
		for _, where := range []string{"body.", "query.", "path.", "header."} {
			if field, ok := strings.CutPrefix(d.Location, where); ok {
				refused.Field = field
			}
		}
		if missing, ok := strings.CutPrefix(d.Message, "expected required property "); ok {
			missing, _, _ = strings.Cut(missing, " ")
			refused.Field = strings.TrimPrefix(refused.Field+"."+missing, ".")
			refused.Message = "This is required."
		}
		if d.Location == "body" && strings.Contains(d.Message, "invalid character") {
			refused.Message = "The body is not valid JSON."
		}
	}
	return problemOf(ctx, refused)
}
