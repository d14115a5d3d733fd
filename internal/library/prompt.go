package library

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kakoi/internal/access"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// Kind is what a prompt is used for.
type Kind string

// The kinds of prompts.
const (
	KindSystem  Kind = "system"  // instructions for a conversation
	KindMessage Kind = "message" // a text to send
)

// Visibility says who besides its owner sees a prompt.
type Visibility string

// The visibilities. An official prompt is never private.
const (
	Private  Visibility = "private"
	Groups   Visibility = "groups" // the members of Prompt.GroupIDs
	Everyone Visibility = "everyone"
)

// The languages of prompts.
const (
	LocaleJapanese = "ja"
	LocaleEnglish  = "en"
	LocaleAny      = "any"
)

// Prompt is a text that people keep to use again.
type Prompt struct {
	ID          string
	OwnerID     string // "" is official
	OwnerName   string
	Kind        Kind
	Name        string
	Command     string // typed after "/"; "" for none
	Description string
	Category    string // id of one that comes with the program, or a name of its own
	Locale      string
	Visibility  Visibility
	GroupIDs    []string // sorted; of Groups
	Hidden      bool     // by an administrator, from everyone but its owner and administrators
	Archived    bool     // put away by whoever may edit it, from everyone else
	Version     int64    // of Body
	Body        string   // "" in lists
	Editable    bool     // by whoever reads it
	Uses        int64    // by everyone
	MyUses      int64    // by whoever reads it
	MyLastUse   time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Official reports whether the prompt is the organisation's.
func (p Prompt) Official() bool { return p.OwnerID == "" }

// resource is the prompt as access sees it.
func (p Prompt) resource() access.Resource {
	r := access.Resource{Kind: access.KindPrompt, ID: p.ID, OwnerID: p.OwnerID, Hidden: p.Hidden}
	switch {
	case p.Archived:
	case p.Visibility == Everyone:
		r.Reach = access.ReachEveryone
	case p.Visibility == Groups:
		r.Reach, r.GroupIDs = access.ReachGroups, p.GroupIDs
	}
	return r
}

// Version is a body that a prompt had, or has.
type Version struct {
	Number       int64
	Body         string // "" in lists
	Note         string
	AuthorID     string // "" for the starter set
	AuthorName   string
	RestoredFrom int64 // the version it repeats, or 0
	CreatedAt    time.Time
}

// Draft is what a person makes a prompt of.
type Draft struct {
	Official    bool // administrators only
	Kind        Kind
	Name        string
	Command     string
	Description string
	Category    string
	Locale      string     // any when empty
	Visibility  Visibility // private when empty, everyone if official
	GroupIDs    []string
	Body        string
	Note        string // about the first version
}

// Change is what a person changes of a prompt; nil leaves it.
type Change struct {
	Name        *string
	Command     *string
	Description *string
	Category    *string
	Locale      *string
	Visibility  *Visibility
	GroupIDs    *[]string
	Archived    *bool
	Hidden      *bool // administrators only
	Body        *string
	Note        string // about the version that a new body makes
	BaseVersion int64  // the version that Body was written upon; 0 does not ask
}

// The bounds of a prompt, in characters.
const (
	maxName        = 100
	maxCommand     = 40
	maxDescription = 500
	maxCategory    = 50
	maxNote        = 200
	maxBody        = 50_000
	maxGroups      = 100
)

// A command is what an input field can tell from the words around it.
var command = regexp.MustCompile(`^[a-z0-9\p{Hiragana}\p{Katakana}\p{Han}ー々〆][a-z0-9\p{Hiragana}\p{Katakana}\p{Han}ー々〆-]*$`)

// cleanCommand returns a command in the form in which two that look alike are
// one, without its slash.
func cleanCommand(s string) (string, error) {
	s = strings.TrimPrefix(label.Fold(s), "/")
	if s == "" {
		return "", nil
	}
	if utf8.RuneCountInString(s) > maxCommand || !command.MatchString(s) {
		return "", errs.InField("command", fmt.Sprintf("a command is at most %d letters (a to z, or Japanese), digits and hyphens", maxCommand))
	}
	return s, nil
}

// cleanText bounds a text in which lines may break.
func cleanText(field, s string, limit int) (string, error) {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return "", errs.InField(field, "this holds a character that cannot be stored")
	}
	if utf8.RuneCountInString(s) > limit {
		return "", errs.InField(field, fmt.Sprintf("this has more than %d characters", limit)).With("max", fmt.Sprint(limit))
	}
	return s, nil
}

// clean checks what people gave and returns the prompt in the form in which it
// is stored.
func (p Prompt) clean() (Prompt, error) {
	var err error
	if p.Kind != KindSystem && p.Kind != KindMessage {
		return p, errs.InField("kind", "this is no kind of prompt")
	}
	if p.Name, err = label.Clean("name", p.Name, maxName); err != nil {
		return p, err
	}
	if p.Command, err = cleanCommand(p.Command); err != nil {
		return p, err
	}
	if p.Description, err = cleanText("description", p.Description, maxDescription); err != nil {
		return p, err
	}
	if p.Category != "" {
		if p.Category, err = label.Clean("category", p.Category, maxCategory); err != nil {
			return p, err
		}
		p.Category = categoryID(p.Category)
	}
	switch p.Locale {
	case "":
		p.Locale = LocaleAny
	case LocaleAny, LocaleJapanese, LocaleEnglish:
	default:
		return p, errs.InField("locale", "this is no language of prompts")
	}
	switch {
	case p.Visibility == "" && p.Official():
		p.Visibility = Everyone
	case p.Visibility == "":
		p.Visibility = Private
	case p.Visibility == Private && p.Official():
		return p, errs.InField("visibility", "an official prompt is for groups or for everyone")
	case p.Visibility != Private && p.Visibility != Groups && p.Visibility != Everyone:
		return p, errs.InField("visibility", "this is no visibility")
	}
	if p.GroupIDs = slices.Compact(slices.Sorted(slices.Values(p.GroupIDs))); p.Visibility != Groups {
		p.GroupIDs = nil
	} else if len(p.GroupIDs) == 0 {
		return p, errs.InField("groupIds", "name the groups it is for")
	} else if len(p.GroupIDs) > maxGroups {
		return p, errs.InField("groupIds", "these are too many groups")
	}
	if p.Body, err = cleanText("body", p.Body, maxBody); err != nil {
		return p, err
	}
	if p.Body == "" {
		return p, errs.InField("body", "this must not be empty")
	}
	return p, Parse(p.Body).check("body")
}

// changed applies ch.
func (p Prompt) changed(ch Change) Prompt {
	set(&p.Name, ch.Name)
	set(&p.Command, ch.Command)
	set(&p.Description, ch.Description)
	set(&p.Category, ch.Category)
	set(&p.Locale, ch.Locale)
	set(&p.Visibility, ch.Visibility)
	set(&p.GroupIDs, ch.GroupIDs)
	set(&p.Archived, ch.Archived)
	set(&p.Hidden, ch.Hidden)
	set(&p.Body, ch.Body)
	return p
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// differences names the fields in which two states of a prompt differ.
func differences(a, b Prompt) []string {
	var out []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{"name", a.Name == b.Name}, {"command", a.Command == b.Command}, {"description", a.Description == b.Description},
		{"category", a.Category == b.Category}, {"locale", a.Locale == b.Locale}, {"visibility", a.Visibility == b.Visibility},
		{"groups", slices.Equal(a.GroupIDs, b.GroupIDs)}, {"archived", a.Archived == b.Archived}, {"hidden", a.Hidden == b.Hidden},
		{"body", a.Body == b.Body},
	} {
		if !f.same {
			out = append(out, f.name)
		}
	}
	return out
}

// searchKey is what a search looks at.
func (p Prompt) searchKey() string {
	return label.Fold(p.Name + "\n/" + p.Command + "\n" + p.Description + "\n" + p.Body)
}
