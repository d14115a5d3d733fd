package residency

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

//go:embed profiles.json
var bundled []byte

// format is of the data that this program reads.
const format = 1

// Profiles is what is known of Amazon Bedrock's regions and inference profiles
// at a date. It does not change; With returns one that knows more.
type Profiles struct {
	version   string
	providers map[string]bool
	regions   map[string]RegionInfo
	profiles  map[string]profile
	guards    map[string]profile // profiles of guardrails
	listed    map[listedKey]Listed
}

// RegionInfo says where a region is.
type RegionInfo struct {
	Country  string `json:"country"` // ISO 3166-1 alpha-2
	Japanese string `json:"ja"`
	English  string `json:"en"`
}

// profile is a system-defined inference profile.
type profile struct {
	Model    string              `json:"model"`              // foundation model that it leads to
	To       map[string][]string `json:"to,omitempty"`       // destinations by the region that is called
	Anywhere bool                `json:"anywhere,omitempty"` // every commercial region, also those to come
	From     []string            `json:"from,omitempty"`     // with Anywhere: regions it can be called from, where that is known
	Basis    string              `json:"basis"`              // how this is known
}

// Listed is an inference profile as Amazon Bedrock lists it in one region
// (ListInferenceProfiles), or an application profile of an account.
type Listed struct {
	ID     string // as calls name it: the id of a system-defined profile, the ARN of an application profile
	Region string // in which it is listed
	Models []string
	At     time.Time
}

type listedKey struct{ id, region string }

// Bundled returns what this program came with.
func Bundled() *Profiles {
	p, err := ParseProfiles(bundled)
	if err != nil {
		panic("residency: the data of this build: " + err.Error())
	}
	return p
}

// BundledText returns the data of this program, as a file may replace it.
func BundledText() []byte { return bytes.Clone(bundled) }

var (
	regionForm  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d{1,2}$`)
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
	versionForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
)

// ParseProfiles reads data in the form of profiles.json. It refuses data that
// contradicts itself: a region that is not listed, a profile that leads
// nowhere, a profile whose id begins with jp. and leaves Japan.
func ParseProfiles(text []byte) (*Profiles, error) {
	var in struct {
		Format    int                   `json:"format"`
		Version   string                `json:"version"`
		Providers []string              `json:"providers"`
		Regions   map[string]RegionInfo `json:"regions"`
		Profiles  map[string]profile    `json:"profiles"`
		Guards    map[string]profile    `json:"guardrails"`
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return nil, fmt.Errorf("the data of inference profiles cannot be read: %w", err)
	}
	switch {
	case in.Format != format:
		return nil, fmt.Errorf("the data of inference profiles has format %d; this program reads %d", in.Format, format)
	case !versionForm.MatchString(in.Version):
		return nil, fmt.Errorf("version %q of the data of inference profiles is not a date such as 2026-11-22", in.Version)
	case len(in.Regions) == 0 || len(in.Providers) == 0:
		return nil, fmt.Errorf("the data of inference profiles has no regions or no providers")
	}
	p := &Profiles{version: in.Version, providers: make(map[string]bool), regions: in.Regions, profiles: in.Profiles, guards: in.Guards}
	for _, name := range in.Providers {
		p.providers[name] = true
	}
	for name, r := range in.Regions {
		if !regionForm.MatchString(name) || !countryForm.MatchString(r.Country) || r.Japanese == "" || r.English == "" {
			return nil, fmt.Errorf("region %q needs a name, a country of two letters, and its names in Japanese and English", name)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(in.Profiles)) {
		if err := p.check(id, in.Profiles[id]); err != nil {
			return nil, fmt.Errorf("inference profile %s: %w", id, err)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(in.Guards)) {
		if err := p.checkRoutes(id, in.Guards[id]); err != nil {
			return nil, fmt.Errorf("guardrail profile %s: %w", id, err)
		}
	}
	return p, nil
}

func (p *Profiles) check(id string, d profile) error {
	if _, model, _ := strings.Cut(id, "."); d.Model != model {
		return fmt.Errorf("leads to the model %q, which is not its own", d.Model)
	}
	return p.checkRoutes(id, d)
}

func (p *Profiles) checkRoutes(id string, d profile) error {
	prefix, _, _ := strings.Cut(id, ".")
	switch {
	case d.Anywhere == (len(d.To) > 0):
		return fmt.Errorf("leads either to the regions under \"to\" or \"anywhere\"")
	case d.Basis == "":
		return fmt.Errorf("does not say how this is known")
	}
	for from, to := range d.To {
		if len(to) == 0 {
			return fmt.Errorf("leads nowhere from %s", from)
		}
		for _, r := range append([]string{from}, to...) {
			info, known := p.regions[r]
			if !known {
				return fmt.Errorf("names the region %q, which is not under \"regions\"", r)
			}
			if prefix == "jp" && info.Country != "JP" {
				return fmt.Errorf("leaves Japan for %s", r)
			}
		}
	}
	return nil
}

// With returns p grown by what Amazon Bedrock lists.
func (p *Profiles) With(listed []Listed) *Profiles {
	grown := *p
	grown.listed = maps.Clone(p.listed)
	if grown.listed == nil {
		grown.listed = make(map[listedKey]Listed, len(listed))
	}
	for _, l := range listed {
		grown.listed[listedKey{l.ID, l.Region}] = l
	}
	return &grown
}

// Version is the date of the data.
func (p *Profiles) Version() string { return p.version }

// Region returns where a region is, and false for one that nobody has heard of.
func (p *Profiles) Region(name string) (RegionInfo, bool) {
	r, ok := p.regions[name]
	return r, ok
}

// RegionNames returns the regions that are known, sorted.
func (p *Profiles) RegionNames() []string { return slices.Sorted(maps.Keys(p.regions)) }

// From returns the inference profiles that are known to lead somewhere when
// region is called, sorted.
func (p *Profiles) From(region string) []string {
	ids := make(map[string]bool)
	for id, d := range p.profiles {
		if d.calledFrom(region) {
			ids[id] = true
		}
	}
	for key := range p.listed {
		if key.region == region {
			ids[key.id] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

func (d profile) calledFrom(region string) bool {
	return d.To[region] != nil || d.Anywhere && (d.From == nil || slices.Contains(d.From, region))
}

// Alternatives returns the other ways to the foundation model from a region,
// sorted: the model's own id, which is answered in the region itself where it
// can be called so at all, and every profile that is known to lead to it.
func (p *Profiles) Alternatives(region, model string) []string {
	if model == "" {
		return nil
	}
	ids := map[string]bool{model: true}
	for id, d := range p.profiles {
		if d.Model == model && d.calledFrom(region) {
			ids[id] = true
		}
	}
	for key, l := range p.listed {
		if key.region == region && !strings.HasPrefix(key.id, "arn:") && modelOf(l.Models) == model {
			ids[key.id] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}
