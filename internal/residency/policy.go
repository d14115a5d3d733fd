package residency

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kakoi/internal/classification"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// Policy says where what people write may be processed. It permits what one of
// its rules permits and nothing else.
type Policy struct {
	// Open permits every place, known or not: nothing is decided.
	Open  bool   `json:"open"`
	Rules []Rule `json:"rules"`
}

// Rule permits places and models to some people. This server is a place that
// every rule permits: nothing leaves it.
type Rule struct {
	Name      string   `json:"name"`
	GroupIDs  []string `json:"groupIds"`  // whom it is for; empty: everyone
	Regions   []string `json:"regions"`   // of clouds
	Countries []string `json:"countries"` // of servers whose owner declared one, ISO 3166-1 alpha-2
	// Models are the foundation models that it is for, as their provider calls
	// them; * stands for any text ("anthropic.*"). Empty: all.
	Models []string `json:"models"`
	// Classes are how confidential what is sent may be. Empty: whatever it is.
	// What nobody has classified is of none of them.
	Classes []classification.Class `json:"classes"`
}

// Japan is what holds on a closed network until something else is decided:
// Tokyo, Osaka, and servers declared to be in Japan.
func Japan() Policy {
	return Policy{Rules: []Rule{{
		Name: "Japan", GroupIDs: []string{}, Regions: []string{"ap-northeast-1", "ap-northeast-3"}, Countries: []string{"JP"}, Models: []string{},
		Classes: []classification.Class{},
	}}}
}

// String returns p in one line, for the record.
func (p Policy) String() string {
	if p.Open {
		return "open"
	}
	rules := make([]string, len(p.Rules))
	for i, r := range p.Rules {
		rules[i] = fmt.Sprintf("%s: regions %v, countries %v, models %v, groups %v, classes %v", r.Name, r.Regions, r.Countries, r.Models, r.GroupIDs, r.Classes)
	}
	return strings.Join(rules, "; ")
}

// Call is what a policy decides about.
type Call struct {
	Place    Place
	ModelID  string // as the provider calls it
	GroupIDs []string
	Class    classification.Class // of what is sent
}

// Validate refuses a question about no model. Its error names the field.
func (c Call) Validate() error {
	if c.ModelID == "" {
		return errs.InField("modelId", "write the model that is asked about, or choose one of the catalogue")
	}
	return nil
}

// model is what rules name: the foundation model where it is known.
func (c Call) model() string {
	if c.Place.Model != "" {
		return c.Place.Model
	}
	return c.ModelID
}

// Code says why a policy decided as it did.
type Code string

// The reasons. Each has what it speaks of in its parameters.
const (
	NothingDecided  Code = "nothing_decided"  // permitted: the policy is open
	Permitted       Code = "permitted"        // by rule
	NoRule          Code = "no_rule"          // no rule is for this person
	ModelBarred     Code = "model_barred"     // model, rule
	ClassBarred     Code = "class_barred"     // class, rule
	RegionBarred    Code = "region_barred"    // region, rule, and profile where one leads there
	AnywhereBarred  Code = "anywhere_barred"  // rule, and profile where one leads there
	PlaceUnknown    Code = "place_unknown"    // name
	CountryUnknown  Code = "country_unknown"  // host
	CountryBarred   Code = "country_barred"   // host, country, rule
	DecisionMissing Code = "decision_missing" // the policy could not be read
)

// Reason is why, for people and for the record.
type Reason struct {
	Code    Code
	Rule    string
	Region  string
	Profile string
	Model   string
	Host    string
	Country string
	Name    string
	Class   string
}

// String says the reason in one English clause.
func (r Reason) String() string {
	by := ` the rule "` + r.Rule + `" permits`
	switch r.Code {
	case "":
		return ""
	case NothingDecided:
		return "no policy is decided"
	case Permitted:
		return `permitted by the rule "` + r.Rule + `"`
	case NoRule:
		return "no rule of the residency policy is for this person"
	case ModelBarred:
		return r.Model + " is not among the models that" + by
	case ClassBarred:
		if r.Class == classification.None.String() {
			return "what nobody has classified is not among what" + by
		}
		return "what is of class " + r.Class + " is not among what" + by
	case RegionBarred:
		if r.Profile != "" {
			return r.Profile + " may be answered in " + r.Region + ", which is not among the regions that" + by
		}
		return r.Region + " is not among the regions that" + by
	case AnywhereBarred:
		if r.Profile != "" {
			return r.Profile + " may be answered in any region of the world, and not only in those that" + by
		}
		return "it may be answered in any region of the world, and not only in those that" + by
	case PlaceUnknown:
		return "it is not known where " + r.Name + " is answered"
	case CountryUnknown:
		return "nobody has declared in which country " + r.Host + " is"
	case CountryBarred:
		return r.Host + " is in " + r.Country + ", which is not among the countries that" + by
	}
	return "the residency policy cannot be read"
}

// Params returns what the reason speaks of, by name; what is empty is left out.
func (r Reason) Params() map[string]string {
	all := map[string]string{
		"reason": string(r.Code), "rule": r.Rule, "region": r.Region, "profile": r.Profile,
		"model": r.Model, "host": r.Host, "country": r.Country, "name": r.Name, "class": r.Class,
	}
	for k, v := range all {
		if v == "" {
			delete(all, k)
		}
	}
	return all
}

// Decision says whether a call may go out, and why.
type Decision struct {
	Allowed bool
	Place   Place
	Reason  Reason
	// Instead are other ways to the same foundation model from the same region
	// that the policy permits, for calls that it does not.
	Instead []string
	// Only are the groups whose members may, if only for some classes, where
	// Among is asked and not everybody may.
	Only []string
	// Classes are how confidential what is written may be, where Among is asked
	// and not everything may.
	Classes []classification.Class
}

// Decide is the whole of the decision. It looks at nothing but its arguments.
func (p Policy) Decide(c Call) Decision {
	d := Decision{Place: c.Place, Reason: Reason{Code: NoRule}}
	if p.Open {
		d.Allowed, d.Reason.Code = true, NothingDecided
		return d
	}
	for _, rule := range p.Rules {
		if !rule.concerns(c.GroupIDs) {
			continue
		}
		why := rule.judge(c)
		if why.Code == Permitted {
			d.Allowed, d.Reason = true, why
			return d
		}
		// The first of the rules that come nearest explains: one for this model
		// before one for others, one for what is this confidential before both.
		if nearness(why.Code) > nearness(d.Reason.Code) {
			d.Reason = why
		}
	}
	return d
}

// nearness is how many of a rule's conditions were met before the one that was not.
func nearness(c Code) int {
	switch c {
	case NoRule:
		return 0
	case ModelBarred:
		return 1
	case ClassBarred:
		return 2
	default:
		return 3
	}
}

// Among decides about a model that is for the members of c.GroupIDs, or for
// everyone if there are none. It is allowed if each of them may use it for
// whatever they write, however confidential.
func (p Policy) Among(c Call) Decision {
	var sum Decision
	var classes []classification.Class
	var only []string
	for _, class := range classification.Any() {
		c.Class = class
		d := p.amongPeople(c)
		if d.Allowed {
			classes = append(classes, class)
		}
		only = append(only, d.Only...)
		// Of what is denied, that explains which comes nearest: a model whose place
		// no rule permits is not barred for want of a class.
		if class == classification.None || !d.Allowed && (sum.Allowed || nearness(d.Reason.Code) > nearness(sum.Reason.Code)) {
			sum = d
		}
	}
	if !sum.Allowed {
		sum.Classes, sum.Only = classes, sorted(only)
	}
	return sum
}

// amongPeople is Among for what is of c.Class.
func (p Policy) amongPeople(c Call) Decision {
	audience := c.GroupIDs
	asked := func(groupIDs ...string) Decision {
		c.GroupIDs = groupIDs
		return p.Decide(c)
	}
	d := asked()
	for _, id := range audience {
		if d = asked(id); !d.Allowed {
			break
		}
	}
	if d.Allowed {
		return d
	}
	groups := slices.Clone(audience)
	for _, rule := range p.Rules {
		groups = append(groups, rule.GroupIDs...)
	}
	nearest := d.Reason
	for _, id := range sorted(groups) {
		other := asked(id)
		if other.Allowed {
			d.Only = append(d.Only, id)
		} else if nearest.Code == NoRule {
			nearest = other.Reason
		}
	}
	if len(d.Only) == 0 {
		d.Reason = nearest // why not even those whom a rule is for
	}
	return d
}

// ofAnyModel is p without its rules' models: what it says of places alone.
func (p Policy) ofAnyModel() Policy {
	rules := slices.Clone(p.Rules)
	for i := range rules {
		rules[i].Models = nil
	}
	return Policy{Open: p.Open, Rules: rules}
}

func (r Rule) concerns(groupIDs []string) bool {
	return len(r.GroupIDs) == 0 || slices.ContainsFunc(r.GroupIDs, func(id string) bool { return slices.Contains(groupIDs, id) })
}

func (r Rule) judge(c Call) Reason {
	why := Reason{Rule: r.Name, Profile: c.Place.Profile}
	if model := c.model(); len(r.Models) > 0 && !slices.ContainsFunc(r.Models, func(pattern string) bool { return matches(pattern, model) }) {
		why.Code, why.Model = ModelBarred, model
		return why
	}
	if len(r.Classes) > 0 && !slices.Contains(r.Classes, c.Class) {
		why.Code, why.Class = ClassBarred, c.Class.String()
		return why
	}
	why.Code = Permitted
	switch c.Place.Kind {
	case Server:
	case Host:
		why.Host, why.Country = c.Place.Name, c.Place.Country
		switch {
		case c.Place.Country == "":
			why.Code = CountryUnknown
		case !slices.Contains(r.Countries, c.Place.Country):
			why.Code = CountryBarred
		}
	case Regions:
		// A provider that may choose among several regions is permitted only if
		// each of them is.
		if len(c.Place.Regions) == 0 {
			why.Code, why.Name = PlaceUnknown, c.ModelID
		}
		for _, region := range c.Place.Regions {
			if !slices.Contains(r.Regions, region) {
				why.Code, why.Region = RegionBarred, region
				break
			}
		}
	case Anywhere:
		why.Code = AnywhereBarred
	default:
		why.Code, why.Name = PlaceUnknown, c.Place.Name
	}
	return why
}

// matches reports whether text is pattern, in which * stands for any text.
func matches(pattern, text string) bool {
	pieces := strings.Split(pattern, "*")
	if len(pieces) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, pieces[0])
	if !ok {
		return false
	}
	last := len(pieces) - 1
	for _, piece := range pieces[1:last] {
		_, after, found := strings.Cut(rest, piece)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, pieces[last])
}

// Bounds of a policy.
const (
	maxRules    = 50
	maxRuleName = 60
	maxPatterns = 200
	maxPattern  = 200
)

var patternForm = regexp.MustCompile(`^[A-Za-z0-9*._:/-]+$`)

// Validate returns p as it is stored. A region must be one that profiles knows.
// Its errors name the field.
func (p Policy) Validate(profiles *Profiles) (Policy, error) {
	if p.Open {
		return Policy{Open: true, Rules: []Rule{}}, nil
	}
	if len(p.Rules) == 0 {
		return Policy{}, errs.InField("rules", "a policy without a rule permits nothing; give it one")
	}
	if len(p.Rules) > maxRules {
		return Policy{}, errs.InField("rules", fmt.Sprintf("a policy has at most %d rules", maxRules)).With("max", strconv.Itoa(maxRules))
	}
	clean := Policy{Rules: make([]Rule, len(p.Rules))}
	names := make(map[string]bool)
	for i, rule := range p.Rules {
		field := fmt.Sprintf("rules[%d]", i)
		r, err := rule.validate(field, profiles)
		if err != nil {
			return Policy{}, err
		}
		if names[r.Name] {
			return Policy{}, errs.InField(field+".name", "another rule has this name")
		}
		names[r.Name], clean.Rules[i] = true, r
	}
	return clean, nil
}

func (r Rule) validate(field string, profiles *Profiles) (Rule, error) {
	name, err := label.Clean(field+".name", r.Name, maxRuleName)
	if err != nil {
		return Rule{}, err
	}
	clean := Rule{Name: name, GroupIDs: sorted(r.GroupIDs), Regions: sorted(r.Regions), Countries: sorted(r.Countries), Models: sorted(r.Models)}
	clean.Classes = slices.Compact(slices.Sorted(slices.Values(r.Classes)))
	if clean.Classes == nil {
		clean.Classes = []classification.Class{}
	}
	for _, class := range clean.Classes {
		if !class.Valid() {
			return Rule{}, errs.InField(field+".classes", "the classes are 1, 2 and 3").With("value", class.String())
		}
	}
	for _, region := range clean.Regions {
		if _, known := profiles.Region(region); !known {
			return Rule{}, errs.InField(field+".regions", strconv.Quote(region)+" is not a region that is known").With("value", region)
		}
	}
	for _, country := range clean.Countries {
		if !countryForm.MatchString(country) {
			return Rule{}, errs.InField(field+".countries", strconv.Quote(country)+" is not the code of a country, such as JP").With("value", country)
		}
	}
	if len(clean.Models) > maxPatterns {
		return Rule{}, errs.InField(field+".models", "these are too many models").With("max", strconv.Itoa(maxPatterns))
	}
	for _, pattern := range clean.Models {
		if utf8.RuneCountInString(pattern) > maxPattern || !patternForm.MatchString(pattern) {
			return Rule{}, errs.InField(field+".models", strconv.Quote(pattern)+" is not the name of a model, such as anthropic.claude-haiku-4-5-20251001-v1:0 or anthropic.*").With("value", pattern)
		}
	}
	return clean, nil
}

// sorted is what is in values, each once, sorted and never nil.
func sorted(values []string) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
