// Package errs gives every failure that a person or a program may meet a
// stable code. A code is part of the API: it selects the HTTP status and the
// text in the person's language, and it never changes its meaning.
package errs

import (
	"errors"
	"fmt"
)

// Code names a kind of failure, in snake_case.
type Code string

// The codes. docs/errors.md explains each to the person who meets it; the web
// locales hold its text in Japanese and English, and a test compares the three.
const (
	Internal        Code = "internal"         // our fault; the log has the cause
	InvalidInput    Code = "invalid_input"    // a field is missing, too long, malformed
	Unauthenticated Code = "unauthenticated"  // no session, or it has ended
	Forbidden       Code = "forbidden"        // signed in, but not allowed
	FeatureWithheld Code = "feature_withheld" // switched off for this person
	NotFound        Code = "not_found"        // absent, or someone else's
	WrongMethod     Code = "wrong_method"     // the address is known, but not for this HTTP method
	Conflict        Code = "conflict"         // contradicts what is stored already
	TooLarge        Code = "too_large"        // body or file over the limit
	RateLimited     Code = "rate_limited"     // too many requests; Retry-After says when
	Unavailable     Code = "unavailable"      // we are stopping, or the store is away
	CrossOrigin     Code = "cross_origin"     // a browser sent it from another site
	UnsupportedType Code = "unsupported_type" // media type not accepted here

	SetupLinkInvalid       Code = "setup_link_invalid"       // used, expired, or wrong
	SignInFailed           Code = "sign_in_failed"           // unknown account, wrong password or disabled: never said which
	PasswordTooWeak        Code = "password_too_weak"        // does not meet the policy
	PasswordChangeRequired Code = "password_change_required" // a temporary password must be replaced first
	EmailTaken             Code = "email_taken"              // another account has the address
	LastAdministrator      Code = "last_administrator"       // the act would leave no administrator

	SecondFactorRequired          Code = "second_factor_required"           // the session has shown only the first factor
	SecondFactorEnrolmentRequired Code = "second_factor_enrolment_required" // the policy asks for a second factor that the account lacks
	SecondFactorFailed            Code = "second_factor_failed"             // wrong or used code
	PasskeyFailed                 Code = "passkey_failed"                   // unknown, removed, or not proved
	PasskeyUnavailable            Code = "passkey_unavailable"              // the address or the policy leaves no room for passkeys
	ReauthenticationRequired      Code = "reauthentication_required"        // dangerous, and the last proof is too old

	ModelUnavailable    Code = "model_unavailable"      // unknown, disabled, or not for this person
	NoModel             Code = "no_model"               // nothing is configured for this person yet
	ModelInput          Code = "model_input"            // the model cannot take this kind of part
	ModelThrottled      Code = "model_throttled"        // upstream says too many requests
	ModelBusy           Code = "model_busy"             // too many wait here for their turn, or for too long
	ModelContextTooLong Code = "model_context_too_long" // prompt exceeds the model's context
	ModelAccessDenied   Code = "model_access_denied"    // upstream knows us and says no
	ModelCredentials    Code = "model_credentials"      // upstream does not accept our key or signature
	ModelNotFound       Code = "model_not_found"        // upstream does not have the model
	ModelUnreachable    Code = "model_unreachable"      // no connection: name, route, TLS, refused
	ModelTimeout        Code = "model_timeout"          // connected, but silent for too long
	ModelRefused        Code = "model_refused"          // content filter or guardrail
	ModelInvalidRequest Code = "model_invalid_request"  // upstream rejects the request's form
	ModelBrokeOff       Code = "model_broke_off"        // the stream ended without its end mark
	ModelFailed         Code = "model_failed"           // upstream failed in some other way

	RunActive        Code = "run_active"         // the conversation is already being answered
	RunNotActive     Code = "run_not_active"     // nothing to stop
	RunInterrupted   Code = "run_interrupted"    // the server stopped in the middle
	NothingToResume  Code = "nothing_to_resume"  // the last answer is complete
	TemporaryPolicy  Code = "temporary_policy"   // the organisation stores no conversations, or stores all
	ResidencyDenied  Code = "residency_denied"   // the policy does not let data go there
	EgressDenied     Code = "egress_denied"      // the destination is not declared
	ResourceExceeded Code = "resource_exhausted" // a budget or quota is used up
	SecretUnreadable Code = "secret_unreadable"  // sealed under another master key
	FileUnreadable   Code = "file_unreadable"    // content damaged, moved, or sealed under another master key
)

// Error is a failure with a code and a sentence for people. The wrapped cause
// is for the log only and never leaves the server.
type Error struct {
	Code    Code
	Message string            // English, fit for a user; the UI translates by Code
	Field   string            // the input field at fault, as a JSON path, or ""
	Params  map[string]string // values the translated text may name: limits, hosts, waits
	cause   error
}

func (e *Error) Error() string {
	if e.cause != nil {
		return e.Message + ": " + e.cause.Error()
	}
	return e.Message
}

// Unwrap returns the cause, for errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an Error with the same code, so that
// errors.Is(err, errs.New(errs.NotFound, "")) asks for a kind of failure.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && (t.Message == "" || t.Message == e.Message)
}

// With returns a copy of e whose params also hold key=value.
func (e *Error) With(key, value string) *Error {
	c := *e
	c.Params = make(map[string]string, len(e.Params)+1)
	for k, v := range e.Params {
		c.Params[k] = v
	}
	c.Params[key] = value
	return &c
}

// New returns an error with a code and a message fit for a user.
func New(code Code, message string) *Error { return &Error{Code: code, Message: message} }

// Newf is New with a format. It does not wrap; use Wrap for that.
func Newf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap gives cause a code and a message fit for a user.
func Wrap(code Code, message string, cause error) *Error {
	return &Error{Code: code, Message: message, cause: cause}
}

// InField returns an InvalidInput error about one field.
func InField(field, message string) *Error {
	return &Error{Code: InvalidInput, Message: message, Field: field}
}

// CodeOf returns the code that err carries through any wrapping, Internal when
// it carries none, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
