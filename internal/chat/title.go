package chat

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"kakoi/internal/chat/markdown"
	"kakoi/internal/errs"
	"kakoi/internal/label"
	"kakoi/internal/model"
)

const (
	titleFeature = "title" // nobody waits for one
	titleInput   = 2000    // characters of question and answer each that the title is made of
	titleRunes   = 40
	titleWithin  = 30 * time.Second
	titlePrompt  = "Give the conversation below a title in its own language: at most 20 characters in Japanese, at most 6 words otherwise. Answer with the title alone, without quotation marks."
	titleMaximum = 200 // output tokens; thinking models need room
)

// title asks a light model for a title. It is a convenience: where it fails the
// first words stay, and the log has the code.
func (s *Service) title(ctx context.Context, c Conversation, answer Message) {
	ctx, cancel := context.WithTimeout(ctx, titleWithin)
	defer cancel()
	go func() {
		select {
		case <-s.stopSide:
			cancel()
		case <-ctx.Done():
		}
	}()
	asked, err := s.titleFrom(ctx, c, answer)
	if err == nil {
		return
	}
	code := errs.CodeOf(err)
	if ctx.Err() != nil {
		select {
		case <-s.stopSide: // nothing is wrong
			return
		default:
			code = errs.ModelTimeout
		}
	}
	// Not the error itself: a model's may repeat what it was given.
	s.log.WarnContext(ctx, "a conversation could not be given a title", "conversation", c.ID, "answer", answer.ID, "model", asked, "code", code)
}

// titleFrom makes a title of an answer and its question, and returns which model
// it asked.
func (s *Service) titleFrom(ctx context.Context, c Conversation, answer Message) (asked string, err error) {
	offers, err := s.offersFor(ctx, c.Class)
	if err != nil {
		return "", err
	}
	light, ok := model.LightOf(offers, c.ModelID)
	if !ok || light.Kind == model.KindDemo { // a demonstration makes no sense of it
		return "", nil
	}
	question, err := s.message(ctx, s.db, answer.ParentID)
	if err != nil {
		return light.ID, err
	}
	said, err := s.ask(ctx, c, light, titleFeature, titlePrompt, titleMaximum,
		"<question>\n"+label.Clip(question.text(), titleInput)+"\n</question>\n<answer>\n"+label.Clip(answer.text(), titleInput)+"\n</answer>")
	if err != nil {
		return light.ID, err
	}
	title := tidyTitle(said)
	if title == "" {
		return light.ID, nil
	}
	done, err := s.setModelTitle(ctx, c.OwnerID, c.ID, title)
	if err == nil && done {
		s.announce(ctx, c.OwnerID, ChangeEvent{Type: ChangeConversation, ConversationID: c.ID})
	}
	return light.ID, err
}

// ask has a model do a small thing beside a conversation and returns what it
// says, of at most so many tokens.
func (s *Service) ask(ctx context.Context, c Conversation, offer model.Offer, feature, instructions string, most int, text string) (string, error) {
	call := model.Call{
		ModelID: offer.ID, Feature: feature, System: instructions, Class: c.Class, ConversationID: c.ID, Background: feature == titleFeature,
		Parameters: model.Parameters{MaxTokens: &most, ReasoningEffort: model.EffortNone},
		Messages:   []model.Message{{Role: model.RoleUser, Parts: []model.Part{{Type: model.PartText, Text: text}}}},
	}
	var b strings.Builder
	for ev, err := range s.invoker.Stream(ctx, call) {
		if err != nil {
			return "", err
		}
		if ev.Type == model.EventText {
			b.WriteString(ev.Text)
		}
	}
	return b.String(), nil
}

// tidyTitle takes the first line without what models put around titles.
func tidyTitle(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	var words strings.Builder
	for _, w := range markdown.Shown([]byte(line)) {
		words.WriteString(line[w.From:w.To])
	}
	line = words.String()
	line = strings.Trim(strings.Join(strings.Fields(line), " "), "\"'`*#「」『』“”。. ")
	for _, before := range []string{"タイトル：", "タイトル:", "Title:", "title:"} {
		line = strings.TrimSpace(strings.TrimPrefix(line, before))
	}
	line = strings.Trim(line, "\"「」『』“”")
	if strings.HasPrefix(line, "<") { // a weak model gives back what it was given
		return ""
	}
	if utf8.RuneCountInString(line) > titleRunes {
		line = label.Clip(line, titleRunes-1) + "…"
	}
	return line
}
