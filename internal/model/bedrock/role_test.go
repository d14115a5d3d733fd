package bedrock_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/bedrock"
	"kakoi/internal/model/modeltest"
	fake "kakoi/internal/model/modeltest/bedrockfake"
)

const (
	cityRole   = "arn:aws:iam::111122223333:role/kakoi"
	vendorRole = "arn:aws:iam::999988887777:role/bedrock"
)

// chained is a provider's role that is reached over one of the city's own.
func chained() fake.Options {
	return fake.Options{Roles: []fake.Role{
		{ARN: cityRole, Trusts: []string{fake.DefaultKey.ARN}},
		{ARN: vendorRole, ExternalID: "city-1", Trusts: []string{cityRole}},
	}}
}

func roles(c *bedrock.Config) {
	c.Roles = []bedrock.Role{
		{ARN: cityRole, Endpoint: c.STSEndpoint},
		{ARN: vendorRole, ExternalID: "city-1", Endpoint: c.STSEndpoint, SessionName: "kakoi-{account}", SourceIdentity: "{email}",
			Tags: map[string]string{"department": "{group}", "person": "{email}"}},
	}
}

func count(s *fake.Server, operation string) int {
	n := 0
	for _, r := range s.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

func TestRolesAreAssumedOneAfterTheOtherInTheNameOfWhoAsks(t *testing.T) {
	s, c := start(t, chained())
	roles(&c)
	p := connect(t, c)
	for _, who := range []model.Caller{
		{AccountID: "0193a", Email: "hanako@city.example.lg.jp", Groups: []string{"福祉課"}},
		{AccountID: "0193b", Email: "taro+x@city.example.lg.jp", Groups: []string{"税務課", "総務課"}},
		{AccountID: "0193a", Email: "hanako@city.example.lg.jp", Groups: []string{"福祉課"}},
		{},
	} {
		r := ask("hello")
		r.Caller = who
		if a := modeltest.Gather(t, t.Context(), p, r); a.Err != nil {
			t.Fatal(a.Err)
		}
		seen, _ := s.LastRequest("ConverseStream")
		want := fake.Key{Account: "999988887777", ARN: "arn:aws:sts::999988887777:assumed-role/bedrock/kakoi-" + who.AccountID,
			SourceIdentity: who.Email, Tags: map[string]string{"department": strings.Join(who.Groups, " "), "person": who.Email}}
		if who.AccountID == "" {
			want.ARN += "kakoi"
			want.SourceIdentity, want.Tags["department"], want.Tags["person"] = "kakoi", "kakoi", "kakoi"
		}
		got := seen.Caller
		got.ID, got.Expires = "", time.Time{}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	// The city's role once, the provider's once for each name.
	if n := count(s, "AssumeRole"); n != 1+3 {
		t.Errorf("%d times AssumeRole, want 4", n)
	}
	// The lists of models are Kakoi's own.
	if _, err := p.Models(t.Context()); err != nil {
		t.Fatal(err)
	}
	if seen, _ := s.LastRequest("ListFoundationModels"); seen.Caller.SourceIdentity != "kakoi" {
		t.Errorf("models were listed as %q", seen.Caller.SourceIdentity)
	}
}

func TestNamesAreFitForSTS(t *testing.T) {
	s, c := start(t, chained())
	roles(&c)
	p := connect(t, c)
	r := ask("hello")
	r.Caller = model.Caller{AccountID: strings.Repeat("x", 100), Email: "花子 <hanako@example.jp>", Groups: []string{strings.Repeat("課", 300) + "!", "<b>"}}
	if a := modeltest.Gather(t, t.Context(), p, r); a.Err != nil {
		t.Fatal(a.Err)
	}
	seen, _ := s.LastRequest("ConverseStream")
	if got := seen.Caller.ARN[strings.LastIndexByte(seen.Caller.ARN, '/')+1:]; len(got) != 64 {
		t.Errorf("session %q", got)
	}
	if seen.Caller.SourceIdentity != "____hanako@example.jp_" {
		t.Errorf("source identity %q", seen.Caller.SourceIdentity)
	}
	if got := []rune(seen.Caller.Tags["department"]); len(got) != 256 {
		t.Errorf("%d characters of a tag", len(got))
	}
}

func TestWhyARoleCannotBeAssumedIsSaid(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*fake.Options, *bedrock.Config)
		code   errs.Code
		reason string
		role   string
	}{
		{"the external id is wrong", func(_ *fake.Options, c *bedrock.Config) { c.Roles[1].ExternalID = "city-2" }, errs.ModelCredentials, "role_denied", vendorRole},
		{"the first role does not trust us", func(o *fake.Options, _ *bedrock.Config) { o.Roles[0].Trusts = []string{cityRole} }, errs.ModelCredentials, "role_denied", cityRole},
		{"sessions may not be tagged", func(o *fake.Options, _ *bedrock.Config) { o.Roles[1].NoTags = true }, errs.ModelCredentials, "role_tags", vendorRole},
		{"there is no STS", func(_ *fake.Options, c *bedrock.Config) { c.Roles[1].Endpoint = "http://127.0.0.1:1" }, errs.ModelUnreachable, "sts", vendorRole},
		{"the first role is asked of another region", func(_ *fake.Options, c *bedrock.Config) { c.Roles[0].Region = "us-east-1" }, errs.ModelCredentials, "role", cityRole},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := chained()
			var c bedrock.Config
			c.Roles = make([]bedrock.Role, 2)
			tt.change(&o, &c) // of the fake; once more of the connection below
			_, c = start(t, o)
			roles(&c)
			tt.change(&o, &c)
			a := modeltest.Gather(t, t.Context(), connect(t, c), ask("hello"))
			if errs.CodeOf(a.Err) != tt.code || reason(a.Err) != tt.reason || params(a.Err)["role"] != tt.role {
				t.Errorf("error %v, %v", a.Err, params(a.Err))
			}
		})
	}
}

// clock is a time that the test moves.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

func TestTwoHoursOfQuarterHourCredentialsUnderLoadFailNoCall(t *testing.T) {
	time15 := &clock{}
	o := chained()
	o.Now = time15.now
	for i := range o.Roles {
		o.Roles[i].MaxAge = 15 * time.Minute
	}
	s, c := start(t, o)
	roles(&c)
	c.Now = time15.now
	p := connect(t, c)

	const people = 8
	ctx, stop := context.WithCancel(t.Context())
	var calls, failed atomic.Int64
	minute := make(chan struct{}, 1) // a minute passes when everybody has asked since the last
	var asked [people]atomic.Int64
	var crowd sync.WaitGroup
	for n := range people {
		crowd.Go(func() {
			for ctx.Err() == nil {
				r := ask("hello")
				r.Caller = model.Caller{AccountID: fmt.Sprint("person", n%4), Email: fmt.Sprintf("p%d@example.jp", n%4)}
				a := modeltest.Gather(t, ctx, p, r)
				if ctx.Err() != nil {
					return
				}
				calls.Add(1)
				if a.Err != nil {
					failed.Add(1)
					t.Error(a.Err)
				}
				asked[n].Add(1)
				select {
				case minute <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 120 {
		var before [people]int64
		for n := range asked {
			before[n] = asked[n].Load()
		}
		for n := range asked {
			for asked[n].Load() == before[n] {
				<-minute
			}
		}
		time15.forward(time.Minute)
	}
	stop()
	crowd.Wait()
	assumed := int64(count(s, "AssumeRole")) // of the last 512 requests
	if failed.Load() > 0 || calls.Load() < 120*people || assumed == 0 {
		t.Errorf("%d calls, %d failed, %d times AssumeRole", calls.Load(), failed.Load(), assumed)
	}
}

func TestASessionThatEndsBeforeItsTimeIsRenewed(t *testing.T) {
	s, c := start(t, chained())
	roles(&c)
	p := connect(t, c)
	if a := modeltest.Gather(t, t.Context(), p, ask("hello")); a.Err != nil {
		t.Fatal(a.Err)
	}
	// The provider revokes the role's sessions.
	var once sync.Once
	s.Refuse(func(operation string) (refusal *fake.Refusal) {
		if operation == "ConverseStream" {
			once.Do(func() {
				refusal = &fake.Refusal{Status: 403, Exception: "ExpiredTokenException", Message: "The security token included in the request is expired"}
			})
		}
		return refusal
	})
	if a := modeltest.Gather(t, t.Context(), p, ask("hello")); a.Err != nil {
		t.Fatal(a.Err)
	}
	if n := count(s, "AssumeRole"); n != 4 {
		t.Errorf("%d times AssumeRole, want both roles twice", n)
	}
}

func TestARenewalThatFailsLeavesTheSessionThatIsGood(t *testing.T) {
	time15 := &clock{}
	o := chained()
	o.Now = time15.now
	s, c := start(t, o)
	roles(&c)
	var log bytes.Buffer
	c.Now, c.Log = time15.now, slog.New(slog.NewTextHandler(&log, nil))
	p := connect(t, c)
	if a := modeltest.Gather(t, t.Context(), p, ask("hello")); a.Err != nil {
		t.Fatal(a.Err)
	}
	down := true
	s.Refuse(func(operation string) *fake.Refusal {
		if operation == "AssumeRole" && down {
			return &fake.Refusal{Status: 503, Exception: "ServiceUnavailable", Message: "down"}
		}
		return nil
	})
	time15.forward(57 * time.Minute) // within the last minutes of an hour
	for range 3 {
		if a := modeltest.Gather(t, t.Context(), p, ask("hello")); a.Err != nil {
			t.Fatal(a.Err)
		}
	}
	time15.forward(10 * time.Minute) // it is over
	if a := modeltest.Gather(t, t.Context(), p, ask("hello")); errs.CodeOf(a.Err) != errs.ModelCredentials {
		t.Errorf("error %v", a.Err)
	}
	down = false
	if a := modeltest.Gather(t, t.Context(), p, ask("hello")); a.Err != nil {
		t.Fatal(a.Err)
	}
}

func TestAPolicyThatKeepsFromARoleIsNamed(t *testing.T) {
	s, c := start(t, chained())
	roles(&c)
	p := connect(t, c)
	const denied = "User: arn:aws:iam::111122223333:user/kakoi is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222233334444:role/kakoi "
	for message, want := range map[string]string{
		denied + "with an explicit deny in a service control policy":                 "role_scp",
		denied + "because no VPC endpoint policy allows the sts:AssumeRole action":   "role_endpoint",
		denied + "because no identity-based policy allows the sts:AssumeRole action": "role_denied",
		"User: a is not authorized to perform: sts:TagSession on resource: b":        "role_tags",
		"User: a is not authorized to perform: sts:SetSourceIdentity on resource: b": "role_source",
	} {
		s.Refuse(func(operation string) *fake.Refusal {
			if operation != "AssumeRole" {
				return nil
			}
			return &fake.Refusal{Status: 403, Exception: "AccessDenied", Message: message}
		})
		a := modeltest.Gather(t, t.Context(), p, ask("hello"))
		if errs.CodeOf(a.Err) != errs.ModelCredentials || reason(a.Err) != want || params(a.Err)["role"] == "" {
			t.Errorf("%s: %v (%s), want %s", message, a.Err, reason(a.Err), want)
		}
	}
}

// A clock that is ahead takes every session for one that is over.
func TestAWrongClockNeitherWearsSTSOutNorEndsTheSession(t *testing.T) {
	for _, ahead := range []time.Duration{2 * time.Hour, -2 * time.Hour} {
		s, c := start(t, chained())
		roles(&c)
		off := &clock{}
		off.forward(ahead)
		c.Now = off.now
		p := connect(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		for range 2 {
			if a := modeltest.Gather(t, ctx, p, ask("hello")); a.Err != nil {
				t.Errorf("%v ahead: %v", ahead, a.Err)
			}
		}
		if n := count(s, "AssumeRole"); n != 2 {
			t.Errorf("%v ahead: %d times AssumeRole, want each role once", ahead, n)
		}
		off.forward(56 * time.Minute) // the session's last minutes
		if a := modeltest.Gather(t, ctx, p, ask("hello")); a.Err != nil {
			t.Errorf("%v ahead: %v", ahead, a.Err)
		}
	}
}
