package bedrock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsbedrock "github.com/aws/aws-sdk-go-v2/service/bedrock"
	awstypes "github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/residency"
)

// guardrailForm is how a guardrail is named in the catalogue: its id or ARN,
// and its version.
var guardrailForm = regexp.MustCompile(`^((?:arn:aws[a-z-]*:bedrock:[a-z0-9-]+:\d{12}:guardrail/)?[a-z0-9]+):(\d{1,8}|DRAFT)$`)

// Guard implements model.Guard with ApplyGuardrail.
func (c *Client) Guard(ctx context.Context, g model.Guarding) (model.Verdict, error) {
	name := guardrailForm.FindStringSubmatch(g.Guardrail)
	if name == nil {
		return model.Verdict{}, errs.New(errs.ModelInvalidRequest, "a guardrail is named by its id or ARN and its version, such as abcdef123456:1").With("reason", "guardrail")
	}
	in := &bedrockruntime.ApplyGuardrailInput{
		GuardrailIdentifier: aws.String(name[1]), GuardrailVersion: aws.String(name[2]),
		Source: types.GuardrailContentSourceInput, OutputScope: types.GuardrailOutputScopeInterventions,
	}
	if g.Side == model.SideOutput {
		in.Source = types.GuardrailContentSourceOutput
	}
	add := func(text string, as ...types.GuardrailContentQualifier) {
		if text != "" {
			in.Content = append(in.Content, &types.GuardrailContentBlockMemberText{Value: types.GuardrailTextBlock{Text: aws.String(text), Qualifiers: as}})
		}
	}
	add(g.Source, types.GuardrailContentQualifierGroundingSource)
	add(g.Query, types.GuardrailContentQualifierQuery)
	if len(in.Content) > 0 {
		add(g.Text, types.GuardrailContentQualifierGuardContent)
	} else {
		add(g.Text)
	}
	var out *bedrockruntime.ApplyGuardrailOutput
	err := c.patiently(ctx, func(ctx context.Context) error {
		var err error
		out, err = c.runtime.ApplyGuardrail(ctx, in, func(o *bedrockruntime.Options) { c.as(g.Caller, o) })
		return err
	})
	if err != nil {
		return model.Verdict{}, guardFailure(err)
	}
	v := model.Verdict{Intervened: out.Action == types.GuardrailActionGuardrailIntervened, Units: unitsOf(out.Usage)}
	for _, o := range out.Outputs {
		v.Text += aws.ToString(o.Text)
	}
	for _, a := range out.Assessments {
		v.Findings = append(v.Findings, findings(a)...)
	}
	return v, nil
}

// guardFailure tells a guardrail that does not exist from a model: AWS says the
// same of both.
func guardFailure(err error) error {
	var e *errs.Error
	if errors.As(err, &e) && e.Code == errs.ModelNotFound {
		return errs.Wrap(errs.ModelInvalidRequest, "Bedrock does not have this guardrail in this region", err).With("reason", "guardrail")
	}
	return err
}

// unitsOf is what a judgement is charged for: each policy counts the same text.
func unitsOf(u *types.GuardrailUsage) int {
	if u == nil {
		return 0
	}
	most := 0
	for _, n := range []*int32{
		u.TopicPolicyUnits, u.ContentPolicyUnits, u.WordPolicyUnits, u.SensitiveInformationPolicyUnits,
		u.SensitiveInformationPolicyFreeUnits, u.ContextualGroundingPolicyUnits,
	} {
		most = max(most, int(aws.ToInt32(n)))
	}
	return most
}

// findings are the rules that a text has met.
func findings(a types.GuardrailAssessment) (all []model.Finding) {
	add := func(policy, name, action, confidence string) {
		blocked, masked := action == "BLOCKED", action == "ANONYMIZED"
		if blocked || masked { // the rest was looked for and let pass
			all = append(all, model.Finding{Policy: policy, Name: name, Blocked: blocked, Masked: masked, Confidence: strings.ToLower(confidence)})
		}
	}
	if p := a.TopicPolicy; p != nil {
		for _, t := range p.Topics {
			add("topic", aws.ToString(t.Name), string(t.Action), "")
		}
	}
	if p := a.ContentPolicy; p != nil {
		for _, f := range p.Filters {
			add("content", strings.ToLower(string(f.Type)), string(f.Action), string(f.Confidence))
		}
	}
	if p := a.WordPolicy; p != nil {
		for _, w := range p.CustomWords {
			add("word", "custom", string(w.Action), "")
		}
		for _, w := range p.ManagedWordLists {
			add("word", strings.ToLower(string(w.Type)), string(w.Action), "")
		}
	}
	if p := a.SensitiveInformationPolicy; p != nil {
		for _, e := range p.PiiEntities {
			add("personal", strings.ToLower(string(e.Type)), string(e.Action), "")
		}
		for _, r := range p.Regexes {
			add("personal", aws.ToString(r.Name), string(r.Action), "")
		}
	}
	if p := a.ContextualGroundingPolicy; p != nil {
		for _, f := range p.Filters {
			add("grounding", strings.ToLower(string(f.Type)), string(f.Action), "")
		}
	}
	return all
}

// Reaches returns what a call with the options of a catalogue entry reaches
// besides its model, as residency names it: the guardrail.
func Reaches(raw json.RawMessage) []string {
	o, err := ParseOptions(raw)
	if err != nil || o.Guardrail == nil {
		return nil // options that cannot be read send nothing
	}
	return []string{o.Guardrail.ID + ":" + o.Guardrail.Version}
}

// maxGuardrails bounds the guardrails whose versions are asked for.
const maxGuardrails = 50

// guardrail is one version of one.
type guardrail struct {
	id, name string // with the version
	arns     []string
}

// guardrails lists every version of every guardrail of the account in the
// region, with where it is processed.
func (c *Client) guardrails(ctx context.Context) ([]guardrail, error) {
	drafts, err := c.listGuardrails(ctx, nil)
	if err != nil {
		return nil, err
	}
	var all []guardrail
	for _, d := range drafts[:min(len(drafts), maxGuardrails)] {
		versions, err := c.listGuardrails(ctx, d.Id)
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			g := guardrail{
				id:   aws.ToString(v.Id) + ":" + aws.ToString(v.Version),
				name: fmt.Sprintf("%s (%s)", aws.ToString(v.Name), aws.ToString(v.Version)),
				arns: []string{aws.ToString(v.Arn)},
			}
			if v.CrossRegionDetails != nil {
				g.arns = []string{aws.ToString(v.CrossRegionDetails.GuardrailProfileArn)}
			}
			all = append(all, g)
		}
	}
	return all, nil
}

// listGuardrails returns the drafts of all guardrails, or every version of one.
func (c *Client) listGuardrails(ctx context.Context, id *string) (all []awstypes.GuardrailSummary, err error) {
	pages := awsbedrock.NewListGuardrailsPaginator(c.control, &awsbedrock.ListGuardrailsInput{GuardrailIdentifier: id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, c.listFailure(ctx, err)
		}
		all = append(all, page.Guardrails...)
	}
	return all, nil
}

// guardrailModels are the guardrails as the catalogue may offer them. Who may
// not list them, or has none, is not told so: few use them.
func (c *Client) guardrailModels(ctx context.Context) (out []model.RemoteModel) {
	all, err := c.guardrails(ctx)
	if err != nil {
		c.log.InfoContext(ctx, "bedrock: guardrails cannot be listed", "err", err)
	}
	for _, g := range all {
		out = append(out, model.RemoteModel{ID: g.id, Name: g.name, Task: model.TaskGuardrail})
	}
	return out
}

// guardrailPlaces are where the guardrails are processed, for residency.
func (c *Client) guardrailPlaces(ctx context.Context, at time.Time) (out []residency.Listed) {
	all, err := c.guardrails(ctx)
	if err != nil {
		c.log.InfoContext(ctx, "bedrock: guardrails cannot be listed; what was known of them stays", "err", err)
	}
	for _, g := range all {
		out = append(out, residency.Listed{ID: g.id, Region: c.region, Models: g.arns, At: at})
	}
	return out
}

func (c *Client) tryGuard(ctx context.Context, id string) (string, error) {
	start := time.Now()
	v, err := c.Guard(ctx, model.Guarding{Guardrail: id, Side: model.SideInput, Text: "Hello, world."})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("two words judged after %d ms, intervened: %t", time.Since(start).Milliseconds(), v.Intervened), nil
}
