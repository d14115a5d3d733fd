package server

import (
	"context"
	"log/slog"
	"os"
	"time"

	"kakoi/internal/audit"
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

// CheckPolicy says where modelID is answered when region is called, and whether
// the policy of the installation permits that to somebody who is in no group. A
// server may be running on the same store.
func CheckPolicy(ctx context.Context, cfg config.Config, log *slog.Logger, region, modelID string) (PolicyAnswer, error) {
	profiles, err := residency.ReadProfiles(cfg.Network.ProfilesFile)
	if err != nil {
		return PolicyAnswer{}, err
	}
	definition := residencyDefinition(cfg.Network.Closed, profiles)
	known := residency.Options{Profiles: profiles, Policies: residency.Always(definition.Initial), Now: time.Now, Log: log}
	store, err := openExisting(ctx, cfg, log)
	if err == nil {
		defer func() { _ = store.Close() }() // nothing was written
		known.DB, known.Policies = store, setting.Define(setting.New(store, audit.New(store, time.Now), time.Now), definition)
	} else if errs.CodeOf(err) != errs.NotFound { // before the first start, what an installation begins with holds
		return PolicyAnswer{}, err
	}
	places := residency.New(known)
	if known.DB != nil {
		if err := places.Load(ctx); err != nil {
			return PolicyAnswer{}, err
		}
	}
	d, err := places.Judged(ctx, region, modelID, nil)
	return PolicyAnswer{
		Allowed: d.Allowed, Place: d.Place.String(), Reason: d.Reason.String(), Basis: d.Place.Source(), Instead: d.Instead, Data: profiles.Version(),
	}, err
}
