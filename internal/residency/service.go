package residency

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/residency/generate"
	"kakoi/internal/residency/simulate"
)

// reloadEvery is how old the lists of other nodes may be if their word of a
// change was lost.
const reloadEvery = time.Minute

// channel tells nodes that lists have changed.
const channel = "residency"

// Policies gives the policy that holds.
type Policies interface {
	Now(ctx context.Context) (Policy, error)
}

// Always is a policy that never changes.
type Always Policy

// Now implements Policies.
func (a Always) Now(context.Context) (Policy, error) { return Policy(a), nil }

// Options are what a Service is made of.
type Options struct {
	DB       *db.DB
	Profiles *Profiles
	Policies Policies
	Now      func() time.Time
	Log      *slog.Logger
}

// Service knows where models are answered and decides whether that is
// permitted. It is safe for concurrent use.
type Service struct {
	db       *db.DB
	base     *Profiles // without what was listed
	profiles atomic.Pointer[Profiles]
	policies Policies
	now      func() time.Time
	log      *slog.Logger
}

// New returns a service that does not know yet what was listed; Load reads it.
func New(o Options) *Service {
	s := &Service{db: o.DB, base: o.Profiles, policies: o.Policies, now: o.Now, log: o.Log}
	s.profiles.Store(o.Profiles)
	return s
}

// ReadProfiles returns the profiles of a file, or those of the program for "".
func ReadProfiles(file string) (*Profiles, error) {
	if file == "" {
		return Bundled(), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("network.profilesFile: %w", err)
	}
	p, err := ParseProfiles(text)
	if err != nil {
		return nil, fmt.Errorf("network.profilesFile %s: %w", file, err)
	}
	return p, nil
}

// Load reads what was listed by any node.
func (s *Service) Load(ctx context.Context) error {
	listed, err := selectListed(ctx, s.db)
	if err != nil {
		return err
	}
	s.profiles.Store(s.base.With(listed))
	return nil
}

// Run keeps up with the lists of other nodes until ctx ends.
func (s *Service) Run(ctx context.Context) {
	changed, end := s.db.Subscribe(channel)
	defer end()
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case _, open := <-changed:
			if !open {
				return
			}
		}
		if err := s.Load(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "the lists of inference profiles could not be read again; those from before hold", "err", err)
		}
	}
}

// Bedrock returns where Amazon Bedrock processes what is sent to modelID in
// region, reached by host if that is not "".
func (s *Service) Bedrock(host, region, modelID string) Place {
	return s.profiles.Load().BedrockAt(host, region, modelID)
}

// Host returns where the server at host processes what is sent to modelID.
func (s *Service) Host(host, country, modelID string) Place {
	return s.profiles.Load().Host(host, country, modelID)
}

// Profiles returns what is known now.
func (s *Service) Profiles() *Profiles { return s.profiles.Load() }

// Judge returns the function that decides by the policy that holds now. If the
// policy cannot be read it permits nothing.
func (s *Service) Judge(ctx context.Context) func(Call) Decision {
	policy, err := s.policies.Now(ctx)
	if err != nil {
		s.log.ErrorContext(ctx, "the residency policy could not be read; nothing is permitted", "err", err)
		return func(c Call) Decision { return Decision{Place: c.Place, Reason: Reason{Code: DecisionMissing}} }
	}
	profiles := s.profiles.Load()
	return func(c Call) Decision { return profiles.judge(policy.Decide, c) }
}

// Among returns what Judge does for models that are for all members of groups.
func (s *Service) Among(ctx context.Context) func(Call) Decision {
	policy, err := s.policies.Now(ctx)
	if err != nil {
		return s.Judge(ctx)
	}
	profiles := s.profiles.Load()
	return func(c Call) Decision { return profiles.judge(policy.Among, c) }
}

// Foresee returns what Among would if policy held, which is checked first as
// if it were to.
func (s *Service) Foresee(policy Policy) (func(Call) Decision, error) {
	profiles := s.profiles.Load()
	policy, err := policy.Validate(profiles)
	if err != nil {
		return nil, err
	}
	return func(c Call) Decision { return profiles.judge(policy.Among, c) }, nil
}

// DecidePlace says whether some model may answer everybody at a place.
func (s *Service) DecidePlace(ctx context.Context, place Place) Decision {
	policy, err := s.policies.Now(ctx)
	if err != nil {
		return s.Decide(ctx, Call{Place: place})
	}
	return policy.ofAnyModel().Among(Call{Place: place})
}

// Decide decides about one call.
func (s *Service) Decide(ctx context.Context, c Call) Decision { return s.Judge(ctx)(c) }

// judge decides, and finds what would pass instead of what does not.
func (p *Profiles) judge(decide func(Call) Decision, c Call) Decision {
	d := decide(c)
	if d.Allowed || c.Place.From == "" {
		return d
	}
	for _, id := range p.Alternatives(c.Place.From, c.Place.Model) {
		other := Call{Place: p.Bedrock(c.Place.From, id), ModelID: id, GroupIDs: c.GroupIDs, Class: c.Class}
		if id != c.ModelID && decide(other).Allowed {
			d.Instead = append(d.Instead, id)
		}
	}
	return d
}

// Note keeps the inference profiles that Amazon Bedrock listed in a region. A
// list replaces what an earlier one said of the same profiles.
func (s *Service) Note(ctx context.Context, listed []Listed) error {
	known := s.profiles.Load()
	var news []Listed
	for _, l := range listed {
		before, ok := known.listed[listedKey{l.ID, l.Region}]
		if slices.Sort(l.Models); !ok || !slices.Equal(before.Models, l.Models) || l.At.Sub(before.At) > 24*time.Hour {
			news = append(news, l)
		}
	}
	if len(news) == 0 {
		return nil
	}
	err := s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		for _, l := range news {
			if err := upsertListed(ctx, tx, l); err != nil {
				return err
			}
		}
		return s.db.Publish(ctx, channel, "listed")
	})
	if err != nil {
		return err
	}
	return s.Load(ctx)
}

// Known returns what is known of profiles to those who may read how the system
// is set up.
func (s *Service) Known(ctx context.Context) (*Profiles, error) {
	if _, err := access.Authorize(ctx, access.SystemRead, access.Resource{Kind: access.KindSystem}); err != nil {
		return nil, err
	}
	return s.Profiles(), nil
}

// Explain returns where the model of c, called in region, is answered, and
// whether that is permitted to whom and for what c is. The place of c is not
// looked at. It is for those who may read how the system is set up.
func (s *Service) Explain(ctx context.Context, region string, c Call) (Decision, error) {
	if _, err := access.Authorize(ctx, access.SystemRead, access.Resource{Kind: access.KindSystem}); err != nil {
		return Decision{}, err
	}
	if err := c.Validate(); err != nil {
		return Decision{}, err
	}
	if _, known := s.Profiles().Region(region); !known {
		return Decision{}, errs.InField("region", "this is not a region that is known, such as ap-northeast-1")
	}
	c.Place = s.Bedrock("", region, c.ModelID)
	return s.Decide(ctx, c), nil
}

// Simulate answers the question in a document by what is known of profiles, for
// those who may read how the system is set up. A document that is no question
// is a *simulate.InputError.
func (s *Service) Simulate(ctx context.Context, document []byte) (simulate.Output, error) {
	if _, err := access.Authorize(ctx, access.SystemRead, access.Resource{Kind: access.KindSystem}); err != nil {
		return simulate.Output{}, err
	}
	in, err := simulate.Decode(document)
	if err != nil {
		return simulate.Output{}, err
	}
	return simulate.Run(in, s.Profiles())
}

// Generate makes the policies for the case in a document, likewise. fill puts in
// what the document leaves out.
func (s *Service) Generate(ctx context.Context, document []byte, fill func(*generate.Case) error) (generate.Output, error) {
	if _, err := access.Authorize(ctx, access.SystemRead, access.Resource{Kind: access.KindSystem}); err != nil {
		return generate.Output{}, err
	}
	c, err := generate.Decode(document)
	if err != nil {
		return generate.Output{}, err
	}
	if err := fill(c); err != nil {
		return generate.Output{}, err
	}
	return generate.Run(c, s.Profiles())
}
