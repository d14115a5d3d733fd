package library

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

//go:embed starter/*.yaml
var starterFiles embed.FS

// starter is an official prompt that comes with the program.
type starter struct {
	Key         string `yaml:"key"`
	Kind        Kind   `yaml:"kind"` // message when absent
	Name        string `yaml:"name"`
	Command     string `yaml:"command"`
	Category    string `yaml:"category"`
	Description string `yaml:"description"`
	Body        string `yaml:"body"`
}

// starterSet reads the prompts that come with the program, by key.
func starterSet() ([]string, map[string]Prompt, error) {
	var keys []string
	set := map[string]Prompt{}
	for _, locale := range []string{LocaleJapanese, LocaleEnglish} {
		text, err := starterFiles.ReadFile("starter/" + locale + ".yaml")
		if err != nil {
			return nil, nil, fmt.Errorf("read the starter set: %w", err)
		}
		var list []starter
		in := yaml.NewDecoder(strings.NewReader(string(text)))
		in.KnownFields(true)
		if err := in.Decode(&list); err != nil {
			return nil, nil, fmt.Errorf("read the starter set %s: %w", locale, err)
		}
		for _, st := range list {
			if st.Kind == "" {
				st.Kind = KindMessage
			}
			p, err := Prompt{
				Kind: st.Kind, Name: st.Name, Command: st.Command, Category: st.Category, Description: st.Description,
				Body: st.Body, Locale: locale, Visibility: Everyone,
			}.clean()
			if err != nil {
				return nil, nil, fmt.Errorf("starter prompt %s: %w", st.Key, err)
			}
			if _, twice := set[st.Key]; twice || st.Key == "" {
				return nil, nil, fmt.Errorf("starter prompt %q is there twice, or has no key", st.Key)
			}
			keys = append(keys, st.Key)
			set[st.Key] = p
		}
	}
	return keys, set, nil
}

// checksum is of what an administrator may edit.
func (p Prompt) checksum() string {
	text, err := json.Marshal([]string{string(p.Kind), p.Name, p.Command, p.Description, p.Category, p.Locale, p.Body})
	if err != nil {
		panic(err) // texts can be written
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// installed is a row of starter_prompts.
type installed struct{ promptID, checksum, source string }

// InstallStarterSet puts the prompts that come with the program into the
// library: those that are new to it, and the new text of those that nobody has
// edited. What an administrator has edited or deleted stays as it is. Several
// nodes may call it together.
func (s *Service) InstallStarterSet(ctx context.Context) error {
	keys, set, err := starterSet()
	if err != nil {
		return err
	}
	have, err := s.installed(ctx, s.db)
	if err != nil {
		return err
	}
	current := true
	for key, p := range set {
		current = current && have[key].source == p.checksum()
	}
	if current {
		return nil
	}
	return s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		have, err := s.installed(ctx, tx)
		if err != nil {
			return err
		}
		var added, renewed int
		for _, key := range keys {
			before, known := have[key]
			wanted := set[key]
			switch {
			case !known:
				added++
				err = s.addStarter(ctx, tx, key, wanted)
			case before.source != wanted.checksum():
				var did bool
				if did, err = s.renewStarter(ctx, tx, key, before, wanted); did {
					renewed++
				}
			}
			if err != nil {
				return fmt.Errorf("install starter prompt %s: %w", key, err)
			}
		}
		if added+renewed == 0 {
			return nil
		}
		return s.audit.Record(ctx, audit.Event{
			Action: auditInstall, Resource: audit.Resource{Kind: string(access.KindPrompt)},
			Details: map[string]string{"added": fmt.Sprint(added), "renewed": fmt.Sprint(renewed)},
		})
	})
}

// addStarter makes the prompt, without its command if an official prompt has
// taken that already.
func (s *Service) addStarter(ctx context.Context, tx *db.Tx, key string, p Prompt) error {
	source := p.checksum()
	taken, err := s.commandTaken(ctx, tx, "", p.Command)
	if err != nil {
		return err
	}
	if taken {
		p.Command = ""
	}
	p.ID, p.Version, p.CreatedAt = db.NewID(), 1, stored(s.now())
	p.UpdatedAt = p.CreatedAt
	// First of all the key: of two nodes, one waits here and then runs again,
	// where the prompt itself would fail for its command.
	if err := s.setInstalled(ctx, tx, key, installed{p.ID, p.checksum(), source}); err != nil {
		return err
	}
	if err := s.insertPrompt(ctx, tx, p); err != nil {
		return err
	}
	return s.insertVersion(ctx, tx, p, "", "", 0)
}

// renewStarter gives a prompt that nobody has edited its new text; it reports
// whether it did.
func (s *Service) renewStarter(ctx context.Context, tx *db.Tx, key string, before installed, wanted Prompt) (bool, error) {
	source := wanted.checksum()
	p, err := s.prompt(ctx, tx, access.Principal{}, before.promptID)
	if errs.CodeOf(err) == errs.NotFound || err == nil && (p.checksum() != before.checksum || !p.Official()) {
		// Deleted or edited: only remember that this text was offered.
		return false, s.setInstalled(ctx, tx, key, installed{before.promptID, before.checksum, source})
	} else if err != nil {
		return false, err
	}
	if wanted.Command != p.Command {
		taken, err := s.commandTaken(ctx, tx, "", wanted.Command)
		if err != nil {
			return false, err
		}
		if taken {
			wanted.Command = p.Command
		}
	}
	body := p.Body
	p.Name, p.Command, p.Description, p.Category, p.Body = wanted.Name, wanted.Command, wanted.Description, wanted.Category, wanted.Body
	p.UpdatedAt = stored(s.now())
	if p.Body != body {
		p.Version++
		if err := s.insertVersion(ctx, tx, p, "", "", 0); err != nil {
			return false, err
		}
	}
	if err := s.updatePrompt(ctx, tx, p); err != nil {
		return false, err
	}
	return true, s.setInstalled(ctx, tx, key, installed{p.ID, p.checksum(), source})
}

func (s store) installed(ctx context.Context, q db.Queryer) (map[string]installed, error) {
	rows, err := q.QueryContext(ctx, `SELECT key, prompt_id, checksum, source FROM starter_prompts`)
	if err != nil {
		return nil, fmt.Errorf("read what is installed of the starter set: %w", err)
	}
	defer rows.Close()
	have := map[string]installed{}
	for rows.Next() {
		var key string
		var in installed
		if err := rows.Scan(&key, &in.promptID, &in.checksum, &in.source); err != nil {
			return nil, fmt.Errorf("read what is installed of the starter set: %w", err)
		}
		have[key] = in
	}
	return have, rows.Err()
}

func (s *Service) setInstalled(ctx context.Context, q db.Queryer, key string, in installed) error {
	const upsert = `
	INSERT INTO starter_prompts (key, prompt_id, checksum, source, installed_at)
	VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (key) DO UPDATE SET prompt_id = excluded.prompt_id, checksum = excluded.checksum, source = excluded.source,
	                                installed_at = excluded.installed_at`
	_, err := q.ExecContext(ctx, upsert, key, in.promptID, in.checksum, in.source, s.now().UnixMilli())
	return err
}
