package bedrockfake

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

var defaultModels = []Model{
	{ID: "anthropic.claude-3-haiku-20240307-v1:0", Name: "Claude 3 Haiku", Maker: "Anthropic", Images: true},
	{ID: "anthropic.claude-haiku-4-5-20251001-v1:0", Name: "Claude Haiku 4.5", Maker: "Anthropic", Images: true, ProfileOnly: true},
	{ID: "anthropic.claude-sonnet-4-5-20250929-v1:0", Name: "Claude Sonnet 4.5", Maker: "Anthropic", Images: true, ProfileOnly: true},
	{ID: "anthropic.claude-opus-4-8", Name: "Claude Opus 4.8", Maker: "Anthropic", Images: true, ProfileOnly: true},
	{ID: "amazon.nova-lite-v1:0", Name: "Nova Lite", Maker: "Amazon", Images: true},
	{ID: "amazon.nova-2-lite-v1:0", Name: "Nova 2 Lite", Maker: "Amazon", Images: true, ProfileOnly: true},
	{ID: "openai.gpt-oss-20b-1:0", Name: "gpt-oss-20b", Maker: "OpenAI"},
	{ID: "amazon.titan-embed-text-v2:0", Name: "Titan Text Embeddings V2", Maker: "Amazon", Output: "EMBEDDING", NoStream: true},
	{ID: "cohere.embed-multilingual-v3", Name: "Embed Multilingual", Maker: "Cohere", Output: "EMBEDDING", NoStream: true},
	{ID: "cohere.embed-v4:0", Name: "Embed v4", Maker: "Cohere", Images: true, Output: "EMBEDDING", NoStream: true, ProfileOnly: true},
	{ID: "amazon.rerank-v1:0", Name: "Rerank 1.0", Maker: "Amazon", NoStream: true},
	{ID: "cohere.rerank-v3-5:0", Name: "Rerank 3.5", Maker: "Cohere", NoStream: true},
	{ID: "amazon.nova-canvas-v1:0", Name: "Nova Canvas", Maker: "Amazon", Images: true, Output: "IMAGE", NoStream: true},
	{ID: "amazon.titan-image-generator-v2:0", Name: "Titan Image Generator G1 v2", Maker: "Amazon", Images: true, Output: "IMAGE", NoStream: true},
	{ID: "stability.sd3-5-large-v1:0", Name: "Stable Diffusion 3.5 Large", Maker: "Stability AI", Images: true, Output: "IMAGE", NoStream: true},
	{ID: "stability.stable-image-ultra-v1:1", Name: "Stable Image Ultra 1.1", Maker: "Stability AI", Images: true, Output: "IMAGE", NoStream: true},
	{ID: "stability.stable-image-core-v1:1", Name: "Stable Image Core 1.1", Maker: "Stability AI", Output: "IMAGE", NoStream: true},
	{ID: "twelvelabs.pegasus-1-2-v1:0", Name: "Pegasus v1.2", Maker: "TwelveLabs", Output: "EMBEDDING", NoStream: true},
}

var japan = []string{"ap-northeast-1", "ap-northeast-3"}

var defaultProfiles = []Profile{
	{ID: "jp.anthropic.claude-haiku-4-5-20251001-v1:0", Name: "JP Anthropic Claude Haiku 4.5", Model: "anthropic.claude-haiku-4-5-20251001-v1:0", Regions: japan},
	{ID: "jp.anthropic.claude-sonnet-4-5-20250929-v1:0", Name: "JP Anthropic Claude Sonnet 4.5", Model: "anthropic.claude-sonnet-4-5-20250929-v1:0", Regions: japan},
	{ID: "jp.anthropic.claude-opus-4-8", Name: "JP Anthropic Claude Opus 4.8", Model: "anthropic.claude-opus-4-8", Regions: japan},
	{ID: "jp.amazon.nova-2-lite-v1:0", Name: "JP Amazon Nova 2 Lite", Model: "amazon.nova-2-lite-v1:0", Regions: japan},
	{ID: "global.anthropic.claude-haiku-4-5-20251001-v1:0", Name: "Global Anthropic Claude Haiku 4.5", Model: "anthropic.claude-haiku-4-5-20251001-v1:0", Regions: []string{"", "ap-northeast-1"}},
	{ID: "global.cohere.embed-v4:0", Name: "Global Cohere Embed v4", Model: "cohere.embed-v4:0", Regions: []string{"", "ap-northeast-1"}},
	{ID: "abcdef123456", Name: "soumu-haiku", Model: "anthropic.claude-haiku-4-5-20251001-v1:0", Regions: japan, Application: true},
}

func (c *call) listModels() (gone bool) {
	if !c.admitted("bedrock") {
		return false
	}
	list := []any{}
	for _, m := range c.opts.Models {
		output := cmp.Or(m.Output, "TEXT")
		if want := c.r.URL.Query().Get("byOutputModality"); want != "" && want != output {
			continue
		}
		input := []string{"TEXT"}
		if m.Images {
			input = append(input, "IMAGE")
		}
		inference := []string{"ON_DEMAND"}
		if m.ProfileOnly {
			inference = []string{"INFERENCE_PROFILE"}
		}
		list = append(list, map[string]any{
			"modelArn":                   "arn:aws:bedrock:" + c.opts.Region + "::foundation-model/" + m.ID,
			"modelId":                    m.ID,
			"modelName":                  m.Name,
			"providerName":               m.Maker,
			"inputModalities":            input,
			"outputModalities":           []string{output},
			"inferenceTypesSupported":    inference,
			"responseStreamingSupported": !m.NoStream,
			"modelLifecycle":             map[string]any{"status": "ACTIVE"},
		})
	}
	c.json(http.StatusOK, map[string]any{"modelSummaries": list})
	return false
}

// profilePage is small so that clients must follow the pages.
const profilePage = 4

func (c *call) listProfiles() (gone bool) {
	if !c.admitted("bedrock") {
		return false
	}
	q := c.r.URL.Query()
	profiles := slices.DeleteFunc(slices.Clone(c.opts.Profiles), func(p Profile) bool {
		return (q.Get("type") == "APPLICATION") != p.Application // AWS's own, if nothing is said
	})
	start, _ := strconv.Atoi(q.Get("nextToken"))
	end := min(start+profilePage, len(profiles))
	list := []any{}
	for _, p := range profiles[min(start, end):end] {
		list = append(list, c.profile(p))
	}
	answer := map[string]any{"inferenceProfileSummaries": list}
	if end < len(profiles) {
		answer["nextToken"] = strconv.Itoa(end)
	}
	c.json(http.StatusOK, answer)
	return false
}

func (c *call) profile(p Profile) map[string]any {
	kind, path := "SYSTEM_DEFINED", "inference-profile/"
	if p.Application {
		kind, path = "APPLICATION", "application-inference-profile/"
	}
	models := []any{}
	for _, region := range p.Regions {
		models = append(models, map[string]any{"modelArn": "arn:aws:bedrock:" + region + "::foundation-model/" + p.Model})
	}
	return map[string]any{
		"inferenceProfileArn":  "arn:aws:bedrock:" + c.opts.Region + ":" + c.key.Account + ":" + path + p.ID,
		"inferenceProfileId":   p.ID,
		"inferenceProfileName": p.Name,
		"models":               models,
		"status":               "ACTIVE",
		"type":                 kind,
	}
}

// getProfile answers for one profile, by its id or its ARN.
func (c *call) getProfile(escaped string) (gone bool) {
	if !c.admitted("bedrock") {
		return false
	}
	id, err := url.PathUnescape(escaped)
	for _, p := range c.opts.Profiles {
		if answer := c.profile(p); err == nil && (id == p.ID || id == answer["inferenceProfileArn"]) {
			c.json(http.StatusOK, answer)
			return false
		}
	}
	c.fail(http.StatusNotFound, "ResourceNotFoundException", "Inference profile not found.")
	return false
}
