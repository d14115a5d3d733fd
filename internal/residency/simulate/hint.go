package simulate

import (
	"fmt"
	"slices"
	"strings"

	"kakoi/internal/residency/iam"
)

func message(code string, params ...string) Message {
	m := Message{Code: code}
	for i := 0; i+1 < len(params); i += 2 {
		if params[i+1] == "" {
			continue
		}
		if m.Params == nil {
			m.Params = map[string]string{}
		}
		m.Params[params[i]] = params[i+1]
	}
	return m
}

func join(list []string) string { return strings.Join(list, ", ") }

// reasonOf says why one check ends as it does.
func reasonOf(result iam.Result) Message {
	if result.Decision == iam.Allowed {
		return about("allowed_by", result.Grants[0])
	}
	if result.Decision == iam.ExplicitDeny {
		return about("explicit_deny", result.Denies[0])
	}
	lack := result.Lacks[0]
	if lack.Near == nil {
		return message("no_allow", "kind", string(lack.Kind), "level", lack.Level)
	}
	near := *lack.Near
	m := about(map[iam.Element]string{
		iam.PrincipalElement: "no_allow_principal", iam.ActionElement: "no_allow_action",
		iam.ResourceElement: "no_allow_resource", iam.ConditionElement: "no_allow_condition",
	}[lack.Element], near.Source)
	m.Params["want"] = join(near.Want)
	switch {
	case near.Variable != "":
		m.Code, m.Params["variable"] = "no_allow_variable", near.Variable
	case lack.Element == iam.ConditionElement:
		m.Params["key"], m.Params["operator"] = near.Key, near.Operator
		if near.Have == nil {
			m.Code = "no_allow_key_absent"
		}
	}
	if near.Have != nil {
		m.Params["have"] = join(near.Have)
	}
	return m
}

// about is a message on one statement.
func about(code string, s iam.Source) Message {
	return message(code, "policy", s.Policy, "kind", string(s.Kind), "level", s.Level, "statement", fmt.Sprint(s.Statement), "sid", s.Sid)
}

// hints look for the mistakes behind a refusal. Where one can be told by trying
// the request without it, it is tried.
func (r *run) hints(s spec, result iam.Result) (list []Message) {
	if result.Decision == iam.Allowed {
		return nil
	}
	would := func(change func(*spec)) bool {
		other := s
		change(&other)
		return iam.Evaluate(other.request(r), other.policies(r)).Decision == iam.Allowed
	}
	if s.hop != nil {
		return r.assumeHints(s, result, would)
	}
	switch {
	case s.purpose == ForDestination:
		list = append(list, message("profile_leads_there", "profile", s.profile, "region", s.region))
	case s.purpose == ForGlobal:
		list = append(list, message("profile_leads_everywhere", "profile", s.profile))
	case s.purpose == ForProfile && !s.path.application:
		for _, region := range s.path.Destinations {
			resource := strings.Replace(s.resource, ":"+s.path.region+":", ":"+region+":", 1)
			if region != s.path.region && would(func(o *spec) { o.resource = resource }) {
				list = append(list, message("profile_of_other_region", "region", s.path.region, "other", region))
			}
		}
	}
	if s.action == invokeModelStream && would(func(o *spec) { o.action = invokeModel }) {
		list = append(list, message("streaming_missing"))
	}
	return append(list, fullAccess(result)...)
}

// assumeHints are those of AssumeRole.
func (r *run) assumeHints(s spec, result iam.Result, would func(func(*spec)) bool) (list []Message) {
	regional := s.hop.STS.Region
	if regional == "" {
		regional = r.in.Call.Region
	}
	if s.hop.STS.Endpoint == stsGlobal && would(func(o *spec) { o.region = regional }) {
		list = append(list, message("sts_global_endpoint", "region", regional))
	}
	for _, lack := range result.Lacks {
		if near := lack.Near; near != nil && strings.EqualFold(near.Key, "sts:ExternalId") {
			list = append(list, message(map[bool]string{true: "external_id_missing", false: "external_id_wrong"}[near.Have == nil]))
		}
		if near := lack.Near; near != nil && strings.EqualFold(near.Key, "aws:SourceVpce") && near.Have == nil {
			list = append(list, message("vpc_endpoint_missing", "want", join(near.Want)))
		}
	}
	switch s.purpose {
	case ForTags:
		list = append(list, message("tag_session_both_sides"))
	case ForIdentity:
		list = append(list, message("source_identity_both_sides"))
	}
	return append(list, fullAccess(result)...)
}

// fullAccess notices levels at which FullAWSAccess was taken away, or not put
// into the input.
func fullAccess(result iam.Result) (list []Message) {
	for _, lack := range result.Lacks {
		if lack.Kind == iam.SCP && lack.Element == iam.NoStatement {
			list = append(list, message("full_access_missing", "level", lack.Level))
		}
	}
	return list
}

// leave notes, once per account, that its SCPs end where another account's
// role begins.
func (r *run) leave(before session, hop *Hop) {
	a, _ := iam.ParseARN(hop.RoleARN)
	if own := r.account(before.principal.Account); a.Account != own.ID && len(own.SCPs) > 0 {
		r.warning(message("scps_end_here", "account", own.ID, "next", a.Account))
	}
}

func (r *run) warning(m Message) {
	for _, w := range r.out.Warnings {
		if w.Code == m.Code && fmt.Sprint(w.Params) == fmt.Sprint(m.Params) {
			return
		}
	}
	r.out.Warnings = append(r.out.Warnings, m)
}

// workedOut are the keys whose absence is certain, because they follow from
// what the input always says.
var workedOut = []string{
	"aws:requestedregion", "aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:principaltag/", "aws:sourceidentity",
	"aws:sourcevpce", "aws:resourceaccount", "aws:username", "aws:requesttag/", "aws:tagkeys", "aws:resourcetag/", "iam:resourcetag/",
	"sts:externalid", "sts:sourceidentity", "sts:transitivetagkeys", "bedrock:inferenceprofilearn", "bedrock:guardrailidentifier",
	"bedrock:bearertokentype", "bedrock:inlineagentname",
}

// certain reports whether AWS would not have key either.
func (s spec) certain(key string) bool {
	switch key {
	case "aws:sourceip":
		return s.via != nil
	case "aws:sourcevpc", "aws:vpcsourceip":
		return s.via == nil
	}
	return slices.ContainsFunc(workedOut, func(prefix string) bool {
		return key == prefix || (prefix[len(prefix)-1] == '/' && strings.HasPrefix(key, prefix))
	})
}

// notice warns of what the decision rests on without being in the input.
func (r *run) notice(s spec, result iam.Result) {
	for _, key := range result.Absent {
		if !s.certain(key) {
			r.warning(message("key_not_given", "key", key))
		}
	}
	for _, of := range result.Unresolved {
		r.warning(about("variable_unresolved", of))
	}
}

// warn adds what people should know of the whole.
func (r *run) warn() {
	if r.out.Decision == Allowed && r.out.Resident == No {
		leaves := message("leaves", "regions", join(r.leaving()))
		if r.out.Anywhere {
			leaves = message("leaves_anywhere")
		}
		r.out.Warnings = append([]Message{leaves}, r.out.Warnings...)
	}
	if r.out.Resident == Unknown {
		r.warning(message("residency_unknown"))
	}
	accounts := []string{r.in.Caller.account()}
	for _, hop := range r.in.Chain {
		a, _ := iam.ParseARN(hop.RoleARN)
		accounts = append(accounts, a.Account)
	}
	for _, id := range accounts {
		if !slices.ContainsFunc(r.in.Accounts, func(a Account) bool { return a.ID == id }) {
			r.warning(message("account_not_described", "account", id))
		}
	}
	r.lint()
}

func (c Caller) account() string {
	a, _ := iam.ParseARN(c.ARN)
	return a.Account
}
