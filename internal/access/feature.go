package access

import (
	"context"
	"slices"

	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// Feature is a part of the program that can be kept from some people.
type Feature string

// The features.
const (
	FeatureTemporary Feature = "temporary" // conversations that are never stored
	FeatureDictation Feature = "dictation"
	FeatureSharing   Feature = "sharing" // of conversations
	FeatureExport    Feature = "export"  // of conversations and tables, not of all one has
	FeatureImport    Feature = "import"
)

// Features returns all there are, in the order in which they are shown.
func Features() []Feature {
	return []Feature{FeatureTemporary, FeatureDictation, FeatureSharing, FeatureExport, FeatureImport}
}

// featureOf is the feature that an action is a use of.
var featureOf = map[Action]Feature{
	TemporaryUse: FeatureTemporary, DictationUse: FeatureDictation,
	ShareCreate: FeatureSharing, ConversationExport: FeatureExport, ConversationImport: FeatureImport,
}

// withheld refuses a use of a feature that is kept from p.
func withheld(p Principal, a Action) error {
	if f, is := featureOf[a]; is && slices.Contains(p.Withheld, f) {
		return errs.New(errs.FeatureWithheld, "this feature is not switched on for you").With("feature", string(f))
	}
	return nil
}

// withheld returns the features that are kept from p.
func (c *Chart) withheld(p Principal) []Feature {
	var kept []Feature
	for _, f := range Features() {
		if !granted(p, c.features[f]) {
			kept = append(kept, f)
		}
	}
	return kept
}

// FeatureGrants are a feature and whom it is for.
type FeatureGrants struct {
	Feature Feature
	Grants  []Grant
}

const auditFeature = "feature.set_grants"

// Features returns each feature and whom it is for.
func (g *Grants) Features(ctx context.Context) ([]FeatureGrants, error) {
	if _, err := Authorize(ctx, SystemRead, Resource{Kind: KindSystem}); err != nil {
		return nil, err
	}
	all, err := g.OfKind(ctx, KindFeature)
	if err != nil {
		return nil, err
	}
	var list []FeatureGrants
	for _, f := range Features() {
		list = append(list, FeatureGrants{f, all[string(f)]})
	}
	return list, nil
}

// SetFeature says whom a feature is for, from their next request on.
func (g *Grants) SetFeature(ctx context.Context, record *audit.Log, f Feature, grants []Grant) error {
	if _, err := Authorize(ctx, SystemWrite, Resource{Kind: KindSystem}); err != nil {
		return err
	}
	if !slices.Contains(Features(), f) {
		return errs.New(errs.NotFound, "there is no such feature")
	}
	o := Object{Kind: KindFeature, ID: string(f)}
	return g.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		before, err := g.Of(ctx, o)
		if err != nil {
			return err
		}
		if err := g.Set(ctx, o, "grants", grants); err != nil {
			return err
		}
		if err := touch(ctx, tx); err != nil {
			return err
		}
		return record.Record(ctx, audit.Event{
			Action: auditFeature, Resource: audit.Resource{Kind: string(KindFeature), ID: string(f)},
			Details: map[string]string{"grants_from": Describe(before), "grants": Describe(grants)},
		})
	})
}
