package bedrock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// plainID is an id of a use of a tool that every model on Bedrock takes back.
var plainID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// tools returns the tools that the model may use. Bedrock refuses results of
// tools without a list of tools: where a conversation has some and no tool is
// to be used any more, those that were used are named, and no more.
func (c *conversation) tools() (*types.ToolConfiguration, error) {
	offered := c.req.Tools
	if len(offered) == 0 {
		for _, name := range c.names {
			offered = append(offered, model.Tool{Name: name, InputSchema: json.RawMessage(`{"type":"object"}`)})
		}
	}
	if len(offered) == 0 {
		return nil, nil
	}
	var conf types.ToolConfiguration
	for _, tool := range offered {
		schema, err := lazy(tool.InputSchema)
		if err != nil {
			return nil, errs.Wrap(errs.ModelInvalidRequest, "the input schema of the tool "+tool.Name+" is not JSON", err)
		}
		spec := types.ToolSpecification{Name: aws.String(tool.Name), InputSchema: &types.ToolInputSchemaMemberJson{Value: schema}}
		if strings.TrimSpace(tool.Description) != "" {
			spec.Description = aws.String(tool.Description)
		}
		conf.Tools = append(conf.Tools, &types.ToolMemberToolSpec{Value: spec})
	}
	if c.opts.CachePoints && c.traits.caching == cachesTools {
		conf.Tools = append(conf.Tools, &types.ToolMemberCachePoint{Value: c.opts.cachePoint()})
	}
	switch c.req.ToolChoice.Mode {
	case model.ToolAny:
		conf.ToolChoice = &types.ToolChoiceMemberAny{}
	case model.ToolNamed:
		conf.ToolChoice = &types.ToolChoiceMemberTool{Value: types.SpecificToolChoice{Name: aws.String(c.req.ToolChoice.Name)}}
	}
	return &conf, nil
}

// use translates a use of a tool. An id of another provider that Bedrock does
// not take is replaced by one that it does.
func (c *conversation) use(use *model.ToolUse) (types.ContentBlock, error) {
	id := use.ID
	if !plainID.MatchString(id) {
		id = fmt.Sprintf("use-%d", len(c.used)+1)
	}
	c.used[use.ID] = id
	if !slices.Contains(c.names, use.Name) {
		c.names = append(c.names, use.Name)
	}
	input, err := lazy(use.Input)
	if err != nil {
		return nil, errs.Wrap(errs.ModelInvalidRequest, "the input of the tool "+use.Name+" is not JSON", err)
	}
	return &types.ContentBlockMemberToolUse{Value: types.ToolUseBlock{ToolUseId: aws.String(id), Name: aws.String(use.Name), Input: input}}, nil
}

// result translates the result of a tool, which Bedrock does not take empty.
func (c *conversation) result(result *model.ToolResult) (types.ContentBlock, error) {
	block := types.ToolResultBlock{ToolUseId: aws.String(c.used[result.ToolUseID])}
	if result.Failed {
		block.Status = types.ToolResultStatusError
	}
	for _, p := range result.Parts {
		switch p.Type {
		case model.PartText:
			if strings.TrimSpace(p.Text) != "" {
				block.Content = append(block.Content, &types.ToolResultContentBlockMemberText{Value: p.Text})
			}
		case model.PartImage, model.PartDocument, model.PartVideo:
			b, err := c.media.block(p)
			if err != nil {
				return nil, err
			}
			switch b := b.(type) {
			case *types.ContentBlockMemberImage:
				block.Content = append(block.Content, &types.ToolResultContentBlockMemberImage{Value: b.Value})
			case *types.ContentBlockMemberDocument:
				block.Content = append(block.Content, &types.ToolResultContentBlockMemberDocument{Value: b.Value})
			case *types.ContentBlockMemberVideo:
				block.Content = append(block.Content, &types.ToolResultContentBlockMemberVideo{Value: b.Value})
			}
		}
	}
	if len(block.Content) == 0 {
		block.Content = []types.ToolResultContentBlock{&types.ToolResultContentBlockMemberText{Value: "(no output)"}}
	}
	return &types.ContentBlockMemberToolResult{Value: block}, nil
}

// lazy is raw as the SDK sends it on.
func lazy(raw json.RawMessage) (document.Interface, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return document.NewLazyDocument(numbers(v)), nil
}

// toolLoop returns the first message of an answer that is not complete because
// it waits for tools, or the number of messages if there is none.
func toolLoop(messages []model.Message) int {
	begin := len(messages)
	for i, m := range slices.Backward(messages) {
		result := slices.ContainsFunc(m.Parts, func(p model.Part) bool { return p.Type == model.PartToolResult })
		switch {
		case m.Role == model.RoleUser && !result:
			return begin
		case m.Role == model.RoleUser:
			begin = 0
		case begin < len(messages):
			begin = i
		}
	}
	return begin
}

// mayNotThink reports whether Claude would refuse to think: when it is told to
// use a tool, or in the middle of an answer that it began without.
func mayNotThink(req model.Request, how Reasoning) bool {
	if how != ReasoningClaudeBudget && how != ReasoningClaudeEffort {
		return false
	}
	if req.ToolChoice.Mode != model.ToolAuto {
		return true
	}
	for _, m := range req.Messages[toolLoop(req.Messages):] {
		if m.Role == model.RoleAssistant {
			return how == ReasoningClaudeBudget && !slices.ContainsFunc(m.Parts, func(p model.Part) bool {
				return p.Type == model.PartReasoning && (p.Signature != "" || len(p.Redacted) > 0)
			})
		}
	}
	return false
}
