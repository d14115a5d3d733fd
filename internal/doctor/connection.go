package doctor

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// patient is one connection under examination.
type patient struct {
	*examination
	*model.Examination
}

// connection examines the way to the models of one connection, up to an answer.
func (x *examination) connection(ctx context.Context, e *model.Examination) {
	p := patient{examination: x, Examination: e}
	if e.Broken != nil {
		code := ConnectionBroken
		if errs.CodeOf(e.Broken) == errs.SecretUnreadable {
			code = SecretUnreadable
		}
		p.tell(Step{Name: "configuration", Status: Failed, Code: code, Detail: e.Broken.Error()})
		return
	}
	if e.Connection.Kind == model.KindBedrock && !p.region(ctx) {
		return
	}
	reachable := true
	for _, endpoint := range e.Endpoints {
		reached := p.endpoint(ctx, endpoint)
		if x.left || ctx.Err() != nil {
			return
		}
		reachable = reachable && (reached || !endpoint.Needed)
	}
	if !reachable {
		p.tell(Step{Name: "answer", Status: Skipped, Code: SkippedUnreachable})
		return
	}
	p.calls(ctx)
}

// tell is examination.tell about this connection.
func (p *patient) tell(s Step) bool {
	s.Group, s.ConnectionID, s.ConnectionName = Connection, p.Connection.ID, p.Connection.Name
	return p.examination.tell(s)
}

// awsHost finds the region in the name of one of AWS's endpoints, be it public
// or a VPC endpoint's.
var awsHost = regexp.MustCompile(`(?:^|\.)(?:bedrock|bedrock-runtime|sts)(?:-fips)?\.([a-z]{2}(?:-[a-z]+)+-\d{1,2})\.(vpce\.)?amazonaws\.com(?:\.cn)?$`)

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

// region compares where this server stands, where calls are signed for and
// where the endpoints are. That the first two differ is no error as long as
// there is a way, which an endpoint that somebody has entered is.
func (p *patient) region(ctx context.Context) bool {
	called, here := p.Connection.Settings.Region, p.o.Region
	s := Step{Name: "region", Facts: fact(fact(nil, "region", called), "here", here), Params: map[string]string{"region": called, "here": here}}
	var runtime model.Endpoint
	globalSTS := false // which counts as us-east-1
	for _, e := range p.Endpoints {
		host := hostOf(e.URL)
		if e.Service == "runtime" {
			runtime = e
		}
		if host == "sts.amazonaws.com" {
			globalSTS = true
		}
		if m := awsHost.FindStringSubmatch(host); e.Given && e.Service != "sts" && m != nil && m[1] != called && s.Code == "" {
			s.Status, s.Code, s.Target = Failed, EndpointRegion, e.Destination
			s.Params["endpointRegion"] = m[1]
		}
	}
	if s.Code == "" && here != "" && here != called && !runtime.Given && p.o.Closed {
		addresses, _, err := p.lookup(ctx, p.Spec, runtime.Destination)
		if err != nil || p.anyPublic(addresses) { // no private DNS answers for another region
			s.Status, s.Code, s.Target = Failed, RegionElsewhere, runtime.Destination
		}
	}
	if s.Code == "" && globalSTS {
		s.Status, s.Code, s.Target = Failed, STSGlobal, "sts.amazonaws.com" // stored before it was refused
	}
	return p.tell(s) && s.Status != Failed
}

// endpoint goes to one server step by step and reports whether it has answered.
// What is no more than convenient does not fail.
func (p *patient) endpoint(ctx context.Context, e model.Endpoint) bool {
	failed := Failed
	if !e.Needed {
		failed = Warning
	}
	host, _, _ := net.SplitHostPort(e.Destination)
	tell := func(s Step) bool {
		s.Target = e.Destination
		if s.Params == nil {
			s.Params = map[string]string{}
		}
		s.Params["host"] = host
		return p.tell(s) && s.Status != failed
	}

	began := time.Now()
	addresses, trouble, err := p.lookup(ctx, p.Spec, e.Destination)
	s := Step{Name: "resolve", Elapsed: time.Since(began), Facts: fact(nil, "addresses", describe(addresses)), Params: map[string]string{"address": describe(addresses)}}
	if trouble != "" {
		s.Status, s.Code, s.Detail = failed, Code(trouble), text(err)
	} else if p.o.Closed && p.anyPublic(addresses) {
		s.Status, s.Code = failed, publicCode(host)
		if s.Code == PublicAddress {
			s.Status = Warning
		}
	}
	if _, literal := netip.ParseAddr(host); literal == nil && s.Code == "" {
		s.Facts = nil // an address, not a name
	}
	if !tell(s) {
		return false
	}
	if s.Code == PrivateDNSMissing || s.Code == EndpointPublic { // nothing goes where it has no business
		return false
	}

	probing, cancel := context.WithTimeout(ctx, p.o.Patience)
	defer cancel()
	return p.way(p.o.Gate.Probe(probing, p.Spec, e.URL), e, failed, tell)
}

// publicCode says what it means that host leads to a public address.
func publicCode(host string) Code {
	host = strings.ToLower(host)
	switch m := awsHost.FindStringSubmatch(host); {
	case strings.HasSuffix(host, ".vpce.amazonaws.com"), m != nil && m[2] != "":
		return EndpointPublic
	case strings.HasSuffix(host, ".amazonaws.com"), strings.HasSuffix(host, ".amazonaws.com.cn"):
		return PrivateDNSMissing
	}
	return PublicAddress
}

// connecting are the troubles of the step "connect".
var connecting = []egress.Trouble{
	egress.TroubleDenied, egress.TroubleNameUnknown, egress.TroubleNameTimeout, egress.TroubleNameFailed,
	egress.TroubleRefused, egress.TroubleDialTimeout, egress.TroubleNoRoute, egress.TroubleDialFailed,
	egress.TroubleProxy, egress.TroubleProxyPassword, egress.TroubleProxyScheme, egress.TroubleProxyDenied,
}

// way tells how far a probe came.
func (p *patient) way(found egress.Probe, e model.Endpoint, failed Status, tell func(Step) bool) bool {
	s := Step{Name: "connect", Elapsed: found.Connecting, Facts: fact(nil, "address", found.Address)}
	if slices.Contains(connecting, found.Trouble) {
		s.Status, s.Code, s.Detail, s.Params = failed, Code(found.Trouble), text(found.Err), paramsOf(found.Err)
	}
	if !tell(s) || s.Code != "" {
		return false
	}
	if strings.HasPrefix(e.URL, "https:") {
		s := p.handshake(found, failed)
		if !tell(s) || s.Status == failed || strings.HasPrefix(string(found.Trouble), "tls_") {
			return false
		}
	}
	s = Step{Name: "reach", Elapsed: found.Answering, Params: map[string]string{"proxy": found.Proxies}}
	switch {
	case found.Trouble != "":
		s.Status, s.Code, s.Detail = failed, Code(found.Trouble), text(found.Err)
	case found.Proxies != "":
		s.Status, s.Code, s.Facts = Warning, ProxyAnswers, fact(nil, "proxy", found.Proxies)
	}
	if !tell(s) || found.Trouble != "" {
		return false
	}
	if found.Dated {
		skew := found.Skew.Round(time.Second)
		s := Step{Name: "clock", Facts: fact(nil, "skew", skew.String()), Params: map[string]string{"skew": skew.Abs().String()}}
		switch {
		case skew.Abs() > refusedBeyond:
			s.Status, s.Code = failed, ClockSkew
		case skew.Abs() > tolerated:
			s.Status, s.Code = Warning, ClockSkew
		}
		tell(s) // calls may still work: AWS's library makes good for it
	}
	return true
}

const (
	tolerated = time.Minute
	// refusedBeyond is where AWS refuses signatures.
	refusedBeyond = 5 * time.Minute
)

// handshake tells of TLS and the certificate.
func (p *patient) handshake(found egress.Probe, failed Status) Step {
	s := Step{Name: "tls", Elapsed: found.Shaking, Params: map[string]string{}}
	if c := found.TLS; c != nil {
		s.Facts = certificateFacts(c)
		s.Params["names"], s.Params["issuer"] = strings.Join(c.Names, ", "), c.Issuer
		s.Params["from"], s.Params["until"] = c.NotBefore.UTC().Format(time.DateOnly), c.NotAfter.UTC().Format(time.DateOnly)
	}
	own := len(p.Spec.CAPEM) > 0
	switch {
	case found.Trouble == egress.TroubleAuthority && own:
		s.Code = TLSWrongCA
	case found.Trouble == egress.TroubleAuthority && found.TLS != nil && found.TLS.SelfSigned:
		s.Code = TLSSelfSigned
	case strings.HasPrefix(string(found.Trouble), "tls_"):
		s.Code = Code(found.Trouble)
	case found.TLS != nil && p.o.Now().Add(soon).After(found.TLS.NotAfter):
		s.Status, s.Code = Warning, TLSExpiring
		return s
	}
	if s.Code != "" {
		s.Status, s.Detail = failed, text(found.Err)
	}
	return s
}

func certificateFacts(c *egress.Handshake) []Fact {
	facts := fact(nil, "tls", c.Version)
	facts = fact(facts, "names", strings.Join(c.Names, ", "))
	facts = fact(facts, "issuer", c.Issuer)
	if !c.NotAfter.IsZero() {
		facts = fact(facts, "validUntil", c.NotAfter.UTC().Format(time.RFC3339))
	}
	if c.OwnCA {
		return fact(facts, "ownAuthority", c.Authority)
	}
	return fact(facts, "authority", c.Authority)
}

// calls has the provider's adapter ask for itself.
func (p *patient) calls(ctx context.Context) {
	remote := p.RemoteID
	if p.q.Quick {
		remote = ""
	}
	answered, told := false, false
	for found := range p.Steps(ctx, remote) {
		known := slices.Contains([]string{"configuration", "resolve", "connect", "tls", "clock"}, found.Name)
		if known && found.Err == nil && len(p.Endpoints) > 0 {
			continue // the gate's probe has told it
		}
		s := Finding(found, p.RemoteID, p.Connection.Settings.Region)
		answered = answered || found.Name == "stream" || found.Name == "answer"
		told = told || found.Name == "headroom"
		if !p.tell(s) || s.Status == Failed {
			return
		}
	}
	switch {
	case p.q.Quick:
		p.tell(Step{Name: "answer", Status: Skipped, Code: SkippedQuick})
	case remote == "":
		p.tell(Step{Name: "answer", Status: Skipped, Code: SkippedNoModel})
	case answered && !told && len(p.Endpoints) > 0:
		p.tell(Step{Name: "headroom", Status: Unknown, Code: HeadroomUnknown})
	}
}

// Finding tells a step of a connection's self-test as the doctor tells it:
// whether it failed or should be looked at, with the code that has the words
// for it. remoteID is the model that was called, region the connection's, where
// they are known.
func Finding(found model.CheckStep, remoteID, region string) Step {
	s := Step{Name: found.Name, Facts: found.Facts, Detail: found.Detail, Elapsed: found.Elapsed}
	err := found.Err
	switch {
	case err != nil:
		s.Status = Failed
	case found.Warning != nil:
		s.Status, err = Warning, found.Warning
	default:
		return s
	}
	s.Params = map[string]string{"model": remoteID, "region": region, "action": "bedrock:InvokeModel"}
	if found.Name == "stream" {
		s.Params["action"] = "bedrock:InvokeModelWithResponseStream"
	}
	maps.Copy(s.Params, paramsOf(err))
	if found.Name == "answer" && found.Err == nil && errs.CodeOf(err) == errs.ModelAccessDenied {
		s.Code, s.Detail = PlainDenied, err.Error()
		return s
	}
	s.Code, s.Detail = codeOf(found.Name, errs.CodeOf(err), s.Params), err.Error()
	return s
}

// paramsOf returns a copy of what a failure speaks of.
func paramsOf(err error) map[string]string {
	var e *errs.Error
	if !errors.As(err, &e) {
		return nil
	}
	return maps.Clone(e.Params)
}

// codeOf gives a failed step of an adapter its code.
func codeOf(step string, code errs.Code, params map[string]string) Code {
	reason := params["reason"]
	switch {
	case step == "list_models" && code != errs.ModelInvalidRequest:
		return ListUnavailable
	case strings.HasPrefix(step, "role_"):
		return roleCode(code, reason, params)
	case step == "stream" && reason == "whole":
		return StreamWhole
	case code == errs.ModelAccessDenied:
		return deniedCode(step, reason)
	}
	switch code {
	case errs.ModelCredentials:
		return credentialsCode(reason)
	case errs.SecretUnreadable:
		return SecretUnreadable
	case errs.EgressDenied:
		return Code(egress.TroubleDenied)
	case errs.ModelUnreachable:
		return unreachableCode(reason)
	case errs.ModelNotFound:
		if reason == "retired" {
			return ModelRetired
		}
		return ModelUnknown
	case errs.ModelThrottled:
		switch reason {
		case "daily_tokens", "quota":
			return QuotaUsedUp
		case "headroom":
			return HeadroomLow
		}
		return Throttled
	case errs.ModelTimeout:
		return ModelSilent
	case errs.ModelBrokeOff:
		return BrokeOff
	case errs.ModelInvalidRequest:
		switch {
		case reason == "needs_inference_profile":
			return NeedsProfile
		case reason == "base_url", reason == "endpoint", step == "list_models", step == "configuration":
			return WrongAddress
		}
	case errs.InvalidInput:
		return ConnectionBroken
	}
	return CallFailed
}

// roleCode says why a role could not be assumed.
func roleCode(code errs.Code, reason string, params map[string]string) Code {
	switch {
	case code == errs.ModelUnreachable && strings.HasPrefix(reason, "proxy"):
		return unreachableCode(reason)
	case code != errs.ModelCredentials:
		return STSUnreachable
	}
	switch reason {
	case "role_denied":
		if params["externalId"] == "sent" {
			return RoleExternalID
		}
		return RoleRefused
	case "role_caller":
		return RoleCaller
	case "role_scp":
		return RoleSCP
	case "role_endpoint_policy":
		return RoleEndpointPolicy
	case "role_tags":
		return RoleTags
	case "role_source":
		return RoleSource
	case "role_region":
		return RoleRegion
	case "region":
		return SignedElsewhere
	case "sts":
		return STSUnreachable
	}
	return RoleFailed
}

func credentialsCode(reason string) Code {
	switch reason {
	case "none", "missing", "source", "configuration":
		return CredentialsNone
	case "unknown_key":
		return CredentialsUnknown
	case "expired":
		return CredentialsExpired
	case "signature":
		return CredentialsSignature
	case "clock":
		return ClockSkew
	case "region", "service":
		return SignedElsewhere
	}
	return CredentialsRefused
}

func unreachableCode(reason string) Code {
	switch reason {
	case "dns":
		return Code(egress.TroubleNameUnknown)
	case "refused":
		return Code(egress.TroubleRefused)
	case "proxy":
		return Code(egress.TroubleProxy)
	case "proxy_password", "proxy_scheme", "proxy_denied":
		return Code(reason)
	}
	return Code(egress.TroubleDialFailed)
}

func deniedCode(step, reason string) Code {
	own := slices.Contains([]string{"identity_policy", "policy", "denied", ""}, reason)
	if step == "stream" && own {
		return StreamDenied // a plain call has just been answered
	}
	switch reason {
	case "service_control_policy":
		return DeniedSCP
	case "resource_control_policy":
		return DeniedRCP
	case "vpc_endpoint_policy":
		return DeniedEndpointPolicy
	case "permissions_boundary":
		return DeniedBoundary
	case "session_policy":
		return DeniedSession
	case "identity_policy":
		return DeniedIdentity
	case "marketplace":
		return Marketplace
	case "model_access":
		return ModelAccess
	case "use_case_form":
		return UseCaseForm
	case "quota":
		return QuotaUsedUp
	}
	return Denied
}
