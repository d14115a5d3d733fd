package residency

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Kind is how precisely a place is known.
type Kind string

// The kinds of places.
const (
	Server   Kind = "server"   // this machine
	Host     Kind = "host"     // a server by its name or address; where it stands, its owner declares
	Regions  Kind = "regions"  // one region of a cloud, or whichever of several the cloud chooses
	Anywhere Kind = "anywhere" // whichever region of the whole world the cloud chooses
	Unknown  Kind = "unknown"  // a name that does not tell
)

// Place is where a model's input is processed.
type Place struct {
	Kind    Kind
	Name    string   // of Host: name or address; of Unknown: the name that does not tell
	Country string   // of Host, as its owner declared it: ISO 3166-1 alpha-2, "" if nobody did
	Regions []string // of Regions, sorted: every region that may be chosen
	From    string   // region that is called, unless the place is that region alone
	Profile string   // inference profile that leads there: its id or ARN, or ""
	Model   string   // foundation model that answers, as its provider calls it; "" if that is not known
	Basis   string   // how it is known, where the data says it: "documentation, December 2025", …
	// Listed is when Amazon Bedrock itself listed the profile; zero if it has not.
	Listed time.Time
}

// Source says in words how the place is known, or "" where nothing had to be
// looked up.
func (p Place) Source() string {
	if p.Listed.IsZero() {
		return p.Basis
	}
	listed := "listed by Amazon Bedrock, " + p.Listed.Format(time.DateOnly)
	if p.Basis == "" {
		return listed
	}
	return p.Basis + "; " + listed
}

// String returns p as records and logs show it.
func (p Place) String() string {
	var where string
	switch p.Kind {
	case "": // nothing went anywhere
		return ""
	case Server:
		return "this server"
	case Host:
		where = p.Name
		if p.Country != "" {
			where += " (" + p.Country + ")"
		}
		return where
	case Regions:
		where = strings.Join(p.Regions, " or ")
	case Anywhere:
		where = "any region of the world"
	default:
		where = "nobody knows where: " + p.Name
	}
	if p.From != "" {
		where += " (from " + p.From + ")"
	}
	return where
}

// And is where a call is processed that goes to p and to another place besides,
// such as a guardrail. The model stays that of p; where the other place adds to
// it, the profile that leads there is named.
func (p Place) And(q Place) Place {
	if q.Kind == Regions && p.Kind == Regions && !slices.ContainsFunc(q.Regions, func(r string) bool { return !slices.Contains(p.Regions, r) }) {
		return p
	}
	both := union([]Place{p, q})
	both.Model, both.From = p.Model, cmp.Or(p.From, q.From)
	if q.Profile != "" {
		both.Profile = q.Profile
	}
	return both
}

// ThisServer is the place of what never leaves the machine.
func ThisServer() Place { return Place{Kind: Server} }
