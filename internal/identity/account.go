package identity

import (
	"context"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// Account is a person as the installation knows them.
type Account struct {
	ID                 string
	Email              string // normalised
	Name               string
	Facts              access.Facts
	Valid              access.Span // when they may sign in at all
	Disabled           bool
	MustChangePassword bool // holds a temporary password
	Preferences        Preferences
	LastSignedInAt     time.Time // zero if never
	CreatedAt          time.Time
	UpdatedAt          time.Time
	May                []access.Action // what whoever asks for it may do to it, of accountActions
}

// accountActions are those that an interface has to know before it offers them.
var accountActions = []access.Action{access.AccountWrite, access.RoleAssign}

// seen returns a as whoever acts in ctx gets it.
func (s *Service) seen(ctx context.Context, a Account) (Account, error) {
	p, err := access.Require(ctx)
	if err != nil {
		return Account{}, err
	}
	chart, err := s.charts.Now(ctx)
	if err != nil {
		return Account{}, err
	}
	a.May = access.Permitted(p, chart.Resource(a.ID, a.Facts), accountActions...)
	return a, nil
}

// principal is who a is, now, in a session.
func (a Account) principal(chart *access.Chart, sessionID string) access.Principal {
	return chart.Fill(access.Principal{AccountID: a.ID, SessionID: sessionID, Locale: a.Preferences.Locale}, a.Facts)
}

// The actions of this package as the audit log names them.
const (
	auditSetupLink       = "setup.create_link"
	auditSetup           = "setup.complete"
	auditSignIn          = "session.sign_in"
	auditSignOut         = "session.sign_out"
	auditEndSession      = "session.end"
	auditEndSessions     = "session.end_all"
	auditAccountCreate   = "account.create"
	auditAccountUpdate   = "account.update"
	auditAccountDisable  = "account.disable"
	auditAccountEnable   = "account.enable"
	auditPasswordReset   = "account.reset_password"
	auditPasswordChange  = "account.change_password"
	auditPreferences     = "account.update_preferences"
	temporaryPasswordFor = 7 * 24 * time.Hour
	maxName              = 100 // characters
)

func accountResource(id string) audit.Resource {
	return audit.Resource{Kind: string(access.KindAccount), ID: id}
}

func sessionResource(id string) audit.Resource {
	return audit.Resource{Kind: string(access.KindSession), ID: id}
}

// self is the resource that a person's own account is.
func self(p access.Principal) access.Resource {
	return access.Resource{Kind: access.KindAccount, ID: p.AccountID, OwnerID: p.AccountID}
}

func authorizeSelf(ctx context.Context, a access.Action) (access.Principal, error) {
	p, err := access.Arrived(ctx)
	if err != nil {
		return access.Principal{}, err
	}
	return p, access.Decide(p, a, self(p))
}

// authorizeAccounts decides about accounts that no one has named yet.
func authorizeAccounts(ctx context.Context, a access.Action) (access.Principal, error) {
	return access.Authorize(ctx, a, access.Resource{Kind: access.KindAccount, Any: true})
}

// authorizeAccount decides about account id as it is now.
func (s *Service) authorizeAccount(ctx context.Context, a access.Action, id string) (access.Principal, error) {
	p, err := authorizeAccounts(ctx, a)
	if err != nil {
		return p, err
	}
	facts, err := access.FactsOf(ctx, s.db, id)
	if err != nil {
		return p, err
	}
	chart, err := s.charts.Now(ctx)
	if err != nil {
		return p, err
	}
	return p, access.Decide(p, a, chart.Resource(id, facts))
}

// NewAccount is what an administrator says of somebody who is to get in.
type NewAccount struct {
	Email    string
	Name     string
	Roles    []access.Held
	Posts    []access.Post
	GroupIDs []string
	Valid    access.Span // zero: always
}

// CreateAccount makes an account and returns it with its temporary password,
// which is shown this once, works for seven days and must be replaced at the
// first sign-in.
func (s *Service) CreateAccount(ctx context.Context, n NewAccount) (Account, string, error) {
	p, err := authorizeAccounts(ctx, access.AccountWrite)
	if err != nil {
		return Account{}, "", err
	}
	email, err := normalEmail(n.Email)
	if err != nil {
		return Account{}, "", err
	}
	name, err := label.Clean("name", n.Name, maxName)
	if err != nil {
		return Account{}, "", err
	}
	if n.Valid, err = validity(n.Valid); err != nil {
		return Account{}, "", err
	}
	about := access.Resource{Kind: access.KindAccount}
	for _, post := range n.Posts {
		about.UnitIDs = append(about.UnitIDs, post.UnitID)
	}
	if err := access.Decide(p, access.AccountWrite, about); err != nil {
		return Account{}, "", err
	}
	password, hash, err := s.temporary(ctx)
	if err != nil {
		return Account{}, "", err
	}
	now := stored(s.now())
	a := Account{
		ID: db.NewID(), Email: email, Name: name, Valid: n.Valid, MustChangePassword: true,
		Preferences: DefaultPreferences(), CreatedAt: now, UpdatedAt: now,
	}
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := insertAccount(ctx, tx, a, hash, now.Add(temporaryPasswordFor)); err != nil {
			return err
		}
		if len(n.Posts) > 0 {
			if err := s.units.FirstPosts(ctx, a.ID, n.Posts); err != nil {
				return err
			}
		}
		if len(n.Roles) > 0 {
			if err := s.roles.Assign(ctx, a.ID, n.Roles); err != nil {
				return err
			}
		}
		if len(n.GroupIDs) > 0 {
			if err := s.groups.SetGroupsOf(ctx, a.ID, n.GroupIDs); err != nil {
				return err
			}
		}
		if a, err = selectAccount(ctx, tx, a.ID); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{
			Action: auditAccountCreate, Resource: accountResource(a.ID),
			Details: map[string]string{"email": email, "name": name, "group_ids": strings.Join(a.Facts.GroupIDs, ",")},
		})
	})
	if err != nil {
		return Account{}, "", err
	}
	a, err = s.seen(ctx, a)
	return a, password, err
}

// validity returns when an account may sign in: always, unless something else is
// said.
func validity(v access.Span) (access.Span, error) {
	if v.EndsAt == 0 {
		v.EndsAt = access.Forever
	}
	if v.StartsAt < 0 || v.EndsAt <= v.StartsAt {
		return v, errs.InField("validUntil", "it would end before it begins")
	}
	return v, nil
}

func (s *Service) temporary(ctx context.Context) (password, hash string, err error) {
	if password, err = s.newTemporaryPassword(); err != nil {
		return "", "", err
	}
	if hash, err = s.passwords.hash(ctx, password); err != nil {
		return "", "", err
	}
	return password, hash, nil
}

// Status says whether an account may sign in.
type Status string

// The statuses.
const (
	StatusActive   Status = "active"
	StatusDisabled Status = "disabled"
)

// AccountFilter selects accounts. An empty field selects everything.
type AccountFilter struct {
	Search    string // part of the name or the e-mail, in any width and case
	RoleID    access.RoleID
	Status    Status
	GroupID   string
	UnitID    string // has a post there or below it
	Sort      Sort
	Backwards bool // the last of the order first
	PageToken string
	Limit     int // 1 to 200; 50 when 0
}

// Sort is the order of a list of accounts.
type Sort string

// The orders. Of those that are alike in one, the e-mail address decides.
const (
	SortEmail    Sort = "" // by e-mail address
	SortName     Sort = "name"
	SortLastSeen Sort = "last_signed_in" // those who never did are the first
)

// check refuses what is no filter; none is true for one that nothing can match.
func (f AccountFilter) check() (none bool, err error) {
	if f.Status != "" && f.Status != StatusActive && f.Status != StatusDisabled {
		return false, errs.InField("status", "this is not a status")
	}
	if f.Sort != SortEmail && f.Sort != SortName && f.Sort != SortLastSeen {
		return false, errs.InField("sort", "this is not an order")
	}
	return f.GroupID != "" && !label.IsID(f.GroupID) || f.UnitID != "" && !label.IsID(f.UnitID), nil
}

// AccountPage is one page of accounts.
type AccountPage struct {
	Items         []Account
	NextPageToken string // "" on the last page
	Matching      int    // that the filter selects; counted for the first page only
}

// AccountCounts says how many accounts there are.
type AccountCounts struct {
	Total          int
	Active         int
	Disabled       int
	Administrators int // active ones
}

// Accounts returns a page of the accounts that f selects.
func (s *Service) Accounts(ctx context.Context, f AccountFilter) (AccountPage, error) {
	p, err := authorizeAccounts(ctx, access.AccountRead)
	if err != nil {
		return AccountPage{}, err
	}
	if none, err := f.check(); err != nil || none {
		return AccountPage{Items: []Account{}}, err
	}
	chart, err := s.charts.Now(ctx)
	if err != nil {
		return AccountPage{}, err
	}
	page, err := selectAccounts(ctx, s.db, f, p, chart, s.now())
	for i, a := range page.Items {
		page.Items[i].May = access.Permitted(p, chart.Resource(a.ID, a.Facts), accountActions...)
	}
	if err != nil || f.PageToken != "" {
		return page, err
	}
	page.Matching = len(page.Items)
	if page.NextPageToken != "" {
		page.Matching, err = countAccounts(ctx, s.db, f, p, chart, s.now())
	}
	return page, err
}

// AccountCounts counts the accounts.
func (s *Service) AccountCounts(ctx context.Context) (AccountCounts, error) {
	p, err := authorizeAccounts(ctx, access.AccountRead)
	if err != nil {
		return AccountCounts{}, err
	}
	return selectAccountCounts(ctx, s.db, p, s.now())
}

// Account returns account id.
func (s *Service) Account(ctx context.Context, id string) (Account, error) {
	if _, err := s.authorizeAccount(ctx, access.AccountRead, id); err != nil {
		return Account{}, err
	}
	a, err := selectAccount(ctx, s.db, id)
	if err != nil {
		return Account{}, err
	}
	return s.seen(ctx, a)
}

// Self returns the account of the person who asks.
func (s *Service) Self(ctx context.Context) (Account, error) {
	p, err := authorizeSelf(ctx, access.AccountReadSelf)
	if err != nil {
		return Account{}, err
	}
	return selectAccount(ctx, s.db, p.AccountID)
}

// AccountChange holds what an administrator changes; nil leaves it as it is.
type AccountChange struct {
	Name     *string
	Roles    *[]access.Held
	Posts    *[]access.Post
	Disabled *bool
	GroupIDs *[]string
	Valid    *access.Span
}

// UpdateAccount changes account id and returns it. Disabling ends its sessions
// and streams, here and on the other nodes. The error has code
// LastAdministrator if nobody could administer any more afterwards.
func (s *Service) UpdateAccount(ctx context.Context, id string, c AccountChange) (Account, error) {
	if _, err := s.authorizeAccount(ctx, access.AccountWrite, id); err != nil {
		return Account{}, err
	}
	if c.Valid != nil {
		valid, err := validity(*c.Valid)
		if err != nil {
			return Account{}, err
		}
		c.Valid = &valid
	}
	if c.Name != nil {
		name, err := label.Clean("name", *c.Name, maxName)
		if err != nil {
			return Account{}, err
		}
		c.Name = &name
	}
	var after Account
	err := s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		before, err := selectAccount(ctx, tx, id)
		if err != nil {
			return err
		}
		if c.GroupIDs != nil { // leaves its own events
			if err := s.groups.SetGroupsOf(ctx, id, *c.GroupIDs); err != nil {
				return err
			}
		}
		if c.Posts != nil {
			if err := s.units.SetPosts(ctx, id, *c.Posts); err != nil {
				return err
			}
		}
		if c.Roles != nil {
			if err := s.roles.Assign(ctx, id, *c.Roles); err != nil {
				return err
			}
		}
		after = before
		action, details := auditAccountUpdate, map[string]string{}
		if c.Name != nil && *c.Name != before.Name {
			after.Name = *c.Name
			details["name_from"], details["name_to"] = before.Name, after.Name
		}
		if c.Valid != nil && *c.Valid != before.Valid {
			after.Valid = *c.Valid
			for key, t := range map[string]int64{
				"valid_from_before": before.Valid.StartsAt, "valid_from": after.Valid.StartsAt, "valid_until_before": before.Valid.EndsAt, "valid_until": after.Valid.EndsAt,
			} {
				details[key] = strconv.FormatInt(t, 10)
			}
		}
		if c.Disabled != nil && *c.Disabled != before.Disabled {
			after.Disabled = *c.Disabled
			if action = auditAccountEnable; after.Disabled {
				action = auditAccountDisable
				n, err := deleteSessions(ctx, tx, id, "")
				if err != nil {
					return err
				}
				details["sessions_ended"] = strconv.FormatInt(n, 10)
			}
		}
		if len(details) > 0 || action != auditAccountUpdate {
			after.UpdatedAt = stored(s.now())
			if err := updateAccount(ctx, tx, after); err != nil {
				return err
			}
			if err := s.audit.Record(ctx, audit.Event{Action: action, Resource: accountResource(id), Details: details}); err != nil {
				return err
			}
			if err := s.db.Publish(ctx, access.Changed, id); err != nil {
				return err
			}
		}
		if c.Roles != nil || c.Valid != nil || c.Disabled != nil {
			if err := s.mustKeepAdministrator(ctx, tx); err != nil {
				return err
			}
		}
		after, err = selectAccount(ctx, tx, id)
		return err
	})
	if err != nil {
		return Account{}, err
	}
	s.sessionsChanged(context.WithoutCancel(ctx), id)
	return s.seen(ctx, after)
}

// mustKeepAdministrator refuses a change after which no administrator could
// sign in, or none in a while. It is race-safe because transactions are serializable: of two that
// each remove the other's last colleague, one runs again and sees that.
func (s *Service) mustKeepAdministrator(ctx context.Context, tx *db.Tx) error {
	n, err := countAdministrators(ctx, tx, s.now())
	if err != nil {
		return err
	}
	if n == 0 {
		return errs.New(errs.LastAdministrator, "this would leave no administrator who can sign in")
	}
	return nil
}

// ResetPassword gives account id a temporary password, which is returned this
// once, and ends its sessions. One's own password is changed, not reset:
// otherwise a borrowed session would be enough to take an account over.
func (s *Service) ResetPassword(ctx context.Context, id string) (string, error) {
	p, err := s.authorizeAccount(ctx, access.AccountWrite, id)
	if err != nil {
		return "", err
	}
	if id == p.AccountID {
		return "", errs.New(errs.Forbidden, "change your own password in the settings")
	}
	password, hash, err := s.temporary(ctx)
	if err != nil {
		return "", err
	}
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := selectAccount(ctx, tx, id); err != nil {
			return err
		}
		now := s.now()
		if err := updatePassword(ctx, tx, id, hash, now.Add(temporaryPasswordFor), now); err != nil {
			return err
		}
		if err := s.mustKeepAdministrator(ctx, tx); err != nil {
			return err
		}
		n, err := deleteSessions(ctx, tx, id, "")
		if err != nil {
			return err
		}
		if err := s.db.Publish(ctx, access.Changed, id); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{
			Action: auditPasswordReset, Resource: accountResource(id),
			Details: map[string]string{"sessions_ended": strconv.FormatInt(n, 10)},
		})
	})
	if err != nil {
		return "", err
	}
	s.sessionsChanged(context.WithoutCancel(ctx), id)
	return password, nil
}

// Rename changes the name of the person who asks.
func (s *Service) Rename(ctx context.Context, name string) (Account, error) {
	p, err := authorizeSelf(ctx, access.AccountWriteSelf)
	if err != nil {
		return Account{}, err
	}
	if name, err = label.Clean("name", name, maxName); err != nil {
		return Account{}, err
	}
	var a Account
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if a, err = selectAccount(ctx, tx, p.AccountID); err != nil || a.Name == name {
			return err
		}
		details := map[string]string{"name_from": a.Name, "name_to": name}
		a.Name, a.UpdatedAt = name, stored(s.now())
		if err := updateAccount(ctx, tx, a); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{Action: auditAccountUpdate, Resource: accountResource(a.ID), Details: details})
	})
	if err != nil {
		return Account{}, err
	}
	return a, nil
}
