package egress

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kakoi/internal/errs"
)

// Login is the name and the password that a proxy asks for, by Basic
// authentication. Printed, logged or encoded it shows nothing.
type Login struct{ User, Password string }

const redacted = "[secret]"

// String hides l from fmt.
func (Login) String() string { return redacted }

// GoString hides l from fmt's %#v.
func (Login) GoString() string { return redacted }

// LogValue hides l from logs.
func (Login) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides l from everything that encodes it.
func (Login) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

func parseProxy(raw string) (*url.URL, string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, "", errs.InField("proxy", "is not the address of an HTTP proxy, for example http://proxy.example.lg.jp:8080")
	}
	destination, err := destinationOf(u)
	return u, destination, err
}

// proxied sends requests through the proxy, but for those of a cloud's metadata.
func (s Spec) proxied(proxy *url.URL) func(*http.Request) (*url.URL, error) {
	if s.ProxyLogin != (Login{}) {
		proxy.User = url.UserPassword(s.ProxyLogin.User, s.ProxyLogin.Password) // net/http sends it to the proxy alone
	}
	return func(r *http.Request) (*url.URL, error) {
		if destination, err := destinationOf(r.URL); err == nil && s.Metadata && isLinkLocal(destination) {
			return nil, nil
		}
		return proxy, nil
	}
}

// Why a proxy lets nothing through, as the parameter "reason" of an error says it.
const (
	proxyAsks     = "proxy"          // for a name and a password, of which we have none
	proxyPassword = "proxy_password" // ours are not right
	proxyScheme   = "proxy_scheme"   // it asks in a way that is not spoken here
	proxyDenied   = "proxy_denied"   // it does not connect to the destination
)

// connected judges what the proxy says to CONNECT.
func (s Spec) connected(_ context.Context, _ *url.URL, asked *http.Request, answer *http.Response) error {
	switch answer.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusProxyAuthRequired:
		return s.asksToLogIn(answer)
	}
	return errs.Newf(errs.ModelUnreachable, "the proxy does not connect to %s: it answers with HTTP status %d; let it pass this destination, or look at its log",
		asked.Host, answer.StatusCode).With("reason", proxyDenied).With("status", strconv.Itoa(answer.StatusCode))
}

// answeredByProxy returns an error if the answer to a request for u is the
// proxy's own, which asks for a login. Through a tunnel only the server speaks.
func (s Spec) answeredByProxy(u *url.URL, answer *http.Response) error {
	if s.Proxy == "" || u.Scheme != "http" || answer.StatusCode != http.StatusProxyAuthRequired {
		return nil
	}
	return s.asksToLogIn(answer)
}

func (s Spec) asksToLogIn(answer *http.Response) error {
	offered := schemes(answer.Header)
	switch {
	case len(offered) > 0 && !slices.ContainsFunc(offered, func(o string) bool { return strings.EqualFold(o, "Basic") }):
		names := strings.Join(offered, ", ")
		return errs.Newf(errs.ModelUnreachable, "the proxy asks to log in by %s, of which Kakoi speaks none; let it take Basic authentication, or pass this server without", names).
			With("reason", proxyScheme).With("schemes", names)
	case s.ProxyLogin == (Login{}):
		return errs.New(errs.ModelUnreachable, "the proxy asks for a user name and a password; enter them in the connection").With("reason", proxyAsks)
	}
	return errs.New(errs.ModelUnreachable, "the proxy does not accept the user name and the password; enter them again").With("reason", proxyPassword)
}

var schemeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,30}$`)

// schemes returns the ways to log in that a proxy offers. Several may stand in
// one header, each with parameters behind commas of their own.
func schemes(h http.Header) []string {
	var found []string
	for _, offer := range strings.Split(strings.Join(h.Values("Proxy-Authenticate"), ","), ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(offer), " ")
		if schemeName.MatchString(name) && !slices.Contains(found, name) && len(found) < 5 {
			found = append(found, name)
		}
	}
	return found
}

// refusedByProxy finds in err that a proxy let nothing through.
func refusedByProxy(err error) (refusal *errs.Error, ok bool) {
	ok = errors.As(err, &refusal) && refusal.Code == errs.ModelUnreachable &&
		slices.Contains([]string{proxyAsks, proxyPassword, proxyScheme, proxyDenied}, refusal.Params["reason"])
	return refusal, ok
}
