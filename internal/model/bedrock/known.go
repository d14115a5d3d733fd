package bedrock

import (
	"regexp"
	"strconv"
	"strings"

	"kakoi/internal/model"
)

// traits is what is known of a model beyond what Bedrock reports.
type traits struct {
	caps      model.Capabilities
	reasoning Reasoning
	sampling  bool // takes temperature and top-p
	oneSample bool // takes temperature or top-p, not both
	caching   caching
	claude    bool // takes its reasoning back only while it thinks
	images    int  // most in one message; 0 is the protocol's
	anyImage  bool // an image may be as large as the request
}

// caching is what of a request a model can cache.
type caching int

const (
	cachesMost        caching = iota // system prompt and messages, as far as anybody knows
	cachesTools                      // tools too
	cachesBeforeTools                // system prompt and messages, but for those with results of tools
)

// geography is the routing prefix of a system-defined inference profile.
var geography = regexp.MustCompile(`^(us-gov|us|eu|apac|jp|au|ca|global)\.`)

// baseModel returns the foundation model's id in any form of id that shows it:
// a bare id, a profile id, a foundation model's or a system profile's ARN.
func baseModel(id string) string {
	if i := strings.LastIndexByte(id, '/'); strings.HasPrefix(id, "arn:") && i >= 0 {
		id = id[i+1:]
	}
	return geography.ReplaceAllString(strings.ToLower(id), "")
}

// claude finds the version in the old order of words (claude-3-7-sonnet) and in
// the new one (claude-sonnet-4-5, claude-opus-5).
var claude = regexp.MustCompile(`claude-(?:[a-z]+-)?(\d+)(?:-(\d{1,2})(?:\D|$))?`)

// family is a row of the table of models other than Claude: the first whose
// prefix fits is taken.
type family struct {
	prefix string
	traits traits
}

var families = []family{
	{"amazon.nova-micro", plain(caps{tools: true, context: 128_000, output: 10_000})},
	{"amazon.nova-premier", plain(caps{vision: true, docs: true, video: true, tools: true, context: 1_000_000, output: 32_000})},
	{"amazon.nova-2", thinks(ReasoningNova, caps{vision: true, docs: true, video: true, tools: true, context: 1_000_000, output: 64_000})},
	{"amazon.nova", plain(caps{vision: true, docs: true, video: true, tools: true, context: 300_000, output: 10_000})},
	{"amazon.titan-text", plain(caps{docs: true, context: 8_000, output: 4_096})},
	{"openai.gpt-oss", thinks(ReasoningOpenAI, caps{tools: true, context: 128_000, output: 16_384})},
	{"deepseek.r1", thinks(ReasoningNone, caps{docs: true, context: 128_000, output: 32_768})},
	{"deepseek.", plain(caps{tools: true, context: 128_000, output: 32_768})},
	{"qwen.qwen3-vl", plain(caps{vision: true, tools: true, context: 128_000, output: 16_384})},
	{"qwen.", plain(caps{tools: true, context: 128_000, output: 16_384})},
	{"meta.llama4", plain(caps{vision: true, docs: true, tools: true, context: 128_000, output: 8_192})},
	{"meta.llama3-2-11b", plain(caps{vision: true, images: 1, docs: true, tools: true, context: 128_000, output: 4_096})},
	{"meta.llama3-2-90b", plain(caps{vision: true, images: 1, docs: true, tools: true, context: 128_000, output: 4_096})},
	{"meta.llama", plain(caps{docs: true, tools: true, context: 128_000, output: 4_096})},
	{"mistral.pixtral", plain(caps{vision: true, docs: true, tools: true, context: 128_000, output: 8_192})},
	{"mistral.", plain(caps{docs: true, tools: true, context: 32_000, output: 8_192})},
	{"cohere.command-r", plain(caps{docs: true, tools: true, context: 128_000, output: 4_096})},
	{"ai21.jamba", plain(caps{docs: true, tools: true, context: 256_000, output: 4_096})},
}

type caps struct {
	vision, docs, tools, video bool
	context, output            int
	images                     int
}

func plain(c caps) traits {
	return traits{
		caps:      model.Capabilities{Vision: c.vision, Documents: c.docs, Video: c.video, Tools: c.tools, ContextTokens: c.context, OutputTokens: c.output},
		images:    c.images,
		reasoning: ReasoningNone,
		sampling:  true,
	}
}

func thinks(r Reasoning, c caps) traits {
	t := plain(c)
	t.caps.Reasoning, t.reasoning = true, r
	return t
}

// known returns what is known of the model that id names. For an unknown one
// that is nothing but that it takes text and samples.
func known(id string) traits {
	id = baseModel(id)
	if strings.HasPrefix(id, "anthropic.claude") {
		t := knownClaude(id)
		t.caching, t.claude = cachesTools, true
		return t
	}
	for _, f := range families {
		if !strings.HasPrefix(id, f.prefix) {
			continue
		}
		t := f.traits
		if strings.HasPrefix(id, "amazon.nova") {
			t.caching, t.anyImage = cachesBeforeTools, true
		}
		return t
	}
	return traits{reasoning: ReasoningNone, sampling: true}
}

// knownClaude goes by the version, so that a model newer than this table is
// treated like the newest one in it.
func knownClaude(id string) traits {
	version := 99.0
	if m := claude.FindStringSubmatch(id); m != nil {
		version, _ = strconv.ParseFloat(m[1]+"."+m[2], 64)
		if m[2] == "" {
			version, _ = strconv.ParseFloat(m[1], 64)
		}
	}
	c := caps{vision: true, docs: true, tools: true, context: 200_000, output: 64_000}
	switch {
	case version < 3:
		return plain(caps{docs: true, context: 100_000, output: 4_096})
	case version < 3.5:
		c.output = 4_096
		return plain(c)
	case version < 3.7:
		c.output = 8_192
		c.vision = !strings.Contains(id, "haiku")
		return plain(c)
	case version < 4.6:
		if strings.Contains(id, "opus") && version < 4.5 {
			c.output = 32_000
		}
		t := thinks(ReasoningClaudeBudget, c)
		t.oneSample = version >= 4.1
		return t
	case version < 4.7:
		t := thinks(ReasoningClaudeEffort, c)
		t.oneSample = true
		return t
	default: // adaptive thinking only; temperature is rejected as deprecated
		t := thinks(ReasoningClaudeEffort, c)
		t.sampling = false
		return t
	}
}
