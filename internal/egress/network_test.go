package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"kakoi/internal/errs"
)

func TestWhereAddressesLead(t *testing.T) {
	for want, addrs := range map[Reach][]string{
		ReachLoopback: {"127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1"},
		ReachPrivate: {
			"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.127.255.255", "fd12:3456::1", "fc00::1", "fec0::1",
			"::ffff:10.0.0.1", "64:ff9b::a00:1",
		},
		ReachLinkLocal: {
			"100.100.100.200", "168.63.129.16", "192.0.0.192", "fd20:ce::254", "64:ff9b::6464:64c8", // of other clouds
			"169.254.169.254", "169.254.170.2", "169.254.0.1", "::ffff:169.254.169.254", "::169.254.169.254", "::ffff:0:a9fe:a9fe",
			"64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fd00:ec2::23",
		},
		ReachPublic: {
			"203.0.113.7", "8.8.8.8", "172.32.0.1", "172.15.255.255", "100.63.255.255", "100.128.0.0", "192.169.0.1", "11.0.0.1", "2001:db8::1",
			"2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "168.63.129.17",
		},
		ReachNothing: {"0.0.0.0", "0.1.2.3", "::", "255.255.255.255", "224.0.0.251", "ff02::1", "::ffff:0.0.0.0", "2002:e000:fb::"},
	} {
		for _, addr := range addrs {
			if got := ReachOf(netip.MustParseAddr(addr)); got != want {
				t.Errorf("ReachOf(%s) = %s, want %s", addr, got, want)
			}
		}
	}
	if got := ReachOf(netip.Addr{}); got != ReachNothing {
		t.Errorf("ReachOf of no address = %s", got)
	}
}

func TestAClosedNetworkIsLeftOnlyWhereTheOperatorSaysSo(t *testing.T) {
	own := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8:1::/48")}
	closed := Network{Closed: true, Own: own, Public: []string{"LLM.example:443", "198.51.100.9:443", "no destination"}}
	for _, tt := range []struct {
		name        string
		network     Network
		destination string
		address     string
		allowed     bool
	}{
		{"a private address of a declared name", closed, "vpce.example:443", "10.0.1.5", true},
		{"shared address space, as in EKS", closed, "llm.local:443", "100.64.3.3", true},
		{"a unique local address", closed, "llm.local:443", "fd12::5", true},
		{"a public address of a declared name", closed, "bedrock-runtime.ap-northeast-1.amazonaws.com:443", "52.119.1.1", false},
		{"the same over IPv6", closed, "bedrock-runtime.ap-northeast-1.amazonaws.com:443", "2406:da14::1", false},
		{"hidden in a translation", closed, "llm.local:443", "64:ff9b::3477:101", false},
		{"hidden in 6to4", closed, "llm.local:443", "2002:3477:101::1", false},
		{"a literal public address", closed, "52.119.1.1:443", "52.119.1.1", false},
		{"a name that the operator calls public", closed, "llm.example:443", "52.119.1.1", true},
		{"the same name at another port", closed, "llm.example:80", "52.119.1.1", false},
		{"a literal that the operator calls public", closed, "198.51.100.9:443", "198.51.100.9", true},
		{"a public range of the network's own", closed, "llm.u.example:443", "203.0.113.20", true},
		{"the same over IPv6, own", closed, "llm.u.example:443", "2001:db8:1::20", true},
		{"beside the own range", closed, "llm.u.example:443", "203.0.114.20", false},
		{"a public address where the network is open", Network{}, "llm.example:443", "52.119.1.1", true},

		{"loopback by its address", closed, "127.0.0.1:8000", "127.0.0.1", true},
		{"loopback by its IPv6 address", closed, "[::1]:8000", "::1", true},
		{"localhost", closed, "localhost:8000", "127.0.0.1", true},
		{"a name below localhost", closed, "llm.localhost:8000", "::1", true},
		{"another loopback address than declared", closed, "127.0.0.2:8000", "127.0.0.1", false},
		{"a name that turns out to be this machine", closed, "llm.example:443", "127.0.0.1", false},
		{"the same where the network is open", Network{}, "llm.example:8000", "127.0.0.1", false},
		{"the same hidden in IPv6", Network{}, "llm.example:8000", "::ffff:127.0.0.1", false},
		{"a name that only ends like localhost", closed, "evillocalhost:8000", "127.0.0.1", false},
		{"metadata, which no declaration of the operator opens", Network{Own: []netip.Prefix{netip.MustParsePrefix("169.254.0.0/16")}, Public: []string{"llm.example:80"}}, "llm.example:80", "169.254.169.254", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := newRules(tt.network).judgeAddress("model:1", tt.destination, netip.MustParseAddr(tt.address), true)
			if (err == nil) != tt.allowed {
				t.Fatalf("error = %v, want allowed %v", err, tt.allowed)
			}
			if err != nil && (errs.CodeOf(err) != errs.EgressDenied || !strings.Contains(err.Error(), tt.destination)) {
				t.Errorf("error = %v, want code egress_denied and the destination", err)
			}
		})
	}
}

func TestANameThatSuddenlyLeadsOutOfAClosedNetworkIsRefusedAndCounted(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }))
	defer s.Close()
	_, port, _ := net.SplitHostPort(hostOf(t, s))
	destination := "vpce.example:" + port
	var rebound atomic.Bool
	g := New(Options{Network: Network{Closed: true, Own: here.Own}, Resolver: nameServer(t, func(string) netip.Addr {
		if rebound.Load() {
			return netip.MustParseAddr("203.0.113.7")
		}
		return netip.MustParseAddr("127.0.0.1")
	})})
	c := client(t, g, Spec{Purpose: "model:1", Allow: []string{destination}})
	resp, err := c.Get("http://" + destination)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	rebound.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+destination, nil)
	_, err = c.Do(request)
	if errs.CodeOf(err) != errs.EgressDenied || !strings.Contains(err.Error(), "203.0.113.7") || !strings.Contains(err.Error(), "network.publicDestinations") {
		t.Errorf("error = %v, want code egress_denied, the address and what to do", err)
	}
	if r := record(t, g, "model:1", destination); r.Dials != 1 || r.Refusals != 1 {
		t.Errorf("record = %+v, want one dial and one refusal", r)
	}
	addresses, err := g.Resolve(t.Context(), "model:1", destination)
	if err != nil || len(addresses) != 1 || addresses[0].Reach != ReachPublic || addresses[0].Refused == nil {
		t.Errorf("Resolve = %+v, %v", addresses, err)
	}
}

func TestOfAMixedNameThePrivateAddressIsTaken(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	_, port, _ := net.SplitHostPort(hostOf(t, s))
	resolver := asking(serveDNS(t, func(query []byte) []byte {
		address := netip.MustParseAddr("2001:db8::1")
		var m dnsmessage.Message
		if m.Unpack(query) == nil && m.Questions[0].Type == dnsmessage.TypeA {
			address = netip.MustParseAddr("127.0.0.1")
		}
		return dnsReply(query, func(string) netip.Addr { return address })
	}))
	g := New(Options{Network: Network{Closed: true, Own: here.Own}, Resolver: resolver})
	resp, err := client(t, g, Spec{Purpose: "model:1", Allow: []string{"llm.example:" + port}}).Get("http://llm.example:" + port)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if r := record(t, g, "model:1", "llm.example:"+port); r.Dials != 1 || r.Refusals != 0 {
		t.Errorf("record = %+v, want one dial", r)
	}
	addresses, err := g.Resolve(t.Context(), "model:1", "llm.example:"+port)
	if err != nil || len(addresses) != 2 {
		t.Fatalf("Resolve = %+v, %v", addresses, err)
	}
	for _, a := range addresses {
		if (a.Reach == ReachPublic) != (a.Refused != nil) {
			t.Errorf("address %+v", a)
		}
	}
}

func TestNameServersAreAskedThroughTheGate(t *testing.T) {
	server := serveDNS(t, func(query []byte) []byte {
		return dnsReply(query, func(string) netip.Addr { return netip.MustParseAddr("10.1.2.3") })
	})
	var log bytes.Buffer
	g := New(Options{Network: Network{Closed: true}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	asking := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return g.askNameServer(ctx, network, server)
	}}
	found, err := asking.LookupNetIP(t.Context(), "ip4", "llm.example")
	if err != nil || !slices.Equal(found, []netip.Addr{netip.MustParseAddr("10.1.2.3")}) {
		t.Errorf("found %v, %v", found, err)
	}
	if r := record(t, g, "dns", server); r.Dials == 0 || r.BytesSent == 0 || r.BytesReceived == 0 || r.Open != 0 {
		t.Errorf("record = %+v, want what was asked and answered", r)
	}
	if _, err := g.askNameServer(t.Context(), "udp", "8.8.8.8:53"); errs.CodeOf(err) != errs.EgressDenied {
		t.Errorf("a public name server gives %v, want code egress_denied", err)
	}
	if r := record(t, g, "dns", "8.8.8.8:53"); r.Refusals != 1 || r.Dials != 0 {
		t.Errorf("record = %+v, want one refusal", r)
	}
	for _, address := range []string{"169.254.169.253:53", "168.63.129.16:53", "10.0.0.2:53", "[fd00:ec2::253]:53"} {
		if err := g.rules.judgeAddress(purposeNames, address, netip.MustParseAddrPort(address).Addr(), true); err != nil {
			t.Errorf("the name server %s: %v", address, err)
		}
	}
	if g.resolver == nil || !g.resolver.PreferGo || g.resolver.Dial == nil {
		t.Error("the gate's own resolver does not ask through the gate")
	}
}

func TestAPinnedAuthorityIsTheOnlyOne(t *testing.T) {
	now := time.Now()
	theirs, theirPEM := certificate(t, "llm.example", now.Add(-time.Hour), now.Add(time.Hour))
	_, otherPEM := certificate(t, "llm.example", now.Add(-time.Hour), now.Add(time.Hour))
	port := tlsServer(t, theirs)
	alone := x509.NewCertPool()
	alone.AppendCertsFromPEM(otherPEM)
	if c, err := tlsConfig(otherPEM); err != nil || !c.RootCAs.Equal(alone) {
		t.Errorf("more than the authority that is given is trusted (%v)", err)
	}
	resolver := nameServer(t, func(string) netip.Addr { return netip.MustParseAddr("127.0.0.1") })
	for _, tt := range []struct {
		name    string
		caPEM   []byte
		trusted bool
	}{{"its own authority", theirPEM, true}, {"another", otherPEM, false}} {
		c := client(t, New(Options{Network: here, Resolver: resolver}), Spec{Purpose: "model:1", Allow: []string{"llm.example:" + port}, CAPEM: tt.caPEM})
		resp, err := c.Get("https://llm.example:" + port)
		if err == nil {
			resp.Body.Close()
		}
		if (err == nil) != tt.trusted {
			t.Errorf("pinned %s: %v, want trusted %v", tt.name, err, tt.trusted)
		}
		if err != nil && Classify(err).Step != StepTLS {
			t.Errorf("pinned %s: %+v", tt.name, Classify(err))
		}
	}
}

func TestOldVersionsOfTLSAreNotSpoken(t *testing.T) {
	now := time.Now()
	cert, caPEM := certificate(t, "llm.example", now.Add(-time.Hour), now.Add(time.Hour))
	resolver := nameServer(t, func(string) netip.Addr { return netip.MustParseAddr("127.0.0.1") })
	for version, spoken := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			s := httptest.NewUnstartedServer(http.NotFoundHandler())
			s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: version}
			s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			s.StartTLS()
			defer s.Close()
			_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
			c := client(t, New(Options{Network: here, Resolver: resolver}), Spec{Purpose: "model:1", Allow: []string{"llm.example:" + port}, CAPEM: caPEM})
			resp, err := c.Get("https://llm.example:" + port)
			if err == nil {
				resp.Body.Close()
			}
			if (err == nil) != spoken {
				t.Errorf("error = %v, want spoken %v", err, spoken)
			}
			if f := Classify(err); !spoken && (f.Step != StepTLS || !strings.Contains(f.Message, "1.2")) {
				t.Errorf("Classify(%v) = %+v", err, f)
			}
		})
	}
}
