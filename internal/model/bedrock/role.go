package bedrock

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Role is one hop of a chain: a role that is assumed with the credentials of
// the hop before it. Texts in which {account}, {email} and {group} stand are
// filled in with who asks, so that the role's own account can see it.
type Role struct {
	ARN            string
	ExternalID     string
	Region         string            // whose STS is asked; empty is the connection's
	Endpoint       string            // of STS, as a URL; empty is the public name in Region
	Duration       time.Duration     // zero is an hour, which is also the most that a role may assume another one for
	SessionName    string            // empty is "kakoi"
	SourceIdentity string            // empty sends none
	Tags           map[string]string // of the session
	TransitiveTags bool              // the tags go with the roles that follow
}

const (
	roleDuration    = time.Hour
	maxSessionName  = 64
	maxSessionTag   = 256
	maxHeldSessions = 4096

	// A session is renewed while it is still good, by one caller for all of
	// them; the others go on with what there is.
	renewBefore = 5 * time.Minute
	// What expires within this is not begun with: the clocks differ, and a call
	// takes its time to be judged.
	expiryMargin = 15 * time.Second
	renewPause   = 10 * time.Second // after a renewal that failed
)

// Of a session's name and of its source identity.
var plainForbidden = regexp.MustCompile(`[^\w+=,.@-]`)

// Of a session tag's value.
var tagForbidden = regexp.MustCompile(`[^\p{L}\p{Z}\p{N}_.:/=+\-@]`)

// hop is a role with the client that assumes it, but for the credentials.
type hop struct {
	role   Role
	assume func(ctx context.Context, with aws.CredentialsProvider, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error)
}

// chain is the roles that are assumed one after the other, and their sessions.
// People whose names come out the same share a session.
type chain struct {
	base aws.CredentialsProvider
	hops []hop
	now  func() time.Time
	log  *slog.Logger

	mu       sync.Mutex
	sessions map[string]*session
}

func newChain(base aws.CredentialsProvider, cfg aws.Config, conf Config) *chain {
	c := &chain{base: base, now: conf.Now, log: conf.Log, sessions: make(map[string]*session)}
	for _, role := range conf.Roles {
		client := sts.NewFromConfig(cfg, func(o *sts.Options) {
			o.Region = cmp.Or(role.Region, cfg.Region)
			o.Retryer = once{}
			setEndpoint(&o.BaseEndpoint, role.Endpoint)
			o.EndpointOptions.UseFIPSEndpoint = conf.fips(role.Endpoint)
		})
		c.hops = append(c.hops, hop{role, func(ctx context.Context, with aws.CredentialsProvider, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
			return client.AssumeRole(ctx, in, func(o *sts.Options) { o.Credentials = with })
		}})
	}
	return c
}

// provider returns the credentials of the chain's end for who asks.
func (c *chain) provider(who model.Caller) aws.CredentialsProvider {
	provider := c.base
	var key strings.Builder
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.hops {
		in := h.role.input(who)
		fmt.Fprintf(&key, "%q %q", aws.ToString(in.RoleSessionName), aws.ToString(in.SourceIdentity))
		for _, tag := range in.Tags {
			fmt.Fprintf(&key, " %q", aws.ToString(tag.Value))
		}
		key.WriteByte('\n')
		held := c.sessions[key.String()]
		if held == nil {
			held = &session{hop: h, with: provider, input: in, now: c.now, log: c.log}
			c.makeRoom()
			c.sessions[key.String()] = held
		}
		provider = held
	}
	return provider
}

// as makes a call in the name of who, where roles are assumed.
func (c *Client) as(who model.Caller, o *bedrockruntime.Options) {
	if c.chain == nil {
		return
	}
	credentials := c.chain.provider(who)
	o.Credentials, o.Retryer = &provider{inner: credentials}, renewing{credentials: credentials}
}

// renewing is the retryer of calls with assumed roles: credentials that AWS
// says have expired, before the time that it gave them, are got anew once.
type renewing struct {
	once
	credentials aws.CredentialsProvider
}

// IsErrorRetryable implements aws.Retryer.
func (r renewing) IsErrorRetryable(err error) bool {
	up, answered := upstreamOf(err)
	held, assumed := r.credentials.(*session)
	if answered && assumed && errs.CodeOf(apply(up)) == errs.ModelCredentials && strings.HasPrefix(up.exception, "ExpiredToken") {
		held.drop()
		return true
	}
	return r.once.IsErrorRetryable(err)
}

// makeRoom forgets sessions once they are many: those that have ended, or all
// of them. Whoever holds one goes on with it.
func (c *chain) makeRoom() {
	if len(c.sessions) < maxHeldSessions {
		return
	}
	maps.DeleteFunc(c.sessions, func(_ string, s *session) bool { return s.over() })
	if len(c.sessions) >= maxHeldSessions {
		clear(c.sessions)
	}
}

// input is what STS is asked for in the name of who.
func (r Role) input(who model.Caller) *sts.AssumeRoleInput {
	in := &sts.AssumeRoleInput{
		RoleArn:         aws.String(r.ARN),
		RoleSessionName: aws.String(name(cmp.Or(r.SessionName, "kakoi"), who)),
		DurationSeconds: aws.Int32(int32(cmp.Or(r.Duration, roleDuration) / time.Second)),
	}
	if r.ExternalID != "" {
		in.ExternalId = aws.String(r.ExternalID)
	}
	if r.SourceIdentity != "" {
		in.SourceIdentity = aws.String(name(r.SourceIdentity, who))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Tags)) {
		value := tagForbidden.ReplaceAllString(named(r.Tags[name], who), "_")
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(name), Value: aws.String(clip(value, maxSessionTag))})
		if r.TransitiveTags {
			in.TransitiveTagKeys = append(in.TransitiveTagKeys, name)
		}
	}
	return in
}

// name fills text in for a session's name or source identity, of which two
// characters are the least.
func name(text string, who model.Caller) string {
	text = clip(plainForbidden.ReplaceAllString(named(text, who), "_"), maxSessionName)
	for len(text) < 2 {
		text += "_"
	}
	return text
}

// named puts who asks into text. What Kakoi does for itself, such as the test of
// a connection, it does as kakoi.
func named(text string, who model.Caller) string {
	return strings.NewReplacer(
		"{account}", cmp.Or(who.AccountID, "kakoi"),
		"{email}", cmp.Or(who.Email, "kakoi"),
		"{group}", cmp.Or(strings.Join(who.Groups, " "), "kakoi"),
	).Replace(text)
}

// clip cuts text to so many characters.
func clip(text string, limit int) string {
	if r := []rune(text); len(r) > limit {
		return string(r[:limit])
	}
	return text
}

// session is the credentials of a role that was assumed. It implements
// aws.CredentialsProvider.
type session struct {
	hop   hop
	with  aws.CredentialsProvider
	input *sts.AssumeRoleInput
	now   func() time.Time
	log   *slog.Logger

	mu       sync.Mutex
	held     aws.Credentials
	identity string        // whose they are, as STS says
	renewing chan struct{} // closed when the renewal that is under way has ended
	failed   error         // of the last renewal
	failedAt time.Time
}

// Retrieve implements aws.CredentialsProvider. It waits for STS only where
// there is nothing good to go on with.
func (s *session) Retrieve(ctx context.Context) (aws.Credentials, error) {
	for {
		s.mu.Lock()
		left := s.held.Expires.Sub(s.now())
		good := s.held.HasKeys() && left > expiryMargin
		if good && left > renewBefore {
			defer s.mu.Unlock()
			return s.held, nil
		}
		if s.renewing == nil && (!good || s.now().Sub(s.failedAt) >= renewPause) {
			s.renewing = make(chan struct{})
			go s.renew(context.WithoutCancel(ctx), s.renewing) // for all who wait, not only for this one
		}
		renewing, held := s.renewing, s.held
		s.mu.Unlock()
		if good {
			return held, nil
		}
		select {
		case <-ctx.Done():
			return aws.Credentials{}, context.Cause(ctx)
		case <-renewing:
		}
		s.mu.Lock()
		err := s.failed
		s.mu.Unlock()
		if err != nil {
			return aws.Credentials{}, err
		}
	}
}

// renew assumes the role anew and closes done.
func (s *session) renew(ctx context.Context, done chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	out, err := s.hop.assume(ctx, s.with, s.input)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(done)
	s.renewing, s.failed = nil, nil
	if err == nil && out.Credentials == nil {
		err = fmt.Errorf("STS has answered without credentials")
	}
	if err != nil {
		s.failed, s.failedAt = &roleError{s.hop.role.ARN, err}, s.now()
		s.log.WarnContext(ctx, "a role could not be assumed", "role", s.hop.role.ARN, "err", classify(err, false))
		return
	}
	s.held = aws.Credentials{
		AccessKeyID: aws.ToString(out.Credentials.AccessKeyId), SecretAccessKey: aws.ToString(out.Credentials.SecretAccessKey),
		SessionToken: aws.ToString(out.Credentials.SessionToken), CanExpire: true, Expires: s.until(aws.ToTime(out.Credentials.Expiration)),
		Source: "role " + s.hop.role.ARN,
	}
	if out.AssumedRoleUser != nil {
		s.identity = aws.ToString(out.AssumedRoleUser.Arn)
	}
}

// until is when credentials that have just been got end by this machine's clock.
// An end that has passed already, or is further off than what was asked for, is
// told by another clock: then the time that was asked for runs from now.
func (s *session) until(end time.Time) time.Time {
	asked := time.Duration(aws.ToInt32(s.input.DurationSeconds)) * time.Second
	if left := end.Sub(s.now()); left <= expiryMargin || left > asked+expiryMargin {
		return s.now().Add(asked)
	}
	return end
}

// drop forgets the session's credentials, which AWS has refused, and those they
// were got with.
func (s *session) drop() {
	s.mu.Lock()
	s.held = aws.Credentials{}
	s.mu.Unlock()
	if before, ok := s.with.(*session); ok {
		before.drop()
	}
}

func (s *session) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewing == nil && !s.held.Expires.After(s.now())
}

// roleError is a role that could not be assumed.
type roleError struct {
	arn   string
	cause error
}

func (e *roleError) Error() string { return "assume role " + e.arn + ": " + e.cause.Error() }
func (e *roleError) Unwrap() error { return e.cause }
