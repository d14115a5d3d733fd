package bedrock

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"kakoi/internal/errs"
)

// A rule tells one failure of AWS from the others and says what it means. The
// first rule that fits is taken. The reason goes into the error's params, where
// the translated text and the tests find it.
type rule struct {
	exception string // without its "Exception"; empty is any
	contains  string // in the message, in lower case; empty is any
	code      errs.Code
	reason    string
	message   string // {name} stands for a param
}

var rules = []rule{
	// Who is calling is not accepted.
	{"", "authentication failed: please make sure your api key is valid", errs.ModelCredentials, "api_key", "Bedrock does not accept the API key"},
	{"", "bearer token has expired", errs.ModelCredentials, "expired", "the Bedrock API key has expired"},
	{"UnrecognizedClient", "", errs.ModelCredentials, "unknown_key", "AWS does not know the access key"},
	{"InvalidClientTokenId", "", errs.ModelCredentials, "unknown_key", "AWS does not know the access key"},
	{"ExpiredToken", "", errs.ModelCredentials, "expired", "the temporary AWS credentials have expired"},
	{"", "security token included in the request is expired", errs.ModelCredentials, "expired", "the temporary AWS credentials have expired"},
	{"", "should be scoped to a valid region", errs.ModelCredentials, "region", "the request was signed for another region than the endpoint's"},
	{"", "should be scoped to correct service", errs.ModelCredentials, "service", "the request was signed for another service than the endpoint's"},
	{"", "signature expired", errs.ModelCredentials, "clock", "the server's clock differs too much from that of AWS"},
	{"", "signature not yet current", errs.ModelCredentials, "clock", "the server's clock differs too much from that of AWS"},
	{"RequestTimeTooSkewed", "", errs.ModelCredentials, "clock", "the server's clock differs too much from that of AWS"},
	{"InvalidSignature", "", errs.ModelCredentials, "signature", "AWS does not accept the signature: the secret access key is probably wrong"},
	{"SignatureDoesNotMatch", "", errs.ModelCredentials, "signature", "AWS does not accept the signature: the secret access key is probably wrong"},
	{"IncompleteSignature", "", errs.ModelCredentials, "signature", "AWS does not accept the signature"},
	{"MissingAuthenticationToken", "", errs.ModelCredentials, "missing", "the request reached AWS without credentials"},
	{"InvalidToken", "", errs.ModelCredentials, "unknown_key", "AWS does not know the session token"},

	// AWS knows the caller and says no.
	{"AccessDenied", "explicit deny in a service control policy", errs.ModelAccessDenied, "service_control_policy", "a service control policy of the AWS organisation denies this model in region {region}"},
	{"AccessDenied", "no service control policy allows", errs.ModelAccessDenied, "service_control_policy", "no service control policy of the AWS organisation allows this model in region {region}"},
	{"AccessDenied", "resource control policy", errs.ModelAccessDenied, "resource_control_policy", "a resource control policy of the AWS organisation denies this model in region {region}"},
	{"AccessDenied", "vpc endpoint policy", errs.ModelAccessDenied, "vpc_endpoint_policy", "the policy of the VPC endpoint does not allow this model in region {region}"},
	{"", "did not allow prompt caching", errs.ModelInvalidRequest, "caching", "this model has no prompt cache"},
	{"AccessDenied", "permissions boundary", errs.ModelAccessDenied, "permissions_boundary", "the permissions boundary of the AWS role does not allow this model in region {region}"},
	{"AccessDenied", "session policy", errs.ModelAccessDenied, "session_policy", "the session policy does not allow this model in region {region}"},
	{"AccessDenied", "explicit deny in an identity-based policy", errs.ModelAccessDenied, "identity_deny", "a policy of the AWS role denies this model in region {region}"},
	{"AccessDenied", "identity-based policy", errs.ModelAccessDenied, "identity_policy", "the AWS role may not use this model in region {region}"},
	{"AccessDenied", "resource-based policy", errs.ModelAccessDenied, "resource_policy", "a resource policy does not allow this model in region {region}"},
	{"AccessDenied", "invalid_payment_instrument", errs.ModelAccessDenied, "payment", "the AWS account has no valid means of payment for this model"},
	{"AccessDenied", "aws-marketplace:", errs.ModelAccessDenied, "marketplace", "access to the model needs a one-time subscription by someone with AWS Marketplace rights"},
	{"AccessDenied", "don't have access to the model", errs.ModelAccessDenied, "model_access", "the AWS account has not been given access to this model"},
	{"AccessDenied", "do not have access to the model", errs.ModelAccessDenied, "model_access", "the AWS account has not been given access to this model"},
	{"AccessDenied", "does not have an agreement to this model", errs.ModelAccessDenied, "model_access", "the AWS account has not been given access to this model"},
	{"", "is not available for this account", errs.ModelAccessDenied, "sales", "AWS has not opened this model to the account"},
	{"", "not allowed from unsupported countries", errs.ModelAccessDenied, "country", "the model's maker does not offer it in this country"},
	{"AccessDenied", "account is not authorized to invoke", errs.ModelAccessDenied, "account", "AWS does not allow this account to call Bedrock"},
	{"Validation", "operation not allowed", errs.ModelAccessDenied, "account", "AWS does not allow this account to call Bedrock"},
	{"AccessDenied", "model access is denied", errs.ModelAccessDenied, "model_access", "the AWS account has not been given access to this model"},
	{"AccessDenied", "not authorized to perform", errs.ModelAccessDenied, "policy", "the AWS role may not use this model in region {region}"},
	{"AccessDenied", "", errs.ModelAccessDenied, "denied", "Bedrock denies access to this model"},
	{"", "use case details have not been submitted", errs.ModelAccessDenied, "use_case_form", "the AWS account has not yet submitted the use case form that this model's maker asks for"},

	// The model, or the way to it.
	{"", "guardrail identifier or version", errs.ModelInvalidRequest, "guardrail", "Bedrock does not have this guardrail, or not this version of it"},
	{"ResourceNotFound", "guardrail", errs.ModelInvalidRequest, "guardrail", "Bedrock does not have this guardrail, or not this version of it"},
	{"Validation", "supported text or chat model", errs.ModelInvalidRequest, "not_chat", "this model does not converse"},
	{"Validation", "could not resolve the foundation model", errs.ModelNotFound, "model_id", "Bedrock does not know a model of this id in this region"},
	{"Validation", "on-demand throughput", errs.ModelInvalidRequest, "needs_inference_profile", "this model can only be called through an inference profile: use the profile's id"},
	{"Validation", "model identifier is invalid", errs.ModelNotFound, "model_id", "Bedrock does not know a model of this id in this region"},
	{"Validation", "does not exist", errs.ModelNotFound, "model_id", "Bedrock does not know a model of this id in this region"},
	{"ResourceNotFound", "end of its life", errs.ModelNotFound, "retired", "the model has been retired"},
	{"ResourceNotFound", "legacy", errs.ModelNotFound, "retired", "the model is being retired and is closed to accounts that did not use it lately"},
	{"ResourceNotFound", "", errs.ModelNotFound, "model_id", "Bedrock does not have this model in this region"},
	{"UnknownOperation", "", errs.ModelInvalidRequest, "endpoint", "the endpoint does not offer this operation: is it the right one?"},

	// Too much.
	{"Validation", "input is too long", errs.ModelContextTooLong, "", "the conversation is longer than the model can take"},
	{"Validation", "prompt is too long", errs.ModelContextTooLong, "", "the conversation is longer than the model can take"},
	{"Validation", "too many input tokens", errs.ModelContextTooLong, "", "the conversation is longer than the model can take"},
	{"Validation", "input tokens exceeded", errs.ModelContextTooLong, "", "the conversation is longer than the model can take"},
	{"Validation", "exceed context limit", errs.ModelContextTooLong, "", "the conversation is longer than the model can take"},
	{"Validation", "maximum context length", errs.ModelContextTooLong, "", "the conversation is longer than the model can take"},
	{"", "too many tokens per day", errs.ModelThrottled, "daily_tokens", "the day's tokens for this model are used up"},
	{"", "too many tokens", errs.ModelThrottled, "tokens", "too many tokens are being used with this model at the moment"},
	{"Throttling", "", errs.ModelThrottled, "requests", "too many requests are being made to this model at the moment"},
	{"TooManyRequests", "", errs.ModelThrottled, "requests", "too many requests are being made to this model at the moment"},
	{"ServiceQuotaExceeded", "", errs.ModelThrottled, "quota", "a quota of the AWS account is used up"},
	{"ModelNotReady", "", errs.ModelThrottled, "starting", "the model is starting: try again soon"},

	// The form of the request.
	{"Validation", "doesn't support the system", errs.ModelInvalidRequest, "system", "this model takes no system prompt"},
	{"Validation", "doesn't support system", errs.ModelInvalidRequest, "system", "this model takes no system prompt"},
	{"Validation", "toolconfig.toolchoice", errs.ModelInvalidRequest, "tool_choice", "this model cannot be told which tool to use"},
	{"Validation", "tool_choice forces tool use", errs.ModelInvalidRequest, "tool_choice", "this model cannot be told which tool to use while it thinks"},
	{"Validation", "doesn't support tool use", errs.ModelInput, "no_tools", "this model does not use tools"},
	{"Validation", "toolresult blocks", errs.ModelInvalidRequest, "tool_turns", "Bedrock rejects how tools were used in this conversation"},
	{"Validation", "tool_result", errs.ModelInvalidRequest, "tool_turns", "Bedrock rejects how tools were used in this conversation"},
	{"Validation", "cannot be provided in the same turn", errs.ModelInvalidRequest, "tool_turns", "Bedrock rejects how tools were used in this conversation"},
	{"Validation", "`signature` in `thinking`", errs.ModelInvalidRequest, "reasoning_signature", "the model does not take back what was thought earlier"},
	{"Validation", "must start with a thinking block", errs.ModelInvalidRequest, "reasoning_signature", "the model does not take back what was thought earlier"},
	{"Validation", "cachepoint", errs.ModelInvalidRequest, "caching", "this model has no prompt cache, or not here"},
	{"Validation", "performance configuration", errs.ModelInvalidRequest, "latency", "this model has no optimised latency in this region"},
	{"Validation", "performanceconfig", errs.ModelInvalidRequest, "latency", "this model has no optimised latency in this region"},
	{"Validation", "service tier", errs.ModelInvalidRequest, "service_tier", "this model does not have this service tier"},
	{"Validation", "servicetier", errs.ModelInvalidRequest, "service_tier", "this model does not have this service tier"},
	{"Validation", "maximum tokens you requested exceed", errs.ModelInvalidRequest, "max_tokens", "the output limit is higher than the model allows"},
	{"Validation", "is deprecated for this model", errs.ModelInvalidRequest, "sampling", "this model does not take temperature or top-p"},
	{"Validation", "does not support assistant message prefill", errs.ModelInvalidRequest, "prefill", "this model cannot go on from an unfinished answer"},
	{"Validation", "blocked by our content filters", errs.ModelRefused, "content_filter", "the content filter refused the request"},
	{"Validation", "content filtering policy", errs.ModelRefused, "content_filter", "the content filter refused the request"},
	{"Validation", "image dimensions exceed", errs.ModelInput, "image_size", "an attached image is too large for the model"},
	{"Validation", "image exceeds", errs.ModelInput, "image_size", "an attached image is too large for the model"},
	{"Validation", "could not process image", errs.ModelInput, "image", "the model cannot read an attached image"},
	{"Validation", "the format field of the document", errs.ModelInput, "document", "the model cannot read an attached document"},
	{"Validation", "could not process pdf", errs.ModelInput, "document", "the model cannot read an attached document"},
	{"Validation", "pdf specified was not valid", errs.ModelInput, "document", "the model cannot read an attached document"},
	{"Validation", "pdf pages", errs.ModelInput, "document", "an attached document has too many pages for the model"},
	{"Validation", "doesn't support the video", errs.ModelInput, "no_video", "this model does not take video"},
	{"Validation", "doesn't support the image", errs.ModelInput, "no_vision", "this model does not take images"},
	{"Validation", "doesn't support document", errs.ModelInput, "no_documents", "this model does not take documents"},
	{"Validation", "", errs.ModelInvalidRequest, "validation", "Bedrock rejects the form of the request"},
	{"Serialization", "", errs.ModelInvalidRequest, "validation", "Bedrock rejects the form of the request"},

	// AWS's own trouble.
	{"ModelTimeout", "", errs.ModelTimeout, "upstream", "the model took too long to answer"},
	{"ModelStreamError", "", errs.ModelFailed, "stream", "the model failed in the middle of its answer"},
	{"ModelError", "", errs.ModelFailed, "model", "the model failed to answer"},
	{"ServiceUnavailable", "", errs.ModelFailed, "unavailable", "Bedrock is not available at the moment"},
	{"InternalServer", "", errs.ModelFailed, "internal", "Bedrock failed with an internal error"},
	{"InternalFailure", "", errs.ModelFailed, "internal", "Bedrock failed with an internal error"},
}

// byStatus answers for what is not an AWS error at all, such as the page of a
// proxy between us and AWS.
func byStatus(status int) rule {
	r := rule{code: errs.ModelFailed, reason: "status", message: "the server at the endpoint failed with HTTP status {status}"}
	switch {
	case status == http.StatusProxyAuthRequired:
		r.code, r.reason, r.message = errs.ModelUnreachable, "proxy", "a proxy before Bedrock asks for a user name and a password"
	case status == http.StatusUnauthorized:
		r.code, r.message = errs.ModelCredentials, "the endpoint does not accept the credentials"
	case status == http.StatusForbidden:
		r.code, r.message = errs.ModelAccessDenied, "the endpoint denies access"
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		r.code, r.message = errs.ModelInvalidRequest, "the endpoint does not answer like Bedrock: is it the right one?"
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		r.code, r.message = errs.ModelTimeout, "the model took too long to answer"
	case status == http.StatusRequestEntityTooLarge:
		r.code, r.message = errs.ModelInvalidRequest, "the request is larger than the endpoint takes"
	case status == http.StatusTooManyRequests:
		r.code, r.message = errs.ModelThrottled, "too many requests are being made to this model at the moment"
	case status < 500:
		r.code, r.message = errs.ModelInvalidRequest, "the endpoint rejects the request with HTTP status {status}"
	}
	return r
}

// upstream is a failure as AWS told it, for the log. Its text holds nothing of
// the request.
type upstream struct {
	exception  string
	status     int
	requestID  string
	message    string
	retryAfter time.Duration
}

func (e *upstream) Error() string {
	s := e.exception
	if e.status != 0 {
		s += fmt.Sprintf(" (HTTP %d)", e.status)
	}
	if e.requestID != "" {
		s += " request " + e.requestID
	}
	return s + ": " + e.message
}

// RetryAfter implements model.RetryAfter.
func (e *upstream) RetryAfter() time.Duration { return e.retryAfter }

// classify gives a failed call its code; begun says that the answer had begun.
func classify(err error, begun bool) error {
	if code := errs.CodeOf(err); err != nil && code != errs.Internal {
		var e *errs.Error
		errors.As(err, &e)
		return e // egress and the like have said it already
	}
	var cred *credentialsError
	if errors.As(err, &cred) {
		return classifyCredentials(cred.cause)
	}
	if up, ok := upstreamOf(err); ok {
		return apply(up)
	}
	if begun {
		return brokeOff(err)
	}
	return unreachable(err)
}

// brokeOff is the end of a stream without its end mark.
func brokeOff(cause error) error {
	return errs.Wrap(errs.ModelBrokeOff, "the connection to the model broke off in the middle of the answer", cause)
}

// upstreamOf finds what AWS answered in err, if it answered at all.
func upstreamOf(err error) (*upstream, bool) {
	up := &upstream{}
	var resp *smithyhttp.ResponseError
	if errors.As(err, &resp) && resp.Response != nil {
		up.status = resp.HTTPStatusCode()
		up.requestID = resp.Response.Header.Get("X-Amzn-Requestid")
		up.retryAfter = retryAfter(resp.Response.Header)
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		up.exception, up.message = api.ErrorCode(), redact(api.ErrorMessage())
		return up, true
	}
	if up.status >= 300 { // an answer, but not in AWS's words
		up.exception = http.StatusText(up.status)
		return up, true
	}
	return nil, false
}

func apply(up *upstream) error {
	exception := strings.TrimSuffix(up.exception, "Exception")
	if exception != "" { // in a stream the names begin in lower case
		exception = strings.ToUpper(exception[:1]) + exception[1:]
	}
	exception = strings.TrimSuffix(exception, "Exception")
	message := strings.ReplaceAll(strings.ToLower(up.message), "\u2019", "'")
	i := slices.IndexFunc(rules, func(r rule) bool {
		return (r.exception == "" || r.exception == exception) && strings.Contains(message, r.contains)
	})
	var r rule
	switch {
	case i >= 0:
		r = rules[i]
	case up.status != 0:
		r = byStatus(up.status)
	default:
		r = rule{code: errs.ModelFailed, reason: "unknown", message: "Bedrock failed with an error that Kakoi does not know"}
	}

	params := map[string]string{}
	set := func(k, v string) {
		if v != "" {
			params[k] = v
		}
	}
	set("reason", r.reason)
	set("exception", up.exception)
	set("requestId", up.requestID)
	if up.status != 0 {
		set("status", strconv.Itoa(up.status))
	}
	if up.retryAfter > 0 {
		set("retryAfterSeconds", seconds(up.retryAfter))
	}
	switch r.code {
	case errs.ModelAccessDenied:
		deniedParams(up.message, set)
	case errs.ModelContextTooLong:
		lengthParams(up.message, set)
	}
	e := errs.Wrap(r.code, fill(r.message, params), up)
	e.Params = params
	return e
}

var (
	deniedAction   = regexp.MustCompile(`not authorized to perform: ([A-Za-z0-9:-]+)`)
	deniedResource = regexp.MustCompile(`on resource: (arn:aws[a-z-]*:bedrock:([a-z0-9-]*):\d*:([A-Za-z-]+)/(\S+))`)
	tokenCounts    = regexp.MustCompile(`(?i)prompt is too long: (\d+) tokens > (\d+) maximum`)
	tokenCounts2   = regexp.MustCompile(`(?i)max input tokens: (\d+), request input token count: (\d+)`)
)

// deniedParams finds what exactly was denied, and where: for a cross-region
// profile that is often a region that nobody asked for.
func deniedParams(message string, set func(k, v string)) {
	if m := deniedAction.FindStringSubmatch(message); m != nil {
		set("action", m[1])
	}
	if m := deniedResource.FindStringSubmatch(message); m != nil {
		set("resource", m[1])
		set("model", m[4])
		if m[2] == "" {
			m[2] = "global" // a global profile's model has no region of its own
		}
		set("region", m[2])
	}
}

func lengthParams(message string, set func(k, v string)) {
	if m := tokenCounts.FindStringSubmatch(message); m != nil {
		set("tokens", m[1])
		set("limit", m[2])
	} else if m := tokenCounts2.FindStringSubmatch(message); m != nil {
		set("limit", m[1])
		set("tokens", m[2])
	}
}

// fill replaces {name} by the param; a phrase whose param is missing goes.
func fill(message string, params map[string]string) string {
	if params["region"] == "" {
		message = strings.ReplaceAll(message, " in region {region}", "")
	}
	for k, v := range params {
		message = strings.ReplaceAll(message, "{"+k+"}", v)
	}
	return message
}

// classifyCredentials answers for a failed source of credentials.
func classifyCredentials(cause error) error {
	if code := errs.CodeOf(cause); code != errs.Internal {
		// Typically the instance's metadata service, which egress does not let us
		// ask: to the person that is no more than credentials that are missing.
		return errs.Wrap(errs.ModelCredentials, "no AWS credentials were found", cause).With("reason", "none")
	}
	var role *roleError
	if errors.As(cause, &role) {
		return classifyRole(role)
	}
	if up, ok := upstreamOf(cause); ok && up.exception != "" && !strings.Contains(cause.Error(), "ec2imds") {
		e := errs.Wrap(errs.ModelCredentials, "the AWS credentials could not be obtained: "+up.exception, up)
		return e.With("reason", "source").With("exception", up.exception)
	}
	return errs.Wrap(errs.ModelCredentials, "no AWS credentials were found", errors.New(redact(cause.Error()))).With("reason", "none")
}

// classifyRole answers for a role that could not be assumed. STS says the same
// whether the caller may not ask, the role does not trust the caller, or the
// external id is wrong.
func classifyRole(role *roleError) error {
	// The hop that failed first: those after it have only waited for it.
	for before := role; errors.As(before.cause, &before); {
		role = before
	}
	up, answered := upstreamOf(role.cause)
	if !answered {
		var e *errs.Error
		if errors.As(classify(role.cause, false), &e) {
			return errs.Wrap(e.Code, "STS, which is to give the role "+role.arn+", cannot be reached: "+e.Message, role.cause).
				With("role", role.arn).With("reason", "sts").With("host", e.Params["host"])
		}
	}
	reason, message := "role", "the role "+role.arn+" could not be assumed: "+up.exception
	switch {
	case strings.HasPrefix(up.exception, "AccessDenied") && strings.Contains(up.message, "service control policy"):
		reason, message = "role_scp", "a service control policy of the caller's organisation denies assuming the role "+role.arn
	case strings.HasPrefix(up.exception, "AccessDenied") && strings.Contains(up.message, "VPC endpoint policy"):
		reason, message = "role_endpoint", "the policy of the VPC endpoint of STS does not allow assuming the role "+role.arn
	case strings.HasPrefix(up.exception, "AccessDenied") && strings.Contains(up.message, "sts:TagSession"):
		reason, message = "role_tags", "the role "+role.arn+" does not let the caller tag its session (sts:TagSession)"
	case strings.HasPrefix(up.exception, "AccessDenied") && strings.Contains(up.message, "sts:SetSourceIdentity"):
		reason, message = "role_source", "the role "+role.arn+" does not let the caller set a source identity (sts:SetSourceIdentity)"
	case strings.HasPrefix(up.exception, "AccessDenied"):
		reason, message = "role_denied", "the role "+role.arn+" may not be assumed: its trust policy does not name the caller, the external id is wrong, or the caller has no sts:AssumeRole for it"
	case strings.HasPrefix(up.exception, "ExpiredToken"):
		reason = "expired"
	case up.exception == "RegionDisabled" || up.exception == "RegionDisabledException":
		reason, message = "role_region", "STS is not switched on in this region for the account of the role "+role.arn
	}
	return errs.Wrap(errs.ModelCredentials, message, up).With("reason", reason).With("role", role.arn).With("exception", up.exception)
}

// unreachable answers for a call that brought no answer.
func unreachable(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errs.Wrap(errs.ModelTimeout, "the model took too long to answer", err)
	}
	reason, message, host := "connection", "the connection to Bedrock failed", ""
	var (
		dns  *net.DNSError
		op   *net.OpError
		cert *tls.CertificateVerificationError
		auth x509.UnknownAuthorityError
		name x509.HostnameError
		inv  x509.CertificateInvalidError
		rec  tls.RecordHeaderError
		nerr net.Error
	)
	switch {
	case errors.As(err, &dns):
		reason, message, host = "dns", "the name of the Bedrock endpoint cannot be resolved", dns.Name
	case errors.As(err, &auth):
		reason, message = "tls_authority", "the endpoint's certificate is from an authority that is not trusted here"
	case errors.As(err, &name):
		reason, message = "tls_name", "the endpoint's certificate is for another name"
	case errors.As(err, &inv), errors.As(err, &cert), errors.As(err, &rec), errors.Is(err, http.ErrSchemeMismatch):
		reason, message = "tls", "no secure connection to the endpoint could be made"
	case errors.Is(err, syscall.ECONNREFUSED):
		reason, message = "refused", "the Bedrock endpoint refuses the connection"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		reason, message = "route", "there is no route to the Bedrock endpoint"
	case errors.As(err, &op) && op.Op == "dial" && errors.As(err, &nerr) && nerr.Timeout():
		reason, message = "timeout", "the Bedrock endpoint does not answer"
	case errors.As(err, &nerr) && nerr.Timeout():
		return errs.Wrap(errs.ModelTimeout, "the model took too long to answer", err)
	}
	if host == "" && errors.As(err, &op) && op.Addr != nil {
		host = op.Addr.String()
	}
	e := errs.Wrap(errs.ModelUnreachable, message, err).With("reason", reason)
	if host != "" {
		e = e.With("host", host)
	}
	return e
}

// quoted finds the values that AWS's validation repeats from the request, and
// bodies that models repeat.
var quoted = regexp.MustCompile(`(?is)(value )'.*?'( at ')`)

// redact takes out of a message of AWS what may come from the prompt, and
// bounds it.
func redact(s string) string {
	s = quoted.ReplaceAllString(s, "$1'…'$2")
	if r := []rune(s); len(r) > 500 {
		s = string(r[:500]) + "…"
	}
	return s
}

// retryAfter reads how long the upstream asks us to wait.
func retryAfter(h http.Header) time.Duration {
	if ms, err := strconv.ParseInt(h.Get("X-Amz-Retry-After"), 10, 64); err == nil && ms > 0 {
		return time.Duration(ms) * time.Millisecond
	}
	v := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(v, 64); err == nil && s > 0 {
		return time.Duration(s * float64(time.Second))
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(time.Until(t), 0)
	}
	return 0
}

// seconds rounds d up to whole seconds, in digits.
func seconds(d time.Duration) string {
	return strconv.Itoa(int(math.Ceil(d.Seconds())))
}
