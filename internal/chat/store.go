package chat

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kakoi/internal/blob"
	"kakoi/internal/chat/search"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// store is the SQL of conversations, messages, runs and attachments. Methods
// for people name the owner; a row of another owner is not found.
type store struct {
	db    *db.DB
	files *blob.Store // the contents of attachments
	index *search.Index
}

// Lists read the columns of a summary and no text that may be long.
const summaryColumns = `
	c.id, c.owner_id, c.title, c.title_source, c.model_id, coalesce(c.folder_id, ''), c.pinned, c.archived, c.class,
	c.leaf_id, c.comparison_id, c.created_at, c.active_at,
	EXISTS (SELECT 1 FROM runs r WHERE r.conversation_id = c.id AND r.state = 'running')`

const conversationColumns = summaryColumns + `, c.parameters, c.system_prompt`

func scanSummary(row interface{ Scan(...any) error }, more ...any) (Conversation, error) {
	var c Conversation
	var created, active int64
	into := []any{&c.ID, &c.OwnerID, &c.Title, &c.TitleSource, &c.ModelID, &c.FolderID, &c.Pinned, &c.Archived, &c.Class,
		&c.LeafID, &c.ComparisonID, &created, &active, &c.Running}
	if err := row.Scan(append(into, more...)...); err != nil {
		return Conversation{}, err
	}
	c.CreatedAt, c.ActiveAt = fromMillis(created), fromMillis(active)
	return c, nil
}

// conversation returns the owner's conversation id with its tags and queue;
// code NotFound otherwise.
func (s store) conversation(ctx context.Context, q db.Queryer, owner, id string) (Conversation, error) {
	// The queue first: a turn leaves it as its answer begins, and must not be seen in neither.
	queue, err := s.queue(ctx, q, id)
	if err != nil {
		return Conversation{}, err
	}
	var parameters, system string
	c, err := scanSummary(q.QueryRowContext(ctx,
		`SELECT `+conversationColumns+` FROM conversations c WHERE c.id = $1 AND c.owner_id = $2 AND c.deleted_at = 0`, id, owner),
		&parameters, &system)
	if errors.Is(err, sql.ErrNoRows) {
		return Conversation{}, errs.New(errs.NotFound, "There is no such conversation.")
	} else if err != nil {
		return Conversation{}, fmt.Errorf("read conversation %s: %w", id, err)
	}
	c.Queue, c.SystemPrompt = queue, system
	if err := json.Unmarshal([]byte(parameters), &c.Parameters); err != nil {
		return Conversation{}, fmt.Errorf("parameters of conversation %s: %w", c.ID, err)
	}
	tags, err := s.tagsOf(ctx, q, []string{id})
	c.Tags = tags[id]
	return c, err
}

// insertConversation stores a new conversation. clientID is that of its first
// turn, or ""; the error is a unique violation if it has begun one before.
func (s store) insertConversation(ctx context.Context, q db.Queryer, c Conversation, clientID string) error {
	parameters, err := json.Marshal(c.Parameters)
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `
		INSERT INTO conversations
			(id, owner_id, title, title_source, model_id, parameters, system_prompt, folder_id, next_position, created_at, active_at, client_id, class)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12)`,
		c.ID, c.OwnerID, c.Title, c.TitleSource, c.ModelID, string(parameters), c.SystemPrompt, nullable(c.FolderID),
		c.CreatedAt.UnixMilli(), c.ActiveAt.UnixMilli(), nullable(clientID), c.Class)
	if err != nil {
		return fmt.Errorf("insert conversation: %w", err)
	}
	return s.index.NoteTitle(ctx, q, c.OwnerID, c.ID)
}

// updateConversation stores what a person may change. It leaves the activity
// time alone: renaming is not talking.
func (s store) updateConversation(ctx context.Context, q db.Queryer, c Conversation) error {
	parameters, err := json.Marshal(c.Parameters)
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `
		UPDATE conversations
		SET    title = $1, title_source = $2, model_id = $3, parameters = $4, system_prompt = $5, folder_id = $6,
		       pinned = $7, archived = $8, class = $9
		WHERE  id = $10 AND owner_id = $11`,
		c.Title, c.TitleSource, c.ModelID, string(parameters), c.SystemPrompt, nullable(c.FolderID),
		c.Pinned, c.Archived, c.Class, c.ID, c.OwnerID)
	if err != nil {
		return fmt.Errorf("update conversation %s: %w", c.ID, err)
	}
	return nil
}

// chooseFor stores the model and parameters of the turns from now on. Whoever
// has done so is alone with the conversation until the transaction ends.
func (s store) chooseFor(ctx context.Context, q db.Queryer, c Conversation) error {
	parameters, err := json.Marshal(c.Parameters)
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `UPDATE conversations SET model_id = $1, parameters = $2 WHERE id = $3 AND owner_id = $4`,
		c.ModelID, string(parameters), c.ID, c.OwnerID)
	if err != nil {
		return fmt.Errorf("choose for conversation %s: %w", c.ID, err)
	}
	return nil
}

// setModelTitle gives a conversation the title a model made, unless a person
// has named it meanwhile; it reports whether it did.
func (s store) setModelTitle(ctx context.Context, owner, id, title string) (bool, error) {
	done := false
	err := s.db.TransactByKey(ctx, func(ctx context.Context, tx *db.Tx) error {
		res, err := tx.ExecContext(ctx, `
			UPDATE conversations SET title = $1, title_source = 'model'
			WHERE  id = $2 AND owner_id = $3 AND title_source = 'first_words'`, title, id, owner)
		if err != nil {
			return fmt.Errorf("title conversation %s: %w", id, err)
		}
		n, err := res.RowsAffected()
		if done = n > 0; err != nil || !done {
			return err
		}
		return s.index.NoteTitle(ctx, tx, owner, id)
	})
	return done && err == nil, err
}

const messageColumns = `
	m.id, m.conversation_id, coalesce(m.parent_id, ''), m.position, m.role, m.status, m.stop_reason, m.content,
	m.model_id, m.model_name, m.error, m.usage, m.cost_micros, m.cost_currency, m.first_token_ms, m.reasoning_ms,
	m.created_at, m.finished_at, m.comparison_id, m.edited_from, m.context,
	coalesce((SELECT r.id FROM runs r WHERE r.message_id = m.id ORDER BY r.id DESC LIMIT 1), '')`

func scanMessage(row interface{ Scan(...any) error }) (Message, error) {
	var m Message
	var content, failure, usage, currency, given string
	var micros, first, reasoning, created, finished int64
	err := row.Scan(&m.ID, &m.ConversationID, &m.ParentID, &m.Position, &m.Role, &m.Status, &m.StopReason, &content,
		&m.ModelID, &m.ModelName, &failure, &usage, &micros, &currency, &first, &reasoning, &created, &finished,
		&m.ComparisonID, &m.EditedFromID, &given, &m.RunID)
	if err != nil {
		return Message{}, err
	}
	m.CreatedAt, m.FinishedAt = fromMillis(created), fromMillis(finished)
	m.FirstToken, m.Reasoning = time.Duration(first)*time.Millisecond, time.Duration(reasoning)*time.Millisecond
	if currency != "" {
		m.Cost = &Cost{micros, currency}
	}
	for _, f := range []struct {
		text string
		into any
	}{{content, &m.Parts}, {failure, &m.Failure}, {usage, &m.Usage}, {given, &m.Context}} {
		if f.text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(f.text), f.into); err != nil {
			return Message{}, fmt.Errorf("message %s: %w", m.ID, err)
		}
	}
	return m, nil
}

// message returns one message without asking whose it is: for runs and
// recovery, which have no person.
func (s store) message(ctx context.Context, q db.Queryer, id string) (Message, error) {
	m, err := scanMessage(q.QueryRowContext(ctx, `SELECT `+messageColumns+` FROM messages m WHERE m.id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Message{}, errs.New(errs.NotFound, "There is no such message.")
	} else if err != nil {
		return Message{}, fmt.Errorf("read message %s: %w", id, err)
	}
	return m, nil
}

// messageByClientID returns the message that was stored for a client id, if any.
func (s store) messageByClientID(ctx context.Context, q db.Queryer, conversation, clientID string) (Message, bool, error) {
	m, err := scanMessage(q.QueryRowContext(ctx,
		`SELECT `+messageColumns+` FROM messages m WHERE m.conversation_id = $1 AND m.client_id = $2`, conversation, clientID))
	if errors.Is(err, sql.ErrNoRows) {
		return Message{}, false, nil
	} else if err != nil {
		return Message{}, false, fmt.Errorf("look for client id in %s: %w", conversation, err)
	}
	return m, true, nil
}

// insertMessages stores messages at the next positions of a conversation, which
// it sets, makes them findable, opens the branch that ends in leaf, and moves
// the conversation to the top of the list. It writes the conversation first,
// which makes others that would add to it wait.
func (s store) insertMessages(ctx context.Context, q db.Queryer, conversation, leaf, comparison string, now time.Time, messages ...*Message) error {
	var next int64
	var owner string
	err := q.QueryRowContext(ctx, `
		UPDATE conversations SET next_position = next_position + $1, leaf_id = $2, comparison_id = $3, active_at = $4
		WHERE  id = $5 RETURNING next_position, owner_id`, len(messages), leaf, comparison, now.UnixMilli(), conversation).Scan(&next, &owner)
	if err != nil {
		return fmt.Errorf("place messages in %s: %w", conversation, err)
	}
	for i, m := range messages {
		m.ConversationID, m.Position = conversation, next-int64(len(messages)-i)
	}
	for some := range slices.Chunk(messages, insertedAtOnce) {
		if err := s.insertMessageRows(ctx, q, some); err != nil {
			return err
		}
		var ended []string
		for _, m := range some {
			if m.Status != StatusRunning {
				ended = append(ended, m.ID)
			}
		}
		if err := s.index.NoteMessages(ctx, q, owner, ended...); err != nil {
			return err
		}
	}
	return nil
}

// insertedAtOnce bounds the messages of a statement.
const insertedAtOnce = 50

// writtenMessage is what of a message is not stored as it is.
type writtenMessage struct {
	content, failure, usage, context string
	cost                             Cost
}

func written(m Message) (w writtenMessage, err error) {
	content, err := json.Marshal(m.Parts)
	if err != nil {
		return w, err
	}
	w.content = string(content)
	if w.failure, err = jsonOrEmpty(m.Failure); err != nil {
		return w, err
	}
	if w.usage, err = jsonOrEmpty(m.Usage); err != nil {
		return w, err
	}
	if m.Cost != nil {
		w.cost = *m.Cost
	}
	w.context, err = jsonOrEmpty(m.Context)
	return w, err
}

func (s store) insertMessageRows(ctx context.Context, q db.Queryer, messages []*Message) error {
	const columns = 22
	var values []string
	var args []any
	for _, m := range messages {
		w, err := written(*m)
		if err != nil {
			return err
		}
		values = append(values, `(`+db.Marks(1+len(args), columns)+`)`)
		args = append(args,
			m.ID, m.ConversationID, nullable(m.ParentID), m.Position, m.Role, m.Status, m.StopReason, w.content, nullable(m.clientID),
			m.ModelID, m.ModelName, w.failure, w.usage, w.cost.Micros, w.cost.Currency, m.FirstToken.Milliseconds(), m.Reasoning.Milliseconds(),
			m.CreatedAt.UnixMilli(), millis(m.FinishedAt), m.ComparisonID, m.EditedFromID, w.context)
	}
	_, err := q.ExecContext(ctx, `
		INSERT INTO messages
			(id, conversation_id, parent_id, position, role, status, stop_reason, content, client_id, model_id, model_name,
			 error, usage, cost_micros, cost_currency, first_token_ms, reasoning_ms, created_at, finished_at,
			 comparison_id, edited_from, context)
		VALUES `+strings.Join(values, ", "), args...)
	if err != nil {
		return fmt.Errorf("insert messages: %w", err)
	}
	return nil
}

// creation returns the conversation that began with the client id, or "".
func (s store) creation(ctx context.Context, owner, clientID string) (string, error) {
	var id string
	err := s.db.QueryRowContext(ctx, `SELECT id FROM conversations WHERE owner_id = $1 AND client_id = $2 AND deleted_at = 0`, owner, clientID).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	} else if err != nil {
		return "", fmt.Errorf("look for client id: %w", err)
	}
	return id, nil
}

// reopenMessage makes a finished answer running again, to be written on.
func (s store) reopenMessage(ctx context.Context, q db.Queryer, m Message, modelID, modelName string, now time.Time) error {
	content, err := json.Marshal(m.Parts)
	if err != nil {
		return err
	}
	id := m.ID
	_, err = q.ExecContext(ctx, `
		UPDATE messages
		SET    status = 'running', stop_reason = '', error = '', content = $1, model_id = $2, model_name = $3, finished_at = 0
		WHERE  id = $4`, string(content), modelID, modelName, id)
	if err != nil {
		return fmt.Errorf("reopen message %s: %w", id, err)
	}
	_, err = q.ExecContext(ctx, `
		UPDATE conversations SET active_at = $1 WHERE id = (SELECT conversation_id FROM messages WHERE id = $2)`,
		now.UnixMilli(), id)
	if err != nil {
		return fmt.Errorf("reopen message %s: %w", id, err)
	}
	return nil
}

func (s store) insertRun(ctx context.Context, q db.Queryer, r Run) error {
	_, err := q.ExecContext(ctx, `
		INSERT INTO runs (id, conversation_id, message_id, owner_id, node_id, state, stop_requested, started_at, finished_at)
		VALUES ($1, $2, $3, $4, $5, 'running', FALSE, $6, 0)`,
		r.ID, r.ConversationID, r.MessageID, r.OwnerID, r.NodeID, r.StartedAt.UnixMilli())
	if db.IsUniqueViolation(err) {
		return errBusy()
	} else if err != nil {
		return fmt.Errorf("insert run: %w", err)
	}
	return nil
}

// run returns the owner's run id; code NotFound otherwise.
func (s store) run(ctx context.Context, q db.Queryer, owner, id string) (Run, error) {
	var r Run
	var started int64
	err := q.QueryRowContext(ctx, `
		SELECT id, conversation_id, message_id, owner_id, node_id, state, stop_requested, started_at
		FROM   runs WHERE id = $1 AND owner_id = $2`, id, owner).
		Scan(&r.ID, &r.ConversationID, &r.MessageID, &r.OwnerID, &r.NodeID, &r.State, &r.StopRequested, &started)
	if errors.Is(err, sql.ErrNoRows) {
		return Run{}, errs.New(errs.NotFound, "There is no such run.")
	} else if err != nil {
		return Run{}, fmt.Errorf("read run %s: %w", id, err)
	}
	r.StartedAt = fromMillis(started)
	return r, nil
}

// endRun closes a run if it is still open and reports whether it was: of two
// that would end it, one does.
func (s store) endRun(ctx context.Context, q db.Queryer, id string, state Status, now time.Time) (bool, error) {
	res, err := q.ExecContext(ctx,
		`UPDATE runs SET state = $1, finished_at = $2 WHERE id = $3 AND state = 'running'`, state, now.UnixMilli(), id)
	if err != nil {
		return false, fmt.Errorf("end run %s: %w", id, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("end run %s: %w", id, err)
	}
	if n == 0 {
		return false, nil
	}
	if _, err := q.ExecContext(ctx, `DELETE FROM run_segments WHERE run_id = $1`, id); err != nil {
		return false, fmt.Errorf("end run %s: %w", id, err)
	}
	return true, nil
}

// writeOutcome stores the whole of a finished message.
func (s store) writeOutcome(ctx context.Context, q db.Queryer, m Message) error {
	w, err := written(m)
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `
		UPDATE messages
		SET    status = $1, stop_reason = $2, content = $3, model_id = $4, model_name = $5, error = $6, usage = $7,
		       cost_micros = $8, cost_currency = $9, first_token_ms = $10, reasoning_ms = $11, finished_at = $12, context = $13
		WHERE  id = $14`,
		m.Status, m.StopReason, w.content, m.ModelID, m.ModelName, w.failure, w.usage,
		w.cost.Micros, w.cost.Currency, m.FirstToken.Milliseconds(), m.Reasoning.Milliseconds(), millis(m.FinishedAt), w.context, m.ID)
	if err != nil {
		return fmt.Errorf("write message %s: %w", m.ID, err)
	}
	var owner string
	err = q.QueryRowContext(ctx, `UPDATE conversations SET active_at = $1 WHERE id = $2 RETURNING owner_id`,
		millis(m.FinishedAt), m.ConversationID).Scan(&owner)
	if err != nil {
		return fmt.Errorf("write message %s: %w", m.ID, err)
	}
	return s.index.NoteMessages(ctx, q, owner, m.ID)
}

// segmentInserts are statements for this many segments each, so that a flush of
// any size is a few statements, and only these, which stay prepared.
var segmentInserts = []struct {
	segments int
	query    string
}{{64, insertSegmentsQuery(64)}, {16, insertSegmentsQuery(16)}, {4, insertSegmentsQuery(4)}, {1, insertSegmentsQuery(1)}}

func insertSegmentsQuery(n int) string {
	var b strings.Builder
	b.WriteString(`INSERT INTO run_segments (run_id, sequence, part, type, body) VALUES `)
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		k := 5 * i
		fmt.Fprintf(&b, "($%d, $%d, $%d, $%d, $%d)", k+1, k+2, k+3, k+4, k+5)
	}
	return b.String()
}

// insertSegments adds what many runs have said in a few statements.
func (s store) insertSegments(ctx context.Context, q db.Queryer, segs []segment) error {
	var args []any
	for _, insert := range segmentInserts {
		for ; len(segs) >= insert.segments; segs = segs[insert.segments:] {
			args = args[:0]
			for _, g := range segs[:insert.segments] {
				args = append(args, g.runID, g.sequence, g.part, g.kind, g.body)
			}
			if _, err := q.ExecContext(ctx, insert.query, args...); err != nil {
				return fmt.Errorf("insert %d segments: %w", insert.segments, err)
			}
		}
	}
	return nil
}

// segments returns what a run has written after the sequence.
func (s store) segments(ctx context.Context, q db.Queryer, runID string, after int64) ([]segment, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT sequence, part, type, body FROM run_segments
		WHERE  run_id = $1 AND sequence > $2 ORDER BY sequence`, runID, after)
	if err != nil {
		return nil, fmt.Errorf("read segments of %s: %w", runID, err)
	}
	defer rows.Close()
	var out []segment
	for rows.Next() {
		g := segment{runID: runID}
		if err := rows.Scan(&g.sequence, &g.part, &g.kind, &g.body); err != nil {
			return nil, fmt.Errorf("read segments of %s: %w", runID, err)
		}
		out = append(out, g)
	}
	return out, rows.Err()
}

// requestStop marks a run to be stopped by the node that has it.
func (s store) requestStop(ctx context.Context, owner, id string) error {
	_, err := s.db.ExecContext(ctx, `
		UPDATE runs SET stop_requested = TRUE WHERE id = $1 AND owner_id = $2 AND state = 'running'`, id, owner)
	if err != nil {
		return fmt.Errorf("ask run %s to stop: %w", id, err)
	}
	return nil
}

// stopsFor lists the runs of a node that were asked to stop.
func (s store) stopsFor(ctx context.Context, node string) ([]string, error) {
	return db.Column[string](ctx, s.db, `SELECT id FROM runs WHERE node_id = $1 AND state = 'running' AND stop_requested = TRUE`, node)
}

// beat records that a node lives.
func (s store) beat(ctx context.Context, node string, started, now time.Time) error {
	_, err := s.db.ExecContext(ctx, `
		INSERT INTO nodes (id, started_at, seen_at) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`, node, started.UnixMilli(), now.UnixMilli())
	if err != nil {
		return fmt.Errorf("beat: %w", err)
	}
	return nil
}

// forgetNode removes a node that ends in good order, and nodes long dead.
func (s store) forgetNode(ctx context.Context, node string, deadSince time.Time) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM nodes WHERE id = $1 OR seen_at < $2`, node, deadSince.UnixMilli())
	return err
}

// orphans lists running runs whose node has not been seen since the time.
func (s store) orphans(ctx context.Context, self string, since time.Time) ([]string, error) {
	return db.Column[string](ctx, s.db, `
		SELECT r.id FROM runs r LEFT JOIN nodes n ON n.id = r.node_id
		WHERE  r.state = 'running' AND r.node_id <> $1 AND (n.id IS NULL OR n.seen_at < $2)`, self, since.UnixMilli())
}

func jsonOrEmpty[T any](v *T) (string, error) {
	if v == nil {
		return "", nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
