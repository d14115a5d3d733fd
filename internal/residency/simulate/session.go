package simulate

import (
	"maps"
	"slices"
	"strings"

	"kakoi/internal/residency/iam"
)

// session is the principal at one point of the chain: whose credentials the
// next request is signed with.
type session struct {
	principal      iam.Principal
	tags           map[string]string // aws:PrincipalTag
	transitive     []string          // keys of the tags that the next session inherits
	sourceIdentity string
	policies       *RolePolicies
}

const defaultSessionName = "kakoi"

// begin returns the session of the one who begins.
func (r *run) begin() session {
	c := &r.in.Caller
	return session{
		principal: r.principal(c.ARN, c.SessionName), tags: c.Tags, transitive: c.TransitiveTagKeys,
		sourceIdentity: c.SourceIdentity, policies: &c.Policies,
	}
}

// assume returns the session after hop. Transitive tags and the source identity
// go on through the whole chain; tags of the session win over those of the role
// ("Pass session tags in AWS STS").
func (r *run) assume(before session, hop *Hop) session {
	tags := map[string]string{}
	maps.Copy(tags, hop.RoleTags)
	maps.Copy(tags, hop.SessionTags)
	transitive := slices.Clone(hop.TransitiveTagKeys)
	for _, key := range before.transitive {
		if value, ok := before.tags[key]; ok {
			tags[key] = value
			transitive = append(transitive, key)
		}
	}
	after := session{
		principal: r.principal(hop.RoleARN, hop.SessionName), tags: tags, transitive: transitive,
		sourceIdentity: before.sourceIdentity, policies: &hop.Policies,
	}
	if hop.SourceIdentity != "" {
		after.sourceIdentity = hop.SourceIdentity
	}
	return after
}

// handsTagsOn reports whether s has transitive tags.
func (s session) handsTagsOn() bool {
	return slices.ContainsFunc(s.transitive, func(key string) bool {
		_, ok := s.tags[key]
		return ok
	})
}

// principal is who signs with the credentials of a role's session or a user. A
// session's ARN names the role without its path.
func (r *run) principal(arn, name string) iam.Principal {
	a, _ := iam.ParseARN(arn)
	p := iam.Principal{ARN: arn, Account: a.Account, Management: r.account(a.Account).Management}
	kind, role := a.Kind()
	if kind != "role" {
		return p
	}
	if name == "" {
		name = defaultSessionName
	}
	p.RoleARN = arn
	p.ServiceLinked = strings.HasPrefix(role, "aws-service-role/")
	p.ARN = iam.ARN{Partition: a.Partition, Service: "sts", Account: a.Account, Resource: "assumed-role/" + role[strings.LastIndex(role, "/")+1:] + "/" + name}.String()
	return p
}

// account returns what is known of an account: nothing, where it is not listed.
func (r *run) account(id string) Account {
	for _, a := range r.in.Accounts {
		if a.ID == id {
			return a
		}
	}
	return Account{ID: id}
}

// endpoint returns the VPC endpoint with the given id, or nil.
func (r *run) endpoint(id string) *VPCEndpoint {
	for i := range r.in.VPCEndpoints {
		if r.in.VPCEndpoints[i].ID == id {
			return &r.in.VPCEndpoints[i]
		}
	}
	return nil
}

// context is what every request of s tells about itself ("AWS global condition
// context keys").
func (r *run) context(s session, region string, via *VPCEndpoint, resourceAccount string) iam.Context {
	c := iam.Context{}
	for key, values := range r.in.Context.Keys { // first, so that what is worked out wins
		c.Set(key, values...)
	}
	set := func(key, value string) {
		if value != "" {
			c.Set(key, value)
		}
	}
	set("aws:RequestedRegion", region)
	set("aws:PrincipalAccount", s.principal.Account)
	set("aws:SecureTransport", "true")
	set("aws:ViaAWSService", "false")
	set("aws:PrincipalIsAWSService", "false")
	set("aws:PrincipalArn", s.principal.ARN)
	set("aws:PrincipalType", "User")
	if s.principal.RoleARN != "" { // the role, not the session
		set("aws:PrincipalArn", s.principal.RoleARN)
		set("aws:PrincipalType", "AssumedRole")
	} else {
		set("aws:username", s.principal.ARN[strings.LastIndex(s.principal.ARN, "/")+1:])
	}
	for key, value := range s.tags {
		c.Set("aws:PrincipalTag/"+key, value)
	}
	set("aws:SourceIdentity", s.sourceIdentity)
	own := r.account(s.principal.Account)
	set("aws:PrincipalOrgID", own.OrganizationID)
	set("aws:PrincipalOrgPaths", own.OrganizationPath)
	set("aws:ResourceAccount", resourceAccount)
	if resourceAccount != "" {
		theirs := r.account(resourceAccount)
		set("aws:ResourceOrgID", theirs.OrganizationID)
		set("aws:ResourceOrgPaths", theirs.OrganizationPath)
	}
	if via != nil { // aws:SourceIp is there only where no VPC endpoint is passed
		set("aws:SourceVpce", via.ID)
		set("aws:SourceVpc", via.VPC)
		set("aws:VpcSourceIp", r.in.Context.SourceIP)
	} else {
		set("aws:SourceIp", r.in.Context.SourceIP)
	}
	return c
}
