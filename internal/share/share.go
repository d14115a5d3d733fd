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
	ExpiresAt      time.Time // zero: never
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Live reports whether others see what the owner goes on to say.
func (s Share) Live() bool { return s.LeafID == "" }

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
	now := s.now()
	sh := Share{ID: db.NewID(), ConversationID: c.ID, OwnerID: c.OwnerID, Everyone: d.Everyone, WithSystem: d.WithSystem, ExpiresAt: d.ExpiresAt, CreatedAt: now, UpdatedAt: now}
	if !d.Live {
		if c.Running {
			return Share{}, errs.New(errs.RunActive, "Share the conversation when the answer is complete.")
		}
		sh.LeafID, sh.Title = c.LeafID, c.Title
	}
	if err := s.check(sh); err != nil {
		return Share{}, err
	}
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := s.countOf(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		if n >= maxShares {
			return errs.Newf(errs.ResourceExceeded, "a conversation is shared at most %d times", maxShares).With("max", strconv.Itoa(maxShares))
		}
		if err := s.insert(ctx, tx, sh); err != nil {
			return err
		}
		if err := s.choose(ctx, tx, who, sh.ID, d.AccountIDs, d.GroupIDs); err != nil {
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

// choose replaces the people and groups of a share. Nobody can name a group
// they are not in, but administrators.
func (s *Service) choose(ctx context.Context, tx *db.Tx, who access.Principal, id string, accounts, groups []string) error {
	if len(accounts) > maxChosen || len(groups) > maxChosen {
		return errs.InField("accountIds", fmt.Sprintf("choose at most %d", maxChosen))
	}
	if err := s.clear(ctx, tx, id); err != nil {
		return err
	}
	for _, a := range unique(accounts) {
		ok, err := s.addAccount(ctx, tx, id, a)
		if err != nil {
			return err
		}
		if !ok {
			return errs.InField("accountIds", "there is no such person").With("account", a)
		}
	}
	for _, g := range unique(groups) {
		ok, err := s.addGroup(ctx, tx, who, id, g)
		if err != nil {
			return err
		}
		if !ok { // the same for a group that does not exist
			return errs.InField("groupIds", "you are not in one of the groups").With("group", g)
		}
	}
	return nil
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

// Share returns share id, for its owner with those who have seen it.
func (s *Service) Share(ctx context.Context, id string) (Share, []View, error) {
	who, sh, err := s.authorized(ctx, s.db, access.ShareRead, id)
	if err != nil {
		return Share{}, nil, err
	}
	if who.AccountID != sh.OwnerID { // with whom else is the owner's to know
		sh.People, sh.Groups = nil, nil
		return sh, nil, nil
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
			accounts, groups := ids(sh.People, func(p Person) string { return p.ID }), ids(sh.Groups, func(g Group) string { return g.ID })
			if ch.AccountIDs != nil {
				accounts = *ch.AccountIDs
			}
			if ch.GroupIDs != nil {
				groups = *ch.GroupIDs
			}
			if err := s.choose(ctx, tx, who, id, accounts, groups); err != nil {
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

// Messages returns messages of what is shared, from its end: the last ones, or
// those before the message named before. It is noted that the person saw it.
func (s *Service) Messages(ctx context.Context, id, before string, limit int) (Share, chat.MessagePage, error) {
	who, sh, err := s.authorized(ctx, s.db, access.ShareRead, id)
	if err != nil {
		return Share{}, chat.MessagePage{}, err
	}
	_, page, err := s.chat.ShownMessages(ctx, sh.shown(), before, limit)
	if err != nil || before != "" || who.AccountID == sh.OwnerID {
		return sh, page, err
	}
	return sh, page, s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		first, err := s.seen(ctx, tx, id, who.AccountID, s.now())
		if err != nil || !first {
			return err
		}
		return s.record(ctx, "share.view", sh)
	})
}

// File returns a file of what is shared.
func (s *Service) File(ctx context.Context, id, attachment string) (chat.Attachment, []byte, error) {
	_, sh, err := s.authorized(ctx, s.db, access.ShareRead, id)
	if err != nil {
		return chat.Attachment{}, nil, err
	}
	return s.chat.ShownFile(ctx, sh.shown(), attachment)
}

// Copy makes a conversation of the person's own out of what is shared. The
// instructions come along if they are wanted and the owner lets them.
func (s *Service) Copy(ctx context.Context, id string, withSystemPrompt bool) (chat.Conversation, error) {
	who, sh, err := s.authorized(ctx, s.db, access.ShareRead, id)
	if err != nil {
		return chat.Conversation{}, err
	}
	c, err := s.chat.TakeShown(ctx, sh.shown(), sh.Title, withSystemPrompt && (sh.WithSystem || who.AccountID == sh.OwnerID))
	if err != nil {
		return c, err
	}
	return c, s.record(ctx, "share.copy", sh)
}

func (s Share) shown() chat.Shown {
	return chat.Shown{OwnerID: s.OwnerID, ConversationID: s.ConversationID, LeafID: s.LeafID}
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
		r := access.Resource{
			Kind: access.KindShare, ID: id, OwnerID: sh.OwnerID, Reach: access.ReachGroups,
			AccountIDs: ids(sh.People, func(p Person) string { return p.ID }), GroupIDs: ids(sh.Groups, func(g Group) string { return g.ID }),
		}
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
