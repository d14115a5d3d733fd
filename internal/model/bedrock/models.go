package bedrock

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsbedrock "github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	"github.com/aws/smithy-go"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/residency"
)

// Models implements model.Provider: the foundation models that can be called by
// their own id in this region, and the inference profiles. Models that neither
// converse, as far as anybody knows, nor have a task that this package knows how
// to ask for are left out. Where the caller may not list profiles, the models
// alone are returned.
func (c *Client) Models(ctx context.Context) ([]model.RemoteModel, error) {
	list, err := c.control.ListFoundationModels(ctx, &awsbedrock.ListFoundationModelsInput{})
	if err != nil {
		return nil, c.listFailure(ctx, err)
	}
	offered := map[string]types.FoundationModelSummary{}
	var out []model.RemoteModel
	for _, m := range list.ModelSummaries {
		id := aws.ToString(m.ModelId)
		if taskOf(id) == model.TaskChat {
			if !slices.Contains(m.OutputModalities, types.ModelModalityText) {
				continue
			}
			if !aws.ToBool(m.ResponseStreamingSupported) {
				if known(id).caps == (model.Capabilities{}) {
					continue // it speaks text and does not stream: who knows what it is
				}
				c.unstreamed.add(id, false)
			}
		}
		offered[id] = m
		if slices.Contains(m.InferenceTypesSupported, types.InferenceTypeOnDemand) {
			out = append(out, remote(id, modelName(m), m))
		}
	}

	profiles, err := c.profiles(ctx)
	var denied smithy.APIError
	switch {
	case errors.As(err, &denied) && strings.HasPrefix(denied.ErrorCode(), "AccessDenied"):
		c.log.WarnContext(ctx, "bedrock: inference profiles cannot be listed", "err", classify(err, false))
	case err != nil:
		return nil, c.listFailure(ctx, err)
	}
	for _, p := range profiles {
		if p.Status != types.InferenceProfileStatusActive || len(p.Models) == 0 {
			continue
		}
		base := baseModel(aws.ToString(p.Models[0].ModelArn))
		task := taskOf(base)
		m, listed := offered[base]
		if !listed && known(base).caps == (model.Capabilities{}) && task == model.TaskChat {
			continue // nothing that can be asked, as far as anybody knows
		}
		m.ModelId = aws.String(base)
		if listed && task == model.TaskChat && !aws.ToBool(m.ResponseStreamingSupported) {
			c.unstreamed.add(callableID(p), false)
		}
		out = append(out, remote(callableID(p), aws.ToString(p.InferenceProfileName), m))
	}
	out = append(out, c.guardrailModels(ctx)...)
	slices.SortFunc(out, func(a, b model.RemoteModel) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// InferenceProfiles implements model.ProfileLister. Guardrails are among them:
// one may have a profile of its own.
func (c *Client) InferenceProfiles(ctx context.Context) ([]residency.Listed, error) {
	profiles, err := c.profiles(ctx)
	if err != nil {
		return nil, c.listFailure(ctx, err)
	}
	now := time.Now().UTC()
	all := make([]residency.Listed, 0, len(profiles))
	for _, p := range profiles {
		all = append(all, c.listed(callableID(p), p.Models, now))
	}
	return append(all, c.guardrailPlaces(ctx, now)...), nil
}

// InferenceProfile implements model.ProfileLister.
func (c *Client) InferenceProfile(ctx context.Context, id string) (residency.Listed, error) {
	p, err := c.control.GetInferenceProfile(ctx, &awsbedrock.GetInferenceProfileInput{InferenceProfileIdentifier: aws.String(id)})
	if err != nil {
		return residency.Listed{}, c.listFailure(ctx, err)
	}
	return c.listed(id, p.Models, time.Now().UTC()), nil
}

func (c *Client) listed(id string, models []types.InferenceProfileModel, at time.Time) residency.Listed {
	l := residency.Listed{ID: id, Region: c.region, At: at}
	for _, m := range models {
		l.Models = append(l.Models, aws.ToString(m.ModelArn))
	}
	return l
}

// maxPages is more than any account has profiles for.
const maxPages = 200

// profiles lists the inference profiles: AWS's own and those of the account,
// which Bedrock lists only when they are asked for. What was listed before a
// failure comes with it.
func (c *Client) profiles(ctx context.Context) ([]types.InferenceProfileSummary, error) {
	var all []types.InferenceProfileSummary
	read := 0
	for _, kind := range []types.InferenceProfileType{types.InferenceProfileTypeSystemDefined, types.InferenceProfileTypeApplication} {
		pages := awsbedrock.NewListInferenceProfilesPaginator(c.control, &awsbedrock.ListInferenceProfilesInput{TypeEquals: kind})
		for pages.HasMorePages() {
			if read++; read > maxPages {
				return all, errs.Newf(errs.ModelFailed, "the list of inference profiles has no end after %d pages", maxPages)
			}
			page, err := pages.NextPage(ctx)
			if err != nil {
				return all, err
			}
			all = append(all, page.InferenceProfileSummaries...)
		}
	}
	return all, nil
}

// callableID is what a call names the profile by: of an application profile
// only the ARN can be called.
func callableID(p types.InferenceProfileSummary) string {
	if p.Type == types.InferenceProfileTypeApplication {
		return aws.ToString(p.InferenceProfileArn)
	}
	return aws.ToString(p.InferenceProfileId)
}

func (c *Client) listFailure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	return classify(err, false)
}

func modelName(m types.FoundationModelSummary) string {
	name, maker := aws.ToString(m.ModelName), aws.ToString(m.ProviderName)
	if maker == "" || strings.Contains(name, maker) {
		return name
	}
	return maker + " " + name
}

// remote fills in what is known of the model m, under the id to call it by.
// What Bedrock says of images wins over the table.
func remote(id, name string, m types.FoundationModelSummary) model.RemoteModel {
	if name == "" {
		name = id
	}
	task := taskOf(aws.ToString(m.ModelId))
	if task != model.TaskChat {
		return model.RemoteModel{ID: id, Name: name, Task: task}
	}
	caps := known(aws.ToString(m.ModelId)).caps
	if len(m.InputModalities) > 0 {
		caps.Vision = slices.Contains(m.InputModalities, types.ModelModalityImage)
	}
	out := model.RemoteModel{ID: id, Name: name, Task: task, Capabilities: caps}
	// What the id does not show, the entry has to say.
	var opts Options
	if base := aws.ToString(m.ModelId); baseModel(id) != base {
		opts.BaseModel = base
	}
	if m.ResponseStreamingSupported != nil && !*m.ResponseStreamingSupported {
		opts.Streaming = m.ResponseStreamingSupported
	}
	if raw, err := json.Marshal(opts); err == nil && string(raw) != "{}" {
		out.Options = raw
	}
	return out
}
