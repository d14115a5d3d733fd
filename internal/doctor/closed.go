package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"kakoi/internal/egress"
	"kakoi/internal/model"
)

// outsidePatience is how long a forbidden host is waited for: a packet that is
// dropped is never answered.
const outsidePatience = 4 * time.Second

// closed examines what a closed network promises.
func (x *examination) closed(ctx context.Context, connections []*model.Examination) {
	x.forbidden(ctx, connections)
	x.outside(ctx)
}

// forbidden tries each host that nobody has any business with through the gate,
// with the clients of the connections: it must refuse the name before anything
// is looked up or sent.
func (x *examination) forbidden(ctx context.Context, connections []*model.Examination) {
	s := Step{Group: Closed, Name: "forbidden"}
	began := time.Now()
	tried := 0
	for _, host := range x.o.Forbidden {
		specs := []egress.Spec{{Purpose: purpose}}
		for _, e := range connections {
			if len(e.Spec.Allow) > 0 {
				specs = append(specs, egress.Spec{Purpose: e.Spec.Purpose, Allow: e.Spec.Allow})
			}
			if e.Spec.Declares(host) && s.Code == "" {
				s.Status, s.Code = Failed, ForbiddenDeclared
				s.Params = map[string]string{"host": host, "connection": e.Connection.Name}
			}
		}
		for _, spec := range specs {
			if spec.Declares(host) {
				continue
			}
			// As the doctor's, so that the ledger does not hold it against the connection.
			spec.Purpose = purpose
			tried++
			if !x.o.Gate.Refuses(ctx, spec, host) {
				s.Status, s.Code, s.Params = Failed, GateOpen, map[string]string{"host": host}
			}
		}
	}
	s.Facts = fact(fact(nil, "hosts", strings.Join(x.o.Forbidden, ", ")), "tried", fmt.Sprint(tried))
	s.Elapsed = time.Since(began)
	x.tell(s)
}

// outside tries whether the network itself would let one out, which sends
// questions to the name server and perhaps packets further: only if asked for.
func (x *examination) outside(ctx context.Context) {
	s := Step{Group: Closed, Name: "outside"}
	if !x.q.Outside {
		s.Status, s.Code = Skipped, OutsideNotAsked
		x.tell(s)
		return
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, min(outsidePatience, x.o.Patience))
	defer cancel()
	reached := make([]string, len(x.o.Forbidden))
	var all sync.WaitGroup
	for i, host := range x.o.Forbidden {
		all.Go(func() {
			if x.o.Gate.Escapes(ctx, purpose, host) {
				reached[i] = host
			}
		})
	}
	all.Wait()
	var open []string
	for _, host := range reached {
		if host != "" {
			open = append(open, host)
		}
	}
	s.Elapsed, s.Facts = time.Since(began), fact(nil, "hosts", strings.Join(x.o.Forbidden, ", "))
	if len(open) > 0 {
		s.Status, s.Code, s.Params = Failed, NetworkOpen, map[string]string{"hosts": strings.Join(open, ", ")}
	}
	x.tell(s)
}

// anyPublic reports whether one of the addresses is of the Internet, and not of
// the network's own.
func (x *examination) anyPublic(all []netip.Addr) bool {
	network := egress.Network{Own: x.o.OwnRanges}
	return slices.ContainsFunc(all, func(a netip.Addr) bool { return network.Reach(a) == egress.ReachPublic })
}

// describe lists addresses.
func describe(all []netip.Addr) string {
	var out []string
	for _, a := range all {
		out = append(out, a.String())
	}
	return strings.Join(out, ", ")
}

// lookup asks for the addresses of a destination, as long as x is patient.
func (x *examination) lookup(ctx context.Context, spec egress.Spec, destination string) ([]netip.Addr, egress.Trouble, error) {
	ctx, cancel := context.WithTimeout(ctx, x.o.Patience)
	defer cancel()
	return x.o.Gate.Lookup(ctx, spec, destination)
}
