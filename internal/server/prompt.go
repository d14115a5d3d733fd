package server

import (
	"context"
	"net/http"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/library"
)

// PromptSummary is a prompt in a list.
type PromptSummary struct {
	ID          string             `json:"id"`
	Kind        library.Kind       `json:"kind" enum:"system,message" doc:"Instructions for a conversation, or a text to send."`
	Official    bool               `json:"official" doc:"The organisation's: administrators edit it."`
	Mine        bool               `json:"mine"`
	OwnerName   string             `json:"ownerName,omitempty" doc:"Absent for official ones."`
	Editable    bool               `json:"editable" doc:"By whoever asks."`
	Name        string             `json:"name"`
	Command     string             `json:"command,omitempty" doc:"Typed after a slash."`
	Description string             `json:"description,omitempty"`
	Category    string             `json:"category,omitempty" doc:"An id of GET /prompt-categories."`
	Locale      string             `json:"locale" enum:"ja,en,any"`
	Visibility  library.Visibility `json:"visibility" enum:"private,groups,everyone"`
	Hidden      bool               `json:"hidden" doc:"By an administrator, from all but its owner and administrators."`
	Archived    bool               `json:"archived"`
	Version     int64              `json:"version"`
	Uses        int64              `json:"uses" doc:"By everyone."`
	MyUses      int64              `json:"myUses"`
	MyLastUseAt time.Time          `json:"myLastUseAt,omitzero" doc:"Absent if never."`
	CreatedAt   time.Time          `json:"createdAt"`
	UpdatedAt   time.Time          `json:"updatedAt"`
}

// prompt is one with its text and what it asks for.
type prompt struct {
	PromptSummary
	Body      string           `json:"body"`
	Variables []promptVariable `json:"variables" doc:"In the order of the text."`
	GroupIDs  []string         `json:"groupIds,omitempty" doc:"Those it is shared with, for whoever may edit it."`
}

type promptVariable struct {
	Name    string               `json:"name"`
	Type    library.VariableType `json:"type" enum:"text,long,number,date,choice"`
	Choices []string             `json:"choices,omitempty"`
	Default string               `json:"default,omitempty" doc:"Of a date also today."`
}

func promptSummaryOf(ctx context.Context) func(library.Prompt) PromptSummary {
	who, _ := access.From(ctx)
	return func(p library.Prompt) PromptSummary {
		return PromptSummary{
			ID: p.ID, Kind: p.Kind, Official: p.Official(), Mine: p.OwnerID == who.AccountID, OwnerName: p.OwnerName, Editable: p.Editable,
			Name: p.Name, Command: p.Command, Description: p.Description, Category: p.Category, Locale: p.Locale, Visibility: p.Visibility,
			Hidden: p.Hidden, Archived: p.Archived, Version: p.Version, Uses: p.Uses, MyUses: p.MyUses, MyLastUseAt: p.MyLastUse,
			CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
		}
	}
}

func promptOf(ctx context.Context, p library.Prompt) prompt {
	out := prompt{promptSummaryOf(ctx)(p), p.Body, mapped(library.Parse(p.Body).Variables(), promptVariableOf), nil}
	if p.Editable {
		out.GroupIDs = p.GroupIDs
	}
	return out
}

func promptVariableOf(v library.Variable) promptVariable { return promptVariable(v) }

type newPrompt struct {
	Official    bool               `json:"official,omitempty" kind:"enum" doc:"The organisation's; for administrators."`
	Kind        library.Kind       `json:"kind" kind:"enum" enum:"system,message"`
	Name        string             `json:"name" kind:"name" minLength:"1" maxLength:"100"`
	Command     string             `json:"command,omitempty" kind:"name" maxLength:"41" doc:"Letters a to z or Japanese ones, digits and hyphens; with or without its slash."`
	Description string             `json:"description,omitempty" kind:"freeText" maxLength:"500"`
	Category    string             `json:"category,omitempty" kind:"name" maxLength:"50" doc:"An id or a name of GET /prompt-categories, or a new name."`
	Locale      string             `json:"locale,omitempty" kind:"enum" enum:"ja,en,any" doc:"How dates are written; any is as the reader's."`
	Visibility  library.Visibility `json:"visibility,omitempty" kind:"enum" enum:"private,groups,everyone" doc:"Private when absent; everyone if official."`
	GroupIDs    []string           `json:"groupIds,omitempty" kind:"id" maxItems:"100"`
	Body        string             `json:"body" kind:"freeText" minLength:"1" maxLength:"50000"`
	Note        string             `json:"note,omitempty" kind:"freeText" maxLength:"200" doc:"About this version."`
}

type promptChange struct {
	Name        *string             `json:"name,omitempty" kind:"name" minLength:"1" maxLength:"100"`
	Command     *string             `json:"command,omitempty" kind:"name" maxLength:"41" doc:"Empty: none."`
	Description *string             `json:"description,omitempty" kind:"freeText" maxLength:"500"`
	Category    *string             `json:"category,omitempty" kind:"name" maxLength:"50"`
	Locale      *string             `json:"locale,omitempty" kind:"enum" enum:"ja,en,any"`
	Visibility  *library.Visibility `json:"visibility,omitempty" kind:"enum" enum:"private,groups,everyone"`
	GroupIDs    *[]string           `json:"groupIds,omitempty" kind:"id" maxItems:"100" doc:"Replaces all."`
	Archived    *bool               `json:"archived,omitempty" kind:"enum" doc:"Puts it away, from everybody else."`
	Hidden      *bool               `json:"hidden,omitempty" kind:"enum" doc:"For administrators, of what is official or shared with everyone or a group of theirs."`
	Body        *string             `json:"body,omitempty" kind:"freeText" minLength:"1" maxLength:"50000" doc:"Makes a version."`
	Note        string              `json:"note,omitempty" kind:"freeText" maxLength:"200" doc:"About the version."`
	BaseVersion int64               `json:"baseVersion,omitempty" kind:"number" minimum:"0" doc:"The version the new body was written upon: refused if there is a newer one."`
}

type promptFilter struct {
	Scope     library.Scope `query:"scope" kind:"enum" enum:"mine,official,shared" doc:"Absent: all that one may read."`
	Kind      library.Kind  `query:"kind" kind:"enum" enum:"system,message"`
	Category  string        `query:"category" kind:"name" maxLength:"50"`
	Locale    string        `query:"locale" kind:"enum" enum:"ja,en" doc:"With those of any language."`
	Command   string        `query:"command" kind:"name" maxLength:"41" doc:"Its beginning."`
	Search    string        `query:"search" kind:"freeText" maxLength:"200" doc:"Part of name, command, description or body, in any width and case."`
	Archived  bool          `query:"archived" kind:"enum" doc:"Those that were put away instead."`
	Order     library.Order `query:"order" kind:"enum" enum:"name,recent" doc:"recent: what one used last comes first."`
	PageToken string        `query:"pageToken" kind:"id" maxLength:"2000"`
	Limit     int           `query:"limit" kind:"number" minimum:"1" maximum:"200"`
}

type promptVersion struct {
	Number       int64     `json:"number"`
	Note         string    `json:"note,omitempty"`
	AuthorName   string    `json:"authorName,omitempty" doc:"Absent for the set that comes with the program."`
	RestoredFrom int64     `json:"restoredFrom,omitempty" doc:"The version it repeats."`
	CreatedAt    time.Time `json:"createdAt"`
	Body         string    `json:"body,omitempty" doc:"Absent in lists."`
}

func promptVersionOf(v library.Version) promptVersion {
	return promptVersion{v.Number, v.Note, v.AuthorName, v.RestoredFrom, v.CreatedAt, v.Body}
}

type promptVersionInput struct {
	IDInput
	Number int64 `path:"n" kind:"number" minimum:"1"`
}

type renderRequest struct {
	Values  map[string]string `json:"values,omitempty" kind:"freeText" doc:"By the names of the variables; dates as 2026-07-04. What is missing gives way to its default."`
	Preview bool              `json:"preview,omitempty" kind:"enum" doc:"Does not count as a use."`
}

type promptTrial struct {
	Body   string            `json:"body" kind:"freeText" minLength:"1" maxLength:"50000"`
	Locale string            `json:"locale,omitempty" kind:"enum" enum:"ja,en,any"`
	Values map[string]string `json:"values,omitempty" kind:"freeText"`
}

// Rendered is a text that was filled in.
type Rendered struct {
	Text    string   `json:"text"`
	Missing []string `json:"missing" doc:"Variables with neither a value nor a default; nothing stands in their place."`
}

func renderedOf(r library.Rendered) Rendered { return Rendered{r.Text, orEmpty(r.Missing)} }

type tried struct {
	Rendered
	Variables []promptVariable `json:"variables"`
}

type promptCategory struct {
	ID      string            `json:"id"`
	Names   map[string]string `json:"names" doc:"By language."`
	Builtin bool              `json:"builtin" doc:"Comes with the program."`
	Prompts int64             `json:"prompts" doc:"That one may read."`
}

type promptCategories struct {
	Items []promptCategory `json:"items"`
}

type myGroups struct {
	Items []group `json:"items"`
}

func (s *Server) promptOperations() {
	const most = 1 << 20                     // JSON may write a character in twelve bytes
	fill := 6*s.limits.MessageBytes + 2*most // values are pasted texts
	register(s, route{method: http.MethodGet, path: "/prompts", id: "listPrompts", tag: "prompt", summary: "The prompts one may read, without their bodies."}, s.listPrompts)
	register(s, route{method: http.MethodPost, path: "/prompts", id: "createPrompt", tag: "prompt", summary: "Makes a prompt.", status: http.StatusCreated, body: most}, s.createPrompt)
	register(s, route{method: http.MethodPost, path: "/prompts/preview", id: "previewPrompt", tag: "prompt", summary: "Takes a body apart and fills it in, without storing it.", body: fill}, s.previewPrompt)
	register(s, route{method: http.MethodGet, path: "/prompts/{id}", id: "getPrompt", tag: "prompt", summary: "One prompt with its body and variables."}, s.getPrompt)
	register(s, route{method: http.MethodPatch, path: "/prompts/{id}", id: "updatePrompt", tag: "prompt", summary: "Changes a prompt; a new body makes a version.", body: most}, s.updatePrompt)
	register(s, route{method: http.MethodDelete, path: "/prompts/{id}", id: "deletePrompt", tag: "prompt", summary: "Deletes a prompt with its versions.", status: http.StatusNoContent}, s.deletePrompt)
	register(s, route{method: http.MethodGet, path: "/prompts/{id}/versions", id: "listPromptVersions", tag: "prompt", summary: "The versions of a prompt, the newest first, for whoever may edit it."}, s.listPromptVersions)
	register(s, route{method: http.MethodGet, path: "/prompts/{id}/versions/{n}", id: "getPromptVersion", tag: "prompt", summary: "One version with its body, for whoever may edit the prompt."}, s.getPromptVersion)
	register(s, route{method: http.MethodPost, path: "/prompts/{id}/versions/{n}/restore", id: "restorePromptVersion", tag: "prompt", summary: "Makes a new version that says what an old one said."}, s.restorePromptVersion)
	register(s, route{method: http.MethodPost, path: "/prompts/{id}/copy", id: "copyPrompt", tag: "prompt", summary: "Makes a private prompt of one's own with the same text.", status: http.StatusCreated}, s.copyPrompt)
	register(s, route{method: http.MethodPost, path: "/prompts/{id}/render", id: "renderPrompt", tag: "prompt", summary: "Fills a prompt in.", body: fill}, s.renderPrompt)
	register(s, route{method: http.MethodGet, path: "/prompt-categories", id: "listPromptCategories", tag: "prompt", summary: "The categories: those of the program, then others that are in use."}, s.listPromptCategories)
	register(s, route{method: http.MethodGet, path: "/me/groups", id: "listMyGroups", tag: "account", summary: "The groups one is in, by name: what one may share with."}, s.listMyGroups)
}

func (s *Server) listPrompts(ctx context.Context, in *promptFilter) (*body[list[PromptSummary]], error) {
	page, err := s.library.List(ctx, library.Filter{
		Scope: in.Scope, Kind: in.Kind, Category: in.Category, Locale: in.Locale, Command: in.Command, Search: in.Search,
		Archived: in.Archived, Order: in.Order, PageToken: in.PageToken, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	return ok(list[PromptSummary]{mapped(page.Items, promptSummaryOf(ctx)), page.NextPageToken}), nil
}

func (s *Server) createPrompt(ctx context.Context, in *struct{ Body newPrompt }) (*body[prompt], error) {
	b := in.Body
	return promptAnswer(ctx)(s.library.Create(ctx, library.Draft{
		Official: b.Official, Kind: b.Kind, Name: b.Name, Command: b.Command, Description: b.Description, Category: b.Category,
		Locale: b.Locale, Visibility: b.Visibility, GroupIDs: b.GroupIDs, Body: b.Body, Note: b.Note,
	}))
}

// promptAnswer makes an answer of what the library returns.
func promptAnswer(ctx context.Context) func(library.Prompt, error) (*body[prompt], error) {
	return func(p library.Prompt, err error) (*body[prompt], error) {
		if err != nil {
			return nil, err
		}
		return ok(promptOf(ctx, p)), nil
	}
}

func (s *Server) previewPrompt(ctx context.Context, in *struct{ Body promptTrial }) (*body[tried], error) {
	out, variables, err := s.library.Try(ctx, in.Body.Body, in.Body.Locale, in.Body.Values, int(s.limits.MessageBytes))
	if err != nil {
		return nil, err
	}
	return ok(tried{renderedOf(out), mapped(variables, promptVariableOf)}), nil
}

func (s *Server) getPrompt(ctx context.Context, in *IDInput) (*body[prompt], error) {
	return promptAnswer(ctx)(s.library.Prompt(ctx, in.ID))
}

func (s *Server) updatePrompt(ctx context.Context, in *struct {
	IDInput
	Body promptChange
}) (*body[prompt], error) {
	return promptAnswer(ctx)(s.library.Update(ctx, in.ID, library.Change(in.Body)))
}

func (s *Server) deletePrompt(ctx context.Context, in *IDInput) (*none, error) {
	return nil, s.library.Delete(ctx, in.ID)
}

func (s *Server) listPromptVersions(ctx context.Context, in *struct {
	IDInput
	PageToken string `query:"pageToken" kind:"id" maxLength:"64"`
	Limit     int    `query:"limit" kind:"number" minimum:"1" maximum:"200"`
}) (*body[list[promptVersion]], error) {
	page, err := s.library.Versions(ctx, in.ID, in.PageToken, in.Limit)
	if err != nil {
		return nil, err
	}
	return ok(list[promptVersion]{mapped(page.Items, promptVersionOf), page.NextPageToken}), nil
}

func (s *Server) getPromptVersion(ctx context.Context, in *promptVersionInput) (*body[promptVersion], error) {
	v, err := s.library.Version(ctx, in.ID, in.Number)
	if err != nil {
		return nil, err
	}
	return ok(promptVersionOf(v)), nil
}

func (s *Server) restorePromptVersion(ctx context.Context, in *promptVersionInput) (*body[prompt], error) {
	return promptAnswer(ctx)(s.library.Restore(ctx, in.ID, in.Number))
}

func (s *Server) copyPrompt(ctx context.Context, in *IDInput) (*body[prompt], error) {
	return promptAnswer(ctx)(s.library.Copy(ctx, in.ID))
}

func (s *Server) renderPrompt(ctx context.Context, in *struct {
	IDInput
	Body renderRequest
}) (*body[Rendered], error) {
	out, err := s.library.Render(ctx, in.ID, in.Body.Values, in.Body.Preview, int(s.limits.MessageBytes))
	if err != nil {
		return nil, err
	}
	return ok(renderedOf(out)), nil
}

func (s *Server) listPromptCategories(ctx context.Context, _ *none) (*body[promptCategories], error) {
	all, err := s.library.Categories(ctx)
	if err != nil {
		return nil, err
	}
	return ok(promptCategories{mapped(all, func(c library.Category) promptCategory { return promptCategory(c) })}), nil
}

func (s *Server) listMyGroups(ctx context.Context, _ *none) (*body[myGroups], error) {
	groups, err := s.groups.Mine(ctx)
	if err != nil {
		return nil, err
	}
	return ok(myGroups{mapped(groups, groupOf)}), nil
}
