package bedrock

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// The limits of Converse. Checking them here answers at once and with the limit,
// where Bedrock would first take the upload.
const (
	maxImages        = 20 // in one message
	maxImageBytes    = 3_750_000
	maxDocuments     = 5 // in one message
	maxDocumentBytes = 4_500_000
	maxMediaBytes    = 18_000_000 // of a request: 25 MB once encoded, less the rest
)

// The thinking budgets of each effort, and what is left for the answer when the
// person set no output limit. Bedrock takes the output limit off the quota when
// a request begins, so that asking for the most a model can do is not free.
var budgets = map[model.Effort]int{model.EffortLow: 2_048, model.EffortMedium: 8_192, model.EffortHigh: 24_576}

const (
	minBudget     = 1_024
	defaultAnswer = 8_192
)

var imageFormats = map[string]types.ImageFormat{
	"image/png":  types.ImageFormatPng,
	"image/jpeg": types.ImageFormatJpeg,
	"image/gif":  types.ImageFormatGif,
	"image/webp": types.ImageFormatWebp,
}

var documentFormats = map[string]types.DocumentFormat{
	"application/pdf":    types.DocumentFormatPdf,
	"text/csv":           types.DocumentFormatCsv,
	"application/msword": types.DocumentFormatDoc,
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document": types.DocumentFormatDocx,
	"application/vnd.ms-excel": types.DocumentFormatXls,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": types.DocumentFormatXlsx,
	"text/html":        types.DocumentFormatHtml,
	"text/plain":       types.DocumentFormatTxt,
	"text/markdown":    types.DocumentFormatMd,
	"application/json": types.DocumentFormatTxt,
	"application/xml":  types.DocumentFormatTxt,
}

// request is a translated request.
type request struct {
	input    *bedrockruntime.ConverseStreamInput
	thinking bool // it asks for reasoning
	caller   model.Caller
}

// translate turns req into Bedrock's terms.
func translate(req model.Request) (request, error) {
	opts, err := ParseOptions(req.Options)
	if err != nil {
		return request{}, err
	}
	if req.Model == "" {
		return request{}, errs.New(errs.ModelNotFound, "the model's id is empty")
	}
	id := req.Model
	if opts.BaseModel != "" {
		id = opts.BaseModel
	}
	tr := known(id)
	if opts.Reasoning != "" {
		tr.reasoning = opts.Reasoning
	}
	if opts.Sampling != nil {
		tr.sampling = *opts.Sampling
	}
	limit := req.Capabilities.OutputTokens
	if limit == 0 {
		limit = tr.caps.OutputTokens
	}

	r := request{input: &bedrockruntime.ConverseStreamInput{ModelId: aws.String(req.Model)}, caller: req.Caller}
	if r.input.Messages, err = messages(req, opts); err != nil {
		return request{}, err
	}
	if strings.TrimSpace(req.System) != "" {
		r.input.System = []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: req.System}}
		if opts.CachePoints {
			r.input.System = append(r.input.System, &types.SystemContentBlockMemberCachePoint{Value: cachePoint})
		}
	}
	fields := parameters(&r, req.Parameters, tr, limit)
	maps.Copy(fields, opts.AdditionalFields)
	if len(fields) > 0 {
		r.input.AdditionalModelRequestFields = document.NewLazyDocument(fields)
	}
	if g := opts.Guardrail; g != nil {
		r.input.GuardrailConfig = &types.GuardrailStreamConfiguration{
			GuardrailIdentifier: aws.String(g.ID),
			GuardrailVersion:    aws.String(g.Version),
		}
	}
	return r, nil
}

var cachePoint = types.CachePointBlock{Type: types.CachePointTypeDefault}

// parameters sets the inference configuration and returns the additional fields
// that the reasoning effort asks for.
func parameters(r *request, p model.Parameters, tr traits, limit int) map[string]any {
	fields := map[string]any{}
	var conf types.InferenceConfiguration
	maxTokens := 0
	if p.MaxTokens != nil {
		maxTokens = *p.MaxTokens
	}
	sampling := tr.sampling

	if p.ReasoningEffort != "" && p.ReasoningEffort != model.EffortNone {
		effort := string(p.ReasoningEffort)
		r.thinking = tr.reasoning != ReasoningNone
		switch tr.reasoning {
		case ReasoningClaudeBudget:
			budget := 0
			if budget, maxTokens = fitBudget(budgets[p.ReasoningEffort], maxTokens, limit); budget == 0 {
				r.thinking = false // the limit leaves no room to think
				break
			}
			fields["thinking"] = map[string]any{"type": "enabled", "budget_tokens": budget}
			sampling = false
		case ReasoningClaudeEffort:
			// Newer models keep their thinking to themselves unless asked.
			fields["thinking"] = map[string]any{"type": "adaptive", "display": "summarized"}
			fields["output_config"] = map[string]any{"effort": effort}
			sampling = false
		case ReasoningNova:
			fields["reasoningConfig"] = map[string]any{"type": "enabled", "maxReasoningEffort": effort}
			if p.ReasoningEffort == model.EffortHigh {
				sampling, maxTokens = false, 0
			}
		case ReasoningOpenAI:
			fields["reasoning_effort"] = effort
		}
	}

	if maxTokens > 0 {
		conf.MaxTokens = aws.Int32(int32(min(maxTokens, 1<<31-1)))
	}
	if sampling {
		if p.Temperature != nil {
			conf.Temperature = aws.Float32(float32(min(max(*p.Temperature, 0), 1)))
		}
		if p.TopP != nil && (p.Temperature == nil || !tr.oneSample) {
			conf.TopP = aws.Float32(float32(min(max(*p.TopP, 0), 1)))
		}
	}
	if conf.MaxTokens != nil || conf.Temperature != nil || conf.TopP != nil {
		r.input.InferenceConfig = &conf
	}
	return fields
}

// fitBudget places a thinking budget and an answer of maxTokens (0 is unset)
// under the model's output limit (0 is unknown), taking from the budget first.
// It returns the budget, 0 if there is no room for one, and the new output limit.
func fitBudget(budget, maxTokens, limit int) (int, int) {
	answer := maxTokens
	if answer == 0 {
		answer = defaultAnswer
	}
	if limit > 0 {
		if limit < 2*minBudget {
			return 0, maxTokens
		}
		answer = min(answer, limit-minBudget)
		budget = min(budget, limit-answer)
	}
	return budget, budget + answer
}

// messages translates the conversation.
func messages(req model.Request, opts Options) ([]types.Message, error) {
	var out []types.Message
	m := media{caps: req.Capabilities}
	for i, msg := range req.Messages {
		if len(out) == 0 && msg.Role != model.RoleUser {
			continue // Bedrock wants the user to begin
		}
		blocks, err := m.blocks(msg, opts, i == len(req.Messages)-1)
		if err != nil {
			return nil, err
		}
		if len(blocks) == 0 {
			continue
		}
		role := types.ConversationRole(msg.Role)
		if n := len(out); n > 0 && out[n-1].Role == role {
			out[n-1].Content = append(out[n-1].Content, blocks...)
			continue
		}
		out = append(out, types.Message{Role: role, Content: blocks})
	}
	if len(out) == 0 {
		return nil, errs.New(errs.ModelInput, "there is nothing to send: every message is empty").With("reason", "empty")
	}
	for i := range out {
		if err := complete(&out[i]); err != nil {
			return nil, err
		}
	}
	if opts.CachePoints {
		left := 2
		for i := len(out) - 1; i >= 0 && left > 0; i-- {
			if out[i].Role == types.ConversationRoleUser {
				out[i].Content = append(out[i].Content, &types.ContentBlockMemberCachePoint{Value: cachePoint})
				left--
			}
		}
	}
	return out, nil
}

// complete checks the limits of one joined message, and adds the text that
// Bedrock demands beside documents when the person wrote none.
func complete(msg *types.Message) error {
	images, documents, texts := 0, 0, 0
	for _, b := range msg.Content {
		switch b.(type) {
		case *types.ContentBlockMemberImage:
			images++
		case *types.ContentBlockMemberDocument:
			documents++
		case *types.ContentBlockMemberText:
			texts++
		}
	}
	switch {
	case images > maxImages:
		return tooMany("images", images, maxImages)
	case documents > maxDocuments:
		return tooMany("documents", documents, maxDocuments)
	case documents > 0 && texts == 0:
		msg.Content = append(msg.Content, &types.ContentBlockMemberText{Value: "See the attached documents."})
	}
	return nil
}

func tooMany(kind string, n, limit int) error {
	return errs.Newf(errs.ModelInput, "a message may hold %d %s, this one has %d", limit, kind, n).
		With("reason", "too_many_"+kind).With("limit", strconv.Itoa(limit))
}

// media translates parts and keeps count of the request's files.
type media struct {
	caps      model.Capabilities
	documents int
	bytes     int
}

func (m *media) blocks(msg model.Message, opts Options, last bool) ([]types.ContentBlock, error) {
	var out []types.ContentBlock
	for _, p := range msg.Parts {
		switch p.Type {
		case model.PartText:
			text := p.Text
			if msg.Role == model.RoleAssistant && last {
				text = strings.TrimRight(text, " \t\r\n") // Claude refuses to go on from white space
			}
			if strings.TrimSpace(text) != "" {
				out = append(out, &types.ContentBlockMemberText{Value: text})
			}
		case model.PartReasoning:
			if msg.Role == model.RoleAssistant && opts.ReplayReasoning {
				if b := reasoningBlock(p); b != nil {
					out = append(out, &types.ContentBlockMemberReasoningContent{Value: b})
				}
			}
		case model.PartImage, model.PartDocument:
			if msg.Role != model.RoleUser || p.Media == nil {
				continue // only users attach files
			}
			b, err := m.block(p)
			if err != nil {
				return nil, err
			}
			out = append(out, b)
		}
	}
	return out, nil
}

// reasoningBlock returns the sealed block of p, or nil if it has no seal: a
// model takes back only thoughts that it can prove to be its own.
func reasoningBlock(p model.Part) types.ReasoningContentBlock {
	switch {
	case len(p.Redacted) > 0:
		return &types.ReasoningContentBlockMemberRedactedContent{Value: p.Redacted}
	case p.Signature != "":
		return &types.ReasoningContentBlockMemberReasoningText{Value: types.ReasoningTextBlock{
			Text: aws.String(p.Text), Signature: aws.String(p.Signature),
		}}
	}
	return nil
}

func (m *media) block(p model.Part) (types.ContentBlock, error) {
	f := p.Media
	if len(f.Data) == 0 {
		return nil, errs.New(errs.ModelInput, "an attached file is empty").With("reason", "empty_file")
	}
	if m.bytes += len(f.Data); m.bytes > maxMediaBytes {
		return nil, tooLarge("the attached files of this conversation are", m.bytes, maxMediaBytes)
	}
	if p.Type == model.PartImage {
		format, ok := imageFormats[f.MediaType]
		switch {
		case !m.caps.Vision:
			return nil, errs.New(errs.ModelInput, "this model does not take images").With("reason", "no_vision")
		case !ok:
			return nil, unsupported(f.MediaType)
		case len(f.Data) > maxImageBytes:
			return nil, tooLarge("an image is", len(f.Data), maxImageBytes)
		}
		return &types.ContentBlockMemberImage{Value: types.ImageBlock{
			Format: format, Source: &types.ImageSourceMemberBytes{Value: f.Data},
		}}, nil
	}
	format, ok := documentFormats[f.MediaType]
	if !ok && strings.HasPrefix(f.MediaType, "text/") {
		format, ok = types.DocumentFormatTxt, true
	}
	switch {
	case !m.caps.Documents:
		return nil, errs.New(errs.ModelInput, "this model does not take documents").With("reason", "no_documents")
	case !ok:
		return nil, unsupported(f.MediaType)
	case len(f.Data) > maxDocumentBytes && format != types.DocumentFormatPdf: // newer models read longer PDFs
		return nil, tooLarge("a document is", len(f.Data), maxDocumentBytes)
	}
	m.documents++
	return &types.ContentBlockMemberDocument{Value: types.DocumentBlock{
		Format: format,
		Name:   aws.String(fmt.Sprintf("document-%d", m.documents)),
		Source: &types.DocumentSourceMemberBytes{Value: f.Data},
	}}, nil
}

func unsupported(mediaType string) error {
	return errs.Newf(errs.ModelInput, "Bedrock does not take files of type %s", mediaType).
		With("reason", "media_type").With("mediaType", mediaType)
}

func tooLarge(what string, size, limit int) error {
	mb := func(n int) string { return strconv.FormatFloat(float64(n)/1e6, 'f', -1, 64) }
	return errs.Newf(errs.ModelInput, "%s too large: %s MB, the limit is %s MB", what, mb(size), mb(limit)).
		With("reason", "file_too_large").With("limitBytes", strconv.Itoa(limit))
}
