package chat

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kakoi/internal/access"
	"kakoi/internal/classification"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
	"kakoi/internal/model"
)

// Whole is a conversation with the messages of all its branches, oldest first.
type Whole struct {
	Conversation
	Folder   string // its name, or ""
	Messages []Message
}

// Whole returns all of a conversation of the person's but the contents of its
// files.
func (s *Service) Whole(ctx context.Context, id string) (Whole, error) {
	c, err := s.own(ctx, id, access.ConversationRead)
	if err != nil {
		return Whole{}, err
	}
	w := Whole{Conversation: c}
	if c.FolderID != "" {
		f, err := s.folder(ctx, s.db, c.OwnerID, c.FolderID)
		if err != nil {
			return Whole{}, err
		}
		w.Folder = f.Name
	}
	w.Messages, err = s.everyMessage(ctx, s.db, c.OwnerID, id)
	return w, err
}

// Everything lists the ids of all conversations of the person's, oldest first.
func (s *Service) Everything(ctx context.Context) ([]string, error) {
	p, err := s.authorize(ctx, access.ConversationRead)
	if err != nil {
		return nil, err
	}
	return s.everyConversation(ctx, p.AccountID)
}

// CheckOwn has code NotFound unless all of the conversations are the person's.
func (s *Service) CheckOwn(ctx context.Context, conversations []string) error {
	p, err := s.authorize(ctx, access.ConversationRead)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(conversations))), 1000) {
		args := []any{p.AccountID}
		for _, id := range some {
			args = append(args, id)
		}
		var n int
		err := s.db.QueryRowContext(ctx, `
			SELECT count(*) FROM conversations WHERE owner_id = $1 AND deleted_at = 0 AND id IN (`+db.Marks(2, len(some))+`)`, args...).Scan(&n)
		if err != nil {
			return fmt.Errorf("look for conversations: %w", err)
		}
		if n < len(some) {
			return errs.New(errs.NotFound, "There is no such conversation.")
		}
	}
	return nil
}

func (s store) everyConversation(ctx context.Context, owner string) ([]string, error) {
	return db.Column[string](ctx, s.db, `SELECT id FROM conversations WHERE owner_id = $1 AND deleted_at = 0 ORDER BY created_at, id`, owner)
}

// Brought is a conversation from elsewhere, with the ids it has there. Its
// messages come each after the one it follows.
type Brought struct {
	Whole
	ExternalID string // the same whenever the conversation comes
	Model      string // the name of the model it was set to
	Files      []BroughtFile
	// Keep is called in the transaction that keeps the conversation, with the
	// ids that its messages have here. It may be called again; nil is nothing.
	Keep func(ctx context.Context, ids map[string]string) error
}

// BroughtFile is a file of a message of a conversation from elsewhere: the content
// of one of its parts, which is empty until then.
type BroughtFile struct {
	Message int // in the order of messages
	Part    int // of its message, which is made for it
	Read    func() (File, error)
}

// Here reports whether a conversation from elsewhere is among the person's: it
// was brought before, or was never away.
func (s *Service) Here(ctx context.Context, externalID string) (bool, error) {
	p, err := s.authorize(ctx, access.ConversationRead)
	if err != nil {
		return false, err
	}
	return s.here(ctx, s.db, p.AccountID, externalID)
}

// ownSource is what the external ids of our own conversations begin with.
const ownSource = "kakoi:"

func (s store) here(ctx context.Context, q db.Queryer, owner, externalID string) (bool, error) {
	var n int
	own, _ := strings.CutPrefix(externalID, ownSource)
	err := q.QueryRowContext(ctx, `
		SELECT count(*) FROM conversations WHERE owner_id = $1 AND deleted_at = 0 AND (external_id = $2 OR id = $3)`,
		owner, externalID, own).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for conversation %q: %w", externalID, err)
	}
	return n > 0, nil
}

// CheckBring has an error unless the person may bring something in now: code
// TemporaryPolicy where conversations are not kept.
func (s *Service) CheckBring(ctx context.Context) error {
	_, err := s.bringer(ctx)
	return err
}

func (s *Service) bringer(ctx context.Context) (access.Principal, error) {
	p, err := s.authorize(ctx, access.ConversationCreate)
	if err != nil {
		return p, err
	}
	return p, s.allows(ctx)
}

// Bring keeps a conversation from elsewhere with its times, its branches, its
// folder and its tags. The error has code Conflict if it is here already.
func (s *Service) Bring(ctx context.Context, b Brought) (Conversation, error) {
	p, err := s.bringer(ctx)
	if err != nil {
		return Conversation{}, err
	}
	c, messages, leaf, err := s.renamed(ctx, p.AccountID, b)
	if err != nil {
		return Conversation{}, err
	}
	// One file at a time in memory. Those of a conversation that is not kept in
	// the end are swept away like any that was never sent.
	files := make(map[int][]sentFile)
	for _, f := range b.Files {
		read, err := f.Read()
		if err != nil {
			return Conversation{}, err
		}
		a, err := s.keepFile(ctx, p.AccountID, read)
		if err != nil {
			return Conversation{}, err
		}
		files[f.Message] = append(files[f.Message], sentFile{id: a.ID})
		messages[f.Message].Parts[f.Part] = Part{Type: partOf(a.MediaType), AttachmentID: a.ID, Name: a.Name, MediaType: a.MediaType, Size: a.Size}
	}
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if here, err := s.here(ctx, tx, p.AccountID, b.ExternalID); err != nil {
			return err
		} else if here {
			return errs.New(errs.Conflict, "This conversation has been imported before.")
		}
		if c.FolderID, err = s.folderNamed(ctx, tx, p.AccountID, b.Folder); err != nil {
			return err
		}
		if err := s.insertConversation(ctx, tx, c, ""); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE conversations SET external_id = $1, pinned = $2, archived = $3 WHERE id = $4`,
			b.ExternalID, c.Pinned, c.Archived, c.ID)
		if err != nil {
			return fmt.Errorf("keep conversation %q: %w", b.ExternalID, err)
		}
		if err := s.setTags(ctx, tx, c.OwnerID, c.ID, c.Tags); err != nil {
			return err
		}
		if err := s.insertMessages(ctx, tx, c.ID, leaf, "", c.ActiveAt, messages...); err != nil {
			return err
		}
		for i, of := range files {
			if err := s.claimAttachments(ctx, tx, c.OwnerID, messages[i].ID, of); err != nil {
				return err
			}
		}
		if b.Keep == nil {
			return nil
		}
		ids := make(map[string]string, len(messages))
		for i, m := range messages {
			ids[b.Messages[i].ID] = m.ID
		}
		return b.Keep(ctx, ids)
	})
	if db.IsUniqueViolation(err) { // the same import, at the same moment
		err = errs.New(errs.Conflict, "This conversation has been imported before.")
	}
	return c, err
}

// renamed is what is kept of a conversation from elsewhere, with ids of ours.
func (s *Service) renamed(ctx context.Context, owner string, b Brought) (Conversation, []*Message, string, error) {
	now := s.now()
	c := b.Conversation
	c.ID, c.OwnerID, c.TitleSource, c.ModelID, c.FolderID = db.NewID(), owner, TitlePerson, "", ""
	if c.CreatedAt.IsZero() {
		c.CreatedAt = now
	}
	if c.ActiveAt.IsZero() {
		c.ActiveAt = c.CreatedAt
	}
	c.Tags = nil
	for _, t := range b.Tags {
		if clean, err := cleanTags([]string{t}); err == nil && len(c.Tags) < maxTags && !slices.Contains(c.Tags, clean[0]) {
			c.Tags = append(c.Tags, clean[0])
		}
	}
	c.Pinned = c.Pinned && !c.Archived
	if len(c.SystemPrompt) > maxSystemBytes {
		c.SystemPrompt = strings.ToValidUTF8(c.SystemPrompt[:maxSystemBytes], "")
	}
	c.SystemPrompt = strings.ReplaceAll(strings.ToValidUTF8(c.SystemPrompt, ""), "\x00", "")
	if !c.Class.Valid() {
		c.Class = classification.None
	}
	policy, err := s.policyNow(ctx)
	if err != nil {
		return c, nil, "", err
	}
	offers, err := s.offersFor(ctx, policy.counts(c.Class))
	if err != nil {
		return c, nil, "", err
	}
	if o, ok := model.DefaultOf(offers, ""); ok {
		c.ModelID = o.ID
	}
	for _, o := range offers {
		if o.DisplayName == b.Model {
			c.ModelID = o.ID
			break
		}
	}
	ours := make(map[string]string, len(b.Messages))
	messages := make([]*Message, 0, len(b.Messages))
	at := c.CreatedAt
	for _, m := range b.Messages {
		ours[m.ID] = db.NewID()
		m.ID, m.ParentID = ours[m.ID], ours[m.ParentID]
		if !m.CreatedAt.IsZero() {
			at = m.CreatedAt
		}
		m.CreatedAt = at
		if m.FinishedAt.IsZero() {
			m.FinishedAt = at
		}
		m.Parts = slices.Clone(m.Parts)
		if c.Title == "" && m.Role == model.RoleUser {
			c.Title = firstWords(m.text())
		}
		messages = append(messages, &m)
	}
	if len(messages) == 0 {
		return c, nil, "", errs.InField("messages", "the conversation has no messages")
	}
	c.Title = label.Clip(strings.Join(strings.Fields(strings.ReplaceAll(strings.ToValidUTF8(c.Title, ""), "\x00", "")), " "), maxTitleRunes)
	leaf := ours[b.LeafID]
	if leaf == "" {
		leaf = messages[len(messages)-1].ID
	}
	return c, messages, leaf, nil
}

// folderNamed returns the id of the owner's folder of that name, which it makes
// if need be; "" for no name.
func (s *Service) folderNamed(ctx context.Context, tx *db.Tx, owner, name string) (string, error) {
	name, err := label.Clean("folder", label.Clip(name, maxFolderRunes), maxFolderRunes)
	if err != nil {
		return "", nil //nolint:nilerr // no folder, or one that has no name here
	}
	found, err := db.Column[string](ctx, tx, `SELECT id FROM folders WHERE owner_id = $1 AND search_key = $2`, owner, label.Fold(name))
	if err != nil || len(found) > 0 {
		return strings.Join(found, ""), err
	}
	f := Folder{ID: db.NewID(), OwnerID: owner, Name: name, CreatedAt: s.now(), UpdatedAt: s.now()}
	return f.ID, s.writeFolder(ctx, tx, f, true)
}
