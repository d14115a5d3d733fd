package bedrock

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
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
	maxVideos        = 1          // in one message
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

var videoFormats = map[string]types.VideoFormat{
	"video/mp4":        types.VideoFormatMp4,
	"video/quicktime":  types.VideoFormatMov,
	"video/x-matroska": types.VideoFormatMkv,
	"video/webm":       types.VideoFormatWebm,
	"video/x-flv":      types.VideoFormatFlv,
	"video/mpeg":       types.VideoFormatMpeg,
	"video/x-ms-wmv":   types.VideoFormatWmv,
	"video/3gpp":       types.VideoFormatThreeGp,
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
	whole    bool // the answer is to come in one piece
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

	if len(req.Tools) > 0 && !req.Capabilities.Tools {
		return request{}, errs.New(errs.ModelInput, "this model does not use tools").With("reason", "no_tools")
	}

	r := request{
		input:  &bedrockruntime.ConverseStreamInput{ModelId: aws.String(req.Model)},
		caller: req.Caller,
		whole:  opts.Streaming != nil && !*opts.Streaming,
	}
	if mayNotThink(req, tr.reasoning) {
		tr.reasoning = ReasoningNone
	}
	fields := parameters(&r, req.Parameters, tr, limit)
	maps.Copy(fields, opts.AdditionalFields)
	if len(fields) > 0 {
		r.input.AdditionalModelRequestFields = document.NewLazyDocument(fields)
	}
	c := conversation{req: req, opts: opts, traits: tr, thinking: r.thinking}
	if r.input.Messages, err = c.messages(); err != nil {
		return request{}, err
	}
	if strings.TrimSpace(req.System) != "" {
		r.input.System = []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: req.System}}
		if opts.CachePoints {
			r.input.System = append(r.input.System, &types.SystemContentBlockMemberCachePoint{Value: opts.cachePoint()})
		}
	}
	if r.input.ToolConfig, err = c.tools(); err != nil {
		return request{}, err
	}
	opts.apply(&r)
	return r, nil
}

// apply sets what the options ask of Bedrock itself.
func (o Options) apply(r *request) {
	if g := o.Guardrail; g != nil {
		r.input.GuardrailConfig = &types.GuardrailStreamConfiguration{
			GuardrailIdentifier:  aws.String(g.ID),
			GuardrailVersion:     aws.String(g.Version),
			StreamProcessingMode: g.Stream,
			Trace:                cmp.Or(g.Trace, types.GuardrailTraceEnabled),
		}
	}
	if o.Latency != "" {
		r.input.PerformanceConfig = &types.PerformanceConfiguration{Latency: o.Latency}
	}
	if o.ServiceTier != "" {
		r.input.ServiceTier = &types.ServiceTier{Type: o.ServiceTier}
	}
	r.input.AdditionalModelResponseFieldPaths = o.ResponseFields
	r.input.RequestMetadata = o.metadata(r.caller)
}

// cachePoint is one mark for the prompt cache.
func (o Options) cachePoint() types.CachePointBlock {
	return types.CachePointBlock{Type: types.CachePointTypeDefault, Ttl: o.CacheTTL}
}

// converse is the same request for a whole answer.
func (r request) converse() *bedrockruntime.ConverseInput {
	in := r.input
	out := &bedrockruntime.ConverseInput{
		ModelId: in.ModelId, Messages: in.Messages, System: in.System, InferenceConfig: in.InferenceConfig, ToolConfig: in.ToolConfig,
		AdditionalModelRequestFields: in.AdditionalModelRequestFields, AdditionalModelResponseFieldPaths: in.AdditionalModelResponseFieldPaths,
		PerformanceConfig: in.PerformanceConfig, RequestMetadata: in.RequestMetadata, ServiceTier: in.ServiceTier,
	}
	if g := in.GuardrailConfig; g != nil {
		out.GuardrailConfig = &types.GuardrailConfiguration{GuardrailIdentifier: g.GuardrailIdentifier, GuardrailVersion: g.GuardrailVersion, Trace: g.Trace}
	}
	return out
}

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

// conversation is a request whose messages are being translated.
type conversation struct {
	req      model.Request
	opts     Options
	traits   traits
	thinking bool
	media    media
	used     map[string]string // ids of the uses of tools so far, as they are sent
	names    []string          // of the tools that were used
}

// messages translates the conversation.
func (c *conversation) messages() ([]types.Message, error) {
	req, opts := c.req, c.opts
	c.media = media{caps: req.Capabilities, traits: c.traits}
	c.used = map[string]string{}
	loop := toolLoop(req.Messages)
	var out []types.Message
	for i, msg := range req.Messages {
		if len(out) == 0 && msg.Role != model.RoleUser {
			continue // Bedrock wants the user to begin
		}
		replay := opts.ReplayReasoning || i >= loop && (c.thinking || !c.traits.claude)
		blocks, err := c.blocks(msg, replay, i == len(req.Messages)-1)
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
		if err := c.traits.complete(&out[i]); err != nil {
			return nil, err
		}
	}
	if opts.Guardrail != nil && opts.Guardrail.LastOnly {
		guard(out)
	}
	if opts.CachePoints {
		c.cache(out)
	}
	return out, nil
}

// guard marks what was asked last as that which a guardrail judges.
func guard(messages []types.Message) {
	for _, m := range slices.Backward(messages) {
		if m.Role != types.ConversationRoleUser {
			continue
		}
		marked := false
		for i, b := range m.Content {
			if text, ok := b.(*types.ContentBlockMemberText); ok {
				m.Content[i] = &types.ContentBlockMemberGuardContent{Value: &types.GuardrailConverseContentBlockMemberText{
					Value: types.GuardrailConverseTextBlock{Text: aws.String(text.Value)},
				}}
				marked = true
			}
		}
		if marked {
			return
		}
	}
}

// cache marks the last two messages of the user, up to which the next request
// will be the same.
func (c *conversation) cache(messages []types.Message) {
	left := 2
	for i := len(messages) - 1; i >= 0 && left > 0; i-- {
		m := &messages[i]
		if m.Role != types.ConversationRoleUser || c.traits.caching == cachesBeforeTools && slices.ContainsFunc(m.Content, isResult) {
			continue
		}
		m.Content = append(m.Content, &types.ContentBlockMemberCachePoint{Value: c.opts.cachePoint()})
		left--
	}
}

func isResult(b types.ContentBlock) bool {
	_, ok := b.(*types.ContentBlockMemberToolResult)
	return ok
}

// complete checks the limits of one joined message, and adds the text that
// Bedrock demands beside documents when the person wrote none.
func (t traits) complete(msg *types.Message) error {
	images, documents, videos, texts := 0, 0, 0, 0
	for _, b := range msg.Content {
		switch b.(type) {
		case *types.ContentBlockMemberImage:
			images++
		case *types.ContentBlockMemberDocument:
			documents++
		case *types.ContentBlockMemberVideo:
			videos++
		case *types.ContentBlockMemberText:
			texts++
		}
	}
	// Claude wants the results of tools before everything else.
	slices.SortStableFunc(msg.Content, func(a, b types.ContentBlock) int {
		switch {
		case isResult(a) == isResult(b):
			return 0
		case isResult(a):
			return -1
		}
		return 1
	})
	most := cmp.Or(t.images, maxImages)
	switch {
	case images > most:
		return tooMany("images", images, most)
	case documents > maxDocuments:
		return tooMany("documents", documents, maxDocuments)
	case videos > maxVideos:
		return tooMany("videos", videos, maxVideos)
	case documents > 0 && texts == 0:
		msg.Content = append(msg.Content, &types.ContentBlockMemberText{Value: "See the attached documents."})
	}
	return nil
}

func tooMany(kind string, n, limit int) error {
	return errs.Newf(errs.ModelInput, "this model takes at most %d %s in one message, this one has %d", limit, kind, n).
		With("reason", "too_many_"+kind).With("limit", strconv.Itoa(limit))
}

// media translates parts and keeps count of the request's files.
type media struct {
	caps      model.Capabilities
	traits    traits
	documents int
	bytes     int
}

func (c *conversation) blocks(msg model.Message, replay, last bool) ([]types.ContentBlock, error) {
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
			if msg.Role == model.RoleAssistant && replay {
				if b := reasoningBlock(p); b != nil {
					out = append(out, &types.ContentBlockMemberReasoningContent{Value: b})
				}
			}
		case model.PartImage, model.PartDocument, model.PartVideo:
			if msg.Role != model.RoleUser || p.Media == nil {
				continue // only users attach files
			}
			b, err := c.media.block(p)
			if err != nil {
				return nil, err
			}
			out = append(out, b)
		case model.PartToolUse:
			b, err := c.use(p.ToolUse)
			if err != nil {
				return nil, err
			}
			out = append(out, b)
		case model.PartToolResult:
			if _, ok := c.used[p.ToolResult.ToolUseID]; !ok {
				continue // its use was before the first message that is sent
			}
			b, err := c.result(p.ToolResult)
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
	switch p.Type {
	case model.PartVideo:
		format, ok := videoFormats[f.MediaType]
		switch {
		case !m.caps.Video:
			return nil, errs.New(errs.ModelInput, "this model does not take video").With("reason", "no_video")
		case !ok:
			return nil, unsupported(f.MediaType)
		}
		return &types.ContentBlockMemberVideo{Value: types.VideoBlock{
			Format: format, Source: &types.VideoSourceMemberBytes{Value: f.Data},
		}}, nil
	case model.PartImage:
		format, ok := imageFormats[f.MediaType]
		switch {
		case !m.caps.Vision:
			return nil, errs.New(errs.ModelInput, "this model does not take images").With("reason", "no_vision")
		case !ok:
			return nil, unsupported(f.MediaType)
		case len(f.Data) > maxImageBytes && !m.traits.anyImage:
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
