package server

import (
	"context"
	"log/slog"
	"os"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/classification"
	"kakoi/internal/config"
	"kakoi/internal/errs"
	"kakoi/internal/residency"
	"kakoi/internal/setting"
)

// Profiles knows where inference profiles lead, by the data that cfg names.
func Profiles(cfg config.Config) (*residency.Profiles, error) {
	return residency.ReadProfiles(cfg.Network.ProfilesFile)
}

// PolicyData returns the data of regions and inference profiles that cfg names.
func PolicyData(cfg config.Config) ([]byte, error) {
	if cfg.Network.ProfilesFile == "" {
		return residency.BundledText(), nil
	}
	return os.ReadFile(cfg.Network.ProfilesFile)
}

// PolicyAnswer is what the residency policy says of one model.
type PolicyAnswer struct {
	Allowed bool
	Place   string
	Reason  string
	Basis   string   // how the place is known
	Instead []string // ways to the same model that are permitted
	Data    string   // version of the data
}

// PolicyQuestion is what the command line asks about.
type PolicyQuestion struct {
	ModelID string
	Region  string               // that is called
	Groups  []string             // of the person who asks, by their names or ids
	Class   classification.Class // how confidential what is sent is
}

// CheckPolicy says where a model is answered when a region is called, and
// whether the policy of the installation permits that to whom and for what is
// asked. A server may be running on the same store.
func CheckPolicy(ctx context.Context, cfg config.Config, log *slog.Logger, q PolicyQuestion) (PolicyAnswer, error) {
	profiles, err := residency.ReadProfiles(cfg.Network.ProfilesFile)
	if err != nil {
		return PolicyAnswer{}, err
	}
	definition := residencyDefinition(cfg.Network.Closed, profiles)
	known := residency.Options{Profiles: profiles, Policies: residency.Always(definition.Initial), Now: time.Now, Log: log}
	var groups *access.Groups
	store, missing := openExisting(ctx, cfg, log)
	if missing == nil {
		defer func() { _ = store.Close() }() // nothing was written
		record := audit.New(store, time.Now)
		known.DB, known.Policies = store, setting.Define(setting.New(store, record, time.Now), definition)
		groups = newOrganisation(store, record, time.Now).groups
	} else if errs.CodeOf(missing) != errs.NotFound || len(q.Groups) > 0 {
		return PolicyAnswer{}, missing
	} // before the first start, what an installation begins with holds
	places := residency.New(known)
	if known.DB != nil {
		if err := places.Load(ctx); err != nil {
			return PolicyAnswer{}, err
		}
	}
	ctx = access.WithPrincipal(ctx, operator)
	call := residency.Call{ModelID: q.ModelID, Class: q.Class}
	for _, name := range q.Groups {
		group, err := groups.Named(ctx, name)
		if err != nil {
			return PolicyAnswer{}, err
		}
		call.GroupIDs = append(call.GroupIDs, group.ID)
	}
	d, err := places.Explain(ctx, q.Region, call)
	return PolicyAnswer{
		Allowed: d.Allowed, Place: d.Place.String(), Reason: d.Reason.String(), Basis: d.Place.Source(), Instead: d.Instead, Data: profiles.Version(),
	}, err
}
