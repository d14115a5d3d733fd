package chat

import (
	"cmp"
	"context"

	"kakoi/internal/classification"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Classify returns the class of something for which a person chose wanted: None
// takes what the organisation begins with. Its errors name the field.
func (s *Service) Classify(ctx context.Context, wanted classification.Class) (classification.Class, error) {
	p, err := s.policyNow(ctx)
	if err != nil {
		return wanted, err
	}
	return p.classify(wanted)
}

func (p Policy) classify(wanted classification.Class) (classification.Class, error) {
	switch {
	case wanted == classification.None:
		return p.DefaultClass, nil
	case p.DefaultClass == classification.None:
		return wanted, errs.InField("class", "your organisation does not classify conversations")
	case !wanted.Valid():
		return wanted, errs.InField("class", "the classes are 1, 2 and 3")
	}
	return wanted, nil
}

// counts returns what a conversation of class counts as. One from before the
// organisation classified counts as new ones do; one that was classified before
// it gave that up stays.
func (p Policy) counts(class classification.Class) classification.Class {
	return cmp.Or(class, p.DefaultClass)
}

// counted returns c with the class that it counts as under the policy that
// holds, and that policy.
func (s *Service) counted(ctx context.Context, c Conversation) (Conversation, Policy, error) {
	p, err := s.policyNow(ctx)
	c.Class = p.counts(c.Class)
	return c, p, err
}

// offersFor returns the models that what is of class may be written to.
func (s *Service) offersFor(ctx context.Context, class classification.Class) ([]model.Offer, error) {
	all, err := s.models.Offers(ctx)
	if err != nil {
		return nil, err
	}
	var fitting []model.Offer
	for _, o := range all {
		if o.Takes(class) {
			fitting = append(fitting, o)
		}
	}
	return fitting, nil
}
