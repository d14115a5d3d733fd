package model

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"kakoi/internal/errs"
)

// AssumedRole is an AWS role that a Bedrock connection assumes. In SessionName,
// SourceIdentity and the values of Tags, {account}, {email} and {group} stand
// for who asks.
type AssumedRole struct {
	ARN            string            `json:"arn"`
	ExternalID     string            `json:"externalId,omitempty"`      // demanded by the role's owner; no secret
	Region         string            `json:"region,omitempty"`          // whose STS is asked; "": the connection's
	Endpoint       string            `json:"endpoint,omitempty"`        // of STS, as a URL; "": the connection's, or the public one of Region
	DurationSecs   int               `json:"durationSeconds,omitempty"` // 0: an hour
	SessionName    string            `json:"sessionName,omitempty"`
	SourceIdentity string            `json:"sourceIdentity,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`
	TransitiveTags bool              `json:"transitiveTags,omitempty"`
}

const (
	maxRoles      = 5
	maxTags       = 50 // of a session, by STS
	minDuration   = 900
	maxDuration   = 12 * 3600
	maxChained    = 3600 // by STS, for a role that another role assumes
	maxTemplate   = 256
	maxExternalID = 1224
)

var (
	roleARN      = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$`)
	externalID   = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
	tagName      = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$`)
	placeholders = strings.NewReplacer("{account}", "", "{email}", "", "{group}", "")
)

// cleanRoles returns roles as they are stored. Its errors name the field.
func cleanRoles(roles []AssumedRole, region string) ([]AssumedRole, error) {
	if len(roles) > maxRoles {
		return nil, errs.InField("settings.roles", fmt.Sprintf("these are more than %d roles", maxRoles))
	}
	clean := make([]AssumedRole, 0, len(roles))
	for i, r := range roles {
		field := fmt.Sprintf("settings.roles[%d]", i)
		r, err := r.clean(field, i > 0)
		if err != nil {
			return nil, err
		}
		if err := CheckSTS(field+".endpoint", r.Endpoint, cmp.Or(r.Region, region)); err != nil {
			return nil, err
		}
		clean = append(clean, r)
	}
	if len(clean) == 0 {
		return nil, nil
	}
	return clean, nil
}

func (r AssumedRole) clean(field string, chained bool) (AssumedRole, error) {
	r.ARN, r.ExternalID, r.Region = strings.TrimSpace(r.ARN), strings.TrimSpace(r.ExternalID), strings.TrimSpace(r.Region)
	longest := maxDuration
	if chained {
		longest = maxChained
	}
	switch {
	case !roleARN.MatchString(r.ARN):
		return r, errs.InField(field+".arn", "give the ARN of the role, for example arn:aws:iam::123456789012:role/kakoi-bedrock")
	case r.ExternalID != "" && (len(r.ExternalID) > maxExternalID || !externalID.MatchString(r.ExternalID)):
		return r, errs.InField(field+".externalId", "an external id has 2 to 1,224 letters, digits and + = , . @ : / _ -")
	case r.Region != "" && !regionName.MatchString(r.Region):
		return r, errs.InField(field+".region", "give an AWS region, for example ap-northeast-1; STS is asked there and nowhere else")
	case r.DurationSecs != 0 && (r.DurationSecs < minDuration || r.DurationSecs > longest):
		return r, errs.InField(field+".durationSeconds", fmt.Sprintf("a session of this role lasts %d to %d seconds", minDuration, longest))
	case len(r.Tags) > maxTags:
		return r, errs.InField(field+".tags", fmt.Sprintf("a session has at most %d tags", maxTags))
	}
	var err error
	if r.Endpoint, err = cleanURL(field+".endpoint", r.Endpoint, "https://vpce-0123.sts.ap-northeast-1.vpce.amazonaws.com"); err != nil {
		return r, err
	}
	if err := checkTemplate(field+".sessionName", r.SessionName); err != nil {
		return r, err
	}
	if err := checkTemplate(field+".sourceIdentity", r.SourceIdentity); err != nil {
		return r, err
	}
	for _, name := range slices.Sorted(maps.Keys(r.Tags)) {
		if !tagName.MatchString(name) || strings.HasPrefix(strings.ToLower(name), "aws:") {
			return r, errs.InField(field+".tags", "the name of a session tag has 1 to 128 letters, digits, spaces and _ . : / = + - @, and does not begin with aws:").With("value", name)
		}
		if err := checkTemplate(field+".tags."+name, r.Tags[name]); err != nil {
			return r, err
		}
	}
	return r, nil
}

func checkTemplate(field, text string) error {
	if len(text) > maxTemplate || strings.ContainsAny(placeholders.Replace(text), "{}\n\r") {
		return errs.InField(field, "this is a short text in which {account}, {email} and {group} may stand for who asks")
	}
	return nil
}

// namesCallers reports whether any of the roles shows who asks.
func namesCallers(roles []AssumedRole) bool {
	return slices.ContainsFunc(roles, func(r AssumedRole) bool {
		return showsCaller(r.SessionName) || showsCaller(r.SourceIdentity) || slices.ContainsFunc(slices.Collect(maps.Values(r.Tags)), showsCaller)
	})
}

// showsCaller reports whether a text is to be filled in with who asks.
func showsCaller(text string) bool { return placeholders.Replace(text) != text }
