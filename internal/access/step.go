package access

import (
	"slices"

	"kakoi/internal/errs"
)

// Step is something a session has to pass before anything else is granted to
// it. The server works out which are open at every request, so that a change of
// policy acts at once.
type Step string

// The steps there are.
const (
	StepSecondFactor      Step = "second_factor"       // prove a second factor that the account has
	StepPasswordChange    Step = "password_change"     // replace a temporary password
	StepEnrolSecondFactor Step = "enrol_second_factor" // set one up, as the policy asks
)

// steps are in the order in which a session passes them. While one is open, its
// actions and what always remains are granted, and nothing else.
var steps = []struct {
	step    Step
	refusal *errs.Error
	granted []Action
}{
	{StepSecondFactor, errs.New(errs.SecondFactorRequired, "prove your second factor first"), []Action{AccountPassSecondFactor}},
	{StepPasswordChange, errs.New(errs.PasswordChangeRequired, "replace your temporary password first"), []Action{AccountChangePassword}},
	{
		StepEnrolSecondFactor, errs.New(errs.SecondFactorEnrolmentRequired, "set up a second factor first"),
		[]Action{AccountReadSecondFactor, AccountEnrolSecondFactor, AccountProve},
	},
}

// always remains granted: to see who one is, and to leave.
var always = []Action{AccountReadSelf, SessionEnd}

// Waiting returns the refusal that the first open step of p answers with to
// whatever it does not grant, and nil if none is open.
func (p Principal) Waiting() error {
	for _, s := range steps {
		if slices.Contains(p.Pending, s.step) {
			return s.refusal
		}
	}
	if len(p.Pending) > 0 {
		return forbidden() // a step that nobody knows cannot be passed
	}
	return nil
}

// waits is Waiting, unless a is what the first open step is about.
func waits(p Principal, a Action) error {
	refusal := p.Waiting()
	if refusal == nil || slices.Contains(always, a) {
		return nil
	}
	for _, s := range steps {
		if slices.Contains(p.Pending, s.step) {
			if slices.Contains(s.granted, a) {
				return nil
			}
			break
		}
	}
	return refusal
}

// dangerous lists what a borrowed session must not be enough for: whoever does
// it has proved who they are a short while ago.
var dangerous = []Action{
	AccountEnrolSecondFactor, AccountWriteSecondFactor, // ways to sign in of one's own
	AccountWrite, AccountResetSecondFactor, RoleAssign, RoleWrite, // other people's accounts, roles, passwords and factors
	SystemWriteSignIn,    // who gets in, and how
	SystemExportEvidence, // what is signed or leaves as evidence
}

// Dangerous reports whether a needs a recent proof of who does it.
func Dangerous(a Action) bool { return slices.Contains(dangerous, a) }

func stale(p Principal, a Action) error {
	if p.Stale && Dangerous(a) {
		return errs.New(errs.ReauthenticationRequired, "prove again that it is you")
	}
	return nil
}
