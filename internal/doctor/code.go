package doctor

import (
	"slices"

	"kakoi/internal/egress"
)

// Code names what a step has found. It never changes its meaning: what is
// wrong, why, and what to do about it stand under it in the locales
// (doctor.json) and in docs/doctor.md.
type Code string

// The codes of the server itself.
const (
	StoreMissing     Code = "store_missing"     // the server has not been started yet
	StoreUnreachable Code = "store_unreachable" // the database does not answer
	StoreSchema      Code = "store_schema"      // it is of another version of the program
	DiskLow          Code = "disk_low"
	DiskFull         Code = "disk_full"
	DataOpen         Code = "data_open" // others on the machine may look into data.dir
	KeyMissing       Code = "key_missing"
	KeyOpen          Code = "key_open"
	KeyUnreadable    Code = "key_unreadable"
	ClockImplausible Code = "clock_implausible"

	OwnPlain            Code = "own_plain"             // passwords cross the network unencrypted
	OwnNameUnknown      Code = "own_name_unknown"      // publicUrl's name has no address here
	OwnNamePublic       Code = "own_name_public"       // it leads out of the closed network
	OwnUnreachable      Code = "own_unreachable"       // nobody answers under it
	CertificateBroken   Code = "certificate_broken"    // files of http.tls that do not load, or do not belong together
	CertificateName     Code = "certificate_name"      // not for publicUrl's name
	CertificateExpired  Code = "certificate_expired"   // or not valid yet
	CertificateExpiring Code = "certificate_expiring"  // soon
	CertificateUnproven Code = "certificate_untrusted" // of an authority that this machine does not trust
	ProxiesEveryone     Code = "proxies_everyone"      // anybody may say what their address is
	ProxiesMissing      Code = "proxies_missing"       // all addresses are the load balancer's
)

// The codes of closed mode.
const (
	GateOpen          Code = "gate_open"          // our own gate let a forbidden host through
	ForbiddenDeclared Code = "forbidden_declared" // a connection is made to one
	NetworkOpen       Code = "network_open"       // the network lets one out
	OutsideNotAsked   Code = "outside_not_asked"  // whether it does was not to be tried
)

// The codes of the way to a connection's servers, besides those of egress.Probe.
const (
	ConnectionBroken  Code = "connection_broken" // its settings cannot be used
	SecretUnreadable  Code = "secret_unreadable"
	EndpointRegion    Code = "endpoint_region"     // the endpoint is of another region than the connection
	RegionElsewhere   Code = "region_elsewhere"    // GenU's "same region" error, where it is one
	STSGlobal         Code = "sts_global"          // sts.amazonaws.com counts as us-east-1
	PrivateDNSMissing Code = "private_dns_missing" // the public name of AWS leads to a public address
	EndpointPublic    Code = "endpoint_public"     // so does the name of a VPC endpoint
	PublicAddress     Code = "public_address"      // so does any other name
	TLSWrongCA        Code = "tls_wrong_ca"        // the connection's own authority is not the server's
	TLSSelfSigned     Code = "tls_self_signed"
	TLSExpiring       Code = "tls_expiring"
	ProxyAnswers      Code = "proxy_answers" // something in between speaks for the server
	ClockSkew         Code = "clock_skew"
)

// The codes of asking a provider.
const (
	CredentialsNone      Code = "credentials_none"
	CredentialsUnknown   Code = "credentials_unknown"
	CredentialsExpired   Code = "credentials_expired"
	CredentialsSignature Code = "credentials_signature"
	CredentialsRefused   Code = "credentials_refused" // in some other way, or an API key
	SignedElsewhere      Code = "signed_elsewhere"    // for another region or service than the endpoint's

	RoleRefused        Code = "role_refused"         // by its trust policy, as far as one can tell
	RoleExternalID     Code = "role_external_id"     // likewise, and an external id was sent
	RoleCaller         Code = "role_caller"          // the caller may not ask for it
	RoleSCP            Code = "role_scp"             // the caller's organisation forbids it
	RoleEndpointPolicy Code = "role_endpoint_policy" // the VPC endpoint of STS does
	RoleTags           Code = "role_tags"
	RoleSource         Code = "role_source"
	RoleRegion         Code = "role_region" // STS is off in the region
	RoleFailed         Code = "role_failed"
	STSUnreachable     Code = "sts_unreachable"

	ListUnavailable Code = "list_unavailable" // models must be entered by hand
	WrongAddress    Code = "wrong_address"    // it answers, but not as a model's server

	DeniedSCP            Code = "denied_scp"
	DeniedRCP            Code = "denied_rcp"
	DeniedIdentity       Code = "denied_identity"
	DeniedEndpointPolicy Code = "denied_endpoint_policy"
	DeniedBoundary       Code = "denied_boundary"
	DeniedSession        Code = "denied_session"
	Denied               Code = "denied"
	ModelAccess          Code = "model_access"
	Marketplace          Code = "marketplace"
	UseCaseForm          Code = "use_case_form"
	PlainDenied          Code = "plain_denied"  // while streaming is allowed
	StreamDenied         Code = "stream_denied" // while a plain call is allowed
	StreamWhole          Code = "stream_whole"  // the answer comes in one piece
	ModelUnknown         Code = "model_unknown"
	ModelRetired         Code = "model_retired"
	NeedsProfile         Code = "needs_profile"
	Throttled            Code = "throttled"
	QuotaUsedUp          Code = "quota_used_up"
	ModelSilent          Code = "model_silent"
	BrokeOff             Code = "answer_broke_off"
	CallFailed           Code = "call_failed" // in some other way

	HeadroomLow     Code = "headroom_low"
	HeadroomUnknown Code = "headroom_unknown" // the provider does not tell

	SkippedQuick       Code = "skipped_quick"
	SkippedNoModel     Code = "skipped_no_model"
	SkippedUnreachable Code = "skipped_unreachable"
)

// Codes returns every code there is, sorted.
func Codes() []Code {
	all := []Code{
		StoreMissing, StoreUnreachable, StoreSchema, DiskLow, DiskFull, DataOpen, KeyMissing, KeyOpen, KeyUnreadable, ClockImplausible,
		OwnPlain, OwnNameUnknown, OwnNamePublic, OwnUnreachable, CertificateBroken, CertificateName, CertificateExpired, CertificateExpiring,
		CertificateUnproven, ProxiesEveryone, ProxiesMissing,
		GateOpen, ForbiddenDeclared, NetworkOpen, OutsideNotAsked,
		ConnectionBroken, SecretUnreadable, EndpointRegion, RegionElsewhere, STSGlobal, PrivateDNSMissing, EndpointPublic, PublicAddress,
		TLSWrongCA, TLSSelfSigned, TLSExpiring, ProxyAnswers, ClockSkew,
		CredentialsNone, CredentialsUnknown, CredentialsExpired, CredentialsSignature, CredentialsRefused, SignedElsewhere,
		RoleRefused, RoleExternalID, RoleCaller, RoleSCP, RoleEndpointPolicy, RoleTags, RoleSource, RoleRegion, RoleFailed, STSUnreachable,
		ListUnavailable, WrongAddress,
		DeniedSCP, DeniedRCP, DeniedIdentity, DeniedEndpointPolicy, DeniedBoundary, DeniedSession, Denied, ModelAccess, Marketplace, UseCaseForm,
		PlainDenied, StreamDenied, StreamWhole, ModelUnknown, ModelRetired, NeedsProfile, Throttled, QuotaUsedUp, ModelSilent, BrokeOff, CallFailed,
		HeadroomLow, HeadroomUnknown, SkippedQuick, SkippedNoModel, SkippedUnreachable,
	}
	for _, t := range []egress.Trouble{
		egress.TroubleDenied, egress.TroubleNameUnknown, egress.TroubleNameTimeout, egress.TroubleNameFailed, egress.TroubleRefused, egress.TroubleDialTimeout,
		egress.TroubleNoRoute, egress.TroubleDialFailed, egress.TroubleProxy, egress.TroubleProxyPassword, egress.TroubleProxyScheme,
		egress.TroubleProxyDenied, egress.TroubleAuthority, egress.TroubleWrongName, egress.TroubleExpired,
		egress.TroubleNotYetValid, egress.TroubleUntrusted, egress.TroublePlain, egress.TroubleTLSRefused, egress.TroubleTLSTimeout, egress.TroubleAnswerTimeout,
		egress.TroubleBrokeOff,
	} {
		all = append(all, Code(t))
	}
	slices.Sort(all)
	return all
}
