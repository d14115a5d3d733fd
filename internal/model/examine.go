package model

import (
	"context"
	"iter"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/egress"
	"kakoi/internal/errs"
)

// Endpoint is a server that a connection asks.
type Endpoint struct {
	Service     string // "model", "runtime", "control", "sts"
	URL         string
	Destination string // host:port
	Given       bool   // somebody has entered it; otherwise it is the public name
	Needed      bool   // no model answers without it
}

// Examination is a stored connection, opened to be looked at from all sides.
type Examination struct {
	Connection Connection
	Endpoints  []Endpoint
	Spec       egress.Spec // what it may reach, and whom it trusts
	RemoteID   string      // the model of the catalogue that is to answer, "" if there is none
	Broken     error       // why it cannot be tried at all

	task     Task
	provider func(ctx context.Context) (Provider, error)
}

// Examine opens connection id for an examination. Who examines records it.
func (c *Catalogue) Examine(ctx context.Context, id string) (*Examination, error) {
	if _, err := access.Authorize(ctx, access.ConnectionWrite, access.Resource{Kind: access.KindConnection, ID: id}); err != nil {
		return nil, err
	}
	connection, sealed, err := selectConnection(ctx, c.db, id)
	if err != nil {
		return nil, err
	}
	e := &Examination{Connection: connection, Endpoints: connection.Settings.endpoints(connection.Kind)}
	models, err := c.Models(ctx)
	if err != nil {
		return nil, err
	}
	// One that chats, rather than one that listens; one that is on, rather than off.
	for _, m := range models {
		if m.ConnectionID != id || !m.Enabled {
			continue
		}
		if e.RemoteID == "" || e.task != TaskChat && m.Task == TaskChat {
			e.RemoteID, e.task = m.RemoteID, m.Task
		}
	}
	var trusted []byte
	if trusted, e.Broken = connection.Settings.trust(); e.Broken != nil {
		return e, nil //nolint:nilerr // what is broken is a finding
	}
	e.Spec = connection.way("check:"+id, trusted)
	var credentials Secret
	if credentials, e.Broken = c.open(connection, sealed); e.Broken != nil {
		return e, nil //nolint:nilerr // what is broken is a finding
	}
	e.Spec.ProxyLogin = credentials.login(connection.Settings)
	e.provider = func(ctx context.Context) (Provider, error) {
		return c.build(ctx, connection, credentials, e.Spec.Purpose)
	}
	return e, nil
}

// Steps makes the provider's own check, step by step as they are asked for.
// Without a model no call of one is made.
func (e *Examination) Steps(ctx context.Context, remoteID string) iter.Seq[CheckStep] {
	return func(yield func(CheckStep) bool) {
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		defer cancel()
		err := e.Broken
		var provider Provider
		if err == nil {
			provider, err = e.provider(ctx)
		}
		if err != nil {
			yield(CheckStep{Name: "configuration", Err: err})
			return
		}
		for step := range checked(ctx, provider, remoteID, e.task) {
			if !yield(step) {
				return
			}
		}
	}
}

// checked makes a provider's check of a model by its task, each step as it is
// asked for where the provider can.
func checked(ctx context.Context, p Provider, remoteID string, task Task) iter.Seq[CheckStep] {
	if checker, ok := p.(TaskChecker); ok && remoteID != "" && task != TaskChat {
		return slices.Values(checker.CheckTask(ctx, remoteID, task))
	}
	if examiner, ok := p.(Examiner); ok {
		return examiner.Examine(ctx, remoteID)
	}
	return slices.Values(p.Check(ctx, remoteID))
}

// services are the beginnings of the public names of what Bedrock connections ask.
var services = []struct{ prefix, name string }{
	{"bedrock-runtime", "runtime"}, {"bedrock", "control"}, {"sts", "sts"},
}

// endpoints are the destinations of a connection that somebody may be asked to
// mend; where a machine gets its credentials is the machine's business.
func (s Settings) endpoints(kind Kind) []Endpoint {
	given := map[string]Endpoint{}
	for _, e := range []Endpoint{
		{Service: "model", URL: s.BaseURL, Needed: true},
		{Service: "runtime", URL: s.Endpoint, Needed: true},
		{Service: "control", URL: s.ControlEndpoint},
		{Service: "sts", URL: s.STSEndpoint, Needed: len(s.Roles) > 0},
	} {
		if e.URL != "" {
			e.Given = true
			e.Destination = destinationOf(e.URL)
			given[e.Destination+" "+e.Service] = e
		}
	}
	for _, role := range s.Roles {
		if role.Endpoint != "" {
			destination := destinationOf(role.Endpoint)
			given[destination+" sts"] = Endpoint{Service: "sts", URL: role.Endpoint, Destination: destination, Given: true, Needed: true}
		}
	}
	allow, _ := s.destinations(kind)
	var out []Endpoint
	for _, destination := range allow {
		if slices.ContainsFunc(out, func(e Endpoint) bool { return e.Destination == destination }) {
			continue // one server for several services is asked once
		}
		found := false
		for _, service := range []string{"model", "runtime", "sts", "control"} {
			if e, ok := given[destination+" "+service]; ok && !found {
				out, found = append(out, e), true
			}
		}
		host, _, err := net.SplitHostPort(destination)
		if _, notName := netip.ParseAddr(host); found || err != nil || notName == nil {
			continue
		}
		for _, service := range services {
			if strings.HasPrefix(host, service.prefix+".") || strings.HasPrefix(host, service.prefix+"-fips.") {
				out = append(out, Endpoint{
					Service: service.name, URL: "https://" + host, Destination: destination,
					Needed: service.name == "runtime" || service.name == "sts" && len(s.Roles) > 0,
				})
				break
			}
		}
	}
	return out
}

// dateForm is how HTTP writes a date.
const dateForm = "Mon, 02 Jan 2006 15:04:05 GMT"

// tolerance is by how much two clocks may differ: signatures are refused at
// five minutes, and a session that seems good for longer than it is breaks calls.
const tolerance = time.Minute

// Clock is the step "clock": a server's date against our clock, as an answer to
// what was asked and received at those times bore it. It is missing where the
// answer was not dated. A clock that is off is no failure by itself.
func Clock(date string, asked, received time.Time) []CheckStep {
	at, err := time.Parse(dateForm, date)
	if err != nil {
		return nil
	}
	// A date has whole seconds.
	skew := at.Add(500 * time.Millisecond).Sub(asked.Add(received.Sub(asked) / 2)).Round(time.Second)
	step := CheckStep{Name: "clock", Detail: "the server's clock differs by " + skew.String(), Facts: []Fact{{"skew", skew.String()}}}
	if skew.Abs() > tolerance {
		step.Warning = errs.Newf(errs.ModelCredentials, "the server's clock and ours differ by %s; set the time of this machine", skew.Abs()).
			With("reason", "clock").With("skew", skew.String())
	}
	return []CheckStep{step}
}
