package bedrock

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsbedrock "github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	"github.com/aws/smithy-go"

	"kakoi/internal/model"
	"kakoi/internal/residency"
)

// Models implements model.Provider: the foundation models that can be called by
// their own id in this region, and the inference profiles. Models that neither
// stream text nor have a task that this package knows how to ask for are left
// out. Where the caller may not list profiles, the models alone are returned.
func (c *Client) Models(ctx context.Context) ([]model.RemoteModel, error) {
	list, err := c.control.ListFoundationModels(ctx, &awsbedrock.ListFoundationModelsInput{})
	if err != nil {
		return nil, c.listFailure(ctx, err)
	}
	offered := map[string]types.FoundationModelSummary{}
	var out []model.RemoteModel
	for _, m := range list.ModelSummaries {
		id := aws.ToString(m.ModelId)
		talks := aws.ToBool(m.ResponseStreamingSupported) && slices.Contains(m.OutputModalities, types.ModelModalityText)
		if !talks && taskOf(id) == model.TaskChat {
			continue
		}
		offered[id] = m
		if slices.Contains(m.InferenceTypesSupported, types.InferenceTypeOnDemand) {
			out = append(out, remote(id, modelName(m), m))
		}
	}

	pages := awsbedrock.NewListInferenceProfilesPaginator(c.control, &awsbedrock.ListInferenceProfilesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			var denied smithy.APIError
			if errors.As(err, &denied) && strings.HasPrefix(denied.ErrorCode(), "AccessDenied") {
				c.log.WarnContext(ctx, "bedrock: inference profiles cannot be listed", "err", classify(err, false))
				break
			}
			return nil, c.listFailure(ctx, err)
		}
		for _, p := range page.InferenceProfileSummaries {
			if p.Status != types.InferenceProfileStatusActive || len(p.Models) == 0 {
				continue
			}
			base := baseModel(aws.ToString(p.Models[0].ModelArn))
			m, listed := offered[base]
			if !listed && known(base).caps == (model.Capabilities{}) && taskOf(base) == model.TaskChat {
				continue // nothing that can be asked, as far as anybody knows
			}
			m.ModelId = aws.String(base)
			out = append(out, remote(callableID(p), aws.ToString(p.InferenceProfileName), m))
		}
	}
	out = append(out, c.guardrailModels(ctx)...)
	slices.SortFunc(out, func(a, b model.RemoteModel) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// InferenceProfiles implements model.ProfileLister. Guardrails are among them:
// one may have a profile of its own.
func (c *Client) InferenceProfiles(ctx context.Context) ([]residency.Listed, error) {
	now := time.Now().UTC()
	var all []residency.Listed
	for _, kind := range []types.InferenceProfileType{types.InferenceProfileTypeSystemDefined, types.InferenceProfileTypeApplication} {
		pages := awsbedrock.NewListInferenceProfilesPaginator(c.control, &awsbedrock.ListInferenceProfilesInput{TypeEquals: kind})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, c.listFailure(ctx, err)
			}
			for _, p := range page.InferenceProfileSummaries {
				l := residency.Listed{ID: callableID(p), Region: c.region, At: now}
				for _, m := range p.Models {
					l.Models = append(l.Models, aws.ToString(m.ModelArn))
				}
				all = append(all, l)
			}
		}
	}
	return append(all, c.guardrailPlaces(ctx, now)...), nil
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
	return model.RemoteModel{ID: id, Name: name, Task: task, Capabilities: caps}
}
