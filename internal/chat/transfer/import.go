package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/chat"
	"kakoi/internal/chat/imports"
	"kakoi/internal/classification"
	"kakoi/internal/errs"
	"kakoi/internal/feedback"
	"kakoi/internal/label"
	"kakoi/internal/library"
	"kakoi/internal/model"
)

// Import brings the conversations of an export of any program that we read into
// those of the person, from an export of everything also prompts and folders, or
// only says what it would do. What is here already is skipped, so that a second
// import changes nothing.
func (s *Service) Import(ctx context.Context, file io.ReaderAt, size int64, dryRun bool) (imports.Report, error) {
	if err := may(ctx, access.ConversationImport); err != nil {
		return imports.Report{}, err
	}
	if err := s.chat.CheckBring(ctx); err != nil { // of a dry run, too: it says what would happen
		return imports.Report{}, err
	}
	maxFile, err := s.chat.MaxFileBytes(ctx)
	if err != nil {
		return imports.Report{}, err
	}
	limits := imports.Limits{FileBytes: maxFile}
	if !dryRun {
		if err := readable(ctx, file, size, limits); err != nil {
			return imports.Report{}, err
		}
	}
	in, err := imports.Open(file, size, limits)
	if err != nil {
		return imports.Report{}, err
	}
	var t tally
	if err := s.bringPrompts(ctx, in, dryRun, &t); err != nil {
		return imports.Report{}, err
	}
	// Before the conversations, which make the folders that they lie in.
	if err := s.bringFolders(ctx, in, dryRun, maxFile, &t); err != nil {
		return imports.Report{}, err
	}
	for c, err := range in.Conversations() {
		before := t.before
		t.before = in.Report()
		var problem *imports.Problem
		if errors.As(err, &problem) {
			continue // the report has it
		}
		if err != nil {
			return imports.Report{}, err
		}
		if err := ctx.Err(); err != nil {
			return imports.Report{}, err
		}
		err = s.bring(ctx, c, dryRun, maxFile, &t)
		if errs.CodeOf(err) == errs.Conflict {
			t.here++
			t.hereMessages += t.before.Messages.Taken - before.Messages.Taken
			t.hereFiles += t.before.Attachments.Taken - before.Attachments.Taken
			continue
		}
		if err != nil {
			return imports.Report{}, fmt.Errorf("import conversation %d: %w", c.Number, err)
		}
	}
	report := t.settle(in.Report())
	if dryRun {
		return report, nil
	}
	return report, s.audit.Record(ctx, audit.Event{
		Action: "conversation.import", Resource: audit.Resource{Kind: string(access.KindConversation)},
		Details: map[string]string{
			"source": string(report.Source), "account": ownerIn(ctx),
			"seen": strconv.Itoa(report.Conversations.Seen), "taken": strconv.Itoa(report.Conversations.Taken),
			"prompts": strconv.Itoa(report.Prompts.Taken), "folders": strconv.Itoa(report.Folders.Taken),
		},
	})
}

// readable reads a file to its end, so that of one that is cut or a bomb nothing
// is kept.
func readable(ctx context.Context, file io.ReaderAt, size int64, limits imports.Limits) error {
	in, err := imports.Open(file, size, limits)
	if err != nil {
		return err
	}
	if err := readOut(ctx, in.Prompts()); err != nil {
		return err
	}
	if err := readOut(ctx, in.Folders()); err != nil {
		return err
	}
	return readOut(ctx, in.Conversations())
}

func readOut[T any](ctx context.Context, all iter.Seq2[T, error]) error {
	for _, err := range all {
		var problem *imports.Problem
		if err != nil && !errors.As(err, &problem) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func ownerIn(ctx context.Context) string {
	p, _ := access.From(ctx)
	return p.AccountID
}

// tally is what became of what the reader handed out.
type tally struct {
	before                        imports.Report
	here, hereMessages, hereFiles int
	unread                        int // files of types that are not taken

	prompts, folders, folderFiles imports.Counts
}

// settle is the reader's report with what was not kept counted as skipped.
func (t tally) settle(r imports.Report) imports.Report {
	r.Conversations.Untake(imports.ReasonHere, t.here)
	r.Messages.Untake(imports.ReasonConversation, t.hereMessages)
	r.Attachments.Untake(imports.ReasonConversation, t.hereFiles)
	r.Attachments.Untake(imports.ReasonUnsupported, t.unread)
	r.Attachments.Add(t.folderFiles)
	r.Prompts, r.Folders = t.prompts, t.folders
	return r
}

func (s *Service) bringPrompts(ctx context.Context, in *imports.Reader, dryRun bool, t *tally) error {
	bringing := s.library.Bringing(dryRun)
	for p, err := range in.Prompts() {
		var problem *imports.Problem
		if errors.As(err, &problem) {
			t.prompts.Skip(problem.Reason, 1)
			continue
		} else if err != nil {
			return err
		}
		became, err := bringing.Bring(ctx, library.Prompt{
			ID: p.ID, Kind: library.Kind(p.Kind), Name: p.Name, Command: p.Command, Description: p.Description, Category: p.Category,
			Locale: p.Locale, Archived: p.Archived, Body: p.Body,
		})
		switch {
		case errs.CodeOf(err) == errs.InvalidInput:
			t.prompts.Skip(imports.ReasonMalformed, 1)
		case err != nil:
			return fmt.Errorf("import prompt %s: %w", p.ID, err)
		case became == library.BecameNew:
			t.prompts.Take()
		case became == library.BecameNameTaken:
			t.prompts.Skip(imports.ReasonNameTaken, 1)
		case became == library.BecameTooMany:
			t.prompts.Skip(imports.ReasonTooMany, 1)
		default:
			t.prompts.Skip(imports.ReasonHere, 1)
		}
	}
	return nil
}

func (s *Service) bringFolders(ctx context.Context, in *imports.Reader, dryRun bool, maxFile int64, t *tally) error {
	names := make(map[string]bool)
	for f, err := range in.Folders() {
		var problem *imports.Problem
		if errors.As(err, &problem) {
			t.folders.Skip(problem.Reason, 1)
			continue
		} else if err != nil {
			return err
		}
		b := chat.BroughtFolder{Name: f.Name, Instructions: f.Instructions}
		for _, file := range f.Files {
			if file.Missing != "" {
				t.folderFiles.Skip(file.Missing, 1)
				continue
			}
			b.Files = append(b.Files, func() (chat.File, error) { return read(file, maxFile) })
		}
		name := label.Fold(f.Name)
		if names[name] {
			t.folders.Skip(imports.ReasonDuplicate, 1)
			t.folderFiles.Skip(imports.ReasonDuplicate, len(b.Files))
			continue
		}
		names[name] = true
		became, files, err := s.chat.BringFolder(ctx, b, dryRun)
		if errs.CodeOf(err) == errs.InvalidInput {
			t.folders.Skip(imports.ReasonMalformed, 1)
			t.folderFiles.Skip(imports.ReasonMalformed, len(b.Files))
			continue
		} else if err != nil {
			return fmt.Errorf("import a folder: %w", err)
		}
		count(&t.folders, became)
		for _, of := range files {
			count(&t.folderFiles, of)
		}
	}
	return nil
}

// count counts what became of a folder or a file of it.
func count(c *imports.Counts, became chat.Became) {
	switch became {
	case chat.BecameNew:
		c.Take()
	case chat.BecameOther:
		c.Skip(imports.ReasonOtherText, 1)
	case chat.BecameTooMany:
		c.Skip(imports.ReasonTooMany, 1)
	case chat.BecameUnreadable:
		c.Skip(imports.ReasonUnsupported, 1)
	default:
		c.Skip(imports.ReasonHere, 1)
	}
}

// bring keeps one conversation. The error has code Conflict if it is here.
func (s *Service) bring(ctx context.Context, c imports.Conversation, dryRun bool, maxFile int64, t *tally) error {
	here, err := s.chat.Here(ctx, c.ExternalID)
	if err != nil {
		return err
	}
	if here {
		return errs.New(errs.Conflict, "This conversation has been imported before.")
	}
	b := chat.Brought{
		ExternalID: c.ExternalID, Model: c.ModelName,
		Whole: chat.Whole{
			Conversation: chat.Conversation{
				Title: c.Title, SystemPrompt: c.SystemPrompt, Tags: c.Tags, Pinned: c.Pinned, Archived: c.Archived, Class: classification.Class(c.Class),
				LeafID: c.LeafID, CreatedAt: c.CreatedAt, ActiveAt: c.UpdatedAt,
			},
			Folder: c.Folder.Name,
		},
	}
	var of model.Parameters
	if json.Unmarshal(c.Parameters, &of) == nil && of.Validate("parameters") == nil {
		b.Parameters = of
	}
	opinions := make(map[string]feedback.Feedback)
	b.Keep = func(ctx context.Context, ids map[string]string) error {
		given := make(map[string]feedback.Feedback, len(opinions))
		for id, f := range opinions {
			given[ids[id]] = f
		}
		return s.feedback.Bring(ctx, given)
	}
	unread := 0
	for i, m := range c.Messages {
		kept := chat.Message{
			ID: m.ID, ParentID: m.ParentID, Role: model.Role(m.Role), Status: statusOf(m), StopReason: model.StopReason(m.StopReason),
			ModelName: m.ModelName, CreatedAt: m.CreatedAt, FinishedAt: m.FinishedAt, Parts: []chat.Part{},
		}
		for _, p := range m.Parts {
			switch p.Kind {
			case imports.KindText:
				kept.Parts = append(kept.Parts, chat.Part{Type: model.PartText, Text: p.Text})
			case imports.KindReasoning:
				kept.Parts = append(kept.Parts, chat.Part{Type: model.PartReasoning, Text: p.Text})
			case imports.KindFile:
				if _, err := read(p.File, maxFile); err != nil {
					if p.File.Missing == "" {
						unread++
					}
					if p.File.Name != "" { // so that it is seen that there was one
						kept.Parts = append(kept.Parts, chat.Part{Type: model.PartText, Text: "[" + p.File.Name + "]"})
					}
					continue
				}
				kept.Parts = append(kept.Parts, chat.Part{})
				b.Files = append(b.Files, chat.BroughtFile{Message: i, Part: len(kept.Parts) - 1, Read: func() (chat.File, error) { return read(p.File, maxFile) }})
			}
		}
		b.Messages = append(b.Messages, kept)
		if f := m.Feedback; f.Rating != "" && kept.Role == model.RoleAssistant {
			opinions[m.ID] = feedbackOf(f)
		}
	}
	if !dryRun {
		if _, err := s.chat.Bring(ctx, b); err != nil {
			return err
		}
	}
	t.unread += unread
	return nil
}

// read reads a file of an export as one that is attached.
func read(f imports.File, most int64) (chat.File, error) {
	if f.Missing != "" {
		return chat.File{}, errs.New(errs.NotFound, "the export only names the file")
	}
	data, err := f.Data()
	if err != nil {
		return chat.File{}, err
	}
	return chat.ReadFile(chat.Upload{Name: f.Name, MediaType: f.MediaType, Data: data}, most)
}

func feedbackOf(f imports.Feedback) feedback.Feedback {
	out := feedback.Feedback{Rating: feedback.Rating(f.Rating), Comment: f.Comment, UpdatedAt: f.At}
	for _, r := range f.Reasons {
		out.Reasons = append(out.Reasons, feedback.Reason(r))
	}
	return out
}

// statusOf says how an answer ended.
func statusOf(m imports.Message) chat.Status {
	status := chat.Status(m.Status)
	switch {
	case !m.Unfinished:
		return chat.StatusComplete
	case slices.Contains([]chat.Status{chat.StatusStopped, chat.StatusFailed}, status):
		return status
	}
	return chat.StatusInterrupted
}
