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
	Role               access.Role
	Disabled           bool
	MustChangePassword bool // holds a temporary password
	GroupIDs           []string
	Preferences        Preferences
	LastSignedInAt     time.Time // zero if never
	CreatedAt          time.Time
	UpdatedAt          time.Time
}

func (a Account) principal(sessionID string) access.Principal {
	return access.Principal{
		AccountID: a.ID, Role: a.Role, GroupIDs: a.GroupIDs, SessionID: sessionID, Locale: a.Preferences.Locale,
	}
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

func authorizeAccount(ctx context.Context, a access.Action, id string) (access.Principal, error) {
	return access.Authorize(ctx, a, access.Resource{Kind: access.KindAccount, ID: id, OwnerID: id})
}

// NewAccount is what an administrator says of somebody who is to get in.
type NewAccount struct {
	Email    string
	Name     string
	Role     access.Role
	GroupIDs []string
}

// CreateAccount makes an account and returns it with its temporary password,
// which is shown this once, works for seven days and must be replaced at the
// first sign-in.
func (s *Service) CreateAccount(ctx context.Context, n NewAccount) (Account, string, error) {
	if _, err := authorizeAccount(ctx, access.AccountWrite, ""); err != nil {
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
	if !n.Role.Valid() {
		return Account{}, "", errs.InField("role", "this is not a role")
	}
	password, hash, err := s.temporary(ctx)
	if err != nil {
		return Account{}, "", err
	}
	now := stored(s.now())
	a := Account{
		ID: db.NewID(), Email: email, Name: name, Role: n.Role, MustChangePassword: true,
		Preferences: DefaultPreferences(), CreatedAt: now, UpdatedAt: now,
	}
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := insertAccount(ctx, tx, a, hash, now.Add(temporaryPasswordFor)); err != nil {
			return err
		}
		if err := s.groups.SetGroupsOf(ctx, a.ID, n.GroupIDs); err != nil {
			return err
		}
		if a.GroupIDs, err = s.groups.GroupIDs(ctx, a.ID); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{
			Action: auditAccountCreate, Resource: accountResource(a.ID),
			Details: map[string]string{"email": email, "name": name, "role": string(n.Role), "group_ids": strings.Join(a.GroupIDs, ",")},
		})
	})
	if err != nil {
		return Account{}, "", err
	}
	return a, password, nil
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
	Role      access.Role
	Status    Status
	GroupID   string
	PageToken string
	Limit     int // 1 to 200; 50 when 0
}

// AccountPage is one page of accounts.
type AccountPage struct {
	Items         []Account
	NextPageToken string // "" on the last page
}

// AccountCounts says how many accounts there are.
type AccountCounts struct {
	Total          int
	Active         int
	Disabled       int
	Administrators int // active ones
}

// Accounts returns the accounts that f selects, by e-mail address.
func (s *Service) Accounts(ctx context.Context, f AccountFilter) (AccountPage, error) {
	if _, err := authorizeAccount(ctx, access.AccountRead, ""); err != nil {
		return AccountPage{}, err
	}
	switch {
	case f.Role != "" && !f.Role.Valid():
		return AccountPage{}, errs.InField("role", "this is not a role")
	case f.Status != "" && f.Status != StatusActive && f.Status != StatusDisabled:
		return AccountPage{}, errs.InField("status", "this is not a status")
	case f.GroupID != "" && !label.IsID(f.GroupID):
		return AccountPage{Items: []Account{}}, nil
	}
	return selectAccounts(ctx, s.db, f)
}

// AccountCounts counts the accounts.
func (s *Service) AccountCounts(ctx context.Context) (AccountCounts, error) {
	if _, err := authorizeAccount(ctx, access.AccountRead, ""); err != nil {
		return AccountCounts{}, err
	}
	return selectAccountCounts(ctx, s.db)
}

// Account returns account id.
func (s *Service) Account(ctx context.Context, id string) (Account, error) {
	if _, err := authorizeAccount(ctx, access.AccountRead, id); err != nil {
		return Account{}, err
	}
	return selectAccount(ctx, s.db, id)
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
	Role     *access.Role
	Disabled *bool
	GroupIDs *[]string
}

// UpdateAccount changes account id and returns it. Disabling ends its sessions
// and streams, here and on the other nodes. The error has code
// LastAdministrator if nobody could administer any more afterwards.
func (s *Service) UpdateAccount(ctx context.Context, id string, c AccountChange) (Account, error) {
	if _, err := authorizeAccount(ctx, access.AccountWrite, id); err != nil {
		return Account{}, err
	}
	if c.Role != nil && !c.Role.Valid() {
		return Account{}, errs.InField("role", "this is not a role")
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
		after = before
		action, details := auditAccountUpdate, map[string]string{}
		if c.Name != nil && *c.Name != before.Name {
			after.Name = *c.Name
			details["name_from"], details["name_to"] = before.Name, after.Name
		}
		if c.Role != nil && *c.Role != before.Role {
			after.Role = *c.Role
			details["role_from"], details["role_to"] = string(before.Role), string(after.Role)
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
			if after.Role != before.Role || after.Disabled != before.Disabled {
				if err := mustKeepAdministrator(ctx, tx); err != nil {
					return err
				}
			}
			if err := s.audit.Record(ctx, audit.Event{Action: action, Resource: accountResource(id), Details: details}); err != nil {
				return err
			}
			if err := s.db.Publish(ctx, access.Changed, id); err != nil {
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
	return after, nil
}

// mustKeepAdministrator refuses a change after which no administrator could
// sign in. It is race-safe because transactions are serializable: of two that
// each remove the other's last colleague, one runs again and sees that.
func mustKeepAdministrator(ctx context.Context, tx *db.Tx) error {
	n, err := countAdministrators(ctx, tx)
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
	p, err := authorizeAccount(ctx, access.AccountWrite, id)
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
		if err := mustKeepAdministrator(ctx, tx); err != nil {
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
