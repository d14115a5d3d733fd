package simulate

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/residency/iam"
)

// sound is an input with nothing wrong, for tests to spoil.
const sound = `{"version":1,"call":{"operation":"Converse","region":"ap-northeast-1","modelId":"m"},
	"principal":{"arn":"arn:aws:iam::111111111111:role/workplace","policies":{}}}`

// read is what a document goes through until it is answered.
func read(document string) error {
	in, err := Decode([]byte(document))
	if err == nil {
		_, err = Run(in, table{})
	}
	return err
}

// spoil sets the field at a path of sound ("call.region", "chain") to value.
func spoil(t *testing.T, path, value string) string {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal([]byte(sound), &document); err != nil {
		t.Fatal(err)
	}
	at := document
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		at = at[key].(map[string]any)
	}
	at[keys[len(keys)-1]] = json.RawMessage(value)
	data, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestABadInputIsNamedPrecisely(t *testing.T) {
	if err := read(sound); err != nil {
		t.Fatal(err)
	}
	hop := func(rest string) string {
		return `[{"roleArn":"arn:aws:iam::222222222222:role/bedrock","sts":{"region":"ap-northeast-1"},"policies":{}` + rest + `}]`
	}
	provoked := map[string]bool{}
	for _, tt := range []struct {
		path, value string
		code, field string
	}{
		{"version", "2", "version", "version"},
		{"region", `"ap-northeast-1"`, "field_unknown", "region"},
		{"call.modelId", `"anthropic.*"`, "pattern", "call.modelId"},
		{"call.region", "5", "field_type", "call.region"},
		{"call.region", `"tokyo"`, "region", "call.region"},
		{"call.operation", `"Chat"`, "choice", "call.operation"},
		{"call.modelId", `""`, "required", "call.modelId"},
		{"call.modelId", `"arn:aws:bedrock:us-east-1::foundation-model/m"`, "other_region", "call.modelId"},
		{"call.bearerToken", `"yes"`, "choice", "call.bearerToken"},
		{"call.guardrailArn", `"g1"`, "arn", "call.guardrailArn"},
		{"call.outputS3Uri", `"kekka"`, "s3_uri", "call.outputS3Uri"},
		{"call.vpcEndpoint", `"vpce-1"`, "endpoint_unknown", "call.vpcEndpoint"},
		{"principal.arn", `"arn:aws:iam::111111111111:group/g"`, "principal", "principal.arn"},
		{"principal.sessionName", `"a b"`, "session_name", "principal.sessionName"},
		{"principal.policies", `{"trust":[{"name":"t","document":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}}]}`, "trust_not_here", "principal.policies.trust"},
		{"principal.policies", `{"identity":[{"document":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}]}`, "required", "principal.policies.identity[0].name"},
		{"principal.policies", `{"identity":[{"name":"p"}]}`, "required", "principal.policies.identity[0].document"},
		{"principal.policies", `{"identity":[{"managed":"FullAWSAccess"}]}`, "managed_unknown", "principal.policies.identity[0].managed"},
		{"principal.policies", `{"identity":[{"name":"p","document":{"Statement":[{"Effect":"Alow","Action":"*","Resource":"*"}]}}]}`, "policy", "principal.policies.identity[0].document"},
		{"accounts", `[{"id":"1"}]`, "account", "accounts[0].id"},
		{"accounts", `[{"id":"111111111111"},{"id":"111111111111"}]`, "twice", "accounts[1].id"},
		{"accounts", `[{"id":"111111111111","scps":[{"name":"root","policies":[{"managed":"FullAWSAccess","document":{}}]}]}]`, "managed_and_document", "accounts[0].scps[0].policies[0]"},
		{"vpcEndpoints", `[{"id":"e1","service":"sts"}]`, "endpoint_id", "vpcEndpoints[0].id"},
		{"vpcEndpoints", `[{"id":"vpce-1","service":"s3"}]`, "choice", "vpcEndpoints[0].service"},
		{"chain", hop(`,"sessionName":"x"`), "session_name", "chain[0].sessionName"},
		{"chain", hop(`,"transitiveTagKeys":["a"]`), "transitive_tag", "chain[0].transitiveTagKeys"},
		{"chain", strings.ReplaceAll(hop(""), `"region":"ap-northeast-1"`, `"endpoint":"local"`), "choice", "chain[0].sts.endpoint"},
		{"chain", "[" + strings.TrimSuffix(strings.Repeat(strings.Trim(hop(""), "[]")+",", 11), ",") + "]", "too_many", "chain"},
		{"call.modelId", `"` + strings.Repeat("m", maxLength+1) + `"`, "too_long", "call.modelId"},
		{"context", `{"keys":{"aws:x":["` + strings.Repeat("m", maxLength+1) + `"]}}`, "too_long", "context.keys.aws:x[0]"},
		{"allowedRegions", "[" + strings.TrimSuffix(strings.Repeat(`"ap-northeast-1",`, maxList+1), ",") + "]", "too_many", "allowedRegions"},
		{"allowedRegions", `["Japan"]`, "region", "allowedRegions[0]"},
	} {
		t.Run(tt.code+" "+tt.field, func(t *testing.T) {
			err := read(spoil(t, tt.path, tt.value))
			var bad *InputError
			if !errors.As(err, &bad) || len(bad.Problems) != 1 {
				t.Fatalf("got %v, want one problem", err)
			}
			got := bad.Problems[0]
			provoked[got.Code] = true
			if got.Code != tt.code || got.Field != tt.field {
				t.Errorf("got %s at %q, want %s at %q", got.Code, got.Field, tt.code, tt.field)
			}
			checkFilled(t, got.Text(iam.English), got.Text(iam.Japanese))
		})
	}

	in := strings.Replace(sound, `"modelId":"m"`, `"modelId":"m","vpcEndpoint":"vpce-1"`, 1)
	in = strings.Replace(in, `"principal"`, `"vpcEndpoints":[{"id":"vpce-1","service":"sts"}],"principal"`, 1)
	var bad *InputError
	if err := read(in); !errors.As(err, &bad) || bad.Problems[0].Code != "endpoint_service" {
		t.Errorf("an STS endpoint for a call of Bedrock: %v", err)
	}
	for _, document := range []string{"", "[", `{"version":1,"version":1}`, sound + "x", strings.Repeat(" ", MaxBytes+1)} {
		if err := read(document); !errors.As(err, &bad) || bad.Problems[0].Code != "json" || bad.Text(iam.Japanese) == "" {
			t.Errorf("%.40q: %v", document, err)
		}
	}
	for code := range problemPhrases {
		if !provoked[code] && !slices.Contains([]string{"endpoint_service", "too_costly", "model_unknown"}, code) { // the last is for makers of policies
			t.Errorf("no test provokes %s", code)
		}
	}
}

func TestAPolicyInsideAnInputIsNamedPrecisely(t *testing.T) {
	err := read(spoil(t, "principal.policies", `{"identity":[{"name":"ours","document":{"Statement":[{"Sid":"A","Effect":"Allow","Action":"InvokeModel","Resource":"*"}]}}]}`))
	want := "principal.policies.identity[0].document: ours: statement 1 (A), Action: InvokeModel is no action; write service:Action, such as bedrock:InvokeModel."
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// FuzzDecode holds that whatever is read can be answered, in both languages.
func FuzzDecode(f *testing.F) {
	f.Add(sound)
	for _, in := range []Input{article(f, "identity/article"), withSCP(f, direct(f, globalHaiku, tokyo), "scp/tokyo")} {
		in.Version = Version
		data, err := json.Marshal(in)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	router := profiles(f)
	f.Fuzz(func(t *testing.T, document string) {
		in, err := Decode([]byte(document))
		var out Output
		if err == nil {
			out, err = Run(in, router)
		}
		var bad *InputError
		if err != nil {
			if !errors.As(err, &bad) || bad.Text(iam.English) == "" || bad.Text(iam.Japanese) == "" {
				t.Fatalf("got %v", err)
			}
			return
		}
		if out.Decision == Allowed {
			for _, c := range out.Checks {
				if !c.ok() {
					t.Errorf("allowed in spite of check %+v", c)
				}
			}
		}
		if out.Text(iam.English) == "" || out.Text(iam.Japanese) == "" || fmt.Sprint(out.Reason) == "" {
			t.Error("an answer without words")
		}
	})
}
