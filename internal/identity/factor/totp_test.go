package factor

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestTheVectorsOfRFC6238 has those of appendix B for SHA-1, which have eight
// digits.
func TestTheVectorsOfRFC6238(t *testing.T) {
	secret := []byte("12345678901234567890")
	for unix, want := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130",
	} {
		if got := code(secret, stepOf(time.Unix(unix, 0)), 8); got != want {
			t.Errorf("at %d: %s, want %s", unix, got, want)
		}
		if got := code(secret, stepOf(time.Unix(unix, 0)), totpDigits); got != want[2:] {
			t.Errorf("six digits at %d: %s, want %s", unix, got, want[2:])
		}
	}
}

func TestACodeIsRightForOneStepBeforeAndAfter(t *testing.T) {
	secret, now := []byte("12345678901234567890"), time.Unix(1_800_000_015, 0)
	for offset := int64(-3); offset <= 3; offset++ {
		step, ok := match(secret, code(secret, stepOf(now)+offset, totpDigits), now)
		if want := offset >= -1 && offset <= 1; ok != want || ok && step != stepOf(now)+offset {
			t.Errorf("the code of %d steps away: step %d, %v, want %v", offset, step-stepOf(now), ok, want)
		}
	}
	for _, wrong := range []string{"", "0", "00000", "0000000", code(secret, stepOf(now), 8)} {
		if _, ok := match(secret, wrong, now); ok {
			t.Errorf("%q is taken", wrong)
		}
	}
}

func TestWhatPeopleTypeIsReadAsTheyMeanIt(t *testing.T) {
	for typed, want := range map[string]string{"123 456": "123456", "１２３　４５６": "123456", "123-456\n": "123456", "": "", "abc": ""} {
		if got := digits(typed); got != want {
			t.Errorf("digits(%q) = %q, want %q", typed, got, want)
		}
	}
	for typed, want := range map[string]string{"ABCDE-fgh23": "abcdefgh23", "ａｂｃｄｅ ｆｇｈ２３": "abcdefgh23", "0o1il": ""} {
		if got := letters(typed); got != want {
			t.Errorf("letters(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestTheAppIsToldWhoseCodesTheyAre(t *testing.T) {
	u, err := url.Parse(keyURI([]byte("12345678901234567890"), "yamada+ai@example.jp", "ai.example.jp"))
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Kakoi ai.example.jp:yamada+ai@example.jp" {
		t.Errorf("%s", u)
	}
	q := u.Query()
	if q.Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" || q.Get("issuer") != "Kakoi ai.example.jp" || q.Get("period") != "30" || q.Get("digits") != "6" || q.Get("algorithm") != "SHA1" {
		t.Errorf("%v", q)
	}
	if strings.Contains(u.RawQuery, "+") {
		t.Errorf("apps show the + of %s", u.RawQuery)
	}
}

func TestThePictureIsOfTheText(t *testing.T) {
	picture, err := draw("otpauth://totp/x")
	if err != nil {
		t.Fatal(err)
	}
	// The corner that finds the code: seven dark squares, after the margin.
	if picture.Size < 21+2*quiet || !strings.HasPrefix(picture.Path, "M4 4h7v1h-7z") {
		t.Errorf("%+v", picture)
	}
	if _, err := draw(strings.Repeat("x", 5000)); err == nil {
		t.Error("what fits into no code was drawn")
	}
}

func TestTheStrictestOfSeveralRolesHolds(t *testing.T) {
	p := Policy{Roles: map[string]Requirement{"administrator": Required, "guest": Off}, Others: Optional}
	for _, tt := range []struct {
		roles []string
		want  Requirement
	}{
		{[]string{"administrator"}, Required}, {[]string{"member"}, Optional}, {[]string{"guest"}, Off}, {nil, Optional},
		{[]string{"guest", "member"}, Optional}, {[]string{"member", "administrator", "guest"}, Required},
	} {
		if got := p.For(tt.roles...); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.roles, got, tt.want)
		}
	}
	if _, err := checkPolicy(InitialPolicy()); err != nil {
		t.Errorf("the initial policy: %v", err)
	}
	for name, spoil := range map[string]func(*Policy){
		"others": func(p *Policy) { p.Others = "maybe" }, "roles": func(p *Policy) { p.Roles["x"] = "" }, "no name": func(p *Policy) { p.Roles[""] = Off },
		"grace": func(p *Policy) { p.GraceDays = 91 }, "grace below": func(p *Policy) { p.GraceDays = -1 }, "proof": func(p *Policy) { p.ProofMinutes = 0 }, "proof above": func(p *Policy) { p.ProofMinutes = 1441 },
	} {
		p := InitialPolicy()
		spoil(&p)
		if _, err := checkPolicy(p); err == nil {
			t.Errorf("%s: %+v was taken", name, p)
		}
	}
}
