package model

import (
	"testing"

	"kakoi/internal/errs"
)

func TestTheRolesOfAConnectionAreChecked(t *testing.T) {
	const arn = "arn:aws:iam::123456789012:role/kakoi"
	valid := Settings{Region: "ap-northeast-1", Roles: []AssumedRole{
		{ARN: arn, DurationSecs: 12 * 3600},
		{ARN: "arn:aws:iam::210987654321:role/path/vendor", ExternalID: "city-1", SessionName: "kakoi-{account}", SourceIdentity: "{email}",
			Tags: map[string]string{"部署": "{group}"}, Endpoint: "https://vpce-1.sts.ap-northeast-3.vpce.amazonaws.com/", DurationSecs: 3600},
	}}
	clean, err := valid.validate(KindBedrock)
	if err != nil || clean.Roles[1].Endpoint != "https://vpce-1.sts.ap-northeast-3.vpce.amazonaws.com" {
		t.Fatalf("%+v, %v", clean.Roles, err)
	}
	for _, tt := range []struct {
		name  string
		roles []AssumedRole
		field string
	}{
		{"no role", []AssumedRole{{ARN: "arn:aws:iam::123456789012:user/kakoi"}}, "settings.roles[0].arn"},
		{"an external id", []AssumedRole{{ARN: arn}, {ARN: arn, ExternalID: "市"}}, "settings.roles[1].externalId"},
		{"a region", []AssumedRole{{ARN: arn, Region: "Tokyo"}}, "settings.roles[0].region"},
		{"too short", []AssumedRole{{ARN: arn, DurationSecs: 60}}, "settings.roles[0].durationSeconds"},
		{"a chained role for longer than STS gives", []AssumedRole{{ARN: arn}, {ARN: arn, DurationSecs: 7200}}, "settings.roles[1].durationSeconds"},
		{"an address", []AssumedRole{{ARN: arn, Endpoint: "sts"}}, "settings.roles[0].endpoint"},
		{"a placeholder that is none", []AssumedRole{{ARN: arn, SessionName: "{name}"}}, "settings.roles[0].sessionName"},
		{"a tag of AWS's own", []AssumedRole{{ARN: arn, Tags: map[string]string{"aws:x": "y"}}}, "settings.roles[0].tags"},
		{"too many", make([]AssumedRole, maxRoles+1), "settings.roles"},
	} {
		_, err := Settings{Region: "ap-northeast-1", Roles: tt.roles}.validate(KindBedrock)
		wantCode(t, tt.name, err, errs.InvalidInput, tt.field)
	}
	_, err = Settings{Region: "ap-northeast-1", Credentials: CredentialsBearer, Roles: valid.Roles}.validate(KindBedrock)
	wantCode(t, "with an API key", err, errs.InvalidInput, "settings.roles")
	_, err = Settings{BaseURL: "http://llm.example/v1", Roles: valid.Roles}.validate(KindOpenAI)
	wantCode(t, "of another kind", err, errs.InvalidInput, "settings.roles")
	if !namesCallers(valid.Roles) || namesCallers([]AssumedRole{{ARN: arn, SessionName: "kakoi"}}) {
		t.Error("which roles show who asks")
	}
}
