package access

import "slices"

// RoleID names a role: a built-in one, or the id of one that the installation
// made.
type RoleID string

// The built-in roles.
const (
	// Member is everybody: the role of whoever holds none.
	Member RoleID = ""
	// Administrator may do everything that is anybody's to permit. It does not
	// see other people's conversations.
	Administrator RoleID = "administrator"
	// DepartmentAdministrator looks after the people of a unit and of all
	// below it.
	DepartmentAdministrator RoleID = "department_administrator"
	// Auditor reads evidence and changes nothing.
	Auditor RoleID = "auditor"
)

// reach says how far a permission goes that somebody holds for one unit only.
type reach int

const (
	nowhere  reach = iota // what it is about belongs to no unit: it has to be held everywhere
	ofUnit                // to what belongs to the unit or to one below it
	anything              // to all there is: knowing it does no harm
)

// permission is an action that a role can permit.
type permission struct {
	action Action
	reach  reach
}

// permissions are in the order in which they are shown.
var permissions = []permission{
	{AccountRead, ofUnit},
	{AccountWrite, ofUnit},
	{AccountResetSecondFactor, ofUnit},
	{RoleAssign, ofUnit},
	{OrganisationRead, anything},
	{OrganisationWrite, ofUnit},
	{GroupRead, anything},
	{GroupWrite, nowhere},
	{RoleRead, anything},
	{RoleWrite, nowhere},
	{ConnectionRead, nowhere},
	{ConnectionWrite, nowhere},
	{ModelRead, nowhere},
	{ModelWrite, nowhere},
	{PromptCreateOfficial, nowhere},
	{PromptHide, nowhere},
	{FeedbackRead, nowhere},
	{AuditRead, nowhere},
	{SystemRead, nowhere},
	{SystemWrite, nowhere},
	{SystemWriteSignIn, nowhere},
	{SystemExportEvidence, nowhere},
}

// Permissions returns the actions that a role can permit.
func Permissions() []Action {
	all := make([]Action, len(permissions))
	for i, p := range permissions {
		all[i] = p.action
	}
	return all
}

// Scopable reports whether permitting a for one unit only means anything.
func Scopable(a Action) bool {
	return reachOf(a) != nowhere
}

func reachOf(a Action) reach {
	i := slices.IndexFunc(permissions, func(p permission) bool { return p.action == a })
	if i < 0 {
		return nowhere
	}
	return permissions[i].reach
}

// builtIn are the permissions of the built-in roles.
var builtIn = map[RoleID][]Action{
	Administrator: Permissions(),
	DepartmentAdministrator: {
		AccountRead, AccountWrite, AccountResetSecondFactor, RoleAssign, OrganisationRead, OrganisationWrite, GroupRead, RoleRead,
	},
	Auditor: {
		AccountRead, OrganisationRead, GroupRead, RoleRead, ConnectionRead, ModelRead, AuditRead, SystemRead,
	},
}

// BuiltInRoles returns the built-in roles, the mightiest first.
func BuiltInRoles() []RoleID { return []RoleID{Administrator, DepartmentAdministrator, Auditor} }

// Right is a role as somebody holds it now.
type Right struct {
	RoleID      RoleID
	UnitID      string   // it holds for this unit and all below; "": everywhere
	Permissions []Action // what it permits
}

// Rights returns what a principal has who holds built-in roles everywhere.
func Rights(roles ...RoleID) []Right {
	var rights []Right
	for _, role := range roles {
		if role != Member {
			rights = append(rights, Right{RoleID: role, Permissions: builtIn[role]})
		}
	}
	return rights
}
