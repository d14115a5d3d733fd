// Package share lets people show a conversation to others in the organisation:
// to those they choose or to everyone who is signed in, as it is now or as it
// goes on, for a time or until they take it back. Others see one branch and
// change nothing; they may make a copy of their own.
package share

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/chat"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// Share is a conversation that its owner shows to others.
type Share struct {
	ID             string
	ConversationID string
	OwnerID        string
	OwnerName      string
	Title          string // as it was, of a snapshot; otherwise as it is
	LeafID         string // of a snapshot: the end of the branch as it was; "" while it is live
	Everyone       bool   // who is signed in
	WithSystem     bool   // the instructions may be copied too
	People         []Person
	Groups         []Group
	Viewers        int64     // who have seen it
	ExpiresAt      time.Time // zero: never
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Live reports whether others see what the owner goes on to say.
func (sh Share) Live() bool { return sh.LeafID == "" }

// Listed is a share in a list: with whom it is shared is told by a few names.
type Listed struct {
	Share           // without People and Groups
	Names  []string // of groups, then of people
	Chosen int      // groups and people
	SeenAt time.Time
}

// Page is a part of a list and the token of the next part, "" at the end.
type Page struct {
	Items []Listed
	Next  string
}

// Scope says which shares a list has.
type Scope string

// The scopes of a list.
const (
	ScopeMine   Scope = "mine"   // what the person shares
	ScopeShared Scope = "shared" // what others share with the person, and what of that which is for everyone they have opened
)

// Person is somebody to share with: no more of them than their colleagues know.
type Person struct {
	ID     string
	Name   string
	Groups []string // their names
}

// Group is a group to share with.
type Group struct{ ID, Name string }

// View says when somebody has seen what is shared.
type View struct {
	AccountID, Name string
	FirstAt, LastAt time.Time
	Count           int64
}

// Draft is what a person wants to share.
type Draft struct {
	Live       bool
	Everyone   bool
	WithSystem bool
	AccountIDs []string
	GroupIDs   []string
	ExpiresAt  time.Time
}

// Change is what a person changes of a share; nil stays as it is.
type Change struct {
	Everyone   *bool
	WithSystem *bool
	AccountIDs *[]string
	GroupIDs   *[]string
	ExpiresAt  *time.Time // zero: never
}

const (
	maxShares = 100 // of one conversation
	maxChosen = 500 // people or groups of one share

	defaultLimit = 50
	maxLimit     = 200

	// One visit is what is looked at without a longer pause than a visit's, and
	// is noted no more often than every glance: a page that is left open asks
	// again and again.
	visit  = 30 * time.Minute
	glance = time.Minute
)

// Service keeps the shares.
type Service struct {
	store
	chat  *chat.Service
	audit *audit.Log
	now   func() time.Time
}

// New returns the shares kept in d of the conversations of c.
func New(d *db.DB, c *chat.Service, record *audit.Log, now func() time.Time) *Service {
	return &Service{store{d}, c, record, now}
}

func (s *Service) record(ctx context.Context, action string, sh Share) error {
	return s.audit.Record(ctx, audit.Event{
		Action: action, Resource: audit.Resource{Kind: string(access.KindShare), ID: sh.ID},
		Details: map[string]string{
			"conversation_id": sh.ConversationID, "owner_id": sh.OwnerID, "live": strconv.FormatBool(sh.Live()), "everyone": strconv.FormatBool(sh.Everyone),
			"people": strconv.Itoa(len(sh.People)), "groups": strconv.Itoa(len(sh.Groups)),
		},
	})
}

// Create shares a conversation of the person's.
func (s *Service) Create(ctx context.Context, conversation string, d Draft) (Share, error) {
	c, err := s.chat.Conversation(ctx, conversation)
	if err != nil {
		return Share{}, err
	}
	who, err := access.Authorize(ctx, access.ShareCreate, access.Resource{Kind: access.KindShare, OwnerID: c.OwnerID})
	if err != nil {
		return Share{}, err
	}
	var kept chat.Kept
	now := s.now()
	sh := Share{ID: db.NewID(), ConversationID: c.ID, OwnerID: c.OwnerID, Everyone: d.Everyone, WithSystem: d.WithSystem, ExpiresAt: d.ExpiresAt, CreatedAt: now, UpdatedAt: now}
	if !d.Live {
		shown, title, err := s.chat.Keep(ctx, c.ID)
		if err != nil {
			return Share{}, err
		}
		sh.LeafID, sh.Title, kept = shown.LeafID, title, shown.Kept
	}
	if err := s.check(sh); err != nil {
		return Share{}, err
	}
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := s.countOf(ctx, tx, c.ID, now)
		if err != nil {
			return err
		}
		if n >= maxShares {
			return errs.Newf(errs.ResourceExceeded, "a conversation is shared at most %d times", maxShares).With("max", strconv.Itoa(maxShares))
		}
		if err := s.insert(ctx, tx, sh, kept); err != nil {
			return err
		}
		if err := s.choose(ctx, tx, who, sh, d.AccountIDs, d.GroupIDs); err != nil {
			return err
		}
		if sh, err = s.share(ctx, tx, sh.ID, now); err != nil {
			return err
		}
		return s.record(ctx, "share.create", sh)
	})
	return sh, err
}

func (s *Service) check(sh Share) error {
	if !sh.ExpiresAt.IsZero() && !sh.ExpiresAt.After(s.now()) {
		return errs.InField("expiresAt", "this time has passed")
	}
	return nil
}

// choose replaces the people and groups of a share, which names those so far.
// Nobody can name a group they are not in, but administrators; who is chosen
// already may stay, also when their account was disabled or the owner left the
// group since.
func (s *Service) choose(ctx context.Context, tx *db.Tx, who access.Principal, sh Share, accounts, groups []string) error {
	for field, list := range map[string][]string{"accountIds": accounts, "groupIds": groups} {
		if len(list) > maxChosen {
			return errs.InField(field, fmt.Sprintf("choose at most %d", maxChosen))
		}
	}
	people, departments := chosen(sh)
	for _, a := range unique(accounts) {
		if slices.Contains(people, a) {
			continue
		}
		ok, err := s.addAccount(ctx, tx, sh.ID, a)
		if err != nil {
			return err
		}
		if !ok {
			return errs.InField("accountIds", "there is no such person").With("account", a)
		}
	}
	for _, g := range unique(groups) {
		if slices.Contains(departments, g) {
			continue
		}
		ok, err := s.addGroup(ctx, tx, who, sh.ID, g)
		if err != nil {
			return err
		}
		if !ok { // the same for a group that does not exist
			return errs.InField("groupIds", "you are not in one of the groups").With("group", g)
		}
	}
	without := func(all, kept []string) []string {
		return slices.DeleteFunc(all, func(id string) bool { return slices.Contains(kept, id) })
	}
	return s.removeChosen(ctx, tx, sh.ID, without(people, accounts), without(departments, groups))
}

// chosen returns the ids of the people and groups of a share.
func chosen(sh Share) (people, groups []string) {
	return ids(sh.People, func(p Person) string { return p.ID }), ids(sh.Groups, func(g Group) string { return g.ID })
}

func unique(in []string) []string { return slices.Compact(slices.Sorted(slices.Values(in))) }

// List returns the shares of a conversation of the person's.
func (s *Service) List(ctx context.Context, conversation string) ([]Share, error) {
	c, err := s.chat.Conversation(ctx, conversation)
	if err != nil {
		return nil, err
	}
	return s.sharesOf(ctx, s.db, c.ID, s.now())
}

// Among returns which of a page of the person's conversations are shared now.
func (s *Service) Among(ctx context.Context, conversations []string) (map[string]bool, error) {
	who, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.among(ctx, s.db, who.AccountID, conversations, s.now())
	shared := make(map[string]bool, len(list))
	for _, id := range list {
		shared[id] = true
	}
	return shared, err
}

// Lists returns the shares that have not ended, newest first: the person's, or
// those of others.
func (s *Service) Lists(ctx context.Context, scope Scope, token string, limit int) (Page, error) {
	who, err := access.Require(ctx)
	if err != nil {
		return Page{}, err
	}
	if err := access.Decide(who, access.ShareRead, access.Resource{Kind: access.KindShare, OwnerID: who.AccountID}); err != nil {
		return Page{}, err
	}
	if token != "" && !label.IsID(token) {
		return Page{}, errs.InField("pageToken", "this is not a page token that this list gave")
	}
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	page := Page{}
	if page.Items, err = s.list(ctx, s.db, scope, who, token, limit+1, s.now()); err != nil {
		return Page{}, err
	}
	if len(page.Items) > limit {
		page.Items = page.Items[:limit]
		page.Next = page.Items[limit-1].ID
	}
	return page, s.name(ctx, s.db, page.Items)
}

// Share returns share id, for its owner with those who have seen it.
func (s *Service) Share(ctx context.Context, id string) (Share, []View, error) {
	who, sh, err := s.authorized(ctx, s.db, access.ShareRead, id)
	if err != nil {
		return Share{}, nil, err
	}
	if who.AccountID != sh.OwnerID { // with whom else is the owner's to know
		return sh.toOthers(), nil, nil
	}
	views, err := s.views(ctx, s.db, id)
	return sh, views, err
}

// Update changes with whom, how long and how share id is shared.
func (s *Service) Update(ctx context.Context, id string, ch Change) (Share, error) {
	var after Share
	err := s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		who, sh, err := s.authorized(ctx, tx, access.ShareWrite, id)
		if err != nil {
			return err
		}
		if ch.Everyone != nil {
			sh.Everyone = *ch.Everyone
		}
		if ch.WithSystem != nil {
			sh.WithSystem = *ch.WithSystem
		}
		if ch.ExpiresAt != nil {
			sh.ExpiresAt = *ch.ExpiresAt
			if err := s.check(sh); err != nil {
				return err
			}
		}
		sh.UpdatedAt = s.now()
		if err := s.update(ctx, tx, sh); err != nil {
			return err
		}
		if ch.AccountIDs != nil || ch.GroupIDs != nil {
			accounts, groups := chosen(sh)
			if ch.AccountIDs != nil {
				accounts = *ch.AccountIDs
			}
			if ch.GroupIDs != nil {
				groups = *ch.GroupIDs
			}
			if err := s.choose(ctx, tx, who, sh, accounts, groups); err != nil {
				return err
			}
		}
		if after, err = s.share(ctx, tx, id, s.now()); err != nil {
			return err
		}
		return s.record(ctx, "share.update", after)
	})
	return after, err
}

func ids[T any](in []T, id func(T) string) []string {
	var out []string
	for _, v := range in {
		out = append(out, id(v))
	}
	return out
}

// Revoke ends share id at once.
func (s *Service) Revoke(ctx context.Context, id string) error {
	return s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, sh, err := s.authorized(ctx, tx, access.ShareWrite, id)
		if err != nil {
			return err
		}
		if err := s.revoke(ctx, tx, id, s.now()); err != nil {
			return err
		}
		return s.record(ctx, "share.revoke", sh)
	})
}

// toOthers is the share without what only its owner is to know: with whom else
// it is shared, and how many have seen it.
func (sh Share) toOthers() Share {
	sh.People, sh.Groups, sh.Viewers = nil, nil, 0
	return sh
}

// Messages returns messages of what is shared, from its end: the last ones, or
// those before the message named before. It is noted that the person saw it.
func (s *Service) Messages(ctx context.Context, id, before string, limit int) (Share, chat.MessagePage, error) {
	who, sh, shown, err := s.shown(ctx, id)
	if err != nil {
		return Share{}, chat.MessagePage{}, err
	}
	page, err := s.chat.ShownMessages(ctx, shown, before, limit)
	if err != nil || who.AccountID == sh.OwnerID {
		return sh, page, err
	}
	if before == "" {
		err = s.see(ctx, who, sh)
	}
	return sh.toOthers(), page, err
}

// see notes that a person has seen a share, the first time also in the record.
func (s *Service) see(ctx context.Context, who access.Principal, sh Share) error {
	now := s.now()
	last, err := s.lastSeen(ctx, s.db, sh.ID, who.AccountID)
	if err != nil || now.Sub(last) < glance {
		return err
	}
	return s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		first, err := s.seen(ctx, tx, sh.ID, who.AccountID, now)
		if err != nil || !first {
			return err
		}
		return s.record(ctx, "share.view", sh)
	})
}

// File returns a file of what is shared.
func (s *Service) File(ctx context.Context, id, attachment string) (chat.Attachment, []byte, error) {
	_, _, shown, err := s.shown(ctx, id)
	if err != nil {
		return chat.Attachment{}, nil, err
	}
	return s.chat.ShownFile(ctx, shown, attachment)
}

// Copy makes a conversation of the person's own out of what is shared. The
// instructions come along if they are wanted and the owner lets them.
func (s *Service) Copy(ctx context.Context, id string, withSystemPrompt bool) (chat.Conversation, error) {
	who, sh, shown, err := s.shown(ctx, id)
	if err != nil {
		return chat.Conversation{}, err
	}
	c, err := s.chat.TakeShown(ctx, shown, sh.Title, withSystemPrompt && (sh.WithSystem || who.AccountID == sh.OwnerID))
	if err != nil {
		return c, err
	}
	return c, s.record(ctx, "share.copy", sh)
}

// shown returns share id, for whoever may read it, with what it shows.
func (s *Service) shown(ctx context.Context, id string) (access.Principal, Share, chat.Shown, error) {
	who, sh, err := s.authorized(ctx, s.db, access.ShareRead, id)
	if err != nil {
		return who, Share{}, chat.Shown{}, err
	}
	shown := chat.Shown{OwnerID: sh.OwnerID, ConversationID: sh.ConversationID, LeafID: sh.LeafID}
	if !sh.Live() {
		shown.Kept, err = s.kept(ctx, s.db, id)
	}
	return who, sh, shown, err
}

// People finds those to share with by a part of their name, and the groups that
// the person may share with.
func (s *Service) People(ctx context.Context, search string) ([]Person, []Group, error) {
	who, err := access.Require(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := access.Decide(who, access.ShareCreate, access.Resource{Kind: access.KindShare, OwnerID: who.AccountID}); err != nil {
		return nil, nil, err
	}
	people, err := s.people(ctx, who, search)
	if err != nil {
		return nil, nil, err
	}
	groups, err := s.groups(ctx, who, search)
	return people, groups, err
}

// authorized returns share id if whoever acts in ctx may do a to it. To everyone
// else it is absent, and so is one that has ended.
func (s *Service) authorized(ctx context.Context, q db.Queryer, a access.Action, id string) (access.Principal, Share, error) {
	who, err := access.Require(ctx)
	if err != nil {
		return who, Share{}, err
	}
	sh, err := s.share(ctx, q, id, s.now())
	if err == nil {
		r := access.Resource{Kind: access.KindShare, ID: id, OwnerID: sh.OwnerID, Reach: access.ReachGroups}
		r.AccountIDs, r.GroupIDs = chosen(sh)
		if sh.Everyone {
			r.Reach = access.ReachEveryone
		}
		err = access.Decide(who, a, r)
	}
	if errs.CodeOf(err) == errs.NotFound {
		err = errs.New(errs.NotFound, "There is no such share.")
	}
	if err != nil {
		return who, Share{}, err
	}
	return who, sh, nil
}
