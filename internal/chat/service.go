package chat

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Invoker is the one way to a model.
type Invoker interface {
	Stream(ctx context.Context, c model.Call) iter.Seq2[model.Event, error]
}

// Models tells which models a person may use.
type Models interface {
	Offer(ctx context.Context, id string) (model.Offer, error)
	Offers(ctx context.Context) ([]model.Offer, error)
}

// Options are what a Service is made of.
type Options struct {
	DB                 *db.DB
	Invoker            Invoker
	Models             Models
	Audit              *audit.Log
	Log                *slog.Logger
	Now                func() time.Time
	NodeID             string        // of this process, new at each start
	FlushEvery         time.Duration // how much of an answer a crash may lose
	MaxAttachmentBytes int64
}

// Service keeps conversations and runs their turns. Every method takes the
// person from the context.
type Service struct {
	store
	invoker   Invoker
	models    Models
	audit     *audit.Log
	log       *slog.Logger
	now       func() time.Time
	node      string
	started   time.Time
	every     time.Duration
	maxUpload int64
	hub       hub

	mu       sync.Mutex
	live     map[string]*running // by run id
	draining bool
	runs     sync.WaitGroup // running runs
	side     sync.WaitGroup // titles in the making
	stopSide chan struct{}  // closed to end them
}

// running is a run of this process and the way to end it.
type running struct {
	*live
	cancel context.CancelCauseFunc
}

// New returns a service. Call Recover before the first request and keep Run
// running.
func New(o Options) *Service {
	return &Service{
		store: store{o.DB}, invoker: o.Invoker, models: o.Models, audit: o.Audit, log: o.Log, now: o.Now,
		node: o.NodeID, started: o.Now(), every: o.FlushEvery, maxUpload: o.MaxAttachmentBytes,
		hub:      hub{people: make(map[string]map[chan ChangeEvent]struct{}), runs: make(map[string]map[chan struct{}]struct{})},
		live:     make(map[string]*running),
		stopSide: make(chan struct{}),
	}
}

// Bounds of what a person may send.
const (
	maxTextBytes    = 4 << 20 // of one message; the model's context is the real bound
	maxSystemBytes  = 200_000
	maxTitleRunes   = 200
	maxAttachments  = 20
	maxClientID     = 100
	maxListed       = 100
	firstWordsRunes = 40
)

// NewConversation is a conversation about to begin with its first turn.
type NewConversation struct {
	ModelID      string // "": the person's first model
	Parameters   *model.Parameters
	SystemPrompt string
	Turn         Turn
}

// Change is what a person may change of a conversation; nil stays as it is.
type Change struct {
	Title        *string
	ModelID      *string
	SystemPrompt *string
	Parameters   *model.Parameters
}

// Create stores a conversation with its first message and starts the answer. A
// second call with the same Turn.ClientID returns what the first one made.
func (s *Service) Create(ctx context.Context, n NewConversation) (Started, error) {
	p, err := s.authorize(ctx, access.ConversationCreate)
	if err != nil {
		return Started{}, err
	}
	turn, err := n.Turn.clean()
	if err != nil {
		return Started{}, err
	}
	if first, ok, err := s.createdBefore(ctx, p.AccountID, turn.ClientID); err != nil || ok {
		return first, err
	}
	now := s.now()
	c := Conversation{
		ID: db.NewID(), OwnerID: p.AccountID, Title: firstWords(turn.Text), TitleSource: TitleFirstWords,
		ModelID: n.ModelID, CreatedAt: now, ActiveAt: now,
	}
	if c, err = change(c, Change{SystemPrompt: &n.SystemPrompt, Parameters: n.Parameters}); err != nil {
		return Started{}, err
	}
	offer, err := s.offer(ctx, c.ModelID)
	if err != nil {
		return Started{}, err
	}
	c.ModelID = offer.ID
	started, err := s.begin(ctx, &c, turn, offer, true)
	if db.IsUniqueViolation(err) { // the same send, at the same moment
		first, ok, again := s.createdBefore(ctx, p.AccountID, turn.ClientID)
		if again == nil && ok {
			return first, nil
		}
	}
	return started, err
}

// Send stores a message in a conversation and starts the answer. ch changes the
// conversation's choices for this and the following turns.
func (s *Service) Send(ctx context.Context, id string, turn Turn, ch Change) (Started, error) {
	c, err := s.own(ctx, id, access.ConversationWrite)
	if err != nil {
		return Started{}, err
	}
	if turn, err = turn.clean(); err != nil {
		return Started{}, err
	}
	if m, ok, err := s.sentBefore(ctx, s.db, id, turn.ClientID); err != nil {
		return Started{}, err
	} else if ok {
		return s.startedWith(ctx, c, m)
	}
	ch.Title = nil
	if c, err = change(c, ch); err != nil {
		return Started{}, err
	}
	offer, err := s.offer(ctx, c.ModelID)
	if err != nil {
		return Started{}, err
	}
	return s.begin(ctx, &c, turn, offer, false)
}

// begin stores question and answer-to-be in one transaction and starts the run.
// Two sends to one conversation meet at its row, and at the key that lets it
// have one run.
func (s *Service) begin(ctx context.Context, c *Conversation, turn Turn, offer model.Offer, fresh bool) (Started, error) {
	if err := s.accepting(); err != nil {
		return Started{}, err
	}
	now := s.now()
	user := Message{
		ConversationID: c.ID, Role: model.RoleUser, Status: StatusComplete,
		CreatedAt: now, FinishedAt: now,
	}
	answer := Message{
		ConversationID: c.ID, Role: model.RoleAssistant, Status: StatusRunning,
		ModelID: offer.ID, ModelName: offer.DisplayName, Parts: []Part{}, CreatedAt: now,
	}
	run := Run{ConversationID: c.ID, OwnerID: c.OwnerID, NodeID: s.node, State: StatusRunning, StartedAt: now}
	err := s.db.TransactByKey(ctx, func(ctx context.Context, tx *db.Tx) error {
		user.ID, answer.ID, run.ID = db.NewID(), db.NewID(), db.NewID()
		var err error
		if fresh {
			err = s.insertConversation(ctx, tx, *c)
			if err == nil && turn.ClientID != "" {
				err = s.rememberCreation(ctx, tx, c.OwnerID, turn.ClientID, c.ID)
			}
		} else {
			err = s.updateConversation(ctx, tx, *c)
		}
		if err != nil {
			return err
		}
		if !fresh {
			if user.ParentID, err = s.lastMessage(ctx, tx, c.OwnerID, c.ID); err != nil {
				return err
			}
		}
		if user.Parts, err = s.sentParts(ctx, tx, c.OwnerID, turn, offer.Capabilities); err != nil {
			return err
		}
		if err := s.insertMessage(ctx, tx, &user, turn.ClientID); err != nil {
			return err
		}
		if err := s.claimAttachments(ctx, tx, c.OwnerID, user.ID, turn.AttachmentIDs); err != nil {
			return err
		}
		answer.ParentID, run.MessageID = user.ID, answer.ID
		if err := s.insertMessage(ctx, tx, &answer, ""); err != nil {
			return err
		}
		return s.insertRun(ctx, tx, run)
	})
	if err != nil {
		return Started{}, err
	}
	answer.RunID, c.RunID, c.ActiveAt = run.ID, run.ID, now
	s.launch(ctx, *c, run, answer, launchAnswer)
	return Started{Conversation: *c, User: &user, Assistant: answer, RunID: run.ID}, nil
}

// Continue lets the last answer go on where it was cut, stopped, interrupted or
// broken off. The error has code NothingToResume if it is complete.
func (s *Service) Continue(ctx context.Context, id string) (Started, error) {
	return s.again(ctx, id, launchContinue)
}

// Retry asks again for the last answer, which failed before it said anything.
func (s *Service) Retry(ctx context.Context, id string) (Started, error) {
	return s.again(ctx, id, launchAnswer)
}

func (s *Service) again(ctx context.Context, id string, how launchKind) (Started, error) {
	c, err := s.own(ctx, id, access.ConversationWrite)
	if err != nil {
		return Started{}, err
	}
	if err := s.accepting(); err != nil {
		return Started{}, err
	}
	last, err := s.messages(ctx, s.db, c.OwnerID, id, math.MaxInt64, 1)
	if err != nil {
		return Started{}, err
	}
	if len(last) == 0 || last[0].Role != model.RoleAssistant {
		return Started{}, errs.New(errs.NothingToResume, "There is no answer to go on with.")
	}
	answer := last[0]
	switch {
	case answer.Status == StatusRunning:
		return Started{}, errs.New(errs.RunActive, "This conversation is already being answered.")
	case answer.Status == StatusComplete && answer.StopReason != model.StopLength:
		return Started{}, errs.New(errs.NothingToResume, "The last answer is complete.")
	}
	said := answer.text() != ""
	if how == launchAnswer && said {
		return Started{}, errs.New(errs.NothingToResume, "The last answer has begun; let it go on instead.")
	}
	if !said { // nothing to go on from: begin anew
		how = launchAnswer
		answer.Parts = []Part{}
	}
	offer, err := s.offer(ctx, c.ModelID)
	if err != nil {
		return Started{}, err
	}
	now := s.now()
	run := Run{ConversationID: c.ID, MessageID: answer.ID, OwnerID: c.OwnerID, NodeID: s.node, State: StatusRunning, StartedAt: now}
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		run.ID = db.NewID()
		if err := s.insertRun(ctx, tx, run); err != nil {
			return err
		}
		return s.reopenMessage(ctx, tx, answer, offer.ID, offer.DisplayName, now)
	})
	if err != nil {
		return Started{}, err
	}
	answer.Status, answer.StopReason, answer.Failure, answer.FinishedAt = StatusRunning, "", nil, time.Time{}
	answer.ModelID, answer.ModelName, answer.RunID = offer.ID, offer.DisplayName, run.ID
	c.RunID, c.ActiveAt = run.ID, now
	s.launch(ctx, c, run, answer, how)
	return Started{Conversation: c, Assistant: answer, RunID: run.ID}, nil
}

// List returns the person's conversations, latest activity first.
func (s *Service) List(ctx context.Context, token string, limit int) (Page[Conversation], error) {
	p, err := s.authorize(ctx, access.ConversationCreate)
	if err != nil {
		return Page[Conversation]{}, err
	}
	active, id := int64(math.MaxInt64), ""
	if token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		at, rest, ok := strings.Cut(string(raw), "|")
		n, perr := strconv.ParseInt(at, 10, 64)
		if err != nil || !ok || perr != nil {
			return Page[Conversation]{}, errs.InField("pageToken", "this is not a page token that this list gave")
		}
		active, id = n, rest
	}
	limit = bounded(limit, 30)
	items, err := s.conversations(ctx, p.AccountID, active, id, limit+1)
	if err != nil {
		return Page[Conversation]{}, err
	}
	page := Page[Conversation]{Items: items}
	if len(items) > limit {
		page.Items = items[:limit]
		last := page.Items[limit-1]
		page.Next = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d|%s", last.ActiveAt.UnixMilli(), last.ID))
	}
	return page, nil
}

// Conversation returns the person's conversation id.
func (s *Service) Conversation(ctx context.Context, id string) (Conversation, error) {
	return s.own(ctx, id, access.ConversationRead)
}

// Update changes a conversation's title and choices.
func (s *Service) Update(ctx context.Context, id string, ch Change) (Conversation, error) {
	c, err := s.own(ctx, id, access.ConversationWrite)
	if err != nil {
		return Conversation{}, err
	}
	if c, err = change(c, ch); err != nil {
		return Conversation{}, err
	}
	if ch.ModelID != nil {
		if _, err := s.models.Offer(ctx, *ch.ModelID); err != nil {
			return Conversation{}, err
		}
	}
	if err := s.updateConversation(ctx, s.db, c); err != nil {
		return Conversation{}, err
	}
	s.announce(ctx, c.OwnerID, ChangeEvent{Type: ChangeConversation, ConversationID: c.ID})
	return c, nil
}

// Delete removes a conversation with its messages, and its files unless they
// are used elsewhere. A running answer is stopped first.
func (s *Service) Delete(ctx context.Context, id string) error {
	c, err := s.own(ctx, id, access.ConversationDelete)
	if err != nil {
		return err
	}
	if c.RunID != "" {
		s.endHere(c.RunID, errDeleted)
		if err := s.requestStop(ctx, c.OwnerID, c.RunID); err != nil {
			return err
		}
	}
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.deleteConversation(ctx, tx, c.OwnerID, id); err != nil {
			return err
		}
		if err := s.deleteUnusedBlobs(ctx, tx); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{
			Action:   string(access.ConversationDelete),
			Resource: audit.Resource{Kind: string(access.KindConversation), ID: id}, Outcome: audit.Success,
		})
	})
	if err != nil {
		return err
	}
	s.announce(ctx, c.OwnerID, ChangeEvent{Type: ChangeDeleted, ConversationID: id})
	return nil
}

// Messages returns messages of a conversation, oldest first; Next is the token
// of those before them. Messages that are being written stand as far as the
// store knows them: readers follow their run for the rest.
func (s *Service) Messages(ctx context.Context, id, before string, limit int) (Page[Message], error) {
	c, err := s.own(ctx, id, access.ConversationRead)
	if err != nil {
		return Page[Message]{}, err
	}
	position := int64(math.MaxInt64)
	if before != "" {
		if position, err = strconv.ParseInt(before, 10, 64); err != nil || position < 1 {
			return Page[Message]{}, errs.InField("before", "this is not a page token that this list gave")
		}
	}
	limit = bounded(limit, 50)
	items, err := s.messages(ctx, s.db, c.OwnerID, id, position, limit+1)
	if err != nil {
		return Page[Message]{}, err
	}
	page := Page[Message]{Items: items}
	if len(items) > limit {
		page.Items = items[1:]
		page.Next = strconv.FormatInt(page.Items[0].Position, 10)
	}
	return page, nil
}

// authorize asks for an act on the person's own conversations as such.
func (s *Service) authorize(ctx context.Context, a access.Action) (access.Principal, error) {
	p, err := access.Require(ctx)
	if err != nil {
		return p, err
	}
	return access.Authorize(ctx, a, access.Resource{Kind: access.KindConversation, OwnerID: p.AccountID})
}

// own returns a conversation that the person may do a to.
func (s *Service) own(ctx context.Context, id string, a access.Action) (Conversation, error) {
	p, err := access.Require(ctx)
	if err != nil {
		return Conversation{}, err
	}
	c, err := s.conversation(ctx, s.db, p.AccountID, id)
	if err != nil {
		return Conversation{}, err
	}
	_, err = access.Authorize(ctx, a, access.Resource{Kind: access.KindConversation, ID: id, OwnerID: c.OwnerID})
	return c, err
}

// offer returns model id, or the person's first where none is named.
func (s *Service) offer(ctx context.Context, id string) (model.Offer, error) {
	if id != "" {
		return s.models.Offer(ctx, id)
	}
	offers, err := s.models.Offers(ctx)
	if err != nil {
		return model.Offer{}, err
	}
	o, ok := model.DefaultOf(offers, "")
	if !ok {
		return model.Offer{}, errs.New(errs.NoModel, "No model is set up for you yet. Ask an administrator to connect one.")
	}
	return o, nil
}

func (s *Service) createdBefore(ctx context.Context, owner, clientID string) (Started, bool, error) {
	if clientID == "" {
		return Started{}, false, nil
	}
	id, err := s.creation(ctx, owner, clientID)
	if err != nil || id == "" {
		return Started{}, false, err
	}
	c, err := s.conversation(ctx, s.db, owner, id)
	if errors.Is(err, errs.New(errs.NotFound, "")) {
		return Started{}, false, nil // made, and deleted since
	} else if err != nil {
		return Started{}, false, err
	}
	m, ok, err := s.sentBefore(ctx, s.db, id, clientID)
	if err != nil || !ok {
		return Started{}, false, err
	}
	started, err := s.startedWith(ctx, c, m)
	return started, err == nil, err
}

// startedWith gives again what the send of user message m was answered with.
func (s *Service) startedWith(ctx context.Context, c Conversation, m Message) (Started, error) {
	next, err := s.messages(ctx, s.db, c.OwnerID, c.ID, m.Position+2, 1)
	if err != nil {
		return Started{}, err
	}
	if len(next) == 0 || next[0].ParentID != m.ID {
		return Started{}, fmt.Errorf("message %s has no answer", m.ID)
	}
	return Started{Conversation: c, User: &m, Assistant: next[0], RunID: next[0].RunID}, nil
}

func change(c Conversation, ch Change) (Conversation, error) {
	if ch.Title != nil {
		title := strings.TrimSpace(strings.Join(strings.Fields(*ch.Title), " "))
		if title == "" || utf8.RuneCountInString(title) > maxTitleRunes || !utf8.ValidString(title) {
			return c, errs.InField("title", fmt.Sprintf("a title has 1 to %d characters", maxTitleRunes))
		}
		c.Title, c.TitleSource = title, TitlePerson
	}
	if ch.ModelID != nil {
		c.ModelID = *ch.ModelID
	}
	if ch.SystemPrompt != nil {
		if len(*ch.SystemPrompt) > maxSystemBytes || !utf8.ValidString(*ch.SystemPrompt) {
			return c, errs.InField("systemPrompt", fmt.Sprintf("the instructions have more than %d bytes", maxSystemBytes))
		}
		c.SystemPrompt = *ch.SystemPrompt
	}
	if ch.Parameters != nil {
		if err := ch.Parameters.Validate("parameters"); err != nil {
			return c, err
		}
		c.Parameters = *ch.Parameters
	}
	return c, nil
}

func (t Turn) clean() (Turn, error) {
	switch {
	case strings.TrimSpace(t.Text) == "" && len(t.AttachmentIDs) == 0:
		return t, errs.InField("turn.text", "write something, or attach a file")
	case len(t.Text) > maxTextBytes:
		return t, errs.Newf(errs.TooLarge, "The message is larger than %d MiB.", maxTextBytes>>20).With("limitBytes", strconv.Itoa(maxTextBytes))
	case !utf8.ValidString(t.Text) || strings.ContainsRune(t.Text, 0):
		return t, errs.InField("turn.text", "the text is not valid UTF-8")
	case len(t.AttachmentIDs) > maxAttachments:
		return t, errs.InField("turn.attachmentIds", fmt.Sprintf("a message carries at most %d files", maxAttachments))
	case len(t.ClientID) > maxClientID:
		return t, errs.InField("turn.clientId", fmt.Sprintf("a client id has at most %d characters", maxClientID))
	}
	return t, nil
}

// firstWords is the title until a model has made a better one.
func firstWords(text string) string {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	line, _, _ := strings.Cut(text, "\n")
	line = strings.Join(strings.Fields(line), " ")
	n := 0
	for i := range line {
		if n == firstWordsRunes {
			return line[:i] + "…"
		}
		n++
	}
	return line
}

func bounded(limit, usual int) int {
	if limit <= 0 {
		return usual
	}
	return min(limit, maxListed)
}
