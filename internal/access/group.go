package access

import (
	"context"
	"time"

	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// Group is a named set of accounts that models and other things are given to.
type Group struct {
	ID        string
	Name      string
	Members   int // accounts in it
	CreatedAt time.Time
	UpdatedAt time.Time
}

// The actions on groups as the audit log names them.
const (
	auditGroupCreate       = "group.create"
	auditGroupRename       = "group.rename"
	auditGroupDelete       = "group.delete"
	auditGroupAddMember    = "group.add_member"
	auditGroupRemoveMember = "group.remove_member"
)

const (
	maxGroupName  = 100  // characters
	maxMembership = 1000 // accounts or groups in one call
)

// Changed is the channel (db.Subscribe) on which the id of an account is
// published when its rights changed: its groups, role or state. Readers that
// hold something open on the account's behalf look again.
const Changed = "accounts"

// Groups keeps the groups and who is in them.
type Groups struct {
	db    *db.DB
	audit *audit.Log
	now   func() time.Time
}

// NewGroups returns the groups kept in d. now is the clock.
func NewGroups(d *db.DB, record *audit.Log, now func() time.Time) *Groups {
	return &Groups{db: d, audit: record, now: now}
}

// Create makes a group. The error has code Conflict if one of that name exists.
func (g *Groups) Create(ctx context.Context, name string) (Group, error) {
	if _, err := Authorize(ctx, GroupWrite, Resource{Kind: KindGroup}); err != nil {
		return Group{}, err
	}
	name, err := label.Clean("name", name, maxGroupName)
	if err != nil {
		return Group{}, err
	}
	now := g.now()
	group := Group{ID: db.NewID(), Name: name, CreatedAt: stored(now), UpdatedAt: stored(now)}
	err = g.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := insertGroup(ctx, tx, group); err != nil {
			return err
		}
		return g.audit.Record(ctx, audit.Event{
			Action: auditGroupCreate, Resource: groupResource(group.ID), Details: map[string]string{"name": name},
		})
	})
	if err != nil {
		return Group{}, err
	}
	return group, nil
}

// Rename changes the name of group id.
func (g *Groups) Rename(ctx context.Context, id, name string) (Group, error) {
	if _, err := Authorize(ctx, GroupWrite, Resource{Kind: KindGroup, ID: id}); err != nil {
		return Group{}, err
	}
	name, err := label.Clean("name", name, maxGroupName)
	if err != nil {
		return Group{}, err
	}
	var group Group
	err = g.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		before, err := selectGroup(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := updateGroup(ctx, tx, id, name, g.now()); err != nil {
			return err
		}
		if group, err = selectGroup(ctx, tx, id); err != nil {
			return err
		}
		return g.audit.Record(ctx, audit.Event{
			Action: auditGroupRename, Resource: groupResource(id),
			Details: map[string]string{"from": before.Name, "to": name},
		})
	})
	return group, err
}

// Delete removes group id; its members stay. Whatever was given to the group
// alone is then given to nobody.
func (g *Groups) Delete(ctx context.Context, id string) error {
	if _, err := Authorize(ctx, GroupWrite, Resource{Kind: KindGroup, ID: id}); err != nil {
		return err
	}
	return g.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		group, err := selectGroup(ctx, tx, id)
		if err != nil {
			return err
		}
		members, err := deleteGroup(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, member := range members {
			if err := g.db.Publish(ctx, Changed, member); err != nil {
				return err
			}
		}
		return g.audit.Record(ctx, audit.Event{
			Action: auditGroupDelete, Resource: groupResource(id), Details: map[string]string{"name": group.Name},
		})
	})
}

// Group returns group id.
func (g *Groups) Group(ctx context.Context, id string) (Group, error) {
	if _, err := Authorize(ctx, GroupRead, Resource{Kind: KindGroup, ID: id}); err != nil {
		return Group{}, err
	}
	return selectGroup(ctx, g.db, id)
}

// Named returns the group that is called name, or has it as its id.
func (g *Groups) Named(ctx context.Context, name string) (Group, error) {
	if _, err := Authorize(ctx, GroupRead, Resource{Kind: KindGroup}); err != nil {
		return Group{}, err
	}
	return selectGroupNamed(ctx, g.db, name)
}

// GroupFilter selects groups. An empty field selects everything.
type GroupFilter struct {
	Search    string // part of the name, in any width and case
	PageToken string
	Limit     int // 1 to 200; 50 when 0
}

// GroupPage is one page of groups.
type GroupPage struct {
	Items         []Group
	NextPageToken string // "" on the last page
}

// List returns the groups that f selects, by name, with how many members each
// has.
func (g *Groups) List(ctx context.Context, f GroupFilter) (GroupPage, error) {
	if _, err := Authorize(ctx, GroupRead, Resource{Kind: KindGroup}); err != nil {
		return GroupPage{}, err
	}
	return selectGroups(ctx, g.db, f)
}

// AddMembers puts accounts into group id. One that is in it already stays.
// The error has code NotFound, and nothing changes, if the group or one of the
// accounts does not exist.
func (g *Groups) AddMembers(ctx context.Context, id string, accountIDs ...string) error {
	if _, err := Authorize(ctx, GroupWrite, Resource{Kind: KindGroup, ID: id}); err != nil {
		return err
	}
	if len(accountIDs) > maxMembership {
		return errs.InField("accountIds", "these are too many at once")
	}
	return g.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := selectGroup(ctx, tx, id); err != nil {
			return err
		}
		for _, account := range accountIDs {
			if err := g.join(ctx, tx, id, account); err != nil {
				return err
			}
		}
		return nil
	})
}

// RemoveMembers takes accounts out of group id. One that is not in it is
// passed over.
func (g *Groups) RemoveMembers(ctx context.Context, id string, accountIDs ...string) error {
	if _, err := Authorize(ctx, GroupWrite, Resource{Kind: KindGroup, ID: id}); err != nil {
		return err
	}
	if len(accountIDs) > maxMembership {
		return errs.InField("accountIds", "these are too many at once")
	}
	return g.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := selectGroup(ctx, tx, id); err != nil {
			return err
		}
		for _, account := range accountIDs {
			if err := g.leave(ctx, tx, id, account); err != nil {
				return err
			}
		}
		return nil
	})
}

// SetGroupsOf makes groupIDs the groups of an account, within the transaction
// of ctx if it has one. The error has code NotFound, and nothing changes, if
// the account or one of the groups does not exist.
func (g *Groups) SetGroupsOf(ctx context.Context, accountID string, groupIDs []string) error {
	if _, err := Authorize(ctx, GroupWrite, Resource{Kind: KindGroup}); err != nil {
		return err
	}
	if len(groupIDs) > maxMembership {
		return errs.InField("groupIds", "these are too many at once")
	}
	return g.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		have, err := selectGroupIDs(ctx, tx, accountID)
		if err != nil {
			return err
		}
		want := make(map[string]bool, len(groupIDs))
		for _, id := range groupIDs {
			want[id] = true
		}
		for _, id := range have {
			if want[id] {
				delete(want, id)
			} else if err := g.leave(ctx, tx, id, accountID); err != nil {
				return err
			}
		}
		for _, id := range groupIDs {
			if !want[id] {
				continue
			}
			delete(want, id)
			if _, err := selectGroup(ctx, tx, id); err != nil {
				return err
			}
			if err := g.join(ctx, tx, id, accountID); err != nil {
				return err
			}
		}
		return nil
	})
}

// Mine returns the groups of whoever asks, by name.
func (g *Groups) Mine(ctx context.Context) ([]Group, error) {
	p, err := Require(ctx)
	if err != nil {
		return nil, err
	}
	if err := Decide(p, AccountReadSelf, Resource{Kind: KindAccount, ID: p.AccountID, OwnerID: p.AccountID}); err != nil {
		return nil, err
	}
	return selectGroupsOf(ctx, g.db, p.AccountID)
}

// GroupIDs returns the sorted ids of the groups an account is in.
func (g *Groups) GroupIDs(ctx context.Context, accountID string) ([]string, error) {
	return selectGroupIDs(ctx, g.db, accountID)
}

func (g *Groups) join(ctx context.Context, tx *db.Tx, groupID, accountID string) error {
	joined, err := insertMember(ctx, tx, groupID, accountID, g.now())
	if err != nil || !joined {
		return err
	}
	return g.recordMembership(ctx, auditGroupAddMember, groupID, accountID)
}

func (g *Groups) leave(ctx context.Context, tx *db.Tx, groupID, accountID string) error {
	left, err := deleteMember(ctx, tx, groupID, accountID)
	if err != nil || !left {
		return err
	}
	return g.recordMembership(ctx, auditGroupRemoveMember, groupID, accountID)
}

func (g *Groups) recordMembership(ctx context.Context, action, groupID, accountID string) error {
	if err := g.db.Publish(ctx, Changed, accountID); err != nil {
		return err
	}
	return g.audit.Record(ctx, audit.Event{
		Action: action, Resource: groupResource(groupID), Details: map[string]string{"account_id": accountID},
	})
}

func groupResource(id string) audit.Resource {
	return audit.Resource{Kind: string(KindGroup), ID: id}
}

// stored returns t as the store gives it back.
func stored(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }
