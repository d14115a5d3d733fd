package chat

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/blob"
	"kakoi/internal/chat/search"
	"kakoi/internal/classification"
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
	Files              *blob.Store // the contents of attachments
	Invoker            Invoker
	Models             Models
	Audit              *audit.Log
	Log                *slog.Logger
	Now                func() time.Time
	NodeID             string        // of this process, new at each start
	FlushEvery         time.Duration // how much of an answer a crash may lose
	MaxAttachmentBytes int64
	// Policy is what the organisation has decided; nil decides nothing.
	Policy func(ctx context.Context) (Policy, error)
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
	policy    func(ctx context.Context) (Policy, error)
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
		store: store{o.DB, o.Files, search.New(o.DB, wordsOf, o.Log)}, invoker: o.Invoker, models: o.Models, audit: o.Audit, log: o.Log, now: o.Now,
		node: o.NodeID, started: o.Now(), every: o.FlushEvery, maxUpload: o.MaxAttachmentBytes, policy: o.Policy,
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
	maxAttachments  = 100 // in one message; the installation's limit is the real bound
	maxClientID     = 100
	maxListed       = 100
	maxCompared     = 3
	firstWordsRunes = 40
)

// NewConversation is a conversation about to begin with its first turn.
type NewConversation struct {
	ModelID      string // "": the person's first model
	Parameters   *model.Parameters
	SystemPrompt string
	Class        classification.Class // None: as the organisation begins with
	FolderID     string               // "": in none
	Turn         Turn
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
	policy, err := s.policyNow(ctx)
	if err != nil {
		return Started{}, err
	}
	if c.Class, err = policy.classify(n.Class); err != nil {
		return Started{}, err
	}
	if n.FolderID != "" {
		if _, err := s.folder(ctx, s.db, p.AccountID, n.FolderID); err != nil {
			return Started{}, err
		}
		c.FolderID = n.FolderID
	}
	offers, err := s.answering(ctx, c, turn)
	if err != nil {
		return Started{}, err
	}
	c.ModelID = offers[0].ID
	started, err := s.begin(ctx, beginning{conversation: c, fresh: true, policy: policy, turn: &turn, offers: offers})
	if db.IsUniqueViolation(err) { // the same send, at the same moment
		first, ok, again := s.createdBefore(ctx, p.AccountID, turn.ClientID)
		if again == nil && ok {
			return first, nil
		}
	}
	return started, err
}

// WhenBusy says what becomes of a turn that is sent while an answer is written.
type WhenBusy string

// What may become of it.
const (
	BusyRefuse  WhenBusy = "refuse"  // the error has code RunActive
	BusyQueue   WhenBusy = "queue"   // it waits for the end of the answer
	BusyReplace WhenBusy = "replace" // the answer is stopped for it
)

// Send stores a message at the end of the open branch and starts the answer. ch
// changes the conversation's choices for this and the following turns.
func (s *Service) Send(ctx context.Context, id string, turn Turn, ch Change, busy WhenBusy) (Started, error) {
	c, err := s.own(ctx, id, access.ConversationWrite)
	if err != nil {
		return Started{}, err
	}
	if turn, err = turn.clean(); err != nil {
		return Started{}, err
	}
	if first, ok, err := s.sentBefore(ctx, c, turn.ClientID); err != nil || ok {
		return first, err
	}
	if c, err = change(c, Change{ModelID: ch.ModelID, Parameters: ch.Parameters}); err != nil {
		return Started{}, err
	}
	c, policy, err := s.counted(ctx, c)
	if err != nil {
		return Started{}, err
	}
	offers, err := s.answering(ctx, c, turn)
	if err != nil {
		return Started{}, err
	}
	if len(turn.CompareIDs) == 0 {
		c.ModelID = offers[0].ID
	}
	started, err := s.begin(ctx, beginning{conversation: c, policy: policy, turn: &turn, parent: openEnd, offers: offers})
	if busy == BusyRefuse || busy == "" || errs.CodeOf(err) != errs.RunActive {
		return started, err
	}
	return s.enqueue(ctx, c, turn, offers, busy == BusyReplace)
}

// openEnd is the parent of a turn that goes to the end of the open branch.
const openEnd = "open end"

// beginning is a turn, or a new answer to one, that is about to begin.
type beginning struct {
	conversation Conversation
	fresh        bool   // the conversation too
	policy       Policy // that holds
	turn         *Turn  // nil: a new answer to the message parent
	parent       string // what it follows: a message, "" at the beginning, or openEnd
	editedFrom   string // the message the turn is another wording of
	clientID     string // of a new answer
	offers       []model.Offer
	queued       string // the queued turn it was
}

// begin stores question and answers-to-be in one transaction and starts their
// runs. The error has code RunActive while an answer is being written: two sends
// to one conversation meet at its row, which both write before they look.
func (s *Service) begin(ctx context.Context, b beginning) (Started, error) {
	err := b.policy.keeps()
	if err == nil && b.turn != nil && b.queued == "" { // what waits was let in
		err = b.policy.carries(len(b.turn.AttachmentIDs))
	}
	if err := errors.Join(s.accepting(), err); err != nil {
		return Started{}, err
	}
	c, now := b.conversation, s.now()
	var user *Message
	answers, runs := make([]Message, len(b.offers)), make([]Run, len(b.offers))
	err = s.db.TransactByKey(ctx, func(ctx context.Context, tx *db.Tx) error {
		parent, err := s.place(ctx, tx, &c, b)
		if err != nil {
			return err
		}
		var made []*Message
		var files []sentFile
		if b.turn != nil {
			user = &Message{
				ID: db.NewID(), ParentID: parent, Role: model.RoleUser, Status: StatusComplete, EditedFromID: b.editedFrom,
				CreatedAt: now, FinishedAt: now, clientID: b.turn.ClientID,
			}
			if user.Parts, files, err = s.sentParts(ctx, tx, c.OwnerID, *b.turn, b.offers); err != nil {
				return err
			}
			parent, made = user.ID, append(made, user)
		}
		comparison := ""
		if len(b.offers) > 1 {
			comparison = db.NewID()
		}
		for i, offer := range b.offers {
			answers[i] = Message{
				ID: db.NewID(), ParentID: parent, Role: model.RoleAssistant, Status: StatusRunning, ComparisonID: comparison,
				ModelID: offer.ID, ModelName: offer.DisplayName, Parts: []Part{}, CreatedAt: now,
			}
			made = append(made, &answers[i])
		}
		if b.turn == nil {
			answers[0].clientID = b.clientID
		}
		if err := s.insertMessages(ctx, tx, c.ID, answers[0].ID, comparison, now, made...); err != nil {
			return err
		}
		if b.turn != nil {
			if err := s.claimAttachments(ctx, tx, c.OwnerID, user.ID, files); err != nil {
				return err
			}
		}
		if b.queued != "" {
			if err := s.deleteQueued(ctx, tx, c.ID, b.queued); err != nil {
				return err
			}
		}
		for i, a := range answers {
			runs[i] = Run{
				ID: db.NewID(), ConversationID: c.ID, MessageID: a.ID, OwnerID: c.OwnerID, NodeID: s.node,
				State: StatusRunning, StartedAt: now,
			}
			answers[i].RunID = runs[i].ID
			if err := s.insertRun(ctx, tx, runs[i]); err != nil {
				return err
			}
		}
		c.LeafID, c.ComparisonID = answers[0].ID, comparison
		if b.turn == nil {
			return s.addSiblings(ctx, tx, c.ID, answers)
		}
		for i := range answers { // nothing else follows a question that is new
			for _, a := range answers {
				answers[i].SiblingIDs = append(answers[i].SiblingIDs, a.ID)
			}
		}
		return nil
	})
	if err != nil {
		return Started{}, err
	}
	c.Running, c.ActiveAt, c.Class = true, now, b.policy.counts(c.Class)
	for i := range runs {
		s.launch(ctx, c, runs[i], answers[i], b.offers[i], launchAnswer)
	}
	return Started{Conversation: c, User: user, Answers: answers}, nil
}

// place writes the conversation of b and returns the message it follows.
func (s *Service) place(ctx context.Context, tx *db.Tx, c *Conversation, b beginning) (string, error) {
	if b.fresh {
		return "", s.insertConversation(ctx, tx, *c, b.turn.ClientID)
	}
	// Only what the sender may choose with a turn: the rest may have changed.
	if err := s.chooseFor(ctx, tx, *c); err != nil {
		return "", err
	}
	now, err := s.conversation(ctx, tx, c.OwnerID, c.ID)
	if err != nil {
		return "", err
	}
	if now.Running {
		return "", errBusy()
	}
	*c = now
	if b.queued != "" {
		c.Queue = slices.DeleteFunc(c.Queue, func(q QueuedTurn) bool { return q.ID == b.queued })
	}
	if b.parent == openEnd {
		return c.LeafID, nil
	}
	return b.parent, nil
}

// answering returns the models that a turn asks.
func (s *Service) answering(ctx context.Context, c Conversation, t Turn) ([]model.Offer, error) {
	ids := t.CompareIDs
	if len(ids) == 0 {
		ids = []string{c.ModelID}
	}
	offers := make([]model.Offer, 0, len(ids))
	for _, id := range ids {
		o, err := s.offer(ctx, id, c.Class)
		if err != nil {
			return nil, err
		}
		offers = append(offers, o)
	}
	return offers, nil
}

// Continue lets an answer at the end of a branch go on where it was cut,
// stopped, interrupted or broken off. The error has code NothingToResume if it
// is complete. An empty message names the end of the open branch.
func (s *Service) Continue(ctx context.Context, id, message string) (Started, error) {
	return s.again(ctx, id, message, launchContinue)
}

// Retry asks again for an answer that failed before it said anything.
func (s *Service) Retry(ctx context.Context, id, message string) (Started, error) {
	return s.again(ctx, id, message, launchAnswer)
}

func (s *Service) again(ctx context.Context, id, message string, how launchKind) (Started, error) {
	c, err := s.own(ctx, id, access.ConversationWrite)
	if err != nil {
		return Started{}, err
	}
	c, policy, err := s.counted(ctx, c)
	if err == nil {
		err = policy.keeps()
	}
	if err := errors.Join(s.accepting(), err); err != nil {
		return Started{}, err
	}
	if message == "" {
		message = c.LeafID
	}
	answer, err := s.ownMessage(ctx, s.db, c.OwnerID, id, message)
	if err != nil {
		return Started{}, err
	}
	after, err := s.following(ctx, s.db, id, answer.ID)
	if err != nil {
		return Started{}, err
	}
	switch {
	case answer.Role != model.RoleAssistant || len(after) > 0:
		return Started{}, errs.New(errs.NothingToResume, "There is no answer to go on with.")
	case answer.Status == StatusRunning, c.Running && (answer.ComparisonID == "" || answer.ComparisonID != c.ComparisonID):
		return Started{}, errBusy()
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
	// Side by side, each goes on with its own model.
	wanted := c.ModelID
	if answer.ComparisonID != "" && answer.ComparisonID == c.ComparisonID {
		wanted = answer.ModelID
	}
	offer, err := s.offer(ctx, wanted, c.Class)
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
		if answer.ComparisonID == "" || answer.ComparisonID != c.ComparisonID {
			if err := s.setLeaf(ctx, tx, c.OwnerID, c.ID, answer.ID); err != nil {
				return err
			}
		}
		return s.reopenMessage(ctx, tx, answer, offer.ID, offer.DisplayName, now)
	})
	if err != nil {
		return Started{}, err
	}
	answer.Status, answer.StopReason, answer.Failure, answer.FinishedAt = StatusRunning, "", nil, time.Time{}
	answer.ModelID, answer.ModelName, answer.RunID = offer.ID, offer.DisplayName, run.ID
	c.Running, c.ActiveAt = true, now
	s.launch(ctx, c, run, answer, model.Offer{}, how)
	return Started{Conversation: c, Answers: []Message{answer}}, nil
}

// Conversation returns the person's conversation id.
func (s *Service) Conversation(ctx context.Context, id string) (Conversation, error) {
	return s.own(ctx, id, access.ConversationRead)
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

// offer returns model id, or the person's first for what is of class where none
// is named.
func (s *Service) offer(ctx context.Context, id string, class classification.Class) (model.Offer, error) {
	if id != "" {
		return s.models.Offer(ctx, id)
	}
	offers, err := s.offersFor(ctx, class)
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
	return s.sentBefore(ctx, c, clientID)
}

// sentBefore gives again what a send with the client id was answered with.
func (s *Service) sentBefore(ctx context.Context, c Conversation, clientID string) (Started, bool, error) {
	if clientID == "" {
		return Started{}, false, nil
	}
	for _, q := range c.Queue {
		if q.Turn.ClientID == clientID {
			return Started{Conversation: c, Queued: &q}, true, nil
		}
	}
	m, ok, err := s.messageByClientID(ctx, s.db, c.ID, clientID)
	if err != nil || !ok {
		return Started{}, false, err
	}
	if m.Role == model.RoleAssistant {
		return Started{Conversation: c, Answers: []Message{m}}, true, nil
	}
	answers, err := s.following(ctx, s.db, c.ID, m.ID)
	if err != nil {
		return Started{}, false, err
	}
	if len(answers) == 0 {
		return Started{}, false, fmt.Errorf("message %s has no answer", m.ID)
	}
	answers = slices.DeleteFunc(answers, func(a Message) bool { return a.ComparisonID != answers[0].ComparisonID })
	if answers[0].ComparisonID == "" {
		answers = answers[:1]
	}
	return Started{Conversation: c, User: &m, Answers: answers}, true, nil
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
	case len(t.CompareIDs) == 1 || len(t.CompareIDs) > maxCompared:
		return t, errs.InField("turn.compareModelIds", fmt.Sprintf("choose 2 to %d models", maxCompared))
	case len(slices.Compact(slices.Sorted(slices.Values(t.CompareIDs)))) < len(t.CompareIDs):
		return t, errs.InField("turn.compareModelIds", "each model answers once")
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
