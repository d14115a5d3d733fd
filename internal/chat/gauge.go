package chat

import (
	"context"
	"math"

	"kakoi/internal/access"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Gauge is how full the context of a conversation's model is, and what the open
// branch has cost.
type Gauge struct {
	Limit    int // tokens of the model; 0 = unknown
	Reserve  int // kept free for the answer
	System   int // tokens of instructions
	Summary  int
	Files    int // of the folder
	Messages int
	Omitted  int // messages that the next turn would leave out
	Summed   bool
	Costs    []Cost // one a currency
	Usage    model.Usage
}

// Gauge measures the open branch against the conversation's model.
func (s *Service) Gauge(ctx context.Context, id string) (Gauge, error) {
	c, err := s.own(ctx, id, access.ConversationRead)
	if err != nil {
		return Gauge{}, err
	}
	branch, err := s.path(ctx, s.db, c.OwnerID, id, c.LeafID, math.MaxInt32)
	if err != nil {
		return Gauge{}, err
	}
	offer, err := s.offer(ctx, c.ModelID, c.Class)
	if err != nil && errs.CodeOf(err) != errs.ModelUnavailable && errs.CodeOf(err) != errs.NotFound {
		return Gauge{}, err
	}
	p, err := s.pack(ctx, c, branch, offer)
	if err != nil {
		return Gauge{}, err
	}
	g := Gauge{
		Limit: p.limit, Reserve: p.reserve, System: p.tokens.system, Summary: p.tokens.summary, Files: p.tokens.files,
		Messages: p.tokens.messages, Omitted: p.omitted, Summed: p.summary != nil,
	}
	for _, m := range branch {
		g.add(m)
	}
	return g, nil
}

func (g *Gauge) add(m Message) {
	if m.Usage != nil {
		g.Usage = g.Usage.Add(*m.Usage)
	}
	if m.Cost == nil || m.Cost.Currency == "" {
		return
	}
	for i := range g.Costs {
		if g.Costs[i].Currency == m.Cost.Currency {
			g.Costs[i].Micros += m.Cost.Micros
			return
		}
	}
	g.Costs = append(g.Costs, *m.Cost)
}
