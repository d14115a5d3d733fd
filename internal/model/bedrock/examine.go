package bedrock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Examine implements model.Examiner. A control plane or an STS that cannot be
// reached does not fail a check that names a model: a closed network may well
// have no endpoint but the runtime's.
func (c *Client) Examine(ctx context.Context, modelID string) iter.Seq[model.CheckStep] {
	return c.examine(ctx, modelID, c.tryAnswer)
}

// examine makes the steps of Check. try makes the last ones.
func (c *Client) examine(ctx context.Context, modelID string, try func(context.Context, string) []model.CheckStep) iter.Seq[model.CheckStep] {
	return func(yield func(model.CheckStep) bool) {
		tell := func(s model.CheckStep) bool { return yield(s) && s.Err == nil }
		if !tell(model.CheckStep{Name: "configuration", Detail: "region " + c.region, Facts: []model.Fact{{Name: "region", Value: c.region}}}) {
			return
		}
		for _, s := range c.checkConnection(ctx) {
			if !tell(s) {
				return
			}
		}
		if !tell(c.checkCredentials(ctx)) {
			return
		}
		for i, s := range c.sessions() {
			if !tell(c.checkRole(ctx, i+1, s)) {
				return
			}
		}
		if !tell(c.checkList(ctx, modelID)) || modelID == "" {
			return
		}
		for _, s := range try(ctx, modelID) {
			if !tell(s) {
				return
			}
		}
	}
}

// tryAnswer asks for words in one piece, and as they are written. Kakoi streams
// where the model does; a role that may not do the other is odd, and no reason
// to call the connection broken.
func (c *Client) tryAnswer(ctx context.Context, modelID string) []model.CheckStep {
	answer := c.checkPlain(ctx, modelID)
	switch {
	case errs.CodeOf(answer.Err) == errs.ModelAccessDenied:
		stream := c.checkStream(ctx, modelID)
		if stream.Err != nil {
			return []model.CheckStep{answer}
		}
		answer.Err, answer.Warning = nil, answer.Err
		return []model.CheckStep{answer, stream}
	case answer.Err != nil:
		return []model.CheckStep{answer}
	}
	return []model.CheckStep{answer, c.checkStream(ctx, modelID)}
}

// examined makes a step and measures it. Its function fills it in.
func examined(name string, fill func(s *model.CheckStep) error) model.CheckStep {
	s := model.CheckStep{Name: name}
	start := time.Now()
	s.Err = fill(&s)
	s.Elapsed = time.Since(start)
	return s
}

func fact(s *model.CheckStep, name, value string) {
	if value != "" {
		s.Facts = append(s.Facts, model.Fact{Name: name, Value: value})
	}
}

// checkCredentials gets the credentials that the roles, if any, are assumed
// with, and asks whose they are where STS can be reached.
func (c *Client) checkCredentials(ctx context.Context) model.CheckStep {
	return examined("credentials", func(s *model.CheckStep) error {
		if c.creds == nil {
			s.Detail = "Bedrock API key; whose it is shows when a model answers"
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, probeTimeout)
		defer cancel()
		source := aws.CredentialsProvider(c.creds)
		if c.chain != nil {
			source = &provider{inner: c.chain.base}
		}
		v, err := source.Retrieve(ctx)
		if err != nil {
			return classify(err, false)
		}
		s.Detail = "access key " + mask(v.AccessKeyID)
		fact(s, "accessKey", mask(v.AccessKeyID))
		if v.Source != "" {
			s.Detail += " from " + v.Source
			fact(s, "source", v.Source)
		}
		if v.CanExpire {
			until := v.Expires.UTC().Format(time.RFC3339)
			s.Detail += ", valid until " + until
			fact(s, "validUntil", until)
		}
		who, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}, func(o *sts.Options) { o.Credentials = source })
		switch {
		case err == nil:
			s.Detail += fmt.Sprintf("; account %s as %s", aws.ToString(who.Account), aws.ToString(who.Arn))
			fact(s, "identity", aws.ToString(who.Arn))
			fact(s, "account", aws.ToString(who.Account))
			return nil
		case optional(classify(err, false)):
			s.Detail += "; STS cannot be asked whose it is"
			return nil
		}
		return classify(err, false)
	})
}

// sessions are those of the chain for what Kakoi does for itself, the first
// that is assumed first.
func (c *Client) sessions() (all []*session) {
	if c.chain == nil {
		return nil
	}
	for p := c.chain.provider(model.Caller{}); ; {
		s, assumed := p.(*session)
		if !assumed {
			slices.Reverse(all)
			return all
		}
		all, p = append(all, s), s.with
	}
}

// checkRole assumes the n-th role of the chain.
func (c *Client) checkRole(ctx context.Context, n int, s *session) model.CheckStep {
	return examined("role_"+strconv.Itoa(n), func(step *model.CheckStep) error {
		ctx, cancel := context.WithTimeout(ctx, 2*probeTimeout)
		defer cancel()
		role := s.hop.role
		v, err := s.Retrieve(ctx)
		if err != nil {
			return refused(classify(&credentialsError{err}, false), role)
		}
		step.Detail = "assumed " + role.ARN + ", valid until " + v.Expires.UTC().Format(time.RFC3339)
		s.mu.Lock()
		fact(step, "identity", s.identity)
		s.mu.Unlock()
		fact(step, "role", role.ARN)
		fact(step, "validUntil", v.Expires.UTC().Format(time.RFC3339))
		fact(step, "session", aws.ToString(s.input.RoleSessionName))
		if role.ExternalID != "" {
			fact(step, "externalId", "accepted")
		}
		fact(step, "tags", strings.Join(slices.Sorted(maps.Keys(role.Tags)), ", "))
		return nil
	})
}

// refused says more exactly why a role was refused, as far as STS tells.
func refused(err error, role Role) error {
	var e *errs.Error
	var up *upstream
	if !errors.As(err, &e) || !errors.As(err, &up) {
		return err
	}
	said := strings.ToLower(up.message)
	switch {
	case strings.Contains(said, "service control policy"):
		return e.With("reason", "role_scp")
	case strings.Contains(said, "vpc endpoint policy"):
		return e.With("reason", "role_endpoint_policy")
	case strings.Contains(said, "identity-based policy"):
		return e.With("reason", "role_caller")
	case strings.Contains(said, "scoped to a valid region"):
		return e.With("reason", "region")
	case e.Params["reason"] == "role_denied" && role.ExternalID != "":
		return e.With("externalId", "sent")
	}
	return err
}

// checkList asks what there is, and whether the model in question is.
func (c *Client) checkList(ctx context.Context, modelID string) model.CheckStep {
	return examined("list_models", func(s *model.CheckStep) error {
		ctx, cancel := context.WithTimeout(ctx, probeTimeout)
		defer cancel()
		list, err := c.Models(ctx)
		switch {
		case err == nil:
			s.Detail = fmt.Sprintf("%d models and inference profiles", len(list))
			fact(s, "models", strconv.Itoa(len(list)))
			if modelID != "" && !strings.HasPrefix(modelID, "arn:") {
				found := slices.ContainsFunc(list, func(m model.RemoteModel) bool { return m.ID == modelID })
				fact(s, "listed", strconv.FormatBool(found))
			}
			return nil
		case modelID != "" && optional(err):
			s.Detail = "not available, enter model ids by hand: " + err.Error()
			s.Warning = err
			return nil
		}
		return err
	})
}

// few is a request for a few words.
func few(modelID string, limit int) model.Request {
	return model.Request{
		Model:      modelID,
		Messages:   []model.Message{{Role: model.RoleUser, Parts: []model.Part{{Type: model.PartText, Text: "Reply with OK."}}}},
		Parameters: model.Parameters{MaxTokens: &limit},
	}
}

// checkPlain asks the model for one token, in one piece.
func (c *Client) checkPlain(ctx context.Context, modelID string) model.CheckStep {
	return examined("answer", func(s *model.CheckStep) error {
		r, err := translate(few(modelID, 1))
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, c.firstByte)
		defer cancel()
		out, err := c.runtime.Converse(ctx, &bedrockruntime.ConverseInput{
			ModelId: r.input.ModelId, Messages: r.input.Messages, InferenceConfig: r.input.InferenceConfig,
			AdditionalModelRequestFields: r.input.AdditionalModelRequestFields,
		}, func(o *bedrockruntime.Options) { c.as(r.caller, o) })
		if err != nil {
			return classify(err, false)
		}
		if u := out.Usage; u != nil {
			s.Detail = fmt.Sprintf("%d tokens in, %d out", aws.ToInt32(u.InputTokens), aws.ToInt32(u.OutputTokens))
			fact(s, "tokens", fmt.Sprintf("%d + %d", aws.ToInt32(u.InputTokens), aws.ToInt32(u.OutputTokens)))
		}
		return nil
	})
}

// checkStream asks the model for one short answer as it is written.
func (c *Client) checkStream(ctx context.Context, modelID string) model.CheckStep {
	return examined("stream", func(s *model.CheckStep) error {
		start := time.Now()
		var first time.Duration
		var usage model.Usage
		for ev, err := range c.Stream(ctx, few(modelID, 16)) {
			if err != nil {
				return err
			}
			first = cmp.Or(first, time.Since(start))
			if ev.Type == model.EventUsage {
				usage = ev.Usage
			}
		}
		s.Detail = fmt.Sprintf("first words after %d ms, %d tokens in, %d out", first.Milliseconds(), usage.InputTokens, usage.OutputTokens)
		fact(s, "firstWords", strconv.FormatInt(first.Milliseconds(), 10)+" ms")
		return nil
	})
}
