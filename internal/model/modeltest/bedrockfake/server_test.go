package bedrockfake_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime"
	agents "github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime/types"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/auth/bearer"

	fake "kakoi/internal/model/modeltest/bedrockfake"
	"kakoi/internal/model/modeltest/script"
)

// The tests here use the official SDK and prove the fake. Only its request
// bodies lose their WriteTo: the SDK closes a body once the answer begins, and
// an answer as quick as the fake's then breaks off now and then, as
// bedrock.sender explains.
type sender struct{ transport http.RoundTripper }

func (s sender) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.WithContext(r.Context())
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return (&http.Client{Transport: s.transport}).Do(r)
}

const haiku = "jp.anthropic.claude-haiku-4-5-20251001-v1:0"

func config(s *fake.Server, k fake.Key) aws.Config {
	return aws.Config{
		Region:       "ap-northeast-1",
		BaseEndpoint: aws.String(s.URL),
		Credentials:  credentials.NewStaticCredentialsProvider(k.ID, k.Secret, k.Token),
		HTTPClient:   sender{http.DefaultTransport},
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func ask(text string) []types.Message {
	return []types.Message{{Role: types.ConversationRoleUser, Content: []types.ContentBlock{
		&types.ContentBlockMemberText{Value: text},
	}}}
}

func exception(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func TestConverseAnswersWithTheScript(t *testing.T) {
	s := fake.Run(t, fake.Options{})
	out, err := bedrockruntime.NewFromConfig(config(s, fake.DefaultKey)).Converse(t.Context(), &bedrockruntime.ConverseInput{
		ModelId: aws.String(haiku), Messages: ask("予算は?"),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := out.Output.(*types.ConverseOutputMemberMessage).Value.Content[0].(*types.ContentBlockMemberText).Value
	if want := strings.Join(script.FromPrompt("予算は?").Deltas, ""); got != want {
		t.Errorf("text = %q, want %q", got, want)
	}
	if out.StopReason != types.StopReasonEndTurn || aws.ToInt32(out.Usage.OutputTokens) == 0 {
		t.Errorf("stop %s, usage %+v", out.StopReason, out.Usage)
	}
}

func TestConverseStreamSendsUsageAfterTheEndMark(t *testing.T) {
	s := fake.Run(t, fake.Options{})
	out, err := bedrockruntime.NewFromConfig(config(s, fake.DefaultKey)).ConverseStream(t.Context(), &bedrockruntime.ConverseStreamInput{
		ModelId: aws.String("arn:aws:bedrock:ap-northeast-1:111122223333:application-inference-profile/abcdef123456"), Messages: ask("[[reason 4]]hello"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	var reasoning, text, signature string
	for ev := range out.GetStream().Events() {
		switch ev := ev.(type) {
		case *types.ConverseStreamOutputMemberContentBlockDelta:
			switch d := ev.Value.Delta.(type) {
			case *types.ContentBlockDeltaMemberText:
				text += d.Value
			case *types.ContentBlockDeltaMemberReasoningContent:
				switch d := d.Value.(type) {
				case *types.ReasoningContentBlockDeltaMemberText:
					reasoning += d.Value
				case *types.ReasoningContentBlockDeltaMemberSignature:
					signature += d.Value
				}
			}
		case *types.ConverseStreamOutputMemberMessageStop:
			order = append(order, "stop")
		case *types.ConverseStreamOutputMemberMetadata:
			order = append(order, "usage")
		}
	}
	if err := out.GetStream().Err(); err != nil {
		t.Fatal(err)
	}
	want := script.FromPrompt("[[reason 4]]hello")
	if text != strings.Join(want.Deltas, "") || reasoning != strings.Join(want.Reasoning, "") || signature != fake.Signature {
		t.Errorf("got %q, %q, %q", reasoning, signature, text)
	}
	if strings.Join(order, " ") != "stop usage" {
		t.Errorf("order = %v", order)
	}
	if r, _ := s.LastRequest("ConverseStream"); !strings.Contains(r.Path, "%3A") || !strings.Contains(r.Path, "%2F") ||
		r.Service != "bedrock" || r.Region != "ap-northeast-1" {
		t.Errorf("seen %s, scope %s/%s", r.Path, r.Region, r.Service)
	}
}

func TestSignaturesAreCheckedForReal(t *testing.T) {
	temporary := fake.Key{ID: "ASIAFAKE000000000001", Secret: "s", Token: "token", Account: "1", ARN: "a"}
	expired := fake.Key{ID: "ASIAFAKE000000000002", Secret: "s", Token: "token", Expires: time.Now().Add(-time.Second)}
	s := fake.Run(t, fake.Options{Keys: []fake.Key{fake.DefaultKey, temporary, expired}})
	wrongSecret, wrongToken := fake.DefaultKey, temporary
	wrongSecret.Secret += "x"
	wrongToken.Token = "other"
	for _, tt := range []struct {
		name   string
		key    fake.Key
		change func(*bedrockruntime.Options)
		want   string
	}{
		{"a right key", fake.DefaultKey, nil, ""},
		{"a right temporary key", temporary, nil, ""},
		{"an unknown key", fake.Key{ID: "AKIAUNKNOWN", Secret: "s"}, nil, "UnrecognizedClientException"},
		{"a wrong secret", wrongSecret, nil, "InvalidSignatureException"},
		{"a wrong session token", wrongToken, nil, "UnrecognizedClientException"},
		{"an expired token", expired, nil, "ExpiredTokenException"},
		{"another region's scope", fake.DefaultKey, func(o *bedrockruntime.Options) { o.Region = "us-east-1" }, "InvalidSignatureException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := bedrockruntime.NewFromConfig(config(s, tt.key), func(o *bedrockruntime.Options) {
				if tt.change != nil {
					tt.change(o)
				}
			})
			_, err := c.Converse(t.Context(), &bedrockruntime.ConverseInput{ModelId: aws.String(haiku), Messages: ask("a")})
			if got := exception(err); got != tt.want || (err != nil) != (tt.want != "") {
				t.Errorf("err = %v, want %q", err, tt.want)
			}
		})
	}

	t.Run("a body changed on the way", func(t *testing.T) {
		cfg := config(s, fake.DefaultKey)
		cfg.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			r.Body = http.NoBody
			r.ContentLength = 0
			return http.DefaultTransport.RoundTrip(r)
		})}
		_, err := bedrockruntime.NewFromConfig(cfg).Converse(t.Context(), &bedrockruntime.ConverseInput{ModelId: aws.String(haiku), Messages: ask("a")})
		if exception(err) != "InvalidSignatureException" {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("no signature", func(t *testing.T) {
		resp, err := http.Post(s.URL+"/model/x/converse", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("X-Amzn-Errortype"); !strings.HasPrefix(got, "MissingAuthenticationTokenException") {
			t.Errorf("error type %q", got)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestBearerTokensAreTakenOverTLS(t *testing.T) {
	s := fake.Run(t, fake.Options{TLS: true, BearerTokens: []string{"right"}})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CertPEM)
	client := sender{&http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	for token, want := range map[string]string{"right": "", "wrong": "AccessDeniedException"} {
		c := bedrockruntime.NewFromConfig(config(s, fake.DefaultKey), func(o *bedrockruntime.Options) {
			o.HTTPClient = client
			o.AuthSchemePreference = []string{"httpBearerAuth"}
			o.BearerAuthTokenProvider = bearer.StaticTokenProvider{Token: bearer.Token{Value: token}}
		})
		_, err := c.Converse(t.Context(), &bedrockruntime.ConverseInput{ModelId: aws.String(haiku), Messages: ask("a")})
		if exception(err) != want || (err != nil) != (want != "") {
			t.Errorf("token %q: %v", token, err)
		}
	}
}

func TestMalformedRequestsAreRefused(t *testing.T) {
	s := fake.Run(t, fake.Options{})
	c := bedrockruntime.NewFromConfig(config(s, fake.DefaultKey))
	user := func(b ...types.ContentBlock) types.Message {
		return types.Message{Role: types.ConversationRoleUser, Content: b}
	}
	text := func(v string) types.ContentBlock { return &types.ContentBlockMemberText{Value: v} }
	doc := func(name string) types.ContentBlock {
		return &types.ContentBlockMemberDocument{Value: types.DocumentBlock{
			Format: types.DocumentFormatTxt, Name: aws.String(name), Source: &types.DocumentSourceMemberBytes{Value: []byte("x")},
		}}
	}
	for _, tt := range []struct {
		name, model string
		messages    []types.Message
		want        string
	}{
		{"two user messages in a row", haiku, []types.Message{user(text("a")), user(text("b"))}, "alternate"},
		{"an assistant first", haiku, []types.Message{{Role: types.ConversationRoleAssistant, Content: []types.ContentBlock{text("a")}}}, "start with a user"},
		{"blank text", haiku, []types.Message{user(text(" "))}, "blank"},
		{"a document without text", haiku, []types.Message{user(doc("document-1"))}, "accompanied by text"},
		{"a document's odd name", haiku, []types.Message{user(text("a"), doc("予算.txt"))}, "file name"},
		{"two documents of one name", haiku, []types.Message{user(text("a"), doc("a"), doc("a"))}, "same name"},
		{"an image that is none", haiku, []types.Message{user(text("a"), &types.ContentBlockMemberImage{Value: types.ImageBlock{
			Format: types.ImageFormatPng, Source: &types.ImageSourceMemberBytes{Value: []byte("x")}}})}, "process image"},
		{"an unknown model", "nobody.nothing-v1", ask("a"), "identifier is invalid"},
		{"a model behind a profile", "anthropic.claude-opus-4-8", ask("a"), "on-demand throughput"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := c.Converse(t.Context(), &bedrockruntime.ConverseInput{ModelId: aws.String(tt.model), Messages: tt.messages})
			if exception(err) != "ValidationException" || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("err = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestTheControlPlaneListsInPages(t *testing.T) {
	s := fake.Run(t, fake.Options{})
	c := bedrock.NewFromConfig(config(s, fake.DefaultKey))
	models, err := c.ListFoundationModels(t.Context(), &bedrock.ListFoundationModelsInput{})
	if err != nil {
		t.Fatal(err)
	}
	pages := bedrock.NewListInferenceProfilesPaginator(c, &bedrock.ListInferenceProfilesInput{})
	n, seen := 0, 0
	for pages.HasMorePages() {
		p, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n++
		seen += len(p.InferenceProfileSummaries)
	}
	if len(models.ModelSummaries) == 0 || n < 2 || seen <= 4 {
		t.Errorf("%d models, %d profiles on %d pages", len(models.ModelSummaries), seen, n)
	}
}

func TestSTSGivesKeysThatWorkAndExpire(t *testing.T) {
	const role = "arn:aws:iam::999988887777:role/vendor"
	now := time.Now()
	clock := func() time.Time { return now }
	s := fake.Run(t, fake.Options{Now: clock, Roles: []fake.Role{{ARN: role, ExternalID: "city-1", MaxAge: 15 * time.Minute}}})
	client := sts.NewFromConfig(config(s, fake.DefaultKey))

	who, err := client.GetCallerIdentity(t.Context(), nil)
	if err != nil || aws.ToString(who.Account) != "111122223333" {
		t.Fatalf("who = %+v, %v", who, err)
	}
	if _, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(role), RoleSessionName: aws.String("kakoi")}); exception(err) != "AccessDenied" {
		t.Errorf("without the external id: %v", err)
	}
	assumed := stscreds.NewAssumeRoleProvider(client, role, func(o *stscreds.AssumeRoleOptions) {
		o.ExternalID, o.RoleSessionName = aws.String("city-1"), "kakoi"
	})
	cfg := config(s, fake.DefaultKey)
	cfg.Credentials = aws.NewCredentialsCache(assumed)
	who, err = sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
	if err != nil || aws.ToString(who.Arn) != "arn:aws:sts::999988887777:assumed-role/vendor/kakoi" {
		t.Fatalf("who = %+v, %v", who, err)
	}
	creds, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || !creds.CanExpire || creds.Expires.After(now.Add(15*time.Minute)) {
		t.Errorf("credentials valid until %v, %v", creds.Expires, err)
	}
}

func TestTheFakeSeesAClientThatLeaves(t *testing.T) {
	s := fake.Run(t, fake.Options{})
	c := bedrockruntime.NewFromConfig(config(s, fake.DefaultKey))
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := c.ConverseStream(ctx, &bedrockruntime.ConverseStreamInput{ModelId: aws.String(haiku), Messages: ask("[[silence]]")})
		failed <- err
	}()
	if err := s.Await(t.Context(), func(st fake.Stats) bool { return st.Running == 1 }); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-failed
	if err := s.Await(t.Context(), func(st fake.Stats) bool { return st.Gone == 1 && st.Running == 0 }); err != nil {
		t.Fatal(err)
	}
}

// TestTheSDKTakesWhatDoesNotConverse makes every call besides Converse with the
// official SDK, the bodies of InvokeModel as AWS documents them.
func TestTheSDKTakesWhatDoesNotConverse(t *testing.T) {
	s := fake.Run(t, fake.Options{})
	c := bedrockruntime.NewFromConfig(config(s, fake.DefaultKey))
	png := script.Draw("a", 1, 64, 64)
	quoted := func(b []byte) string { return `"` + base64.StdEncoding.EncodeToString(b) + `"` }
	for _, tt := range []struct{ name, model, body, want string }{
		{"Titan Text Embeddings", "amazon.titan-embed-text-v2:0", `{"inputText":"予算","dimensions":256,"normalize":true,"embeddingTypes":["float"]}`, `"inputTextTokenCount":`},
		{"Cohere Embed v3", "cohere.embed-multilingual-v3", `{"texts":["予算","議会"],"input_type":"search_document","truncate":"END"}`, `"response_type":"embeddings_floats"`},
		{"Cohere Embed v4", "global.cohere.embed-v4:0", `{"texts":["予算"],"input_type":"search_query","embedding_types":["float"],"output_dimension":256}`, `"embeddings":{"float":[[`},
		{"Cohere Rerank", "cohere.rerank-v3-5:0", `{"query":"予算","documents":["天気","予算の話"],"top_n":1,"api_version":2}`, `{"results":[{"index":1,"relevance_score":`},
		{"Nova Canvas", "amazon.nova-canvas-v1:0", `{"taskType":"TEXT_IMAGE","textToImageParams":{"text":"海"},"imageGenerationConfig":{"seed":1,"quality":"standard","width":320,"height":320}}`, `"images":["iVBOR`},
		{"Nova Canvas, outpainting", "amazon.nova-canvas-v1:0", `{"taskType":"OUTPAINTING","outPaintingParams":{"text":"海","maskPrompt":"船","outPaintingMode":"DEFAULT","image":` + quoted(png) + `}}`, `"images":["iVBOR`},
		{"Stable Diffusion", "stability.sd3-5-large-v1:0", `{"prompt":"sea","mode":"image-to-image","strength":0.7,"image":` + quoted(png) + `}`, `"finish_reasons":[null]`},
	} {
		out, err := c.InvokeModel(t.Context(), &bedrockruntime.InvokeModelInput{ModelId: aws.String(tt.model), ContentType: aws.String("application/json"), Body: []byte(tt.body)})
		if err != nil || !strings.Contains(string(out.Body), tt.want) {
			t.Errorf("%s: %v, %+v", tt.name, err, out)
		}
	}
	for name, body := range map[string]string{
		"amazon.titan-embed-text-v2:0": `{"inputText":"a","truncate":true}`, "cohere.embed-multilingual-v3": `{"texts":["a"]}`, "cohere.rerank-v3-5:0": `{"query":"a","documents":["b"]}`,
		"amazon.nova-canvas-v1:0": `{"taskType":"TEXT_IMAGE"}`, "stability.sd3-5-large-v1:0": `{"prompt":"a","mode":"image-to-image"}`, "amazon.nova-lite-v1:0": `{}`,
	} {
		_, err := c.InvokeModel(t.Context(), &bedrockruntime.InvokeModelInput{ModelId: aws.String(name), Body: []byte(body)})
		if exception(err) != "ValidationException" {
			t.Errorf("%s takes %s: %v", name, body, err)
		}
	}

	count, err := c.CountTokens(t.Context(), &bedrockruntime.CountTokensInput{
		ModelId: aws.String("anthropic.claude-haiku-4-5-20251001-v1:0"),
		Input:   &types.CountTokensInputMemberConverse{Value: types.ConverseTokensRequest{Messages: ask("予算は?")}},
	})
	if err != nil || aws.ToInt32(count.InputTokens) == 0 {
		t.Errorf("counted %+v, %v", count, err)
	}

	verdict, err := c.ApplyGuardrail(t.Context(), &bedrockruntime.ApplyGuardrailInput{
		GuardrailIdentifier: aws.String("grhome000001"), GuardrailVersion: aws.String("1"), Source: types.GuardrailContentSourceInput,
		Content: []types.GuardrailContentBlock{&types.GuardrailContentBlockMemberText{Value: types.GuardrailTextBlock{Text: aws.String("a@example.jp")}}},
	})
	if err != nil || verdict.Action != types.GuardrailActionGuardrailIntervened || aws.ToString(verdict.Outputs[0].Text) != "{EMAIL}" ||
		verdict.Assessments[0].SensitiveInformationPolicy.PiiEntities[0].Action != types.GuardrailSensitiveInformationPolicyActionAnonymized || aws.ToInt32(verdict.Usage.WordPolicyUnits) != 1 {
		t.Errorf("verdict %+v, %v", verdict, err)
	}
	rails, err := bedrock.NewFromConfig(config(s, fake.DefaultKey)).ListGuardrails(t.Context(), &bedrock.ListGuardrailsInput{GuardrailIdentifier: aws.String("grabroad0001")})
	if err != nil || len(rails.Guardrails) != 2 || aws.ToString(rails.Guardrails[1].CrossRegionDetails.GuardrailProfileId) != "apac.guardrail.v1:0" {
		t.Errorf("guardrails %+v, %v", rails, err)
	}

	text := func(v string) *agents.RerankTextDocument { return &agents.RerankTextDocument{Text: aws.String(v)} }
	source := func(v string) agents.RerankSource {
		return agents.RerankSource{Type: agents.RerankSourceTypeInline, InlineDocumentSource: &agents.RerankDocument{Type: agents.RerankDocumentTypeText, TextDocument: text(v)}}
	}
	order, err := bedrockagentruntime.NewFromConfig(config(s, fake.DefaultKey)).Rerank(t.Context(), &bedrockagentruntime.RerankInput{
		Queries: []agents.RerankQuery{{Type: agents.RerankQueryContentTypeText, TextQuery: text("予算")}},
		Sources: []agents.RerankSource{source("天気"), source("予算の話")},
		RerankingConfiguration: &agents.RerankingConfiguration{
			Type: agents.RerankingConfigurationTypeBedrockRerankingModel,
			BedrockRerankingConfiguration: &agents.BedrockRerankingConfiguration{ModelConfiguration: &agents.BedrockRerankingModelConfiguration{
				ModelArn: aws.String("arn:aws:bedrock:ap-northeast-1::foundation-model/amazon.rerank-v1:0"),
			}},
		},
	})
	if err != nil || len(order.Results) != 2 || aws.ToInt32(order.Results[0].Index) != 1 {
		t.Errorf("order %+v, %v", order, err)
	}
	wrong := fake.DefaultKey
	wrong.Secret = "wrong"
	if _, err := bedrockruntime.NewFromConfig(config(s, wrong)).InvokeModel(t.Context(), &bedrockruntime.InvokeModelInput{ModelId: aws.String("amazon.titan-embed-text-v2:0"), Body: []byte(`{}`)}); exception(err) != "InvalidSignatureException" {
		t.Errorf("with a wrong secret: %v", err)
	}
}
