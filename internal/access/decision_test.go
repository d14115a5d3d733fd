package access

import (
	"testing"

	"kakoi/internal/audit"
	"kakoi/internal/errs"
)

// TestTheMatrix tries every action as every kind of person on every kind of
// object. An action that is missing here fails it.
func TestTheMatrix(t *testing.T) {
	const ok = errs.Code("")
	type row struct {
		rule string
		// What the administrator and the member each get on their own object,
		// on somebody else's, on one of the organisation's, and what someone
		// who must change their password gets on their own.
		adminOwn, adminOther, adminNobodys    errs.Code
		memberOwn, memberOther, memberNobodys errs.Code
		temporaryAdminOwn, temporaryMemberOwn errs.Code
	}
	owners := row{"owner", ok, errs.NotFound, errs.NotFound, ok, errs.NotFound, errs.NotFound, errs.PasswordChangeRequired, errs.PasswordChangeRequired}
	always := owners
	always.temporaryAdminOwn, always.temporaryMemberOwn = ok, ok
	admins := row{"administrator", ok, ok, ok, errs.Forbidden, errs.Forbidden, errs.Forbidden, errs.PasswordChangeRequired, errs.PasswordChangeRequired}
	readers := row{"readers", ok, errs.NotFound, ok, ok, errs.NotFound, errs.NotFound, errs.PasswordChangeRequired, errs.PasswordChangeRequired}
	moderators := readers
	moderators.memberOwn = errs.Forbidden
	everyone := row{"everyone", ok, ok, ok, ok, ok, ok, errs.PasswordChangeRequired, errs.PasswordChangeRequired}

	matrix := map[Action]row{
		ConversationCreate: owners, ConversationRead: owners, ConversationWrite: owners, ConversationDelete: owners,
		ConversationExport: owners, ConversationImport: owners, TemporaryUse: owners, DictationUse: owners, AttachmentCreate: owners, AttachmentRead: owners, AttachmentDelete: owners,
		SessionRead: owners, SessionEnd: always,
		AccountReadSelf: always, AccountWriteSelf: owners, AccountChangePassword: always,
		AccountPassSecondFactor: owners, AccountReadSecondFactor: owners, AccountEnrolSecondFactor: owners, AccountWriteSecondFactor: owners, AccountProve: owners,
		AccountResetSecondFactor: admins, SystemWriteSignIn: admins, SystemExportEvidence: admins,
		PromptCreate: owners, FeedbackWrite: owners,
		PromptRead: readers, PromptWrite: readers, PromptHide: moderators, PromptCreateOfficial: admins,
		ModelUse:    everyone,
		AccountRead: admins, AccountWrite: admins, GroupRead: admins, GroupWrite: admins,
		ConnectionRead: admins, ConnectionWrite: admins, ModelRead: admins, ModelWrite: admins,
		RoleAssign: admins, RoleRead: admins, RoleWrite: admins, OrganisationRead: admins, OrganisationWrite: admins,
		AuditRead: admins, SystemRead: admins, SystemWrite: admins, ShareCreate: owners, ShareWrite: owners, ShareRead: readers, FeedbackRead: admins,
	}
	for a := range grants {
		if _, ok := matrix[a]; !ok {
			t.Errorf("action %s is granted by %+v and not in this matrix", a, grants[a])
		}
	}
	admin := Principal{AccountID: "admin", Rights: Rights(Administrator)}
	member := Principal{AccountID: "member"}
	for a, want := range matrix {
		t.Run(string(a), func(t *testing.T) {
			kind := grants[a].kind
			for _, tt := range []struct {
				name  string
				p     Principal
				owner string
				temp  bool
				want  errs.Code
			}{
				{"administrator, own", admin, "admin", false, want.adminOwn},
				{"administrator, a member's", admin, "member", false, want.adminOther},
				{"administrator, nobody's", admin, "", false, want.adminNobodys},
				{"member, own", member, "member", false, want.memberOwn},
				{"member, the administrator's", member, "admin", false, want.memberOther},
				{"member, nobody's", member, "", false, want.memberNobodys},
				{"administrator with a temporary password, own", admin, "admin", true, want.temporaryAdminOwn},
				{"member with a temporary password, own", member, "member", true, want.temporaryMemberOwn},
				{"nobody", Principal{Rights: Rights(Administrator)}, "", false, errs.Unauthenticated},
				{"member with a role that does not exist", Principal{AccountID: "member", Rights: Rights("root")}, "member", false, want.memberOwn},
			} {
				if tt.temp {
					tt.p.Pending = []Step{StepPasswordChange}
				}
				if tt.temp && want.rule == "administrator" && len(tt.p.Rights) == 0 {
					continue // either refusal would do
				}
				if got := errs.CodeOf(Decide(tt.p, a, Resource{Kind: kind, ID: "x", OwnerID: tt.owner, Grants: ForEveryone})); got != tt.want {
					t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
				}
			}
			for _, other := range []Kind{KindAccount, KindConversation, KindModel, KindSystem, ""} {
				if other == kind {
					continue
				}
				if got := errs.CodeOf(Decide(admin, a, Resource{Kind: other, OwnerID: "admin"})); got != errs.Forbidden {
					t.Errorf("on a resource of kind %q: %q, want %q", other, got, errs.Forbidden)
				}
			}
		})
	}
	if got := errs.CodeOf(Decide(admin, "conversation.anything", Resource{Kind: KindConversation, OwnerID: "admin"})); got != errs.Forbidden {
		t.Errorf("an action nobody knows: %q, want %q", got, errs.Forbidden)
	}
}

func TestADenyWinsAndWhomNothingAllowsMayNot(t *testing.T) {
	tree := NewTree(map[string]string{"city": "", "tax": "city", "desk": "tax", "welfare": "city"})
	to := func(kind SubjectKind, id string) Grant { return Grant{Subject: Subject{Kind: kind, ID: id}} }
	below := func(id string) Grant { return Grant{Subject: Subject{Kind: SubjectUnit, ID: id, Below: true}} }
	not := func(g Grant) Grant { g.Deny = true; return g }
	everyone := ForEveryone[0]
	p := Principal{AccountID: "p", GroupIDs: []string{"a"}, UnitIDs: []string{"desk", "welfare"}, Tree: tree}
	for _, tt := range []struct {
		name   string
		grants []Grant
		want   bool
	}{
		{"nothing", nil, false},
		{"everyone", []Grant{everyone}, true},
		{"the person", []Grant{to(SubjectAccount, "p")}, true},
		{"somebody else", []Grant{to(SubjectAccount, "q")}, false},
		{"their group", []Grant{to(SubjectGroup, "b"), to(SubjectGroup, "a")}, true},
		{"their unit", []Grant{to(SubjectUnit, "desk")}, true},
		{"their other unit", []Grant{to(SubjectUnit, "welfare")}, true},
		{"a unit above, without those below", []Grant{to(SubjectUnit, "tax")}, false},
		{"a unit above, with those below", []Grant{below("tax")}, true},
		{"the top", []Grant{below("city")}, true},
		{"everyone but them", []Grant{everyone, not(to(SubjectAccount, "p"))}, false},
		{"them, but not everyone", []Grant{to(SubjectAccount, "p"), not(everyone)}, false},
		{"everyone but a unit above", []Grant{everyone, not(below("city"))}, false},
		{"everyone but a unit above, without those below", []Grant{everyone, not(to(SubjectUnit, "city"))}, true},
		{"a kind that does not exist", []Grant{{Subject: Subject{Kind: "x"}}}, false},
	} {
		for _, role := range []RoleID{Member, Administrator} { // a role is no way around a grant
			t.Run(tt.name+", "+string(role), func(t *testing.T) {
				p.Rights = Rights(role)
				want := errs.NotFound
				if tt.want {
					want = ""
				}
				if got := errs.CodeOf(Decide(p, ModelUse, Resource{Kind: KindModel, ID: "m", Grants: tt.grants})); got != want {
					t.Errorf("%q, want %q", got, want)
				}
			})
		}
	}
}

func TestWhatIsSharedIsReadByThoseItIsSharedWithAndKeptByItsOwner(t *testing.T) {
	member := Principal{AccountID: "m", GroupIDs: []string{"a"}}
	admin := Principal{AccountID: "d", Rights: Rights(Administrator), GroupIDs: []string{"a"}}
	for _, tt := range []struct {
		name              string
		p                 Principal
		r                 Resource
		read, write, hide errs.Code
	}{
		{"everyone's", member, Resource{OwnerID: "x", Reach: ReachEveryone}, "", errs.Forbidden, errs.Forbidden},
		{"everyone's, hidden", member, Resource{OwnerID: "x", Reach: ReachEveryone, Hidden: true}, errs.NotFound, errs.NotFound, errs.NotFound},
		{"of a group of mine", member, Resource{OwnerID: "x", Reach: ReachGroups, GroupIDs: []string{"a", "b"}}, "", errs.Forbidden, errs.Forbidden},
		{"of another group", member, Resource{OwnerID: "x", Reach: ReachGroups, GroupIDs: []string{"b"}}, errs.NotFound, errs.NotFound, errs.NotFound},
		{"of groups that are gone", member, Resource{OwnerID: "x", Reach: ReachGroups}, errs.NotFound, errs.NotFound, errs.NotFound},
		{"private, with groups left over", member, Resource{OwnerID: "x", GroupIDs: []string{"a"}}, errs.NotFound, errs.NotFound, errs.NotFound},
		{"mine, hidden", member, Resource{OwnerID: "m", Reach: ReachEveryone, Hidden: true}, "", "", errs.Forbidden},
		{"official", member, Resource{Reach: ReachEveryone}, "", errs.Forbidden, errs.Forbidden},
		{"official, hidden", member, Resource{Reach: ReachEveryone, Hidden: true}, errs.NotFound, errs.NotFound, errs.NotFound},
		{"official, to an administrator", admin, Resource{Reach: ReachGroups, GroupIDs: []string{"b"}, Hidden: true}, "", "", ""},
		{"everyone's, hidden, to an administrator", admin, Resource{OwnerID: "x", Reach: ReachEveryone, Hidden: true}, "", errs.Forbidden, ""},
		{"of another group, to an administrator", admin, Resource{OwnerID: "x", Reach: ReachGroups, GroupIDs: []string{"b"}}, errs.NotFound, errs.NotFound, errs.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.r.Kind = KindPrompt
			for a, want := range map[Action]errs.Code{PromptRead: tt.read, PromptWrite: tt.write, PromptHide: tt.hide} {
				if got := errs.CodeOf(Decide(tt.p, a, tt.r)); got != want {
					t.Errorf("%s: %q, want %q", a, got, want)
				}
			}
		})
	}
}

func TestNobodyIsWhoTheContextDoesNotName(t *testing.T) {
	if _, ok := From(t.Context()); ok {
		t.Error("a bare context has a principal")
	}
	if _, ok := From(WithPrincipal(t.Context(), Principal{Rights: Rights(Administrator)})); ok {
		t.Error("a principal without an account counts as one")
	}
	if _, err := Authorize(t.Context(), SystemRead, Resource{Kind: KindSystem}); errs.CodeOf(err) != errs.Unauthenticated {
		t.Errorf("Authorize without a principal = %v, want unauthenticated", err)
	}
	ctx := audit.WithRequest(WithPrincipal(t.Context(), Principal{AccountID: "a"}), audit.RequestInfo{ID: "r"})
	if p, ok := From(ctx); !ok || p.AccountID != "a" {
		t.Errorf("From = %+v, %v, want account a", p, ok)
	}
}

// TestAnOpenStepGrantsItselfAndNothingElse goes through every action with every
// set of open steps, in every order in which they might be named.
func TestAnOpenStepGrantsItselfAndNothingElse(t *testing.T) {
	type granted map[Action]bool
	second := granted{AccountReadSelf: true, SessionEnd: true, AccountPassSecondFactor: true}
	password := granted{AccountReadSelf: true, SessionEnd: true, AccountChangePassword: true}
	enrol := granted{AccountReadSelf: true, SessionEnd: true, AccountReadSecondFactor: true, AccountEnrolSecondFactor: true, AccountProve: true}
	for _, tt := range []struct {
		pending []Step
		granted granted
		code    errs.Code
	}{
		{[]Step{StepSecondFactor}, second, errs.SecondFactorRequired},
		{[]Step{StepSecondFactor, StepPasswordChange}, second, errs.SecondFactorRequired},
		{[]Step{StepPasswordChange, StepSecondFactor}, second, errs.SecondFactorRequired},
		{[]Step{StepEnrolSecondFactor, StepPasswordChange, StepSecondFactor}, second, errs.SecondFactorRequired},
		{[]Step{StepPasswordChange}, password, errs.PasswordChangeRequired},
		{[]Step{StepEnrolSecondFactor, StepPasswordChange}, password, errs.PasswordChangeRequired},
		{[]Step{StepEnrolSecondFactor}, enrol, errs.SecondFactorEnrolmentRequired},
		{[]Step{"a step of tomorrow"}, granted{AccountReadSelf: true, SessionEnd: true}, errs.Forbidden},
	} {
		for a, g := range grants {
			p := Principal{AccountID: "p", Rights: Rights(Administrator), Pending: tt.pending}
			want := tt.code
			if tt.granted[a] {
				want = ""
			}
			if got := errs.CodeOf(Decide(p, a, Resource{Kind: g.kind, ID: "x", OwnerID: "p", Grants: ForEveryone})); got != want {
				t.Errorf("%s with %v open: %q, want %q", a, tt.pending, got, want)
			}
		}
	}
}

func TestWhatIsDangerousNeedsARecentProofOfWhoeverMayDoIt(t *testing.T) {
	for a, g := range grants {
		r := Resource{Kind: g.kind, ID: "x", OwnerID: "p", Grants: ForEveryone}
		want := errs.Code("")
		if Dangerous(a) {
			want = errs.ReauthenticationRequired
		}
		if got := errs.CodeOf(Decide(Principal{AccountID: "p", Rights: Rights(Administrator), Stale: true}, a, r)); got != want {
			t.Errorf("%s long after the proof: %q, want %q", a, got, want)
		}
		if got := errs.CodeOf(Decide(Principal{AccountID: "p", Rights: Rights(Administrator)}, a, r)); got != "" {
			t.Errorf("%s with a proof: %q", a, got)
		}
		if g.rule != permitted && g.rule != subordinate {
			continue
		}
		if got := errs.CodeOf(Decide(Principal{AccountID: "p", Stale: true}, a, r)); got != errs.Forbidden {
			t.Errorf("%s, which they may not do anyway: %q, want %q", a, got, errs.Forbidden)
		}
	}
	for _, a := range dangerous {
		if _, ok := grants[a]; !ok {
			t.Errorf("%s is dangerous and granted to nobody", a)
		}
	}
}
