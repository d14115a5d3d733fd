package server

import (
	"context"
	"net/http"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/errs"
	"kakoi/internal/identity"
	"kakoi/internal/library"
)

// me is who is signed in.
type me struct {
	Account myAccount `json:"account"`
	// In the order in which they are passed.
	Pending      []string    `json:"pending" doc:"Steps that the session has still to pass; nothing but the first is granted: second_factor, password_change, enrol_second_factor."`
	SecondFactor myFactor    `json:"secondFactor"`
	Preferences  preferences `json:"preferences"`
	Version      string      `json:"version" doc:"Of the program."`
}

type myAccount struct {
	ID                 string    `json:"id"`
	Email              string    `json:"email"`
	Name               string    `json:"name"`
	Roles              []held    `json:"roles" doc:"Those that hold now."`
	Permissions        []permits `json:"permissions" doc:"What these roles permit, be it for one unit only."`
	Withheld           []string  `json:"withheld" doc:"Features that are not switched on for this person."`
	MustChangePassword bool      `json:"mustChangePassword" doc:"Nothing is granted until the temporary password is replaced."`
}

func myAccountOf(a identity.Account, p access.Principal) myAccount {
	out := myAccount{ID: a.ID, Email: a.Email, Name: a.Name, Roles: []held{}, Permissions: []permits{}, Withheld: mapped(p.Withheld, func(f access.Feature) string { return string(f) }), MustChangePassword: a.MustChangePassword}
	for _, right := range p.Rights {
		out.Roles = append(out.Roles, held{RoleID: string(right.RoleID), UnitID: right.UnitID})
	}
	for _, action := range access.Permissions() {
		if p.Has(action) {
			out.Permissions = append(out.Permissions, permits(action))
		}
	}
	return out
}

type preferences struct {
	Locale          string `json:"locale" enum:"ja,en," doc:"Empty: as the browser says."`
	Theme           string `json:"theme" enum:"system,light,dark"`
	SendKey         string `json:"sendKey" enum:"enter,ctrlEnter"`
	DefaultModelID  string `json:"defaultModelId" doc:"Empty: the installation's."`
	DefaultPromptID string `json:"defaultPromptId" doc:"Instructions of the library with which new conversations begin; they may be gone by now. Empty: none."`
	Density         string `json:"density" enum:"comfortable,compact"`
	Calendar        string `json:"calendar" enum:"western,japanese" doc:"Of dates in Japanese."`
}

type preferencesChange struct {
	Locale          *string `json:"locale,omitempty" kind:"enum" enum:"ja,en,"`
	Theme           *string `json:"theme,omitempty" kind:"enum" enum:"system,light,dark"`
	SendKey         *string `json:"sendKey,omitempty" kind:"enum" enum:"enter,ctrlEnter"`
	DefaultModelID  *string `json:"defaultModelId,omitempty" kind:"id" maxLength:"64"`
	DefaultPromptID *string `json:"defaultPromptId,omitempty" kind:"id" maxLength:"64"`
	Density         *string `json:"density,omitempty" kind:"enum" enum:"comfortable,compact"`
	Calendar        *string `json:"calendar,omitempty" kind:"enum" enum:"western,japanese"`
}

type session struct {
	ID         string    `json:"id"`
	Current    bool      `json:"current" doc:"The one that asks."`
	UserAgent  string    `json:"userAgent"`
	Address    string    `json:"address"`
	CreatedAt  time.Time `json:"createdAt"`
	LastSeenAt time.Time `json:"lastSeenAt"`
	ExpiresAt  time.Time `json:"expiresAt" doc:"If it is not used again."`
}

func sessionOf(v identity.Session) session {
	return session{
		ID: v.ID, Current: v.Current, UserAgent: v.UserAgent, Address: v.Address,
		CreatedAt: v.CreatedAt, LastSeenAt: v.LastSeenAt, ExpiresAt: v.ExpiresAt,
	}
}

type setupState struct {
	Needed    bool  `json:"needed" doc:"There is no administrator yet."`
	LinkValid *bool `json:"linkValid,omitempty" doc:"Whether the given link would be accepted; absent when none was given."`
	Passkeys  bool  `json:"passkeys" doc:"A passkey can sign in under this address."`
}

type setup struct {
	Token    string `json:"token" kind:"secret" minLength:"1" maxLength:"200" doc:"From the one-time link, what stands behind #token=."`
	Email    string `json:"email" kind:"name" minLength:"1" maxLength:"254"`
	Name     string `json:"name" kind:"name" minLength:"1" maxLength:"200"`
	Password string `json:"password" kind:"secret" minLength:"1" maxLength:"1000"`
	Locale   string `json:"locale,omitempty" kind:"enum" enum:"ja,en,"`
}

type signIn struct {
	Email    string `json:"email" kind:"name" minLength:"1" maxLength:"254"`
	Password string `json:"password" kind:"secret" minLength:"1" maxLength:"1000"`
}

type profileChange struct {
	Name string `json:"name" kind:"name" minLength:"1" maxLength:"200"`
}

type passwordChange struct {
	Current string `json:"current" kind:"secret" minLength:"1" maxLength:"1000"`
	New     string `json:"new" kind:"secret" minLength:"1" maxLength:"1000"`
}

type ended struct {
	Ended int `json:"ended" doc:"How many sessions ended."`
}

// signedIn is the answer to whatever opens a session.
type signedIn struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      me
}

// signedOut is the answer to whatever ends one's own session.
type signedOut struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (s *Server) sessionOperations() {
	register(s, route{method: http.MethodGet, path: "/setup", id: "getSetup", tag: "account", public: true, summary: "Whether the first administrator is still to be made."}, s.getSetup)
	register(s, route{method: http.MethodPost, path: "/setup", id: "completeSetup", tag: "account", public: true, summary: "Makes the first administrator with the one-time link, and signs them in."}, s.completeSetup)
	register(s, route{method: http.MethodPost, path: "/sign-in", id: "signIn", tag: "account", public: true, summary: "Opens a session."}, s.signIn)
	register(s, route{method: http.MethodPost, path: "/sign-out", id: "signOut", tag: "account", public: true, summary: "Ends the session.", status: http.StatusNoContent}, s.signOut)
	register(s, route{method: http.MethodGet, path: "/me", id: "getMe", tag: "account", summary: "Who is signed in."}, s.getMe)
	register(s, route{method: http.MethodPatch, path: "/me", id: "updateMe", tag: "account", summary: "Changes one's name."}, s.updateMe)
	register(s, route{method: http.MethodPatch, path: "/me/preferences", id: "updatePreferences", tag: "account", summary: "Changes one's preferences."}, s.updatePreferences)
	register(s, route{method: http.MethodPost, path: "/me/password", id: "changePassword", tag: "account", summary: "Replaces one's password; all other sessions end."}, s.changePassword)
	register(s, route{method: http.MethodGet, path: "/me/sessions", id: "listSessions", tag: "account", summary: "Where one is signed in."}, s.listSessions)
	register(s, route{method: http.MethodDelete, path: "/me/sessions/{id}", id: "endSession", tag: "account", summary: "Ends one of one's sessions.", status: http.StatusNoContent}, s.endSession)
	register(s, route{method: http.MethodPost, path: "/me/sign-out-everywhere", id: "signOutEverywhere", tag: "account", summary: "Ends all of one's sessions, or all but this one."}, s.signOutEverywhere)
}

func (s *Server) getSetup(ctx context.Context, in *struct {
	Token string `header:"X-Kakoi-Setup-Token" kind:"secret" maxLength:"200" doc:"Asks whether this link would be accepted."`
}) (*body[setupState], error) {
	needed, err := s.identity.NeedsSetup(ctx)
	if err != nil {
		return nil, err
	}
	state := setupState{Needed: needed, Passkeys: s.factors.Unavailable() == ""}
	if in.Token != "" {
		valid, err := s.identity.SetupLinkValid(ctx, in.Token)
		if err != nil {
			return nil, err
		}
		state.LinkValid = &valid
	}
	return ok(state), nil
}

func (s *Server) completeSetup(ctx context.Context, in *struct{ Body setup }) (*signedIn, error) {
	opened, err := s.identity.CompleteSetup(ctx, identity.Setup(in.Body), s.client(ctx))
	return s.opened(opened, err)
}

func (s *Server) signIn(ctx context.Context, in *struct{ Body signIn }) (*signedIn, error) {
	opened, err := s.identity.SignIn(ctx, in.Body.Email, in.Body.Password, s.client(ctx))
	return s.opened(opened, err)
}

func (s *Server) signOut(ctx context.Context, _ *none) (*signedOut, error) {
	// Whoever has no session any more has what they asked for.
	if err := s.identity.SignOut(ctx); err != nil && errs.CodeOf(err) != errs.Unauthenticated {
		return nil, err
	}
	return &signedOut{s.noCookie()}, nil
}

func (s *Server) getMe(ctx context.Context, _ *none) (*body[me], error) {
	if _, err := access.Arrived(ctx); err != nil {
		return nil, err
	}
	return s.me(ctx, requestOf(ctx).account)
}

func (s *Server) updateMe(ctx context.Context, in *struct{ Body profileChange }) (*body[me], error) {
	a, err := s.identity.Rename(ctx, in.Body.Name)
	if err != nil {
		return nil, err
	}
	return s.me(ctx, a)
}

func (s *Server) updatePreferences(ctx context.Context, in *struct{ Body preferencesChange }) (*body[preferences], error) {
	if id := in.Body.DefaultPromptID; id != nil && *id != "" {
		if err := s.mayBeginWith(ctx, *id); err != nil {
			return nil, err
		}
	}
	p, err := s.identity.UpdatePreferences(ctx, identity.PreferencesChange(in.Body))
	if err != nil {
		return nil, err
	}
	return ok(preferences(p)), nil
}

// mayBeginWith tells whether conversations may begin with prompt id: it is
// instructions that the person may read, and nobody has put it away.
func (s *Server) mayBeginWith(ctx context.Context, id string) error {
	p, err := s.library.Prompt(ctx, id)
	if errs.CodeOf(err) == errs.NotFound || err == nil && (p.Kind != library.KindSystem || p.Archived) {
		return errs.InField("defaultPromptId", "this is not one of the choices")
	}
	return err
}

func (s *Server) changePassword(ctx context.Context, in *struct{ Body passwordChange }) (*signedIn, error) {
	opened, err := s.identity.ChangePassword(ctx, in.Body.Current, in.Body.New, s.client(ctx))
	return s.opened(opened, err)
}

func (s *Server) listSessions(ctx context.Context, _ *none) (*body[list[session]], error) {
	sessions, err := s.identity.Sessions(ctx)
	if err != nil {
		return nil, err
	}
	return ok(list[session]{Items: mapped(sessions, sessionOf)}), nil
}

func (s *Server) endSession(ctx context.Context, in *IDInput) (*none, error) {
	return nil, s.identity.EndSession(ctx, in.ID)
}

func (s *Server) signOutEverywhere(ctx context.Context, in *struct {
	KeepCurrent bool `query:"keepCurrent" kind:"enum" doc:"Leave this session open."`
}) (*struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      ended
}, error) {
	n, err := s.identity.SignOutEverywhere(ctx, in.KeepCurrent)
	if err != nil {
		return nil, err
	}
	out := &struct {
		SetCookie []http.Cookie `header:"Set-Cookie"`
		Body      ended
	}{Body: ended{n}}
	if !in.KeepCurrent {
		out.SetCookie = []http.Cookie{s.noCookie()}
	}
	return out, nil
}

// client says where a sign-in comes from.
func (s *Server) client(ctx context.Context) identity.Client {
	r := requestOf(ctx)
	return identity.Client{Address: r.address, UserAgent: r.userAgent, Token: r.token}
}

func (s *Server) opened(in identity.SignedIn, err error) (*signedIn, error) {
	if err != nil {
		return nil, err
	}
	return &signedIn{s.cookie(in.Token, in.EndsAt), s.meOf(in.Account, in.Principal, in.Standing)}, nil
}

// me answers with the person who asks, whose account is a.
func (s *Server) me(ctx context.Context, a identity.Account) (*body[me], error) {
	p, err := access.Arrived(ctx)
	if err != nil {
		return nil, err
	}
	standing, err := s.identity.Standing(ctx)
	if err != nil {
		return nil, err
	}
	return ok(s.meOf(a, p, standing)), nil
}

func (s *Server) meOf(a identity.Account, p access.Principal, standing identity.Standing) me {
	return me{
		Account:      myAccountOf(a, p),
		Pending:      pendingOf(p),
		SecondFactor: myFactor{standing.Requirement, standing.Enrolled, standing.DueBy},
		Preferences:  preferences(a.Preferences),
		Version:      s.version,
	}
}

// cookie carries a session. It is Lax, not Strict: whoever follows a link from
// a mail is signed in; what changes anything is guarded by crossOrigin.
func (s *Server) cookie(token string, end time.Time) http.Cookie {
	return http.Cookie{ //nolint:gosec // Secure follows the configuration: without https a browser would drop the cookie
		Name: s.cookieName, Value: token, Path: "/", Expires: end,
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	}
}

// noCookie takes the session's cookie away.
func (s *Server) noCookie() http.Cookie {
	gone := s.cookie("", time.Unix(0, 0)) //nolint:gosec // as in cookie
	gone.MaxAge = -1
	return gone
}
