package chat

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/tokenest"
)

// given is what the model of an answer gets.
type given struct {
	system   string
	messages []model.Message
	context  Context
}

const (
	defaultAnswerTokens = 4096 // kept free for an answer whose length nobody bounded
	documentTokens      = 2000 // a file the model reads itself; nobody knows before it does
)

// prompt is what the model of an answer is given: the branch that leads to it,
// with its files, as far as it fits. What no longer fits is left out from the
// beginning, whole turns at a time; a summary stands for it where there is one.
func (s *Service) prompt(ctx context.Context, c Conversation, answer Message, offer model.Offer, how launchKind) (given, error) {
	branch, err := s.path(ctx, s.db, c.OwnerID, c.ID, answer.ParentID, math.MaxInt32)
	if err != nil {
		return given{}, err
	}
	if how == launchContinue {
		branch = append(branch, answer, Message{Role: model.RoleUser, Parts: []Part{{Type: model.PartText, Text: goOn}}})
	}
	if offer.ID != answer.ModelID {
		if offer, err = s.models.Offer(ctx, answer.ModelID); err != nil {
			return given{}, err
		}
	}
	packed, err := s.pack(ctx, c, branch, offer)
	if err != nil {
		return given{}, err
	}
	g := given{system: packed.system, context: packed.context()}
	for _, m := range packed.kept {
		msg, err := s.modelMessage(ctx, c.OwnerID, m, offer)
		if err != nil {
			return given{}, err
		}
		g.messages = append(g.messages, msg)
	}
	if len(packed.files) > 0 && len(g.messages) > 0 {
		parts, err := s.fileParts(ctx, packed.files, offer)
		if err != nil {
			return given{}, err
		}
		g.messages[0].Parts = append(parts, g.messages[0].Parts...)
	}
	return g, nil
}

// packed is a branch as it is given to a model.
type packed struct {
	system  string
	summary *Summary
	files   []Attachment // of the folder
	kept    []Message
	told    int // messages at the beginning that the summary tells
	omitted int // messages after those that no longer fit
	limit   int // tokens of the model, 0 = unknown
	reserve int // tokens kept free for the answer
	tokens  struct{ system, summary, files, messages int }
}

func (p packed) total() int {
	return p.tokens.system + p.tokens.summary + p.tokens.files + p.tokens.messages
}

func (p packed) context() Context {
	return Context{Tokens: p.total(), Limit: p.limit, Omitted: p.told + p.omitted, Summarised: p.summary != nil}
}

// pack chooses what of a branch fits a model.
func (s *Service) pack(ctx context.Context, c Conversation, branch []Message, offer model.Offer) (packed, error) {
	p := packed{system: c.SystemPrompt, limit: offer.Capabilities.ContextTokens, reserve: answerTokens(c, offer)}
	if c.FolderID != "" {
		f, err := s.folder(ctx, s.db, c.OwnerID, c.FolderID)
		if err == nil {
			p.system = strings.TrimSpace(f.Instructions + "\n\n" + c.SystemPrompt)
			p.files = slices.DeleteFunc(f.Files, func(a Attachment) bool { return !readable(a.MediaType, offer.Capabilities) })
		} else if errs.CodeOf(err) != errs.NotFound {
			return p, err
		}
	}
	summary, from, err := s.summaryOf(ctx, branch)
	if err != nil {
		return p, err
	}
	if summary != nil {
		p.summary, p.told, branch = summary, from, branch[from:]
		p.tokens.summary = tokenest.Text(summary.Text)
		p.system = strings.TrimSpace(p.system + "\n\n" + summaryIntroduction + "\n" + summary.Text)
	}
	p.tokens.system = tokenest.Text(p.system) - p.tokens.summary
	for _, a := range p.files {
		p.tokens.files += fileTokens(a.MediaType, a.Size)
	}
	room := math.MaxInt
	if p.limit > 0 {
		room = p.limit - p.reserve - p.total()
	}
	tokens := make([]int, len(branch))
	for i, m := range branch {
		tokens[i] = messageTokens(m)
	}
	p.omitted = fitting(tokens, room, func(i int) bool { return branch[i].Role == model.RoleUser })
	p.tokens.messages = sum(tokens[p.omitted:])
	for _, m := range branch[p.omitted:] {
		if m.Role == model.RoleAssistant && m.text() == "" {
			continue // it failed before it said anything
		}
		p.kept = append(p.kept, m)
	}
	return p, nil
}

// fitting returns the first of the messages, by their tokens, that a model with
// room for so many is given: as many from the end as fit, beginning with the
// person. The last is always given, whatever the model says to it.
func fitting(tokens []int, room int, person func(i int) bool) int {
	last := len(tokens) - 1
	begin := max(last, 0)
	for room -= sum(tokens[begin:]); begin > 0 && tokens[begin-1] <= room; begin-- {
		room -= tokens[begin-1]
	}
	for begin < last && !person(begin) {
		begin++
	}
	return begin
}

// answerTokens is what is kept free of a model's context for the answer.
func answerTokens(c Conversation, offer model.Offer) int {
	n := defaultAnswerTokens
	if o := offer.Capabilities.OutputTokens; o > 0 {
		n = min(n, o)
	}
	if m := c.Parameters.MaxTokens; m != nil {
		n = *m
	}
	if limit := offer.Capabilities.ContextTokens; limit > 0 {
		n = min(n, limit/2)
	}
	return n
}

func sum(tokens []int) (n int) {
	for _, t := range tokens {
		n += t
	}
	return n
}

func messageTokens(m Message) int {
	n := tokenest.PerMessage
	for _, p := range m.Parts {
		if p.AttachmentID != "" {
			n += fileTokens(p.MediaType, p.Size)
		} else if p.Type == model.PartText {
			n += tokenest.Text(p.Text)
		}
	}
	return n
}

func fileTokens(mediaType string, size int64) int {
	switch {
	case partOf(mediaType) == model.PartImage:
		return tokenest.PerImage
	case isText(mediaType):
		return int(size/3) + 1 // Japanese: three bytes a character, about a token each
	default:
		return documentTokens
	}
}

func (s *Service) modelMessage(ctx context.Context, owner string, m Message, offer model.Offer) (model.Message, error) {
	msg := model.Message{Role: m.Role}
	for _, p := range m.Parts {
		if p.AttachmentID == "" {
			msg.Parts = append(msg.Parts, model.Part{Type: p.Type, Text: p.Text, Signature: p.Signature, Redacted: p.Redacted})
			continue
		}
		a, err := s.attachment(ctx, s.db, owner, p.AttachmentID)
		if err != nil {
			return msg, err
		}
		if !readable(a.MediaType, offer.Capabilities) { // it was sent to another model
			msg.Parts = append(msg.Parts, model.Part{Type: model.PartText, Text: fmt.Sprintf("[%s]", a.Name)})
			continue
		}
		parts, err := s.fileParts(ctx, []Attachment{a}, offer)
		if err != nil {
			return msg, err
		}
		msg.Parts = append(msg.Parts, parts...)
	}
	return msg, nil
}

// fileParts reads files for a model.
func (s *Service) fileParts(ctx context.Context, files []Attachment, offer model.Offer) ([]model.Part, error) {
	var parts []model.Part
	for _, a := range files {
		data, err := s.files.Read(ctx, a.BlobHash)
		if err != nil {
			return nil, err
		}
		parts = append(parts, File{Name: a.Name, MediaType: a.MediaType, Data: data}.part(offer.Capabilities))
	}
	return parts, nil
}
