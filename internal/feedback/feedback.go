// Package feedback keeps what people think of answers, and shows it to
// administrators: rating, reasons, comment, model, person and time; question
// and answer only where the person shares them.
package feedback

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/chat"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// Rating is whether an answer was of use.
type Rating string

// The ratings.
const (
	Good Rating = "good"
	Bad  Rating = "bad"
)

// Reason says why, in a word.
type Reason string

// reasons are those that fit each rating.
var reasons = map[Rating][]Reason{
	Good: {"accurate", "helpful", "well_written", "other"},
	Bad:  {"inaccurate", "outdated", "incomplete", "ignored_instructions", "unclear", "harmful", "refused", "other"},
}

// Feedback is what a person thinks of an answer.
type Feedback struct {
	Rating       Rating
	Reasons      []Reason // sorted
	Comment      string
	ShareContent bool // administrators may read question and answer
	UpdatedAt    time.Time
}

const maxComment = 2000 // characters

func (f Feedback) clean() (Feedback, error) {
	fitting, ok := reasons[f.Rating]
	if !ok {
		return f, errs.InField("rating", "a rating is good or bad")
	}
	f.Reasons = slices.Compact(slices.Sorted(slices.Values(f.Reasons)))
	for _, r := range f.Reasons {
		if !slices.Contains(fitting, r) {
			return f, errs.InField("reasons", "this is no reason for the rating")
		}
	}
	f.Comment = strings.TrimSpace(strings.ReplaceAll(f.Comment, "\r\n", "\n"))
	if !utf8.ValidString(f.Comment) || strings.ContainsRune(f.Comment, 0) {
		return f, errs.InField("comment", "this holds a character that cannot be stored")
	}
	if utf8.RuneCountInString(f.Comment) > maxComment {
		return f, errs.InField("comment", fmt.Sprintf("this has more than %d characters", maxComment)).With("max", fmt.Sprint(maxComment))
	}
	return f, nil
}

// Answers tells whose an answer is and what was said. The error of Exchange
// has code NotFound if there is no such answer (any more).
type Answers interface {
	Exchange(ctx context.Context, messageID string) (chat.Exchange, error)
}

// Service keeps feedback.
type Service struct {
	store
	audit   *audit.Log
	answers Answers
	now     func() time.Time
}

// New returns the feedback kept in d. now is the clock.
func New(d *db.DB, record *audit.Log, answers Answers, now func() time.Time) *Service {
	return &Service{store{d}, record, answers, now}
}

// The actions on feedback as the audit log names them.
const (
	auditGive     = "feedback.give"
	auditWithdraw = "feedback.withdraw"
	auditExport   = "feedback.export"
)

// Give stores what the caller thinks of an answer in a conversation of theirs,
// in place of what they thought before.
func (s *Service) Give(ctx context.Context, messageID string, f Feedback) (Feedback, error) {
	who, about, err := s.own(ctx, messageID)
	if err != nil {
		return Feedback{}, err
	}
	if f, err = f.clean(); err != nil {
		return Feedback{}, err
	}
	if about.Status == chat.StatusRunning {
		return Feedback{}, errs.New(errs.RunActive, "this answer is still being written")
	}
	f.UpdatedAt = time.UnixMilli(s.now().UnixMilli()).UTC()
	return f, s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.put(ctx, tx, who.AccountID, about, f); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{Action: auditGive, Resource: resource(messageID), Details: map[string]string{
			"rating": string(f.Rating), "reasons": joined(f.Reasons), "share_content": fmt.Sprint(f.ShareContent),
			"model_id": about.ModelID, "conversation_id": about.ConversationID,
		}})
	})
}

// Bring stores what the caller thought of answers that came from elsewhere, by
// their ids here, when they thought it. What they shared with administrators
// there is not shared with those here, and reasons that are unknown here are
// left out. It is part of what brings the answers, which records itself.
func (s *Service) Bring(ctx context.Context, given map[string]Feedback) error {
	return s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		for _, id := range slices.Sorted(maps.Keys(given)) {
			who, about, err := s.own(ctx, id)
			if err != nil {
				return err
			}
			f := given[id]
			f.ShareContent = false
			f.Reasons = slices.DeleteFunc(slices.Clone(f.Reasons), func(r Reason) bool { return !slices.Contains(reasons[f.Rating], r) })
			f.Comment = label.Clip(strings.ReplaceAll(strings.ToValidUTF8(f.Comment, ""), "\x00", ""), maxComment)
			if f, err = f.clean(); err != nil {
				return err
			}
			if f.UpdatedAt.IsZero() || f.UpdatedAt.After(s.now()) {
				f.UpdatedAt = s.now()
			}
			if err := s.put(ctx, tx, who.AccountID, about, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// Withdraw forgets what the caller thinks of an answer.
func (s *Service) Withdraw(ctx context.Context, messageID string) error {
	who, _, err := s.own(ctx, messageID)
	if err != nil {
		return err
	}
	return s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		withdrawn, err := s.remove(ctx, tx, who.AccountID, messageID)
		if err != nil || !withdrawn {
			return err
		}
		return s.audit.Record(ctx, audit.Event{Action: auditWithdraw, Resource: resource(messageID)})
	})
}

func resource(id string) audit.Resource {
	return audit.Resource{Kind: string(access.KindFeedback), ID: id}
}

// own returns the answer if it is in a conversation of the caller's.
func (s *Service) own(ctx context.Context, messageID string) (access.Principal, chat.Exchange, error) {
	who, err := access.Require(ctx)
	if err != nil {
		return who, chat.Exchange{}, err
	}
	// First whether the caller may at all, then whose it is.
	if err := access.Decide(who, access.FeedbackWrite, access.Resource{Kind: access.KindFeedback, OwnerID: who.AccountID}); err != nil {
		return who, chat.Exchange{}, err
	}
	about, err := s.answers.Exchange(ctx, messageID)
	if err != nil && errs.CodeOf(err) != errs.NotFound {
		return who, about, err
	}
	return who, about, access.Decide(who, access.FeedbackWrite, access.Resource{Kind: access.KindFeedback, ID: messageID, OwnerID: about.OwnerID})
}

// Mine is all that the caller thinks of answers, the oldest first, of deleted
// ones too.
func (s *Service) Mine(ctx context.Context) ([]Own, error) {
	who, err := access.Authorize(ctx, access.FeedbackWrite, access.Resource{Kind: access.KindFeedback, OwnerID: callerID(ctx)})
	if err != nil {
		return nil, err
	}
	return s.ofAccount(ctx, s.db, who.AccountID)
}

// Own is feedback as its person has it.
type Own struct {
	Feedback
	MessageID      string
	ConversationID string
	ModelName      string
}

// Of returns the caller's own feedback on messages, by their ids.
func (s *Service) Of(ctx context.Context, messageIDs []string) (map[string]Feedback, error) {
	who, err := access.Authorize(ctx, access.FeedbackWrite, access.Resource{Kind: access.KindFeedback, OwnerID: callerID(ctx)})
	if err != nil || len(messageIDs) == 0 {
		return nil, err
	}
	return s.of(ctx, s.db, who.AccountID, messageIDs)
}

func callerID(ctx context.Context) string {
	who, _ := access.From(ctx)
	return who.AccountID
}

// Entry is feedback as an administrator sees it.
type Entry struct {
	Feedback
	MessageID   string
	AccountID   string
	PersonName  string
	PersonEmail string
	ModelID     string
	ModelName   string
	// Question and answer are there while their owner shares them and has not
	// deleted them.
	Question string
	Answer   string
}

// Filter selects entries. An empty field selects everything.
type Filter struct {
	Rating    Rating
	Reason    Reason
	ModelID   string
	From, To  time.Time // From is included, To is not
	Text      string    // part of the comment, in any width and case
	PageToken string
	Limit     int // 1 to 200; 50 when 0
}

// Page is one page of entries.
type Page struct {
	Items         []Entry // the newest first
	NextPageToken string  // "" on the last page
}

// List returns the feedback that f selects.
func (s *Service) List(ctx context.Context, f Filter) (Page, error) {
	if _, err := access.Authorize(ctx, access.FeedbackRead, access.Resource{Kind: access.KindFeedback}); err != nil {
		return Page{}, err
	}
	return s.page(ctx, f)
}

// page reads a page and what its people share.
func (s *Service) page(ctx context.Context, f Filter) (Page, error) {
	page, err := s.entries(ctx, s.db, f)
	if err != nil {
		return Page{}, err
	}
	for i, e := range page.Items {
		if !e.ShareContent {
			continue
		}
		about, err := s.answers.Exchange(ctx, e.MessageID)
		if errs.CodeOf(err) == errs.NotFound {
			continue // deleted: sharing ends with it
		} else if err != nil {
			return Page{}, err
		}
		page.Items[i].Question, page.Items[i].Answer = about.Question, about.Answer
	}
	return page, nil
}

// Export returns all feedback that f selects, read as it is asked for, and
// records that it was taken out.
func (s *Service) Export(ctx context.Context, f Filter, format string) (iter.Seq2[Entry, error], error) {
	if _, err := access.Authorize(ctx, access.FeedbackRead, access.Resource{Kind: access.KindFeedback}); err != nil {
		return nil, err
	}
	details := map[string]string{"format": format, "rating": string(f.Rating), "reason": string(f.Reason), "model_id": f.ModelID}
	for name, at := range map[string]time.Time{"from": f.From, "to": f.To} {
		if !at.IsZero() {
			details[name] = at.UTC().Format(time.RFC3339)
		}
	}
	if err := s.audit.Record(ctx, audit.Event{Action: auditExport, Resource: resource(""), Details: details}); err != nil {
		return nil, err
	}
	f.PageToken, f.Limit = "", maxLimit
	return func(yield func(Entry, error) bool) {
		for {
			page, err := s.page(ctx, f)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range page.Items {
				if !yield(e, nil) {
					return
				}
			}
			if f.PageToken = page.NextPageToken; f.PageToken == "" {
				return
			}
		}
	}, nil
}
