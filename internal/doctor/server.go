package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/egress"
	"kakoi/internal/secret"
)

const (
	// fullBelow is too little to take one file and its copy before an upgrade.
	fullBelow = 200 << 20
	// lowBelow is the part of a disk under which somebody should look at it.
	lowBelow = 10 // percent
	lowCap   = 20 << 30
	// soon is when a certificate should have been renewed.
	soon = 30 * 24 * time.Hour
)

// released is before every installation.
var released = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// server examines the process, its machine and the way to it.
func (x *examination) server(ctx context.Context) {
	for _, step := range []func(context.Context) Step{x.store, x.disk, x.folder, x.key, x.clock} {
		began := time.Now()
		s := step(ctx)
		s.Group, s.Elapsed = Server, time.Since(began)
		if !x.tell(s) {
			return
		}
	}
	x.certificate()
	x.ownName(ctx)
	x.proxies()
}

func (x *examination) store(ctx context.Context) Step {
	s := Step{Name: "store"}
	if x.o.Store == nil {
		s.Status, s.Code = Failed, x.o.StoreCode
		if x.o.StoreErr != nil {
			s.Detail = x.o.StoreErr.Error()
		}
		return s
	}
	ctx, cancel := context.WithTimeout(ctx, x.o.Patience)
	defer cancel()
	err := x.o.Store.Ping(ctx)
	var version int64
	if err == nil {
		version, err = x.o.Store.SchemaVersion(ctx)
	}
	if err != nil {
		s.Status, s.Code, s.Detail = Failed, StoreUnreachable, err.Error()
		return s
	}
	s.Facts = fact(nil, "schema", strconv.FormatInt(version, 10))
	return s
}

func (x *examination) disk(context.Context) Step {
	s := Step{Name: "disk", Target: x.o.DataDir}
	free, all, err := x.o.Room(x.o.DataDir)
	if err != nil {
		s.Status, s.Detail = Unknown, err.Error()
		return s
	}
	s.Facts = fact(nil, "free", bytesText(free)+" / "+bytesText(all))
	s.Params = map[string]string{"free": bytesText(free), "path": x.o.DataDir}
	switch {
	case free < fullBelow:
		s.Status, s.Code = Failed, DiskFull
	case free < all/100*lowBelow && free < lowCap:
		s.Status, s.Code = Warning, DiskLow
	}
	return s
}

func bytesText(n uint64) string {
	const unit = 1 << 30
	if n < unit {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/unit)
}

// folder looks at who may enter data.dir. Windows has no such modes.
func (x *examination) folder(context.Context) Step {
	s := Step{Name: "folder", Target: x.o.DataDir}
	info, err := os.Stat(x.o.DataDir)
	if err != nil {
		s.Status, s.Detail = Unknown, err.Error()
		return s
	}
	mode := info.Mode().Perm()
	if runtime.GOOS == "windows" {
		return s
	}
	s.Facts = fact(nil, "mode", fmt.Sprintf("%04o", mode))
	if mode&0o077 != 0 {
		s.Status, s.Code, s.Params = Warning, DataOpen, map[string]string{"path": x.o.DataDir, "mode": fmt.Sprintf("%04o", mode)}
	}
	return s
}

// key reads the master key, and tells nothing of it but that it can be read.
func (x *examination) key(context.Context) Step {
	path := x.o.MasterKeyFile
	s := Step{Name: "key", Target: path, Params: map[string]string{"path": path}}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		s.Status, s.Code, s.Detail = Failed, KeyMissing, err.Error()
		return s
	} else if err == nil {
		mode := info.Mode().Perm()
		if mode&0o077 != 0 && runtime.GOOS != "windows" {
			s.Params["mode"] = fmt.Sprintf("%04o", mode)
			s.Status, s.Code = Failed, KeyOpen
			return s
		}
		_, err = secret.LoadFile(path)
	}
	if err != nil {
		s.Status, s.Code, s.Detail = Failed, KeyUnreadable, err.Error()
	}
	return s
}

func (x *examination) clock(context.Context) Step {
	now := x.o.Now()
	zone, offset := now.Zone()
	s := Step{Name: "time", Facts: []Fact{
		{Name: "time", Value: now.Format(time.RFC3339)},
		{Name: "zone", Value: fmt.Sprintf("%s %+03d:%02d", zone, offset/3600, offset%3600/60)},
	}}
	if now.Before(released) {
		s.Status, s.Code, s.Params = Failed, ClockImplausible, map[string]string{"time": now.Format(time.RFC3339)}
	}
	return s
}

// ownHost is the name under which people reach Kakoi, "" if none is configured.
func (x *examination) ownHost() (host string, secure bool) {
	u, err := url.Parse(x.o.PublicURL)
	if x.o.PublicURL == "" || err != nil {
		return "", false
	}
	return u.Hostname(), u.Scheme == "https"
}

// certificate looks at the files that Kakoi speaks HTTPS with, or at whether
// anything does.
func (x *examination) certificate() {
	host, secure := x.ownHost()
	s := Step{Group: Server, Name: "certificate", Target: x.o.CertFile}
	if x.o.CertFile == "" {
		s.Name = "encryption"
		bound, _, err := net.SplitHostPort(x.o.Addr)
		ip, parseErr := netip.ParseAddr(bound)
		local := err == nil && (bound == "localhost" || parseErr == nil && ip.IsLoopback())
		if !secure && (!local || host != "") {
			s.Status, s.Code, s.Params = Warning, OwnPlain, map[string]string{"addr": x.o.Addr}
		}
		x.tell(s)
		return
	}
	s.Params = map[string]string{"path": x.o.CertFile, "host": host}
	pair, err := tls.LoadX509KeyPair(x.o.CertFile, x.o.KeyFile)
	var leaf *x509.Certificate
	if err == nil {
		leaf, err = x509.ParseCertificate(pair.Certificate[0])
	}
	if err != nil {
		s.Status, s.Code, s.Detail = Failed, CertificateBroken, err.Error()
		x.tell(s)
		return
	}
	names := strings.Join(leaf.DNSNames, ", ")
	s.Facts = fact(fact(fact(nil, "names", names), "issuer", leaf.Issuer.CommonName), "validUntil", leaf.NotAfter.UTC().Format(time.RFC3339))
	s.Params["names"], s.Params["until"] = names, leaf.NotAfter.UTC().Format(time.DateOnly)
	now := x.o.Now()
	switch {
	case now.After(leaf.NotAfter), now.Before(leaf.NotBefore):
		s.Status, s.Code = Failed, CertificateExpired
	case host != "" && leaf.VerifyHostname(host) != nil:
		s.Status, s.Code = Failed, CertificateName
	case now.Add(soon).After(leaf.NotAfter):
		s.Status, s.Code = Warning, CertificateExpiring
	}
	x.tell(s)
}

// ownName goes the way that people's browsers go.
func (x *examination) ownName(ctx context.Context) {
	host, secure := x.ownHost()
	if host == "" {
		return
	}
	port := "80"
	if secure {
		port = "443"
	}
	if u, err := url.Parse(x.o.PublicURL); err == nil && u.Port() != "" {
		port = u.Port()
	}
	destination := net.JoinHostPort(host, port)
	spec := egress.Spec{Purpose: purpose, Allow: []string{destination}}
	s := Step{Group: Server, Name: "own_name", Target: destination, Params: map[string]string{"host": host}}
	began := time.Now()
	addresses, trouble, err := x.lookup(ctx, spec, destination)
	s.Facts, s.Elapsed = fact(nil, "addresses", describe(addresses)), time.Since(began)
	switch {
	case trouble != "":
		s.Status, s.Code, s.Detail = Failed, OwnNameUnknown, text(err)
	case x.o.Closed && x.anyPublic(addresses):
		s.Status, s.Code = Warning, OwnNamePublic
		s.Params["address"] = describe(addresses)
	}
	if !x.tell(s) || s.Code != "" {
		return
	}
	x.ownServer(ctx, spec, host)
}

// purpose is what the doctor's own connections are for, as the ledger shows it.
const purpose = "doctor"

// ownServer asks whoever answers under our own name.
func (x *examination) ownServer(ctx context.Context, spec egress.Spec, host string) {
	probing, cancel := context.WithTimeout(ctx, x.o.Patience)
	defer cancel()
	began := time.Now()
	p := x.o.Gate.Probe(probing, spec, x.o.PublicURL)
	s := Step{Group: Server, Name: "own_server", Target: spec.Allow[0], Elapsed: time.Since(began), Detail: text(p.Err), Params: map[string]string{"host": host}}
	if p.TLS != nil {
		s.Facts = certificateFacts(p.TLS)
		s.Params["names"], s.Params["until"] = strings.Join(p.TLS.Names, ", "), p.TLS.NotAfter.UTC().Format(time.DateOnly)
	}
	switch p.Trouble {
	case "":
		if p.TLS != nil && x.o.Now().Add(soon).After(p.TLS.NotAfter) {
			s.Status, s.Code = Warning, CertificateExpiring
		}
	case egress.TroubleWrongName:
		s.Status, s.Code = Failed, CertificateName
	case egress.TroubleExpired, egress.TroubleNotYetValid:
		s.Status, s.Code = Failed, CertificateExpired
	case egress.TroubleAuthority, egress.TroubleUntrusted: // browsers may well trust whom this machine does not
		s.Status, s.Code = Warning, CertificateUnproven
	default:
		s.Status, s.Code = Warning, OwnUnreachable
	}
	x.tell(s)
}

// proxies looks at whose word on clients' addresses is believed.
func (x *examination) proxies() {
	s := Step{Group: Server, Name: "proxies"}
	var shown []string
	for _, p := range x.o.TrustedProxies {
		shown = append(shown, p.String())
		if p.Bits() == 0 {
			s.Status, s.Code, s.Params = Failed, ProxiesEveryone, map[string]string{"network": p.String()}
		}
	}
	s.Facts = fact(nil, "networks", strings.Join(shown, ", "))
	if _, secure := x.ownHost(); len(shown) == 0 && secure && x.o.CertFile == "" {
		s.Status, s.Code = Warning, ProxiesMissing
	}
	x.tell(s)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
