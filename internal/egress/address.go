package egress

import (
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"

	"kakoi/internal/errs"
)

// set is the destinations declared for one purpose, normalised.
type set map[string]struct{}

func (s set) has(destination string) bool {
	_, ok := s[destination]
	return ok
}

func declare(allow []string) (set, error) {
	declared := make(set, len(allow))
	for _, a := range allow {
		network := "tcp"
		if strings.HasPrefix(a, "/") {
			network = "unix"
		}
		destination, err := normalise(network, a)
		if err != nil {
			return nil, err
		}
		declared[destination] = struct{}{}
	}
	return declared, nil
}

// normalise writes a destination in the one way it is compared and recorded:
// names in lower-case ASCII without the final dot, addresses in their shortest
// form with IPv4 as IPv4.
func normalise(network, addr string) (string, error) {
	if strings.HasPrefix(network, "unix") {
		return addr, nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" || port == "" {
		return "", errs.Newf(errs.EgressDenied, "%q is not a destination; write it as host:port, for example llm.example.lg.jp:443", addr)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return net.JoinHostPort(ip.Unmap().WithZone("").String(), port), nil
	}
	host = strings.TrimSuffix(host, ".")
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	return net.JoinHostPort(strings.ToLower(host), port), nil
}
