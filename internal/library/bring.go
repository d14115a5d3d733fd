package library

import (
	"context"
	"crypto/sha256"
	"fmt"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/label"
)

// Became says what became of a prompt from elsewhere.
type Became string

// What may become of it.
const (
	BecameNew       Became = "new"
	BecameNothing   Became = "nothing"    // the same prompt is here: brought before, or never away
	BecameNameTaken Became = "name_taken" // another prompt of this name is here, and stays
	BecameTooMany   Became = "too_many"
)

// Bringing takes prompts from elsewhere into those of the person who acts, one
// after the other. Two of one name may come together, as people have them; one
// that comes to a name that is here already does not.
type Bringing struct {
	service *Service
	dryRun  bool
	made    map[promptName]map[bodySum]bool
	n       int
}

type (
	promptName struct {
		kind Kind
		key  string
	}
	bodySum [sha256.Size]byte
)

// Bringing begins to take prompts in, or only to say what would become of them.
func (s *Service) Bringing(dryRun bool) *Bringing {
	return &Bringing{service: s, dryRun: dryRun, made: make(map[promptName]map[bodySum]bool)}
}

// Bring takes a prompt in as a private one, with a command unless another has it.
// Its id is the one it has where it comes from. The error has code InvalidInput
// if it is none that could be written here.
func (b *Bringing) Bring(ctx context.Context, from Prompt) (Became, error) {
	who, err := access.Require(ctx)
	if err != nil {
		return "", err
	}
	p := Prompt{
		OwnerID: who.AccountID, Kind: from.Kind, Name: from.Name, Command: from.Command, Description: from.Description, Category: from.Category,
		Locale: from.Locale, Visibility: Private, Archived: from.Archived, Body: from.Body,
	}
	if err := access.Decide(who, access.PromptCreate, p.resource()); err != nil {
		return "", err
	}
	if p, err = p.clean(); err != nil {
		return "", err
	}
	s := b.service
	var became Became
	if b.dryRun {
		became, err = b.becomes(ctx, s.db, from.ID, p)
	} else {
		err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
			if became, err = b.becomes(ctx, tx, from.ID, p); err != nil || became != BecameNew {
				return err
			}
			fresh := p
			if taken, err := s.commandTaken(ctx, tx, p.OwnerID, p.Command); err != nil {
				return err
			} else if taken {
				fresh.Command = ""
			}
			_, err := s.insertIn(ctx, tx, who, fresh, "", auditImport, nil)
			return err
		})
	}
	if err == nil && became == BecameNew {
		name, sum := p.sums()
		if b.made[name] == nil {
			b.made[name] = make(map[bodySum]bool)
		}
		b.made[name][sum] = true
		b.n++
	}
	return became, err
}

func (p Prompt) sums() (promptName, bodySum) {
	return promptName{p.Kind, label.Fold(p.Name)}, sha256.Sum256([]byte(p.Body))
}

func (b *Bringing) becomes(ctx context.Context, q db.Queryer, id string, p Prompt) (Became, error) {
	s := b.service
	name, sum := p.sums()
	made := b.made[name]
	if made[sum] {
		return BecameNothing, nil
	}
	if here, err := s.hasPrompt(ctx, q, p.OwnerID, id); err != nil || here {
		return BecameNothing, err
	}
	bodies, err := s.bodiesNamed(ctx, q, p.OwnerID, name)
	if err != nil {
		return "", err
	}
	taken := false
	for _, body := range bodies {
		if body == sum {
			return BecameNothing, nil
		}
		taken = taken || !made[body]
	}
	if taken {
		return BecameNameTaken, nil
	}
	n, err := s.countOf(ctx, q, p.OwnerID)
	if err != nil {
		return "", err
	}
	if b.dryRun {
		n += int64(b.n)
	}
	if n >= maxOwn {
		return BecameTooMany, nil
	}
	return BecameNew, nil
}

func (s store) hasPrompt(ctx context.Context, q db.Queryer, owner, id string) (bool, error) {
	var n int
	if err := q.QueryRowContext(ctx, `SELECT count(*) FROM prompts WHERE owner_id = $1 AND id = $2`, owner, id).Scan(&n); err != nil {
		return false, fmt.Errorf("look for prompt %s: %w", id, err)
	}
	return n > 0, nil
}

// bodiesNamed are the digests of what the owner's prompts of that name say.
func (s store) bodiesNamed(ctx context.Context, q db.Queryer, owner string, name promptName) ([]bodySum, error) {
	rows, err := q.QueryContext(ctx, `SELECT body FROM prompts WHERE owner_id = $1 AND kind = $2 AND name_key = $3`, owner, name.kind, name.key)
	if err != nil {
		return nil, fmt.Errorf("look for prompts of one name: %w", err)
	}
	defer rows.Close()
	var sums []bodySum
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return nil, fmt.Errorf("look for prompts of one name: %w", err)
		}
		sums = append(sums, sha256.Sum256([]byte(body)))
	}
	return sums, rows.Err()
}
