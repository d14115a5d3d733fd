package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kakoi/internal/chat/export"
	"kakoi/internal/chat/imports"
	"kakoi/internal/chat/transfer"
	"kakoi/internal/errs"
	"kakoi/internal/feedback"
	"kakoi/internal/library"
)

// ExportWish is what an exported file is to be like.
type ExportWish struct {
	Format    string `query:"format" kind:"enum" enum:"md,json,html,pdf,docx" default:"md" doc:"The readable formats show the open branch, json keeps all. Markdown comes in a zip if files come along."`
	Reasoning bool   `query:"reasoning" kind:"enum" doc:"Show what the model thought before it answered."`
	Era       bool   `query:"era" kind:"enum" doc:"Japanese dates by era: 令和8年11月22日."`
}

func (w ExportWish) wish(ctx context.Context) transfer.Wish {
	return transfer.Wish{Format: export.Format(w.Format), Reasoning: w.Reasoning, Era: w.Era, Author: requestOf(ctx).account.Name}
}

type exportOrder struct {
	IDs       []string `json:"ids" kind:"id" maxItems:"10000"`
	Format    string   `json:"format" kind:"enum" enum:"md,json,html,pdf,docx"`
	Reasoning bool     `json:"reasoning,omitempty" kind:"enum"`
	Era       bool     `json:"era,omitempty" kind:"enum"`
}

// importReport says what became of everything in an export.
type importReport struct {
	Source        imports.Source  `json:"source" enum:"chatgpt,open_webui,librechat,genu,kakoi"`
	DryRun        bool            `json:"dryRun" doc:"Nothing was kept; this is what would be."`
	Conversations importCounts    `json:"conversations"`
	Messages      importCounts    `json:"messages"`
	Merged        int             `json:"merged" doc:"Of the messages taken, those that became part of the one before them."`
	Attachments   importCounts    `json:"attachments" doc:"Those of folders, too."`
	Prompts       importCounts    `json:"prompts"`
	Folders       importCounts    `json:"folders" doc:"With their instructions."`
	Omitted       map[string]int  `json:"omitted" doc:"Pieces that are none of these, by reason."`
	Problems      []importProblem `json:"problems" doc:"Conversations that could not be read; at most the first hundred."`
}

type importCounts struct {
	Seen    int            `json:"seen" doc:"Taken and skipped."`
	Taken   int            `json:"taken"`
	Skipped map[string]int `json:"skipped" doc:"By reason: here (imported before), name_taken (a prompt; another of its name stays), other_text (a folder; the instructions here stay), hidden, system, tool, reasoning_recap, error, empty, unknown_content, unknown_role, malformed, duplicate, too_large, too_deep, too_many, unknown_format, not_in_file, unsupported, conversation."`
}

type importProblem struct {
	Number int    `json:"number" doc:"Where it stands in the file, from 1."`
	Title  string `json:"title"`
	Reason string `json:"reason"`
}

func importReportOf(r imports.Report, dryRun bool) importReport {
	return importReport{
		Source: r.Source, DryRun: dryRun, Conversations: importCountsOf(r.Conversations), Messages: importCountsOf(r.Messages), Merged: r.Merged,
		Attachments: importCountsOf(r.Attachments), Prompts: importCountsOf(r.Prompts), Folders: importCountsOf(r.Folders), Omitted: byReason(r.Omitted),
		Problems: mapped(r.Problems, func(p imports.Problem) importProblem { return importProblem{p.Number, p.Title, string(p.Reason)} }),
	}
}

func importCountsOf(c imports.Counts) importCounts {
	return importCounts{c.Seen, c.Taken, byReason(c.Skipped)}
}

func byReason(in map[imports.Reason]int) map[string]int {
	out := make(map[string]int, len(in))
	for why, n := range in {
		out[string(why)] = n
	}
	return out
}

type deletedConversations struct {
	Deleted int `json:"deleted"`
}

const (
	importsPath = "/imports"
	// transferPatience bounds the time that a large file may take over a slow line.
	transferPatience = 2 * time.Hour
)

func (s *Server) transferOperations() {
	register(s, route{method: http.MethodGet, path: "/conversations/{id}/export", id: "exportConversation", tag: "chat", summary: "A conversation as a file."}, s.exportConversation)
	register(s, route{method: http.MethodPost, path: "/exports", id: "exportConversations", tag: "chat", summary: "A zip with a file for each conversation.", body: 2 << 20}, s.exportConversations)
	register(s, route{method: http.MethodGet, path: "/messages/{id}/tables", id: "exportTables", tag: "chat", summary: "The tables of an answer for a spreadsheet."}, s.exportTables)
	register(s, route{method: http.MethodGet, path: "/me/export", id: "exportMe", tag: "account", summary: "A zip with everything that is one's own."}, s.exportMe)
	register(s, route{method: http.MethodDelete, path: "/me/conversations", id: "deleteMyConversations", tag: "account", summary: "Deletes all of one's conversations. For some minutes each can be restored."}, s.deleteMyConversations)

	// Beside huma, which would hold the whole file in memory.
	doc := s.api.OpenAPI()
	doc.AddOperation(&huma.Operation{
		Extensions:  map[string]any{accessKey: "signed-in"},
		OperationID: "importConversations", Method: http.MethodPost, Path: importsPath, Tags: []string{"chat"},
		Summary: "Brings in conversations that ChatGPT, Open WebUI, LibreChat, GenU or Kakoi exported, and prompts and folders from an export of everything: the raw bytes of the file. Importing it again changes nothing.",
		Parameters: []*huma.Param{{Name: "dryRun", In: "query", Description: "Only say what would be taken.",
			Schema: &huma.Schema{Type: huma.TypeBoolean, Extensions: map[string]any{kindKey: "enum"}}}},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/octet-stream": {
			Schema: &huma.Schema{Type: huma.TypeString, Format: "binary", Extensions: map[string]any{kindKey: "blob"}}}}},
		Responses: map[string]*huma.Response{
			"200":     {Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[importReport](doc)}}},
			"default": doc.Paths["/me/conversations"].Delete.Responses["default"],
		},
	})
}

func (s *Server) exportConversation(ctx context.Context, in *struct {
	IDInput
	ExportWish
}) (*huma.StreamResponse, error) {
	file, err := s.transfer.Conversation(ctx, in.ID, in.wish(ctx))
	return s.sent(ctx, "exportConversation", file, err)
}

func (s *Server) exportConversations(ctx context.Context, in *struct{ Body exportOrder }) (*huma.StreamResponse, error) {
	b := in.Body
	file, err := s.transfer.Conversations(ctx, b.IDs, ExportWish{b.Format, b.Reasoning, b.Era}.wish(ctx))
	return s.sent(ctx, "exportConversations", file, err)
}

func (s *Server) exportTables(ctx context.Context, in *struct {
	IDInput
	Format string `query:"format" kind:"enum" enum:"xlsx,csv" default:"xlsx"`
	Index  int    `query:"index" kind:"number" minimum:"-1" maximum:"10000" default:"-1" doc:"Of the table, from 0. Absent: a sheet for each; as csv, the first."`
}) (*huma.StreamResponse, error) {
	file, err := s.transfer.Tables(ctx, in.ID, in.Format, in.Index)
	return s.sent(ctx, "exportTables", file, err)
}

func (s *Server) exportMe(ctx context.Context, _ *none) (*huma.StreamResponse, error) {
	who := requestOf(ctx).account
	things := []transfer.Thing{{Name: "account.json", Value: map[string]any{
		"account":     accountOf(who),
		"preferences": who.Preferences,
	}}}
	prompts, err := s.ownPrompts(ctx)
	if err != nil {
		return nil, err
	}
	shared, err := s.ownShares(ctx)
	if err != nil {
		return nil, err
	}
	opinions, err := s.feedback.Mine(ctx)
	if err != nil {
		return nil, err
	}
	things = append(things,
		transfer.Thing{Name: "prompts.json", Value: orEmpty(prompts)},
		transfer.Thing{Name: "shares.json", Value: orEmpty(shared)},
		transfer.Thing{Name: "feedback.json", Value: mapped(opinions, ownFeedbackOf)},
	)
	file, err := s.transfer.Everything(ctx, who.Name, things)
	return s.sent(ctx, "exportMe", file, err)
}

// ownPrompt is one of the person's with what it said before, newest first.
type ownPrompt struct {
	prompt
	Versions []promptVersion `json:"versions"`
}

func (s *Server) ownPrompts(ctx context.Context) ([]ownPrompt, error) {
	var own []ownPrompt
	for f := (library.Filter{Scope: library.ScopeMine, Limit: 200}); ; {
		page, err := s.library.List(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, p := range page.Items {
			whole, err := s.library.Prompt(ctx, p.ID)
			if err != nil {
				return nil, err
			}
			versions, err := s.everyVersion(ctx, p.ID)
			if err != nil {
				return nil, err
			}
			own = append(own, ownPrompt{promptOf(ctx, whole), versions})
		}
		if f.PageToken = page.NextPageToken; f.PageToken != "" {
			continue
		}
		if f.Archived {
			return own, nil
		}
		f.Archived = true
	}
}

func (s *Server) everyVersion(ctx context.Context, id string) ([]promptVersion, error) {
	var all []promptVersion
	for token := ""; ; {
		page, err := s.library.Versions(ctx, id, token, 200)
		if err != nil {
			return nil, err
		}
		for _, v := range page.Items {
			whole, err := s.library.Version(ctx, id, v.Number)
			if err != nil {
				return nil, err
			}
			all = append(all, promptVersionOf(whole))
		}
		if token = page.NextPageToken; token == "" {
			return all, nil
		}
	}
}

// ownShares is what the person shows to others, with who has seen it.
func (s *Server) ownShares(ctx context.Context) ([]any, error) {
	ids, err := s.chat.Everything(ctx)
	if err != nil {
		return nil, err
	}
	var all []any
	for _, id := range ids {
		list, err := s.shares.List(ctx, id)
		if errs.CodeOf(err) == errs.NotFound {
			continue // deleted by now
		} else if err != nil {
			return nil, err
		}
		for _, sh := range list {
			whole, views, err := s.shares.Share(ctx, sh.ID)
			if errs.CodeOf(err) == errs.NotFound {
				continue
			} else if err != nil {
				return nil, err
			}
			all = append(all, sharingOf(ctx, whole, views))
		}
	}
	return all, nil
}

// ownFeedback is what the person thinks of an answer.
type ownFeedback struct {
	MessageID      string            `json:"messageId"`
	ConversationID string            `json:"conversationId"`
	ModelName      string            `json:"modelName"`
	Rating         feedback.Rating   `json:"rating"`
	Reasons        []feedback.Reason `json:"reasons"`
	Comment        string            `json:"comment"`
	ShareContent   bool              `json:"shareContent"`
	UpdatedAt      time.Time         `json:"updatedAt"`
}

func ownFeedbackOf(o feedback.Own) ownFeedback {
	return ownFeedback{o.MessageID, o.ConversationID, o.ModelName, o.Rating, orEmpty(o.Reasons), o.Comment, o.ShareContent, o.UpdatedAt}
}

func (s *Server) deleteMyConversations(ctx context.Context, _ *none) (*body[deletedConversations], error) {
	n, err := s.chat.DeleteAll(ctx)
	if err != nil {
		return nil, err
	}
	return ok(deletedConversations{n}), nil
}

// sent answers with a file as it is written.
func (s *Server) sent(ctx context.Context, operation string, file transfer.Export, err error) (*huma.StreamResponse, error) {
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(out huma.Context) {
		if known := requestOf(ctx); known.control != nil {
			_ = known.control.SetWriteDeadline(time.Now().Add(transferPatience))
		}
		out.SetHeader("Content-Type", file.MediaType)
		out.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": file.Name}))
		out.SetHeader("Cache-Control", "no-store")
		to := bufio.NewWriterSize(out.BodyWriter(), 64<<10)
		err := file.Write(to)
		if err == nil {
			err = to.Flush()
		}
		if err != nil {
			// Too late for a status. Half a file must not pass for a whole one.
			_ = s.fail(ctx, operation, err)
			panic(http.ErrAbortHandler)
		}
	}}, nil
}

// importConversations handles POST /imports.
func (s *Server) importConversations(w http.ResponseWriter, r *http.Request) {
	report, err := s.imported(w, r)
	if err != nil {
		s.answer(w, r, "importConversations", err)
		return
	}
	writeJSON(w, report)
}

func (s *Server) imported(w http.ResponseWriter, r *http.Request) (importReport, error) {
	ctx := r.Context()
	// Who may not import need not send the file.
	if err := s.chat.CheckBring(ctx); err != nil {
		return importReport{}, err
	}
	dryRun := false
	if raw := r.URL.Query().Get("dryRun"); raw != "" {
		var err error
		if dryRun, err = strconv.ParseBool(raw); err != nil {
			return importReport{}, errs.InField("dryRun", "this is true or false")
		}
	}
	tooLarge := errs.Newf(errs.TooLarge, "The file is larger than %d bytes.", s.limits.ImportBytes).
		With("limitBytes", strconv.FormatInt(s.limits.ImportBytes, 10))
	if r.ContentLength > s.limits.ImportBytes {
		return importReport{}, tooLarge
	}
	if known := requestOf(ctx); known.control != nil {
		_ = known.control.SetReadDeadline(time.Now().Add(transferPatience))
		_ = known.control.SetWriteDeadline(time.Now().Add(2 * transferPatience))
	}
	file, err := os.CreateTemp(s.spool, "import-*")
	if err != nil {
		return importReport{}, fmt.Errorf("keep the file for a moment: %w", err)
	}
	defer func() {
		_ = file.Close()
		_ = os.Remove(file.Name()) // where an open file could not be
	}()
	_ = os.Remove(file.Name()) // whatever happens, it does not stay
	size, err := io.Copy(file, http.MaxBytesReader(w, r.Body, s.limits.ImportBytes))
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return importReport{}, tooLarge
	} else if err != nil {
		return importReport{}, fmt.Errorf("keep the file for a moment: %w", err)
	}
	requestOf(ctx).endReadDeadline()
	report, err := s.transfer.Import(ctx, file, size, dryRun)
	return importReportOf(report, dryRun), err
}
