package library

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// maxOwn bounds how many prompts a person keeps.
const maxOwn = 1000

// Service keeps the prompts.
type Service struct {
	store
	audit *audit.Log
	now   func() time.Time
}

// New returns the prompts kept in d. now is the clock.
func New(d *db.DB, record *audit.Log, now func() time.Time) *Service {
	return &Service{store{d}, record, now}
}

// The actions on prompts as the audit log names them.
const (
	auditCreate  = "prompt.create"
	auditUpdate  = "prompt.update"
	auditDelete  = "prompt.delete"
	auditRestore = "prompt.restore_version"
	auditCopy    = "prompt.copy"
	auditImport  = "prompt.import"
	auditInstall = "prompt.install_starter_set"
)

func (s *Service) record(ctx context.Context, action string, p Prompt, more map[string]string) error {
	details := map[string]string{"name": p.Name, "kind": string(p.Kind), "visibility": string(p.Visibility)}
	if p.Official() {
		details["official"] = "true"
	}
	if p.Visibility == Groups {
		details["group_ids"] = strings.Join(p.GroupIDs, " ")
	}
	for k, v := range more {
		details[k] = v
	}
	return s.audit.Record(ctx, audit.Event{
		Action: action, Resource: audit.Resource{Kind: string(access.KindPrompt), ID: p.ID}, Details: details,
	})
}

// Create makes a prompt. The error has code Conflict if another of the same
// owner has its command.
func (s *Service) Create(ctx context.Context, d Draft) (Prompt, error) {
	who, err := access.Require(ctx)
	if err != nil {
		return Prompt{}, err
	}
	p := Prompt{
		OwnerID: who.AccountID, Kind: d.Kind, Name: d.Name, Command: d.Command, Description: d.Description, Category: d.Category,
		Locale: d.Locale, Visibility: d.Visibility, GroupIDs: d.GroupIDs, Body: d.Body,
	}
	action := access.PromptCreate
	if d.Official {
		p.OwnerID, action = "", access.PromptCreateOfficial
	}
	if err := access.Decide(who, action, p.resource()); err != nil {
		return Prompt{}, err
	}
	if p, err = p.clean(); err != nil {
		return Prompt{}, err
	}
	note, err := cleanText("note", d.Note, maxNote)
	if err != nil {
		return Prompt{}, err
	}
	return s.insert(ctx, who, p, note, auditCreate, nil)
}

// insert stores a clean prompt that is new.
func (s *Service) insert(ctx context.Context, who access.Principal, p Prompt, note, action string, more map[string]string) (Prompt, error) {
	var made Prompt
	err := s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		var err error
		made, err = s.insertIn(ctx, tx, who, p, note, action, more)
		return err
	})
	return made, err
}

func (s *Service) insertIn(ctx context.Context, tx *db.Tx, who access.Principal, p Prompt, note, action string, more map[string]string) (Prompt, error) {
	p.ID, p.Version, p.CreatedAt = db.NewID(), 1, stored(s.now())
	p.UpdatedAt = p.CreatedAt
	if !p.Official() {
		if n, err := s.countOf(ctx, tx, p.OwnerID); err != nil {
			return p, err
		} else if n >= maxOwn {
			return p, errs.Newf(errs.ResourceExceeded, "one person keeps at most %d prompts", maxOwn).With("max", fmt.Sprint(maxOwn))
		}
	}
	if err := s.checkGroups(ctx, tx, who, p.GroupIDs, nil); err != nil {
		return p, err
	}
	if err := s.insertPrompt(ctx, tx, p); err != nil {
		return p, err
	}
	if err := s.insertVersion(ctx, tx, p, note, who.AccountID, 0); err != nil {
		return p, err
	}
	if err := s.record(ctx, action, p, more); err != nil {
		return p, err
	}
	return s.prompt(ctx, tx, who, p.ID)
}

// checkGroups makes sure that a person may share with groups: with their own,
// or as an administrator with any that exists. Those that were there before
// stay, whoever has left them meanwhile.
func (s *Service) checkGroups(ctx context.Context, tx *db.Tx, who access.Principal, groups, before []string) error {
	for _, id := range groups {
		if slices.Contains(before, id) {
			continue
		}
		allowed, err := s.mayShareWith(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if !allowed {
			// The same for a group that does not exist.
			return errs.InField("groupIds", "you are not in one of the groups").With("group", id)
		}
	}
	return nil
}

// Prompt returns prompt id with its body.
func (s *Service) Prompt(ctx context.Context, id string) (Prompt, error) {
	_, p, err := s.authorized(ctx, s.db, access.PromptRead, id)
	return p, err
}

// authorized returns prompt id if whoever acts in ctx may do a to it.
func (s *Service) authorized(ctx context.Context, q db.Queryer, a access.Action, id string) (access.Principal, Prompt, error) {
	who, err := access.Require(ctx)
	if err != nil {
		return who, Prompt{}, err
	}
	p, err := s.prompt(ctx, q, who, id)
	if err != nil {
		return who, Prompt{}, err
	}
	if err := access.Decide(who, a, p.resource()); err != nil {
		return who, Prompt{}, err
	}
	return who, p, nil
}

// Update changes prompt id. A new body makes a version; the error has code
// Conflict if there is a newer one than the base it was written upon.
func (s *Service) Update(ctx context.Context, id string, ch Change) (Prompt, error) {
	note, err := cleanText("note", ch.Note, maxNote)
	if err != nil {
		return Prompt{}, err
	}
	var after Prompt
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		action := access.PromptWrite
		if ch.onlyHides() {
			action = access.PromptHide
		}
		who, before, err := s.authorized(ctx, tx, action, id)
		if err != nil {
			return err
		}
		if ch.Hidden != nil && *ch.Hidden != before.Hidden {
			if err := access.Decide(who, access.PromptHide, before.resource()); err != nil {
				return err
			}
		}
		if ch.Body != nil && ch.BaseVersion != 0 && ch.BaseVersion != before.Version {
			conflict := errs.New(errs.Conflict, "there is a newer version of this prompt").With("version", fmt.Sprint(before.Version))
			conflict.Field = "baseVersion"
			return conflict
		}
		if after, err = before.changed(ch).clean(); err != nil {
			return err
		}
		return s.update(ctx, tx, who, before, &after, note, 0, auditUpdate)
	})
	return after, err
}

func (ch Change) onlyHides() bool {
	ch.Note, ch.BaseVersion = "", 0
	hidden := ch.Hidden
	ch.Hidden = nil
	return hidden != nil && ch == Change{}
}

// update stores a clean prompt that differs from before, and reads it again.
func (s *Service) update(ctx context.Context, tx *db.Tx, who access.Principal, before Prompt, after *Prompt, note string, restoredFrom int64, action string) error {
	changed := differences(before, *after)
	if len(changed) == 0 {
		return nil
	}
	if err := s.checkGroups(ctx, tx, who, after.GroupIDs, before.GroupIDs); err != nil {
		return err
	}
	after.UpdatedAt = stored(s.now())
	if before.Body != after.Body {
		after.Version++
		if err := s.insertVersion(ctx, tx, *after, note, who.AccountID, restoredFrom); err != nil {
			return err
		}
	}
	if err := s.updatePrompt(ctx, tx, *after); err != nil {
		return err
	}
	details := map[string]string{"changed": strings.Join(changed, " "), "version": fmt.Sprint(after.Version)}
	if restoredFrom > 0 {
		details["restored_from"] = fmt.Sprint(restoredFrom)
	}
	if err := s.record(ctx, action, *after, details); err != nil {
		return err
	}
	var err error
	*after, err = s.prompt(ctx, tx, who, after.ID)
	return err
}

// Delete removes prompt id with its versions.
func (s *Service) Delete(ctx context.Context, id string) error {
	return s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, p, err := s.authorized(ctx, tx, access.PromptWrite, id)
		if err != nil {
			return err
		}
		if err := s.deletePrompt(ctx, tx, id); err != nil {
			return err
		}
		return s.record(ctx, auditDelete, p, nil)
	})
}

// Copy makes a private prompt of the caller's with the text of prompt id. It
// keeps the command unless the caller has another prompt of that command.
func (s *Service) Copy(ctx context.Context, id string) (Prompt, error) {
	who, p, err := s.authorized(ctx, s.db, access.PromptRead, id)
	if err != nil {
		return Prompt{}, err
	}
	mine := Prompt{
		OwnerID: who.AccountID, Kind: p.Kind, Name: p.Name, Command: p.Command, Description: p.Description, Category: p.Category,
		Locale: p.Locale, Visibility: Private, Body: p.Body,
	}
	if err := access.Decide(who, access.PromptCreate, mine.resource()); err != nil {
		return Prompt{}, err
	}
	if taken, err := s.commandTaken(ctx, s.db, who.AccountID, p.Command); err != nil {
		return Prompt{}, err
	} else if taken {
		mine.Command = ""
	}
	return s.insert(ctx, who, mine, "", auditCopy, map[string]string{"source_id": id})
}

// VersionPage is a page of versions.
type VersionPage struct {
	Items         []Version // the newest first, without bodies
	NextPageToken string
}

// Versions lists the versions of prompt id, for whoever may edit it: others
// see what it says now, not what it said before it was shared.
func (s *Service) Versions(ctx context.Context, id, pageToken string, limit int) (VersionPage, error) {
	if _, _, err := s.authorized(ctx, s.db, access.PromptWrite, id); err != nil {
		return VersionPage{}, err
	}
	return s.versions(ctx, s.db, id, pageToken, limit)
}

// Version returns one version of prompt id with its body, for whoever may edit
// it.
func (s *Service) Version(ctx context.Context, id string, number int64) (Version, error) {
	if _, _, err := s.authorized(ctx, s.db, access.PromptWrite, id); err != nil {
		return Version{}, err
	}
	return s.version(ctx, s.db, id, number)
}

// Restore makes a new version of prompt id that says what version number said.
func (s *Service) Restore(ctx context.Context, id string, number int64) (Prompt, error) {
	var after Prompt
	err := s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		who, before, err := s.authorized(ctx, tx, access.PromptWrite, id)
		if err != nil {
			return err
		}
		v, err := s.version(ctx, tx, id, number)
		if err != nil {
			return err
		}
		after = before
		after.Body = v.Body
		return s.update(ctx, tx, who, before, &after, "", number, auditRestore)
	})
	return after, err
}

// Rendered is a prompt that was filled in.
type Rendered struct {
	Text    string
	Missing []string // variables that have neither a value nor a default
}

// Render fills prompt id in. Unless it is a preview it counts as a use. limit
// bounds the text, in bytes.
func (s *Service) Render(ctx context.Context, id string, values map[string]string, preview bool, limit int) (Rendered, error) {
	who, p, err := s.authorized(ctx, s.db, access.PromptRead, id)
	if err != nil {
		return Rendered{}, err
	}
	out, err := s.render(ctx, who, p.Body, p.Locale, values, limit)
	if err != nil || preview {
		return out, err
	}
	return out, s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		return s.countUse(ctx, tx, who.AccountID, id, s.now())
	})
}

// Try fills in a body that is not stored, as its author sees it while writing,
// and tells what it asks for.
func (s *Service) Try(ctx context.Context, body, locale string, values map[string]string, limit int) (Rendered, []Variable, error) {
	who, err := access.Require(ctx)
	if err != nil {
		return Rendered{}, nil, err
	}
	draft := Prompt{OwnerID: who.AccountID, Kind: KindMessage, Name: "x", Locale: locale, Body: body}
	if err := access.Decide(who, access.PromptCreate, draft.resource()); err != nil {
		return Rendered{}, nil, err
	}
	if draft, err = draft.clean(); err != nil {
		return Rendered{}, nil, err
	}
	out, err := s.render(ctx, who, draft.Body, draft.Locale, values, limit)
	return out, Parse(draft.Body).Variables(), err
}

func (s *Service) render(ctx context.Context, who access.Principal, body, locale string, values map[string]string, limit int) (Rendered, error) {
	facts := Facts{Now: s.now(), Locale: locale}
	if facts.Locale == LocaleAny {
		facts.Locale = who.Locale
	}
	var err error
	if facts.Name, err = s.accountName(ctx, s.db, who.AccountID); err != nil {
		return Rendered{}, err
	}
	text, missing, err := Parse(body).Render(values, facts, limit)
	return Rendered{text, missing}, err
}

// Scope selects prompts by whose they are.
type Scope string

// The scopes; the empty one is all that a person may read.
const (
	ScopeMine     Scope = "mine"
	ScopeOfficial Scope = "official"
	ScopeShared   Scope = "shared" // other people's
)

// Order is how a list is sorted.
type Order string

// The orders; the empty one is by name.
const (
	OrderName   Order = "name"
	OrderRecent Order = "recent" // what the reader used last, then by name
)

// Filter selects prompts. An empty field selects everything.
type Filter struct {
	Scope     Scope
	Kind      Kind
	Category  string
	Locale    string // those of any language too
	Command   string // its beginning
	Search    string // part of name, command, description or body, in any width and case
	Archived  bool   // those that are put away instead of the others
	Order     Order
	PageToken string
	Limit     int // 1 to 200; 50 when 0
}

// Page is one page of prompts, without their bodies.
type Page struct {
	Items         []Prompt
	NextPageToken string // "" on the last page
}

// List returns the prompts that f selects among those the caller may read.
func (s *Service) List(ctx context.Context, f Filter) (Page, error) {
	who, err := s.reader(ctx)
	if err != nil {
		return Page{}, err
	}
	return s.prompts(ctx, s.db, who, f)
}

// Categories returns those that come with the program, and then those of the
// prompts that the caller may read, by name, each with how many there are.
func (s *Service) Categories(ctx context.Context) ([]Category, error) {
	who, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := s.categoryCounts(ctx, s.db, who)
	if err != nil {
		return nil, err
	}
	var list []Category
	for _, c := range builtinCategories {
		list = append(list, Category{c.id, map[string]string{LocaleJapanese: c.japanese, LocaleEnglish: c.english}, true, counts[c.id]})
		delete(counts, c.id)
	}
	delete(counts, "")
	own := len(list)
	for name, n := range counts {
		list = append(list, Category{name, map[string]string{LocaleJapanese: name, LocaleEnglish: name}, false, n})
	}
	slices.SortFunc(list[own:], func(a, b Category) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

// reader is whoever acts in ctx, if they may read prompts at all; what each of
// them is, the queries decide.
func (s *Service) reader(ctx context.Context) (access.Principal, error) {
	who, err := access.Require(ctx)
	if err != nil {
		return who, err
	}
	return who, access.Decide(who, access.PromptRead, access.Resource{Kind: access.KindPrompt, OwnerID: who.AccountID})
}

// stored returns t as the store gives it back.
func stored(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }
