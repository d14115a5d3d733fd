// Package demo is the built-in model of a fresh installation. It understands
// nothing and says so; it answers in the language of the question, describes
// what it received, and shows on request what answers can look like. The same
// request always has the same answer, at the pace of a real model.
package demo

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"iter"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	// Decoders whose headers tell an image's size.
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/tokenest"
)

// ModelID is the id of the one model.
const ModelID = "demo"

const (
	firstDelay = 300 * time.Millisecond
	perToken   = time.Second / 40
	maxOutput  = 4096
)

// Config is what a demonstration needs: only a sense of time.
type Config struct {
	// Now and Wait are the clock; nil is the real one. Wait returns at t, or
	// with the error of ctx as soon as that ends.
	Now  func() time.Time
	Wait func(ctx context.Context, t time.Time) error
}

// Client is the demonstration. It implements model.Provider.
type Client struct{ cfg Config }

// New returns a demonstration.
func New(cfg Config) *Client {
	if cfg.Now == nil || cfg.Wait == nil {
		cfg.Now, cfg.Wait = time.Now, wait
	}
	return &Client{cfg}
}

func wait(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Models implements model.Provider.
func (c *Client) Models(context.Context) ([]model.RemoteModel, error) {
	return []model.RemoteModel{{
		ID: ModelID, Name: model.DemoName,
		Capabilities: model.Capabilities{Vision: true, Documents: true, Reasoning: true, ContextTokens: 32768, OutputTokens: maxOutput},
	}}, nil
}

// Check implements model.Provider. There is nothing to reach.
func (c *Client) Check(ctx context.Context, modelID string) []model.CheckStep {
	steps := []model.CheckStep{
		{Name: "configuration", Detail: "built in; nothing leaves this server"},
		{Name: "list_models", Detail: "1 models: " + ModelID},
	}
	if modelID == "" {
		return steps
	}
	start := c.cfg.Now()
	req := model.Request{Model: modelID, Messages: []model.Message{{Role: model.RoleUser, Parts: []model.Part{{Type: model.PartText, Text: "OK?"}}}}}
	few := 4
	req.Parameters.MaxTokens = &few
	var failed error
	for _, err := range c.Stream(ctx, req) {
		failed = err
	}
	return append(steps, model.CheckStep{Name: "answer", Err: failed, Elapsed: c.cfg.Now().Sub(start)})
}

// Stream implements model.Provider.
func (c *Client) Stream(ctx context.Context, req model.Request) iter.Seq2[model.Event, error] {
	return func(yield func(model.Event, error) bool) {
		if req.Model != ModelID {
			yield(model.Event{}, errs.New(errs.ModelNotFound, "the demonstration has only the model demo").With("model", req.Model))
			return
		}
		s := read(req)
		if s.messages == 0 {
			yield(model.Event{}, errs.New(errs.ModelInvalidRequest, "there is nothing to answer"))
			return
		}
		limit := maxOutput
		if n := req.Parameters.MaxTokens; n != nil && *n > 0 {
			limit = min(*n, limit)
		}
		usage := model.Usage{InputTokens: s.tokens, Estimated: true}
		due := c.cfg.Now().Add(firstDelay)
		say := func(kind model.EventType, text string) (full, ok bool) {
			for len(text) > 0 {
				if usage.OutputTokens == limit {
					return true, true
				}
				n := tokenLen(text)
				if err := c.cfg.Wait(ctx, due); err != nil {
					yield(model.Event{}, err)
					return false, false
				}
				due = due.Add(perToken)
				usage.OutputTokens++
				if kind == model.EventReasoning {
					usage.ReasoningTokens++
				}
				if !yield(model.Event{Type: kind, Text: text[:n]}, nil) {
					return false, false
				}
				text = text[n:]
			}
			return false, true
		}
		full, ok := say(model.EventReasoning, s.thinking())
		if ok && !full {
			full, ok = say(model.EventText, s.answer())
		}
		if !ok {
			return
		}
		stop := model.StopEnd
		if full {
			stop = model.StopLength
		}
		if yield(model.Event{Type: model.EventUsage, Usage: usage}, nil) {
			yield(model.Event{Type: model.EventStop, StopReason: stop}, nil)
		}
	}
}

// seen is what there is to say about a request.
type seen struct {
	text     string // of the last question
	files    []string
	japanese bool
	messages int
	tokens   int
	effort   model.Effort
}

func read(req model.Request) seen {
	s := seen{effort: req.Parameters.ReasoningEffort, tokens: tokenest.Text(req.System)}
	for _, m := range req.Messages {
		var text []string
		var media []*model.Media
		for _, p := range m.Parts {
			switch {
			case p.Type == model.PartText:
				text = append(text, p.Text)
				s.tokens += tokenest.Text(p.Text)
			case p.Media != nil:
				media = append(media, p.Media)
				s.tokens += tokenest.PerImage
			}
		}
		s.tokens += tokenest.PerMessage
		if len(text) == 0 && len(media) == 0 {
			continue
		}
		s.messages++
		if m.Role == model.RoleUser {
			s.text = strings.TrimSpace(strings.Join(text, "\n"))
			s.japanese = s.text == "" && s.japanese || strings.ContainsFunc(s.text, isJapanese)
			s.files = s.files[:0]
			for _, f := range media {
				s.files = append(s.files, describe(f, s.japanese))
			}
		}
	}
	return s
}

func isJapanese(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) }

// describe says what a file is without its name, which models are not told.
func describe(m *model.Media, japanese bool) string {
	if cfg, format, err := image.DecodeConfig(bytes.NewReader(m.Data)); err == nil {
		if japanese {
			return fmt.Sprintf("画像 %d×%d（%s）", cfg.Width, cfg.Height, strings.ToUpper(format))
		}
		return fmt.Sprintf("an image of %d×%d (%s)", cfg.Width, cfg.Height, strings.ToUpper(format))
	}
	if japanese {
		return fmt.Sprintf("ファイル %s（%d バイト）", m.MediaType, len(m.Data))
	}
	return fmt.Sprintf("a file of type %s (%d bytes)", m.MediaType, len(m.Data))
}

// tokenLen is the length of the next piece: a word with the white space before
// it, or two characters where words are not set apart.
func tokenLen(s string) int {
	i, wide := 0, 0
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if unicode.IsSpace(r) {
			if strings.TrimSpace(s[:i]) != "" {
				break
			}
		} else if r > 0x2E7F {
			wide++
		}
		i += n
		if wide == 2 {
			break
		}
	}
	return i
}
