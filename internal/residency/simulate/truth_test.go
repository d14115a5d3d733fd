package simulate

import (
	"strings"
	"testing"
)

// TestSCPsAndProfiles is the truth table "policy → result": what each SCP makes
// of a profile called from Tokyo and of a model called by its own id.
func TestSCPsAndProfiles(t *testing.T) {
	const (
		stays  = "allow"
		leaves = "allow, leaves"
		no     = "deny"
	)
	columns := []struct{ name, model, region string }{
		{"jp.", jpHaiku, tokyo},
		{"apac.", apacSonnet, tokyo},
		{"global.", globalHaiku, tokyo},
		{"direct Tokyo", haiku, tokyo},
		{"direct us-east-1", haiku, "us-east-1"},
	}
	for _, row := range []struct {
		scp  string
		want [5]string
	}{
		{"scp/full", [5]string{stays, leaves, leaves, stays, leaves}},
		{"scp/tokyo-osaka", [5]string{stays, no, no, stays, no}},
		{"scp/tokyo", [5]string{no, no, no, stays, no}},
		{"scp/tokyo-osaka-unspecified", [5]string{stays, no, leaves, stays, no}},
		{"scp/tokyo-osaka-except-invoke", [5]string{stays, leaves, leaves, stays, leaves}},
		{"scp/tokyo-except-jp-profile", [5]string{stays, no, no, stays, no}},
		{"scp/tokyo-osaka-except-any-profile", [5]string{stays, leaves, leaves, stays, no}},
		{"scp/deny-global", [5]string{stays, leaves, no, stays, leaves}},
		{"scp/deny-profiles", [5]string{stays, no, no, stays, leaves}},
		{"scp/only-jp-resources", [5]string{stays, no, no, stays, no}},
		{"scp/only-models", [5]string{no, no, no, stays, leaves}},
		{"scp/deny-melbourne", [5]string{stays, no, leaves, stays, leaves}},
		{"scp/allow-tokyo-osaka", [5]string{stays, no, no, stays, no}},
		{"scp/aws-sample-cris", [5]string{stays, no, no, stays, no}},
	} {
		for i, column := range columns {
			t.Run(row.scp+" "+column.name, func(t *testing.T) {
				out := simulate(t, withSCP(t, direct(t, column.model, column.region), row.scp))
				got := map[Decision]string{Allowed: stays, Denied: no, Partial: "partial"}[out.Decision]
				if out.Decision == Allowed && out.Resident != Yes {
					got = leaves
				}
				if got != row.want[i] {
					t.Errorf("got %s (%s), want %s", got, out.Reason.Text("en"), row.want[i])
				}
				if (got == leaves) != strings.HasPrefix(codes(out.Warnings), "leaves") {
					t.Errorf("a prompt that leaves must be warned of first; warnings: %s", codes(out.Warnings))
				}
				if got == no && (out.AWSMessage == "" || out.DecidedBy == 0) {
					t.Errorf("a refusal must say which check and what AWS prints: %+v", out)
				}
			})
		}
	}
}

// The cells of the truth table that need another model, Region or profile.
func TestSCPsAndProfilesElsewhere(t *testing.T) {
	application := "arn:aws:bedrock:ap-northeast-1:222222222222:application-inference-profile/abcdefghijkl"
	for _, tt := range []struct {
		name, scp, model, region string
		want                     Decision
		resident                 Resident
	}{
		{"another model of the same geography does not lead to Melbourne", "scp/deny-melbourne", apacNova, tokyo, Allowed, No},
		{"from Jakarta it does", "scp/deny-melbourne", apacNova, jakarta, Denied, No},
		{"Osaka directly is outside Tokyo", "scp/tokyo-except-jp-profile", haiku, osaka, Denied, Yes},
		{"an application profile goes around a deny of profiles by name", "scp/deny-profiles", application, tokyo, Allowed, No},
		{"but not around a deny of Regions", "scp/tokyo-osaka", application, tokyo, Denied, No},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := withSCP(t, direct(t, tt.model, tt.region), tt.scp)
			in.ApplicationProfiles = []ApplicationProfile{{ARN: application, CopyFrom: "arn:aws:bedrock:ap-northeast-1:222222222222:inference-profile/" + apacSonnet}}
			if out := simulate(t, in); out.Decision != tt.want || out.Resident != tt.resident {
				t.Errorf("got %s, resident %s (%s), want %s, %s", out.Decision, out.Resident, out.Reason.Text("en"), tt.want, tt.resident)
			}
		})
	}
}

// TestIdentityPolicies is the truth table "identity policy → result" for the
// jp. profile of Haiku, called from Tokyo.
func TestIdentityPolicies(t *testing.T) {
	for _, tt := range []struct {
		policies         []string
		converse, stream Decision
		hint             string // of the check that decides against Converse, or else ConverseStream
	}{
		{[]string{"identity/article"}, Allowed, Denied, "streaming_missing"},
		{[]string{"identity/article-with-streaming"}, Allowed, Allowed, ""},
		{[]string{"identity/without-osaka-model"}, Partial, Partial, "profile_leads_there"},
		{[]string{"identity/without-profile"}, Denied, Denied, ""},
		{[]string{"identity/profile-only"}, Denied, Denied, ""},
		{[]string{"identity/profile-of-municipality"}, Denied, Denied, ""},
		{[]string{"identity/profile-without-account"}, Denied, Denied, ""},
		{[]string{"identity/fenced-by-profile"}, Allowed, Allowed, ""},
		{[]string{"identity/every-region-model"}, Allowed, Allowed, ""},
		{[]string{"identity/article", "identity/AmazonBedrockLimitedAccess"}, Allowed, Allowed, ""},
		{[]string{"identity/converse-action"}, Denied, Denied, ""},
	} {
		t.Run(strings.Join(tt.policies, " "), func(t *testing.T) {
			in := direct(t, jpHaiku, tokyo)
			in.Caller.Policies.Identity = files(t, tt.policies...)
			converse := simulate(t, in)
			in.Call.Operation = "ConverseStream"
			stream := simulate(t, in)
			if converse.Decision != tt.converse || stream.Decision != tt.stream {
				t.Errorf("Converse %s, ConverseStream %s; want %s, %s", converse.Decision, stream.Decision, tt.converse, tt.stream)
			}
			against := converse
			if against.Decision == Allowed {
				against = stream
			}
			if against.DecidedBy > 0 && codes(against.Checks[against.DecidedBy-1].Hints) != tt.hint {
				t.Errorf("hints %q, want %q", codes(against.Checks[against.DecidedBy-1].Hints), tt.hint)
			}
		})
	}
}

// The rows of that table that call something else.
func TestIdentityPoliciesElsewhere(t *testing.T) {
	for _, tt := range []struct {
		name          string
		policies      []string
		model, region string
		want          Decision
		resident      Resident
		hint          string
	}{
		{"the article's policy through the endpoint in Osaka", []string{"identity/article"}, jpHaiku, osaka, Denied, Yes, "profile_of_other_region"},
		{"models fenced by the profile, called bare", []string{"identity/fenced-by-profile"}, haiku, tokyo, Denied, Yes, ""},
		{"the model in every Region, called bare in the United States", []string{"identity/every-region-model"}, haiku, "us-east-1", Allowed, No, ""},
		{"the article's set with the managed policy opens apac.", []string{"identity/article", "identity/AmazonBedrockLimitedAccess"}, apacSonnet, tokyo, Allowed, No, ""},
		{"and global.", []string{"identity/article", "identity/AmazonBedrockLimitedAccess"}, globalHaiku, tokyo, Allowed, No, ""},
		{"and any Region", []string{"identity/article", "identity/AmazonBedrockLimitedAccess"}, haiku, "us-east-1", Allowed, No, ""},
		{"the article's policy alone does not open apac.", []string{"identity/article"}, apacSonnet, tokyo, Denied, No, ""},
		{"nor global.", []string{"identity/article"}, globalHaiku, tokyo, Denied, No, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := direct(t, tt.model, tt.region)
			in.Caller.Policies.Identity = files(t, tt.policies...)
			out := simulate(t, in)
			if out.Decision != tt.want || out.Resident != tt.resident {
				t.Errorf("got %s, resident %s (%s)", out.Decision, out.Resident, out.Reason.Text("en"))
			}
			if tt.hint != "" && codes(out.Checks[out.DecidedBy-1].Hints) != tt.hint {
				t.Errorf("hints %q, want %q", codes(out.Checks[out.DecidedBy-1].Hints), tt.hint)
			}
		})
	}
}
