package simulate

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// within fails where what a hundredth of the machine's time is enough for takes
// the whole of it.
func within(t *testing.T, limit time.Duration, what string, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if took := time.Since(began); took > limit {
		t.Errorf("%s took %v", what, took)
	}
}

func quoted(text string, times int) string {
	return strings.TrimSuffix(strings.Repeat(`"`+text+`",`, times), ",")
}

func TestADocumentOfTheLargestSizeIsReadInNoTime(t *testing.T) {
	for name, item := range map[string]string{"numbers": "0,", "lines": "{},\n", "lists": "[],", "texts": `"",`} {
		document := `{"version":1,"x":[` + strings.Repeat(item, (MaxBytes-30)/len(item)) + `0]}`
		within(t, 10*time.Second, name, func() {
			if _, err := Decode([]byte(document)); err == nil {
				t.Errorf("%s are taken", name)
			}
		})
	}
}

// Each character of a wildcard may be compared with each of a value, for each
// check, each policy and each of their values.
func TestPoliciesThatTakeTooLongAreRefused(t *testing.T) {
	long := strings.Repeat("a", 1900)
	pattern := "*" + strings.Repeat("a", 1000) + "b"
	for name, in := range map[string]string{
		"conditions": `"context":{"keys":{"aws:x":[` + quoted(long, 100) + `]}},"call":{"operation":"ListFoundationModels","region":"ap-northeast-1"},
			"principal":{"arn":"arn:aws:iam::111122223333:role/r","policies":{"identity":[{"name":"p","document":{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAnyValue:StringLike":{"aws:x":[` + quoted(pattern, 100) + `]}}}]}}]}}`,
		"variables": `"context":{"keys":{"aws:y":"` + long + `","aws:x":"` + long + `"}},"call":{"operation":"ListFoundationModels","region":"ap-northeast-1"},
			"principal":{"arn":"arn:aws:iam::111122223333:role/r","policies":{"identity":[{"name":"p","document":{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:x":[` + quoted("*"+strings.Repeat("${aws:y}", 60)+"b", 200) + `]}}}]}}]}}`,
	} {
		within(t, 30*time.Second, name, func() {
			_, err := Run(decoded(t, `{"version":1,`+in+`}`), nil)
			var bad *InputError
			if !errors.As(err, &bad) || len(bad.Problems) != 1 || bad.Problems[0].Code != "too_costly" {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func TestOfVeryManyProblemsTheFirstAreTold(t *testing.T) {
	empty := `{"policies":[` + strings.TrimSuffix(strings.Repeat("{},", 100), ",") + `]}`
	account := fmt.Sprintf(`{"scps":[%s]}`, strings.TrimSuffix(strings.Repeat(empty+",", 50), ","))
	in := fmt.Sprintf(`{"version":1,"call":{"operation":"ListFoundationModels","region":"ap-northeast-1"},"principal":{"arn":"arn:aws:iam::111122223333:role/r"},"accounts":[%s]}`,
		strings.TrimSuffix(strings.Repeat(account+",", 90), ","))
	_, err := Run(decoded(t, in), nil)
	var bad *InputError
	if !errors.As(err, &bad) || len(bad.Problems) != maxProblems {
		t.Errorf("%.200v", err)
	}
}

func decoded(t *testing.T, text string) *Input {
	t.Helper()
	in, err := Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return in
}
