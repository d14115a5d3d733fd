package identity

import (
	"context"
	"iter"
	"slices"
	"strconv"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// Act is what is done to many accounts at once.
type Act string

// The acts.
const (
	ActDisable         Act = "disable"
	ActEnable          Act = "enable"
	ActEndSessions     Act = "end_sessions"
	ActAddToGroup      Act = "add_to_group"
	ActRemoveFromGroup Act = "remove_from_group"
)

const (
	// maxBulk bounds the accounts of one order.
	maxBulk = 20000
	// bulkStep is how many accounts share a transaction: enough that its commit
	// costs little, few enough that others are not kept waiting.
	bulkStep = 50

	auditAccountExport = "account.export"
)

// Bulk is one act on many accounts: on those named, or on all that the filter
// selects.
type Bulk struct {
	Act        Act
	GroupID    string // of the acts that have one
	AccountIDs []string
	Filter     *AccountFilter // instead of AccountIDs
}

// BulkReport says what became of each.
type BulkReport struct {
	Done   int
	Failed []BulkFailure
}

// BulkFailure is an account that stayed as it was, and why.
type BulkFailure struct {
	AccountID string
	Name      string // "" of one that whoever asks cannot see
	Email     string
	Err       error
}

// ActOn does one act on many accounts. Each is done or fails for itself; what
// was done stays. The error has code NotFound if there is no such group.
func (s *Service) ActOn(ctx context.Context, b Bulk) (BulkReport, error) {
	p, err := authorizeAccounts(ctx, access.AccountRead)
	if err != nil {
		return BulkReport{}, err
	}
	var apply func(ctx context.Context, id string) error
	var together func(ctx context.Context, ids []string) error // all or none, where that is quicker
	yes, no := true, false
	switch b.Act {
	case ActDisable, ActEnable, ActEndSessions:
		if _, err := authorizeAccounts(ctx, access.AccountWrite); err != nil {
			return BulkReport{}, err
		}
		apply = map[Act]func(context.Context, string) error{
			ActDisable: func(ctx context.Context, id string) error {
				_, err := s.UpdateAccount(ctx, id, AccountChange{Disabled: &yes})
				return err
			},
			ActEnable: func(ctx context.Context, id string) error {
				_, err := s.UpdateAccount(ctx, id, AccountChange{Disabled: &no})
				return err
			},
			ActEndSessions: func(ctx context.Context, id string) error {
				_, err := s.EndAccountSessions(ctx, id)
				return err
			},
		}[b.Act]
	case ActAddToGroup, ActRemoveFromGroup:
		group, err := s.groups.Group(ctx, b.GroupID)
		if err != nil {
			return BulkReport{}, err
		}
		change := s.groups.AddMembers
		if b.Act == ActRemoveFromGroup {
			change = s.groups.RemoveMembers
		}
		if err := change(ctx, group.ID); err != nil { // whether it can be done at all
			return BulkReport{}, err
		}
		apply = func(ctx context.Context, id string) error { return change(ctx, group.ID, id) }
		together = func(ctx context.Context, ids []string) error { return change(ctx, group.ID, ids...) }
	default:
		return BulkReport{}, errs.InField("act", "this is not an act")
	}
	about, err := s.meant(ctx, b)
	if err != nil {
		return BulkReport{}, err
	}
	var report BulkReport
	for step := range slices.Chunk(about, bulkStep) {
		var failed []BulkFailure
		err := s.db.Transact(ctx, func(ctx context.Context, _ *db.Tx) error {
			failed = nil
			if together != nil && !slices.ContainsFunc(step, func(one BulkFailure) bool { return one.Err != nil }) && together(ctx, idsOf(step)) == nil {
				return nil
			}
			for _, one := range step {
				err := one.Err
				if err == nil && one.AccountID == p.AccountID && (b.Act == ActDisable || b.Act == ActEndSessions) {
					err = errs.New(errs.Conflict, "this is your own account").With("reason", "yourself")
				}
				if err == nil {
					err = apply(ctx, one.AccountID)
				}
				if err != nil && (ctx.Err() != nil || errs.CodeOf(err) == errs.Internal) {
					return err
				} else if err != nil {
					one.Err = err
					failed = append(failed, one)
				}
			}
			return nil
		})
		if err != nil {
			return report, err
		}
		report.Done += len(step) - len(failed)
		report.Failed = append(report.Failed, failed...)
		for _, one := range step { // what a transaction ended counts from its end
			s.sessionsChanged(context.WithoutCancel(ctx), one.AccountID)
		}
	}
	return report, nil
}

func idsOf(about []BulkFailure) []string {
	ids := make([]string, len(about))
	for i, one := range about {
		ids[i] = one.AccountID
	}
	return ids
}

// meant returns the accounts of an order; one that there is not for whoever
// asks has failed already.
func (s *Service) meant(ctx context.Context, b Bulk) ([]BulkFailure, error) {
	var about []BulkFailure
	if b.Filter == nil {
		if len(b.AccountIDs) > maxBulk {
			return nil, tooManyAtOnce("accountIds")
		}
		for _, id := range slices.Compact(slices.Sorted(slices.Values(b.AccountIDs))) {
			a, err := s.Account(ctx, id)
			if err != nil && errs.CodeOf(err) != errs.NotFound {
				return nil, err
			}
			about = append(about, BulkFailure{id, a.Name, a.Email, err})
		}
		return about, nil
	}
	for a, err := range s.every(ctx, *b.Filter) {
		if err != nil {
			return nil, err
		}
		if about = append(about, BulkFailure{AccountID: a.ID, Name: a.Name, Email: a.Email}); len(about) > maxBulk {
			return nil, tooManyAtOnce("filter")
		}
	}
	return about, nil
}

func tooManyAtOnce(field string) error {
	err := errs.Newf(errs.TooLarge, "these are more than %d accounts at once", maxBulk)
	err.Field = field
	return err
}

// every returns all accounts that f selects, read as they are asked for.
func (s *Service) every(ctx context.Context, f AccountFilter) iter.Seq2[Account, error] {
	f.PageToken, f.Limit = "", maxLimit
	return func(yield func(Account, error) bool) {
		for {
			page, err := s.Accounts(ctx, f)
			if err != nil {
				yield(Account{}, err)
				return
			}
			for _, a := range page.Items {
				if !yield(a, nil) {
					return
				}
			}
			if f.PageToken = page.NextPageToken; f.PageToken == "" {
				return
			}
		}
	}
}

// ExportAccounts returns all accounts that f selects, read as they are asked
// for, and records that they were taken out.
func (s *Service) ExportAccounts(ctx context.Context, f AccountFilter) (iter.Seq2[Account, error], error) {
	if _, err := authorizeAccounts(ctx, access.AccountRead); err != nil {
		return nil, err
	}
	if _, err := f.check(); err != nil {
		return nil, err
	}
	details := map[string]string{"searched": strconv.FormatBool(f.Search != "")}
	for key, value := range map[string]string{"role_id": string(f.RoleID), "status": string(f.Status), "group_id": f.GroupID, "unit_id": f.UnitID} {
		if value != "" {
			details[key] = value
		}
	}
	if err := s.audit.Record(ctx, audit.Event{Action: auditAccountExport, Resource: accountResource(""), Details: details}); err != nil {
		return nil, err
	}
	return s.every(ctx, f), nil
}
