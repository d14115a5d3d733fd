package bedrock

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	awsbedrock "github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/auth/bearer"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// CredentialKind says where credentials come from.
type CredentialKind string

// The kinds of credentials.
const (
	// CredentialsDefault is the SDK's chain: environment, shared files, web
	// identity, container and instance roles.
	CredentialsDefault CredentialKind = "default"
	// CredentialsStatic is an access key, with a session token if it is temporary.
	CredentialsStatic CredentialKind = "static"
	// CredentialsProfile is a profile of the shared configuration files of the server.
	CredentialsProfile CredentialKind = "profile"
	// CredentialsBearer is a Bedrock API key. It is only ever sent over https.
	CredentialsBearer CredentialKind = "bearer"
)

// Credentials says who calls. Only the fields of its kind count.
type Credentials struct {
	Kind            CredentialKind // empty is default
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Profile         string
	BearerToken     string
}

// Config is one connection to Bedrock.
type Config struct {
	Region          string // may be empty where the credentials' source names one
	Endpoint        string // of bedrock-runtime, as a URL; empty is the public name in Region
	ControlEndpoint string // of bedrock, as a URL; likewise
	STSEndpoint     string // of STS, as a URL; likewise, always the regional name
	// AgentRuntimeEndpoint is of bedrock-agent-runtime, as a URL; likewise.
	AgentRuntimeEndpoint string
	FIPS                 bool // the public names are those of the FIPS endpoints
	Credentials          Credentials
	Roles                []Role // assumed one after the other, beginning with Credentials

	// HTTP carries every request. It must have a transport of its own and no
	// Timeout, which would end long answers.
	HTTP *http.Client

	// FirstByteTimeout bounds the silence from the request to the first piece of
	// the answer, 120 s if zero. A request that asks for reasoning is given five
	// times as long: models may think for minutes without a word.
	FirstByteTimeout time.Duration
	// IdleTimeout bounds the silence between two pieces of the answer, 60 s if zero.
	IdleTimeout time.Duration

	Log *slog.Logger     // nil discards
	Now func() time.Time // nil is time.Now
}

// reasoningPatience is by how much FirstByteTimeout grows for reasoning.
const reasoningPatience = 5

// Client is one connection to Bedrock. It implements model.Provider.
type Client struct {
	region  string
	runtime *bedrockruntime.Client
	control *awsbedrock.Client
	agents  *bedrockagentruntime.Client
	sts     *sts.Client
	creds   *provider // nil with a bearer token
	chain   *chain    // nil with a bearer token or without roles
	http    *http.Client
	probe   string // URL whose host the runtime calls go to

	unstreamed unstreamed

	firstByte, idle time.Duration
	log             *slog.Logger
}

var regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d{1,2}$`)

// New checks the configuration and resolves where the credentials come from.
// It sends nothing with a static key or a bearer token; the default chain may
// ask the machine it runs on. Its errors are InvalidInput with the field at
// fault, or ModelCredentials.
func New(ctx context.Context, c Config) (*Client, error) {
	if c.HTTP == nil || c.HTTP.Transport == nil {
		return nil, errors.New("bedrock: the HTTP client needs a transport of its own")
	}
	if c.HTTP.Timeout != 0 {
		return nil, errors.New("bedrock: the HTTP client must not have a timeout")
	}
	if c.Region != "" && !regionName.MatchString(c.Region) {
		return nil, errs.InField("region", "that is not an AWS region, such as ap-northeast-1")
	}
	for _, e := range []struct{ field, url string }{
		{"endpoint", c.Endpoint}, {"controlEndpoint", c.ControlEndpoint}, {"stsEndpoint", c.STSEndpoint},
	} {
		if err := checkURL(e.field, e.url, c.Credentials.Kind); err != nil {
			return nil, err
		}
	}
	if err := checkURL("agentRuntimeEndpoint", c.AgentRuntimeEndpoint, ""); err != nil { // is never sent an API key
		return nil, err
	}
	if err := model.CheckSTS("stsEndpoint", c.STSEndpoint, c.Region); err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}

	cfg, err := c.load(ctx)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		return nil, errs.InField("region", "the AWS region is missing, such as ap-northeast-1")
	}
	cfg.AppID = "kakoi"

	cl := &Client{
		region:    cfg.Region,
		http:      c.HTTP,
		firstByte: c.FirstByteTimeout,
		idle:      c.IdleTimeout,
		log:       c.Log,
	}
	if cl.firstByte <= 0 {
		cl.firstByte = 120 * time.Second
	}
	if cl.idle <= 0 {
		cl.idle = 60 * time.Second
	}

	token := c.Credentials.BearerToken
	if c.Credentials.kind() == CredentialsDefault {
		token = os.Getenv("AWS_BEARER_TOKEN_BEDROCK") // part of the default chain
	}
	if token == "" {
		cl.creds = &provider{inner: cfg.Credentials}
		cfg.Credentials = cl.creds
		if len(c.Roles) > 0 {
			cl.chain = newChain(cfg.Credentials, cfg, c)
			cl.creds = &provider{inner: cl.chain.provider(model.Caller{})}
			cfg.Credentials = cl.creds
		}
	} else {
		cfg.Credentials = nil
	}
	auth := schemes(token)
	cl.runtime = bedrockruntime.NewFromConfig(cfg, func(o *bedrockruntime.Options) {
		o.Retryer = once{}
		o.AuthSchemePreference, o.BearerAuthTokenProvider = auth.preference, auth.token
		setEndpoint(&o.BaseEndpoint, c.Endpoint)
		o.EndpointOptions.UseFIPSEndpoint = c.fips(c.Endpoint)
	})
	cl.control = awsbedrock.NewFromConfig(cfg, func(o *awsbedrock.Options) {
		o.Retryer = once{}
		o.AuthSchemePreference, o.BearerAuthTokenProvider = auth.preference, auth.token
		setEndpoint(&o.BaseEndpoint, c.ControlEndpoint)
		o.EndpointOptions.UseFIPSEndpoint = c.fips(c.ControlEndpoint)
	})
	cl.agents = bedrockagentruntime.NewFromConfig(cfg, func(o *bedrockagentruntime.Options) {
		o.Retryer = once{}
		setEndpoint(&o.BaseEndpoint, c.AgentRuntimeEndpoint)
		o.EndpointOptions.UseFIPSEndpoint = c.fips(c.AgentRuntimeEndpoint)
	})
	cl.sts = sts.NewFromConfig(cfg, func(o *sts.Options) {
		o.Retryer = once{}
		setEndpoint(&o.BaseEndpoint, c.STSEndpoint)
		o.EndpointOptions.UseFIPSEndpoint = c.fips(c.STSEndpoint)
	})
	cl.probe = "https://bedrock-runtime." + cfg.Region + ".amazonaws.com"
	if c.FIPS {
		cl.probe = "https://bedrock-runtime-fips." + cfg.Region + ".amazonaws.com"
	}
	if base := cl.runtime.Options().BaseEndpoint; base != nil {
		cl.probe = *base
	}
	return cl, nil
}

// Region is where the calls are made, which for a cross-region profile is not
// the only place where they are answered.
func (c *Client) Region() string { return c.region }

func (c Credentials) kind() CredentialKind {
	if c.Kind == "" {
		return CredentialsDefault
	}
	return c.Kind
}

// load makes the SDK's configuration. Static keys and bearer tokens do not look
// at the environment or at files, so that nothing on the server changes whom
// they call as. A chain of assumed roles wraps cfg.Credentials here.
func (c Config) load(ctx context.Context) (aws.Config, error) {
	cfg := aws.Config{Region: c.Region, HTTPClient: sender{c.HTTP}, Logger: sdkLog(c.Log)}
	switch c.Credentials.kind() {
	case CredentialsStatic:
		if c.Credentials.AccessKeyID == "" || c.Credentials.SecretAccessKey == "" {
			return cfg, errs.InField("accessKeyId", "a static key needs an access key id and a secret access key")
		}
		cfg.Credentials = credentials.NewStaticCredentialsProvider(
			c.Credentials.AccessKeyID, c.Credentials.SecretAccessKey, c.Credentials.SessionToken)
		return cfg, nil
	case CredentialsBearer:
		if c.Credentials.BearerToken == "" {
			return cfg, errs.InField("bearerToken", "the Bedrock API key is missing")
		}
		return cfg, nil
	case CredentialsDefault, CredentialsProfile:
	default:
		return cfg, errs.InField("credentials", "credentials must be default, static, profile or bearer")
	}

	if u, err := url.Parse(os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")); err != nil || u.Host != "" && net.ParseIP(u.Hostname()) == nil {
		// The SDK would resolve the name itself; and no name is among the destinations.
		return cfg, errs.New(errs.ModelCredentials, "AWS_CONTAINER_CREDENTIALS_FULL_URI is only used with an address in it, as AWS sets it: "+
			"http://169.254.170.23/…").With("reason", "configuration")
	}
	opts := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithHTTPClient(sender{c.HTTP}),
		awsconfig.WithLogger(sdkLog(c.Log)),
		// The client of container credentials does not take the one above.
		awsconfig.WithEndpointCredentialOptions(func(o *endpointcreds.Options) { o.HTTPClient = sender{c.HTTP} }),
		awsconfig.WithUseFIPSEndpoint(c.fips(c.STSEndpoint)),
	}
	if c.STSEndpoint != "" {
		opts = append(opts, awsconfig.WithAPIOptions([]func(*middleware.Stack) error{atSTS(c.STSEndpoint)}))
	}
	if c.Region != "" {
		opts = append(opts, awsconfig.WithRegion(c.Region))
	}
	if c.Credentials.kind() == CredentialsProfile {
		if c.Credentials.Profile == "" {
			return cfg, errs.InField("profile", "the name of the profile is missing")
		}
		opts = append(opts, awsconfig.WithSharedConfigProfile(c.Credentials.Profile))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, opts...)
	var missing awsconfig.SharedConfigProfileNotExistError
	switch {
	case errors.As(err, &missing):
		e := errs.Wrap(errs.InvalidInput, "the server's AWS configuration has no profile of that name", err)
		e.Field = "profile"
		return cfg, e
	case err != nil && strings.Contains(err.Error(), "unable to add custom RootCAs"):
		// The SDK would put the bundle into a transport of its own.
		e := errs.Wrap(errs.InvalidInput, "AWS_CA_BUNDLE and ca_bundle are not used: set the CA certificate of the connection", err)
		e.Field = "caPem"
		return cfg, e
	case err != nil:
		return cfg, errs.Wrap(errs.ModelCredentials, "the AWS configuration of the server cannot be read", err).With("reason", "configuration")
	}
	if runsProgram(cfg.ConfigSources) {
		// It would be run by the SDK, and could reach anything.
		e := errs.New(errs.InvalidInput, "credential_process is not used: another program would reach what the record of outgoing connections does not see; use another source of credentials")
		e.Field = "profile"
		return cfg, e
	}
	return cfg, nil
}

// runsProgram reports whether a profile of the server's AWS configuration, or
// one that it takes its credentials from, gets them from another program.
func runsProgram(sources []any) bool {
	for _, source := range sources {
		shared, ok := source.(awsconfig.SharedConfig)
		for next := &shared; ok && next != nil; next = next.Source {
			if next.CredentialProcess != "" {
				return true
			}
		}
	}
	return false
}

// atSTS sends the STS calls of the credential providers to endpoint. The SDK
// makes their clients itself, before any other option could reach them.
func atSTS(endpoint string) func(*middleware.Stack) error {
	u, err := url.Parse(endpoint) // checked before
	return func(stack *middleware.Stack) error {
		if !strings.HasPrefix(stack.ID(), "AssumeRole") || err != nil {
			return err
		}
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("KakoiSTSEndpoint",
			func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
				if r, ok := in.Request.(*smithyhttp.Request); ok {
					r.URL.Scheme, r.URL.Host = u.Scheme, u.Host
				}
				return next.HandleFinalize(ctx, in)
			}), "ResolveEndpointV2", middleware.After)
	}
}

func checkURL(field, raw string, kind CredentialKind) error {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return errs.InField(field, "that is not an endpoint, such as https://vpce-0123.bedrock-runtime.ap-northeast-1.vpce.amazonaws.com")
	}
	if kind == CredentialsBearer && u.Scheme != "https" {
		return errs.InField(field, "a Bedrock API key is only sent over https")
	}
	return nil
}

func setEndpoint(base **string, configured string) {
	if configured != "" {
		*base = aws.String(strings.TrimRight(configured, "/"))
	}
}

// scheme is how requests to Bedrock are authenticated: signed, or with a token.
type scheme struct {
	preference []string
	token      bearer.TokenProvider
}

// fips says whether a client without an endpoint of its own goes to FIPS ones.
// It is never left to the server's environment.
func (c Config) fips(endpoint string) aws.FIPSEndpointState {
	if c.FIPS && endpoint == "" {
		return aws.FIPSEndpointStateEnabled
	}
	return aws.FIPSEndpointStateDisabled
}

// schemes decides it for good, where the SDK would look at the environment.
func schemes(token string) scheme {
	if token == "" {
		return scheme{preference: []string{"sigv4"}}
	}
	return scheme{
		preference: []string{"httpBearerAuth"},
		token:      bearer.StaticTokenProvider{Token: bearer.Token{Value: token}},
	}
}

// provider marks the failures of the credentials' source, so that they are told
// from those of the call they were for.
type provider struct{ inner aws.CredentialsProvider }

// credentialsError is a failure to get credentials at all.
type credentialsError struct{ cause error }

func (e *credentialsError) Error() string { return "get credentials: " + e.cause.Error() }
func (e *credentialsError) Unwrap() error { return e.cause }

// Retrieve implements aws.CredentialsProvider.
func (p *provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	v, err := p.inner.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = &credentialsError{err}
	}
	return v, err
}

// once is the retryer of all calls: one attempt. The exception is a signature
// refused because our clock is wrong, which the SDK corrects from the answer's
// date: that one is tried again at once, and later calls start out corrected.
type once struct{ aws.NopRetryer }

// MaxAttempts implements aws.Retryer.
func (once) MaxAttempts() int { return 2 }

// IsErrorRetryable implements aws.Retryer.
func (once) IsErrorRetryable(err error) bool { return isClockSkew(err) }

// RetryDelay implements aws.Retryer.
func (once) RetryDelay(int, error) (time.Duration, error) { return 0, nil }

// isClockSkew recognises the mark that the SDK's attempt middleware puts on a
// refusal when our clock and the server's differ by more than it tolerates.
func isClockSkew(err error) bool {
	var code interface{ ErrorCode() string }
	var marked interface{ RetryableError() bool }
	return errors.As(err, &code) && errors.As(err, &marked) && marked.RetryableError()
}

// sdkLog passes the SDK's notes on, none of which hold a request's content.
func sdkLog(l *slog.Logger) logging.Logger {
	return logging.LoggerFunc(func(_ logging.Classification, format string, v ...any) {
		l.Debug("aws sdk", "note", fmt.Sprintf(format, v...))
	})
}
