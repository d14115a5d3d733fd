package residency

import "testing"

func TestWhereBedrockProcesses(t *testing.T) {
	const tokyo = "ap-northeast-1"
	for _, tt := range []struct {
		model string
		want  Place
	}{
		{"anthropic.claude-3-haiku-20240307-v1:0", Place{Region, tokyo, ""}},
		{"anthropic.claude-opus-4-8", Place{Region, tokyo, ""}},
		{"jp.anthropic.claude-sonnet-4-5-20250929-v1:0", Place{Geography, "jp", tokyo}},
		{"apac.amazon.nova-lite-v1:0", Place{Geography, "apac", tokyo}},
		{"us.anthropic.claude-opus-4-8", Place{Geography, "us", tokyo}},
		{"us-gov.anthropic.claude-3-haiku-20240307-v1:0", Place{Geography, "us-gov", tokyo}},
		{"eu.amazon.nova-pro-v1:0", Place{Geography, "eu", tokyo}},
		{"global.anthropic.claude-sonnet-4-6", Place{Geography, "global", tokyo}},
		{"arn:aws:bedrock:ap-northeast-3::foundation-model/anthropic.claude-3-haiku-20240307-v1:0", Place{Region, "ap-northeast-3", ""}},
		{"arn:aws:bedrock:::foundation-model/anthropic.claude-sonnet-4-6", Place{Geography, "global", tokyo}},
		{"arn:aws:bedrock:ap-northeast-3:123456789012:inference-profile/jp.anthropic.claude-opus-4-8", Place{Geography, "jp", "ap-northeast-3"}},
		{"arn:aws:bedrock:ap-northeast-1:123456789012:application-inference-profile/abcdefghijkl", Place{Unknown, "application-inference-profile/abcdefghijkl", tokyo}},
		{"arn:aws:bedrock:ap-northeast-1:123456789012:provisioned-model/abcdefghijkl", Place{Region, tokyo, ""}},
		{"arn:aws:bedrock:ap-northeast-1:123456789012:default-prompt-router/anthropic.claude:1", Place{Unknown, "default-prompt-router/anthropic.claude:1", tokyo}},
		{"arn:aws:broken", Place{Unknown, "arn:aws:broken", tokyo}},
	} {
		if got := OfBedrock(tokyo, tt.model); got != tt.want {
			t.Errorf("OfBedrock(%s) = %+v, want %+v", tt.model, got, tt.want)
		}
	}
}

func TestWhereAHostProcesses(t *testing.T) {
	for _, tt := range []struct {
		host, model string
		want        Place
	}{
		{"localhost", "gemma3", Place{Kind: Server}},
		{"127.0.0.1", "gemma3", Place{Kind: Server}},
		{"::1", "gemma3", Place{Kind: Server}},
		{"::ffff:127.0.0.2", "gemma3", Place{Kind: Server}},
		{"LLM.example.lg.jp.", "gemma3", Place{Kind: Host, Name: "llm.example.lg.jp"}},
		{"10.0.0.5", "gemma3", Place{Kind: Host, Name: "10.0.0.5"}},
		{"bedrock-runtime.ap-northeast-1.amazonaws.com", "openai.gpt-oss-120b-1:0", Place{Kind: Region, Name: "ap-northeast-1"}},
		{"bedrock-mantle.us-east-1.api.aws", "global.openai.gpt-5.6-sol", Place{Geography, "global", "us-east-1"}},
		{"vpce-0a1b.bedrock-runtime.ap-northeast-3.vpce.amazonaws.com", "m", Place{Kind: Region, Name: "ap-northeast-3"}},
		{"bedrock-runtime.ap-northeast-1.example.com", "m", Place{Kind: Host, Name: "bedrock-runtime.ap-northeast-1.example.com"}},
	} {
		if got := OfHost(tt.host, tt.model); got != tt.want {
			t.Errorf("OfHost(%s, %s) = %+v, want %+v", tt.host, tt.model, got, tt.want)
		}
	}
}

func TestAPlaceIsShownWithTheRegionThatIsCalled(t *testing.T) {
	for _, tt := range []struct {
		place Place
		want  string
	}{
		{ThisServer(), "this server"},
		{Place{Kind: Region, Name: "ap-northeast-1"}, "ap-northeast-1"},
		{Place{Geography, "jp", "ap-northeast-1"}, "jp (from ap-northeast-1)"},
	} {
		if got := tt.place.String(); got != tt.want {
			t.Errorf("String() = %q, want %q", got, tt.want)
		}
	}
}

func TestWithoutAPolicyTheDecisionSaysSo(t *testing.T) {
	place := Place{Kind: Host, Name: "llm.example"}
	if got := (Policy{}).Decide(t.Context(), place); !got.Allowed || got.Reason != "no policy" || got.Place != place {
		t.Errorf("Decide = %+v", got)
	}
}
