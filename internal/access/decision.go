package access

import (
	"context"
	"slices"

	"kakoi/internal/errs"
)

// Kind is the kind of a resource.
type Kind string

// The kinds of resource there are.
const (
	KindAccount      Kind = "account"
	KindSession      Kind = "session"
	KindUnit         Kind = "unit"
	KindRole         Kind = "role"
	KindGroup        Kind = "group"
	KindConnection   Kind = "connection"
	KindModel        Kind = "model"
	KindConversation Kind = "conversation"
	KindAttachment   Kind = "attachment"
	KindPrompt       Kind = "prompt"
	KindFeedback     Kind = "feedback"
	KindShare        Kind = "share"
	KindAuditEvent   Kind = "audit_event"
	KindSystem       Kind = "system"
	KindFeature      Kind = "feature"
)

// Action is something a principal may want to do. Its first word is the kind of
// the resource it acts on.
type Action string

// The actions there are, by who may do them.
const (
	// The owner alone. Runs and messages belong to their conversation.
	ConversationCreate Action = "conversation.create"
	ConversationRead   Action = "conversation.read"
	ConversationWrite  Action = "conversation.write"
	ConversationDelete Action = "conversation.delete"
	ConversationExport Action = "conversation.export"
	ConversationImport Action = "conversation.import"
	TemporaryUse       Action = "temporary.use"
	DictationUse       Action = "dictation.use"
	AttachmentCreate   Action = "attachment.create"
	AttachmentRead     Action = "attachment.read"
	AttachmentDelete   Action = "attachment.delete"
	SessionRead        Action = "session.read"
	SessionEnd         Action = "session.end"
	PromptCreate       Action = "prompt.create"
	// Sharing a conversation. The resource's OwnerID is the conversation's.
	ShareCreate Action = "share.create"
	ShareWrite  Action = "share.write"
	// FeedbackWrite is about an answer. The resource's OwnerID is the
	// conversation's.
	FeedbackWrite Action = "feedback.write"

	// The person whose account it is. The resource's OwnerID is the account.
	AccountReadSelf       Action = "account.read_self"
	AccountWriteSelf      Action = "account.write_self"
	AccountChangePassword Action = "account.change_password"
	// Second factors: to prove one while signing in, to see and to set up what
	// one has, to take it away; and to prove again who one is.
	AccountPassSecondFactor  Action = "account.pass_second_factor"
	AccountReadSecondFactor  Action = "account.read_second_factor"
	AccountEnrolSecondFactor Action = "account.enrol_second_factor"
	AccountWriteSecondFactor Action = "account.write_second_factor"
	AccountProve             Action = "account.prove"

	// Whom its grants let use it.
	ModelUse Action = "model.use"

	// Prompts. Reading is for the owner and for those it is shared with;
	// writing for the owner, or for whoever makes the organisation's where it
	// is one of those; hiding for whoever holds a role that permits it, and may
	// read it.
	PromptRead Action = "prompt.read"
	// ShareRead is for the owner and for those the conversation is shared with.
	ShareRead   Action = "share.read"
	PromptWrite Action = "prompt.write"
	PromptHide  Action = "prompt.hide"

	// Whoever holds a role that permits it: see permissions. Of an account only
	// if it holds no right that they do not hold.
	AccountRead       Action = "account.read"
	AccountWrite      Action = "account.write"
	RoleAssign        Action = "role.assign" // the resource is the account, with all it holds before and after
	RoleRead          Action = "role.read"
	RoleWrite         Action = "role.write"
	OrganisationRead  Action = "organisation.read"
	OrganisationWrite Action = "organisation.write"
	GroupRead         Action = "group.read"
	GroupWrite        Action = "group.write"
	ConnectionRead    Action = "connection.read"
	ConnectionWrite   Action = "connection.write"
	ModelRead         Action = "model.read"
	ModelWrite        Action = "model.write"
	AuditRead         Action = "audit_event.read"
	SystemRead        Action = "system.read"
	SystemWrite       Action = "system.write"
	FeedbackRead      Action = "feedback.read"
	// AccountResetSecondFactor takes away what somebody proves who they are with.
	AccountResetSecondFactor Action = "account.reset_second_factor"
	// SystemWriteSignIn decides who gets in, and how.
	SystemWriteSignIn Action = "system.write_sign_in"
	// SystemExportEvidence takes signed evidence out.
	SystemExportEvidence Action = "system.export_evidence"
	// PromptCreateOfficial makes a prompt of the organisation.
	PromptCreateOfficial Action = "prompt.create_official"
)

// Resource is what an action is about. A list, or an object that is about to be
// made, has no ID.
type Resource struct {
	Kind       Kind
	ID         string
	OwnerID    string   // account that owns it; "" for what belongs to the organisation
	GroupIDs   []string // with ReachGroups: groups it is shared with
	AccountIDs []string // with ReachGroups: single people it is shared with too
	Reach      Reach    // whom its owner shares it with
	Hidden     bool     // shared, but withdrawn from all but its owner and who may hide
	Grants     []Grant  // on it, and on all that it is in
	UnitIDs    []string // units that it belongs to
	Rights     []Right  // of an account: what it holds
	// Any is set for whatever there is of the kind: a list, of which its query
	// leaves out what is not for the principal (Principal.Scope).
	Any bool
}

// Reach says whom an owner shares an object with.
type Reach int

// The reaches. ReachGroups is whoever is in one of Resource.GroupIDs or one of
// Resource.AccountIDs, nobody when there is none.
const (
	ReachOwner Reach = iota
	ReachGroups
	ReachEveryone
)

// rule says who may do an action.
type rule int

const (
	owner rule = iota + 1
	permitted
	subordinate
	grantee
	reader
	keeper
	moderator
)

type grant struct {
	kind Kind
	rule rule
}

var grants = map[Action]grant{
	ConversationCreate: {KindConversation, owner},
	ConversationRead:   {KindConversation, owner},
	ConversationWrite:  {KindConversation, owner},
	ConversationDelete: {KindConversation, owner},
	ConversationExport: {KindConversation, owner},
	ConversationImport: {KindConversation, owner},
	TemporaryUse:       {KindConversation, owner},
	DictationUse:       {KindConversation, owner},
	AttachmentCreate:   {KindAttachment, owner},
	AttachmentRead:     {KindAttachment, owner},
	AttachmentDelete:   {KindAttachment, owner},
	SessionRead:        {KindSession, owner},
	SessionEnd:         {KindSession, owner},

	AccountReadSelf:       {KindAccount, owner},
	AccountWriteSelf:      {KindAccount, owner},
	AccountChangePassword: {KindAccount, owner},

	AccountPassSecondFactor:  {KindAccount, owner},
	AccountReadSecondFactor:  {KindAccount, owner},
	AccountEnrolSecondFactor: {KindAccount, owner},
	AccountWriteSecondFactor: {KindAccount, owner},
	AccountProve:             {KindAccount, owner},

	PromptCreate:  {KindPrompt, owner},
	FeedbackWrite: {KindFeedback, owner},
	ShareCreate:   {KindShare, owner},
	ShareWrite:    {KindShare, owner},
	ShareRead:     {KindShare, reader},

	ModelUse: {KindModel, grantee},

	PromptRead:  {KindPrompt, reader},
	PromptWrite: {KindPrompt, keeper},
	PromptHide:  {KindPrompt, moderator},

	AccountRead:  {KindAccount, permitted},
	AccountWrite: {KindAccount, subordinate},
	RoleAssign:   {KindAccount, subordinate},
	RoleRead:     {KindRole, permitted},
	RoleWrite:    {KindRole, permitted},

	OrganisationRead:  {KindUnit, permitted},
	OrganisationWrite: {KindUnit, permitted},

	GroupRead:       {KindGroup, permitted},
	GroupWrite:      {KindGroup, permitted},
	ConnectionRead:  {KindConnection, permitted},
	ConnectionWrite: {KindConnection, permitted},
	ModelRead:       {KindModel, permitted},
	ModelWrite:      {KindModel, permitted},
	AuditRead:       {KindAuditEvent, permitted},
	SystemRead:      {KindSystem, permitted},
	SystemWrite:     {KindSystem, permitted},
	FeedbackRead:    {KindFeedback, permitted},

	AccountResetSecondFactor: {KindAccount, subordinate},
	SystemWriteSignIn:        {KindSystem, permitted},
	SystemExportEvidence:     {KindSystem, permitted},

	PromptCreateOfficial: {KindPrompt, permitted},
}

// Decide returns nil if p may do a to r. Otherwise the error has code
// Unauthenticated (p is nobody), that of the first step p's session has still
// to pass, FeatureWithheld, NotFound (r is someone else's, and its existence is
// not p's to know), Forbidden (p lacks the right) or ReauthenticationRequired
// (p has it, and must prove again who they are). What no rule grants is
// Forbidden.
func Decide(p Principal, a Action, r Resource) error {
	if p.AccountID == "" {
		return errs.New(errs.Unauthenticated, "sign in to do this")
	}
	g, ok := grants[a]
	if !ok || g.kind != r.Kind {
		return forbidden()
	}
	if err := waits(p, a); err != nil {
		return err
	}
	if err := withheld(p, a); err != nil {
		return err
	}
	if err := decide(p, a, g, r); err != nil {
		return err
	}
	return stale(p, a)
}

func decide(p Principal, a Action, g grant, r Resource) error {
	switch g.rule {
	case owner:
		if r.OwnerID != p.AccountID {
			return errs.Newf(errs.NotFound, "there is no such %s", r.Kind)
		}
		return nil
	case permitted, subordinate:
		switch {
		case !p.Has(a):
			return forbidden()
		case r.Any:
			return nil
		case !p.may(a, r.UnitIDs) && r.ID == "":
			return forbidden()
		case !p.may(a, r.UnitIDs):
			return errs.Newf(errs.NotFound, "there is no such %s", r.Kind)
		case g.rule == subordinate && !p.covers(r.Rights):
			return forbidden()
		}
		return nil
	case grantee:
		if !r.Any && !granted(p, r.Grants) {
			return errs.Newf(errs.NotFound, "there is no such %s", r.Kind)
		}
		return nil
	case reader, keeper, moderator:
		if !reads(p, r) {
			return errs.Newf(errs.NotFound, "there is no such %s", r.Kind)
		}
		if g.rule == keeper && r.OwnerID != p.AccountID && (r.OwnerID != "" || !p.Has(PromptCreateOfficial)) {
			return forbidden()
		}
		if g.rule == moderator && !p.Has(a) {
			return forbidden()
		}
		return nil
	}
	return forbidden()
}

// reads reports whether r is p's, or shared with p, or the organisation's and p
// makes those.
func reads(p Principal, r Resource) bool {
	if r.OwnerID == p.AccountID || r.OwnerID == "" && p.Has(PromptCreateOfficial) {
		return true
	}
	if r.Hidden && !p.Has(PromptHide) {
		return false
	}
	return r.Reach == ReachEveryone || r.Reach == ReachGroups && (p.inOneOf(r.GroupIDs) || slices.Contains(r.AccountIDs, p.AccountID))
}

func (p Principal) inOneOf(groups []string) bool {
	return slices.ContainsFunc(groups, func(id string) bool { return slices.Contains(p.GroupIDs, id) })
}

// Permitted returns those of the actions that p may do to r.
func Permitted(p Principal, r Resource, actions ...Action) []Action {
	var may []Action
	for _, a := range actions {
		if Decide(p, a, r) == nil {
			may = append(may, a)
		}
	}
	return may
}

func forbidden() error { return errs.New(errs.Forbidden, "you may not do this") }

// Authorize is Decide for the principal that acts in ctx, which it returns.
func Authorize(ctx context.Context, a Action, r Resource) (Principal, error) {
	p, err := Arrived(ctx)
	if err != nil {
		return Principal{}, err
	}
	return p, Decide(p, a, r)
}
