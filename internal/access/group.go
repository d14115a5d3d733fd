package access

import (
	"context"
	"fmt"
	"regexp"
	"slices"
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
	Rule      *Rule // who is in it by what they are; nil: its members are chosen one by one
	Members   int   // accounts in it
	CreatedAt time.Time
	UpdatedAt time.Time
}

// The actions on groups as the audit log names them.
const (
	auditGroupCreate       = "group.create"
	auditGroupRename       = "group.rename"
	auditGroupRule         = "group.set_rule"
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
	db     *db.DB
	audit  *audit.Log
	charts *Charts
	now    func() time.Time
}

// NewGroups returns the groups kept in d. now is the clock.
func NewGroups(d *db.DB, record *audit.Log, charts *Charts, now func() time.Time) *Groups {
	return &Groups{db: d, audit: record, charts: charts, now: now}
}

// Create makes a group, whose members are chosen one by one if rule is nil. The
// error has code Conflict if one of that name exists.
func (g *Groups) Create(ctx context.Context, name string, rule *Rule) (Group, error) {
	if _, err := Authorize(ctx, GroupWrite, Resource{Kind: KindGroup}); err != nil {
		return Group{}, err
	}
	name, err := label.Clean("name", name, maxGroupName)
	if err != nil {
		return Group{}, err
	}
	if rule, err = g.cleanRule(ctx, rule); err != nil {
		return Group{}, err
	}
	now := g.now()
	group := Group{ID: db.NewID(), Name: name, Rule: rule, CreatedAt: stored(now), UpdatedAt: stored(now)}
	err = g.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := insertGroup(ctx, tx, group); err != nil {
			return err
		}
		if rule != nil {
			if err := touch(ctx, tx); err != nil {
				return err
			}
		}
		return g.audit.Record(ctx, audit.Event{
			Action: auditGroupCreate, Resource: groupResource(group.ID), Details: map[string]string{"name": name, "rule": ruleText(rule)},
		})
	})
	if err != nil {
		return Group{}, err
	}
	return g.counted(ctx, group)
}

// SetRule changes who is in group id by what they are. A group keeps its kind:
// one with a rule has one, and one whose members are chosen has none.
func (g *Groups) SetRule(ctx context.Context, id string, rule Rule) (Group, error) {
	if _, err := Authorize(ctx, GroupWrite, Resource{Kind: KindGroup, ID: id}); err != nil {
		return Group{}, err
	}
	clean, err := g.cleanRule(ctx, &rule)
	if err != nil {
		return Group{}, err
	}
	var group Group
	err = g.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		before, err := selectGroup(ctx, tx, id)
		if err != nil {
			return err
		}
		if before.Rule == nil {
			return hasNoRule()
		}
		const update = `UPDATE groups SET rule = $1, updated_at = $2 WHERE id = $3`
		if _, err := tx.ExecContext(ctx, update, ruleText(clean), g.now().UnixMilli(), id); err != nil {
			return fmt.Errorf("set the rule of group %s: %w", id, err)
		}
		if group, err = selectGroup(ctx, tx, id); err != nil {
			return err
		}
		if err := touch(ctx, tx); err != nil {
			return err
		}
		return g.audit.Record(ctx, audit.Event{
			Action: auditGroupRule, Resource: groupResource(id), Details: map[string]string{"rule_from": ruleText(before.Rule), "rule": ruleText(clean)},
		})
	})
	if err != nil {
		return Group{}, err
	}
	return g.counted(ctx, group)
}

// Preview counts who would be in a group with a rule, now. Nothing changes.
func (g *Groups) Preview(ctx context.Context, rule Rule) (int, error) {
	if _, err := Authorize(ctx, GroupWrite, Resource{Kind: KindGroup}); err != nil {
		return 0, err
	}
	clean, err := g.cleanRule(ctx, &rule)
	if err != nil {
		return 0, err
	}
	chart, err := g.charts.Now(ctx)
	if err != nil {
		return 0, err
	}
	var where db.Conditions
	chart.fitting(&where, *clean)
	var n int
	if err := g.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM accounts a`+where.Where(), where.Args()...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count whom a rule fits: %w", err)
	}
	return n, nil
}

func hasNoRule() error {
	return errs.New(errs.Conflict, "the members of this group are chosen one by one").With("reason", "group_without_rule")
}

func hasRule() error {
	return errs.New(errs.Conflict, "the members of this group follow from its rule").With("reason", "group_with_rule")
}

const maxRule = 200 // units, titles or domains of one rule

var domainName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

// cleanRule returns a rule as it is stored.
func (g *Groups) cleanRule(ctx context.Context, rule *Rule) (*Rule, error) {
	if rule == nil {
		return nil, nil
	}
	clean := &Rule{UnitIDs: sortedSet(rule.UnitIDs), Below: rule.Below, Titles: sortedSet(rule.Titles), EmailDomains: sortedSet(rule.EmailDomains)}
	if n := len(clean.UnitIDs) + len(clean.Titles) + len(clean.EmailDomains); n == 0 {
		return nil, errs.InField("rule", "say at least one thing about who is in it")
	} else if n > maxRule {
		return nil, errs.InField("rule", "these are too many")
	}
	for _, id := range clean.UnitIDs {
		if err := hasUnit(ctx, g.db, id); errs.CodeOf(err) == errs.NotFound {
			return nil, errs.InField("rule.unitIds", "there is no such unit")
		} else if err != nil {
			return nil, err
		}
	}
	for i, title := range clean.Titles {
		var err error
		if clean.Titles[i], err = label.Clean("rule.titles", title, maxTitle); err != nil {
			return nil, err
		}
	}
	for _, domain := range clean.EmailDomains {
		if !domainName.MatchString(domain) {
			return nil, errs.InField("rule.emailDomains", "this is not the domain of an e-mail address: "+domain)
		}
	}
	return clean, nil
}

func sortedSet(list []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

func ruleText(rule *Rule) string {
	if rule == nil {
		return ""
	}
	return encode(rule)
}

// counted returns a group with how many members it has now.
func (g *Groups) counted(ctx context.Context, group Group) (Group, error) {
	if group.Rule == nil {
		return group, nil
	}
	chart, err := g.charts.Now(ctx)
	if err != nil {
		return Group{}, err
	}
	var where db.Conditions
	chart.InGroup(&where, group.ID)
	if err := g.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM accounts a`+where.Where(), where.Args()...).Scan(&group.Members); err != nil {
		return Group{}, fmt.Errorf("count who is in group %s: %w", group.ID, err)
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
		if err := touch(ctx, tx); err != nil { // of its rule, and of the features it was given
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
	group, err := selectGroup(ctx, g.db, id)
	if err != nil {
		return Group{}, err
	}
	return g.counted(ctx, group)
}

// Named returns the group that is called name, or has it as its id.
func (g *Groups) Named(ctx context.Context, name string) (Group, error) {
	if _, err := Authorize(ctx, GroupRead, Resource{Kind: KindGroup, Any: true}); err != nil {
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
	if _, err := Authorize(ctx, GroupRead, Resource{Kind: KindGroup, Any: true}); err != nil {
		return GroupPage{}, err
	}
	page, err := selectGroups(ctx, g.db, f)
	for i := 0; err == nil && i < len(page.Items); i++ {
		page.Items[i], err = g.counted(ctx, page.Items[i])
	}
	return page, err
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
		if group, err := selectGroup(ctx, tx, id); err != nil {
			return err
		} else if group.Rule != nil {
			return hasRule()
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
		if group, err := selectGroup(ctx, tx, id); err != nil {
			return err
		} else if group.Rule != nil {
			return hasRule()
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
			if group, err := selectGroup(ctx, tx, id); err != nil {
				return err
			} else if group.Rule != nil {
				return hasRule()
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
	return selectGroupsNamed(ctx, g.db, p.GroupIDs)
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
