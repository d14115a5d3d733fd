package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// Preferences are what a person has chosen for themselves.
type Preferences struct {
	Locale         string `json:"locale"`         // "ja", "en", or "" to follow the browser
	Theme          string `json:"theme"`          // "system", "light" or "dark"
	SendKey        string `json:"sendKey"`        // "enter" or "ctrlEnter"
	DefaultModelID string `json:"defaultModelId"` // "" to take the installation's
	// DefaultPromptID is the prompt of the library with which new conversations
	// begin, "" for none. It may be gone by now: whoever begins one asks for it.
	DefaultPromptID string `json:"defaultPromptId"`
	Density         string `json:"density"`  // "comfortable" or "compact"
	Calendar        string `json:"calendar"` // "western" or "japanese", for dates in Japanese
}

// DefaultPreferences are those of a person who has chosen nothing.
func DefaultPreferences() Preferences {
	return Preferences{Theme: "system", SendKey: "enter", Density: "comfortable", Calendar: "western"}
}

// PreferencesChange holds the preferences to change; nil leaves one as it is.
type PreferencesChange struct {
	Locale          *string
	Theme           *string
	SendKey         *string
	DefaultModelID  *string
	DefaultPromptID *string
	Density         *string
	Calendar        *string
}

const maxID = 200

func (p Preferences) validate() error {
	oneOf := func(field, value string, allowed ...string) error {
		for _, a := range allowed {
			if value == a {
				return nil
			}
		}
		return errs.InField(field, "this is not one of the choices")
	}
	if err := oneOf("locale", p.Locale, "", "ja", "en"); err != nil {
		return err
	}
	if err := oneOf("theme", p.Theme, "system", "light", "dark"); err != nil {
		return err
	}
	if err := oneOf("sendKey", p.SendKey, "enter", "ctrlEnter"); err != nil {
		return err
	}
	if err := oneOf("density", p.Density, "comfortable", "compact"); err != nil {
		return err
	}
	if err := oneOf("calendar", p.Calendar, "western", "japanese"); err != nil {
		return err
	}
	if !isID(p.DefaultModelID) {
		return errs.InField("defaultModelId", "this is not the id of a model")
	}
	if !isID(p.DefaultPromptID) {
		return errs.InField("defaultPromptId", "this is not the id of a prompt")
	}
	return nil
}

// isID reports whether s could be an id, or is none.
func isID(s string) bool {
	return len(s) <= maxID && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// with returns p changed by c.
func (p Preferences) with(c PreferencesChange) Preferences {
	for _, set := range []struct{ to, from *string }{
		{&p.Locale, c.Locale}, {&p.Theme, c.Theme}, {&p.SendKey, c.SendKey}, {&p.DefaultModelID, c.DefaultModelID},
		{&p.DefaultPromptID, c.DefaultPromptID}, {&p.Density, c.Density}, {&p.Calendar, c.Calendar},
	} {
		if set.from != nil {
			*set.to = *set.from
		}
	}
	return p
}

// parsePreferences reads what is stored. A value that this version does not
// know is taken as not chosen: a preference must never keep a person out.
func parsePreferences(text string) Preferences {
	p := DefaultPreferences()
	if text == "{}" {
		return p
	}
	if json.Unmarshal([]byte(text), &p) != nil || p.validate() != nil {
		return DefaultPreferences()
	}
	return p
}

func (p Preferences) encode() string {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings only
	}
	return string(b)
}

// Preferences returns what the person who asks has chosen.
func (s *Service) Preferences(ctx context.Context) (Preferences, error) {
	p, err := authorizeSelf(ctx, access.AccountReadSelf)
	if err != nil {
		return Preferences{}, err
	}
	a, err := selectAccount(ctx, s.db, p.AccountID)
	return a.Preferences, err
}

// UpdatePreferences changes the preferences of the person who asks and returns
// them all.
func (s *Service) UpdatePreferences(ctx context.Context, c PreferencesChange) (Preferences, error) {
	p, err := authorizeSelf(ctx, access.AccountWriteSelf)
	if err != nil {
		return Preferences{}, err
	}
	var after Preferences
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		a, err := selectAccount(ctx, tx, p.AccountID)
		if err != nil {
			return err
		}
		after = a.Preferences.with(c)
		if err := after.validate(); err != nil {
			return err
		}
		if after == a.Preferences {
			return nil
		}
		const update = `UPDATE accounts SET preferences = $1, updated_at = $2 WHERE id = $3`
		if _, err := tx.ExecContext(ctx, update, after.encode(), s.now().UnixMilli(), p.AccountID); err != nil {
			return fmt.Errorf("update preferences of account %s: %w", p.AccountID, err)
		}
		return s.audit.Record(ctx, audit.Event{
			Action: auditPreferences, Resource: accountResource(p.AccountID),
			Details: map[string]string{
				"locale": after.Locale, "theme": after.Theme, "send_key": after.SendKey, "default_model_id": after.DefaultModelID,
				"default_prompt_id": after.DefaultPromptID, "density": after.Density, "calendar": after.Calendar,
			},
		})
	})
	if err != nil {
		return Preferences{}, err
	}
	return after, nil
}
