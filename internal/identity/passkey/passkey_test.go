package passkey

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"kakoi/internal/identity/factor"
	"kakoi/internal/identity/passkey/passkeytest"
)

func TestPasskeysNeedANameAndHTTPS(t *testing.T) {
	for address, want := range map[string]string{
		"": NoPublicURL, "https://192.0.2.1": IPAddress, "http://127.0.0.1:8080": IPAddress, "https://[2001:db8::1]": IPAddress,
		"http://ai.example.jp": NotHTTPS, "https://ai.example.jp": "", "https://ai.example.jp:8443": "", "http://localhost:8080": "", "https://kakoi": ShortName,
	} {
		p, err := New(address)
		if err != nil {
			t.Errorf("%q: %v", address, err)
		} else if p.Unavailable() != want {
			t.Errorf("%q: %q, want %q", address, p.Unavailable(), want)
		}
	}
}

// TestNobodyIsAskedAboutAuthenticators: a provider of metadata would have to be
// fetched from its makers.
func TestNobodyIsAskedAboutAuthenticators(t *testing.T) {
	p := party(t)
	if p.web.Config.MDS != nil {
		t.Error("there is a metadata service")
	}
}

const origin = "https://ai.example.jp"

func party(t *testing.T) *Party {
	t.Helper()
	p, err := New(origin)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var anna = factor.Owner{ID: "01900000-0000-7000-8000-000000000001", Email: "anna@example.jp", Name: "安奈"}

func made(t *testing.T, p *Party, d *passkeytest.Device) factor.Credential {
	t.Helper()
	options, state, err := p.BeginCreation(anna, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.FinishCreation(anna, state, d.Create(t, options))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func of(c factor.Credential) func([]byte) (factor.Owner, []byte, error) {
	return func([]byte) (factor.Owner, []byte, error) { return anna, c.Record, nil }
}

func TestAPasskeyIsProvedWithAndWithoutAnAccount(t *testing.T) {
	p, d := party(t), &passkeytest.Device{Origin: origin, Verifies: true, Synced: true}
	c := made(t, p, d)
	if !c.Verified || !c.BackupEligible || !c.BackedUp || c.SignCount != 1 {
		t.Errorf("made %+v", c)
	}
	for name, o := range map[string]*factor.Owner{"second": &anna, "alone": nil} {
		var have [][]byte
		if o != nil {
			have = [][]byte{c.Record}
		}
		options, state, err := p.BeginAssertion(o, have)
		if err != nil {
			t.Fatal(err)
		}
		if o == nil != strings.Contains(string(options), `"userVerification":"required"`) {
			t.Errorf("%s asks %s", name, options)
		}
		shown, err := p.FinishAssertion(state, d.Get(t, options), of(c))
		if err != nil || !shown.Verified || shown.Cloned || shown.SignCount <= c.SignCount {
			t.Errorf("%s: %+v, %v", name, shown, err)
		}
		c = shown
	}
}

func TestWhatIsNotProvedIsRefused(t *testing.T) {
	p, d := party(t), &passkeytest.Device{Origin: origin, Verifies: true}
	c := made(t, p, d)
	ask := func(o *factor.Owner) (json.RawMessage, []byte) {
		options, state, err := p.BeginAssertion(o, [][]byte{c.Record})
		if err != nil {
			t.Fatal(err)
		}
		return options, state
	}
	refused := func(name string, state []byte, response json.RawMessage, find func([]byte) (factor.Owner, []byte, error)) {
		t.Helper()
		if shown, err := p.FinishAssertion(state, response, find); err == nil {
			t.Errorf("%s: %+v", name, shown)
		}
	}
	options, _ := ask(&anna)
	_, other := ask(&anna)
	refused("an answer to another question", other, d.Get(t, options), of(c))

	options, state := ask(&anna)
	d.Origin = "https://ai.example.jp.evil.example"
	refused("another site's answer", state, d.Get(t, options), of(c))
	d.Origin = origin

	options, state = ask(nil)
	d.Verifies = false
	refused("a device that does not confirm its person, alone", state, d.Get(t, options), of(c))
	d.Verifies = true

	options, state = ask(nil)
	refused("a passkey that nobody has", state, d.Get(t, options), func([]byte) (factor.Owner, []byte, error) { return factor.Owner{}, nil, errors.New("nobody") })
	options, state = ask(nil)
	refused("a passkey under another account", state, d.Get(t, options), func([]byte) (factor.Owner, []byte, error) {
		return factor.Owner{ID: "01900000-0000-7000-8000-000000000002"}, c.Record, nil
	})
	thief := &passkeytest.Device{Origin: origin, Verifies: true}
	made(t, p, thief)
	thief.Keys[0].ID, thief.Keys[0].Handle = d.Keys[0].ID, d.Keys[0].Handle
	options, state = ask(&anna)
	refused("another key's signature", state, thief.Get(t, options), of(c))
	_, state = ask(&anna)
	refused("no answer at all", state, json.RawMessage(`{}`), of(c))

	creation, began, err := p.BeginCreation(anna, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.Origin = "http://ai.example.jp"
	if _, err := p.FinishCreation(anna, began, d.Create(t, creation)); err == nil {
		t.Error("a passkey made for another site was taken")
	}
}

func TestACounterThatGoesBackwardsIsTold(t *testing.T) {
	p, d := party(t), &passkeytest.Device{Origin: origin, Verifies: true}
	c := made(t, p, d)
	use := func() factor.Credential {
		options, state, err := p.BeginAssertion(&anna, [][]byte{c.Record})
		if err != nil {
			t.Fatal(err)
		}
		shown, err := p.FinishAssertion(state, d.Get(t, options), of(c))
		if err != nil {
			t.Fatal(err)
		}
		return shown
	}
	d.Keys[0].Count = 40
	c = use()
	d.Keys[0].Count = 5
	if c = use(); !c.Cloned || c.SignCount != 41 {
		t.Errorf("after a copy was used: %+v", c)
	}
	d.Keys[0].Count = 41
	if c = use(); c.Cloned {
		t.Errorf("when it goes on: %+v", c)
	}
}
