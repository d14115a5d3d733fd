package egress

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"kakoi/internal/errs"
)

// Step names how far a connection came, in the words of a connection's
// self-test (model.CheckStep).
type Step string

// The steps of a connection.
const (
	StepEgress  Step = "egress" // refused by us
	StepResolve Step = "resolve"
	StepConnect Step = "connect"
	StepTLS     Step = "tls"
	StepAnswer  Step = "answer" // connected; the exchange itself failed
)

// Failure says what went wrong on the way to a destination.
type Failure struct {
	Step    Step
	Code    errs.Code
	Message string // English, for a person: what it is and what to look at
	Passing bool   // trying again may help
}

// Classify tells an administrator why a connection failed. It is meant for
// errors of dialling and of http.Client; nil gives the zero Failure.
func Classify(err error) Failure {
	if err == nil {
		return Failure{}
	}
	if denied, ok := refused(err); ok {
		return Failure{Step: StepEgress, Code: errs.EgressDenied, Message: denied.Message}
	}
	if refusal, ok := refusedByProxy(err); ok {
		return Failure{
			Step: StepConnect, Code: errs.ModelUnreachable, Message: refusal.Message,
			Passing: strings.HasPrefix(refusal.Params["status"], "5"), // it could not reach the destination
		}
	}
	if f, ok := classifyResolve(err); ok {
		return f
	}
	if f, ok := classifyTLS(err); ok {
		return f
	}
	return classifyConnect(err)
}

func classifyResolve(err error) (Failure, bool) {
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		return Failure{}, false
	}
	f := Failure{Step: StepResolve, Code: errs.ModelUnreachable, Passing: !dns.IsNotFound}
	switch {
	case dns.IsNotFound:
		f.Message = fmt.Sprintf("no address is known for the name %s; check its spelling and the name server", dns.Name)
	case dns.IsTimeout:
		f.Message = fmt.Sprintf("the name server did not answer when asked for %s", dns.Name)
	default:
		f.Message = fmt.Sprintf("the name server failed when asked for %s", dns.Name)
	}
	return f, true
}

func classifyTLS(err error) (Failure, bool) {
	f := Failure{Step: StepTLS, Code: errs.ModelUnreachable}
	switch tlsTrouble(err) {
	case "":
		return Failure{}, false
	case TroubleAuthority:
		f.Message = "the server's certificate is signed by an authority that is not trusted here; add the authority's certificate to the connection. If it has one already, that one alone is trusted, and it is another"
	case TroubleWrongName:
		var hostname x509.HostnameError
		errors.As(err, &hostname)
		f.Message = fmt.Sprintf("the server's certificate is not for the name %s", hostname.Host)
		if names := certificateNames(hostname.Certificate); names != "" {
			f.Message += "; it is for " + names
		}
	case TroubleExpired, TroubleNotYetValid:
		f.Message = "the server's certificate has expired or is not valid yet; check both clocks"
		var invalid x509.CertificateInvalidError
		if errors.As(err, &invalid) && invalid.Cert != nil {
			f.Message = fmt.Sprintf("the server's certificate is valid from %s to %s only; check both clocks",
				invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
		}
	case TroublePlain:
		f.Message = "the server does not speak TLS at this port; perhaps the address should begin with http://"
	case TroubleTLSRefused:
		f.Message = "the server refused the TLS handshake"
		if oldTLS(err) {
			f.Message = "the server speaks only versions of TLS that are older than 1.2, which are not used; update it or what stands before it"
		}
	case TroubleTLSTimeout:
		f.Message, f.Code, f.Passing = "the server did not finish the TLS handshake in time", errs.ModelTimeout, true
	default:
		f.Message = "the server's certificate cannot be trusted"
	}
	return f, true
}

// oldTLS reports that no version of TLS was found which both sides speak.
func oldTLS(err error) bool {
	return strings.Contains(err.Error(), "tls: protocol version not supported") || strings.Contains(err.Error(), "tls: server selected unsupported protocol version")
}

// certificateNames lists a few of the names a certificate is for.
func certificateNames(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	names := c.DNSNames
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) > 5 {
		names = append(names[:5:5], "…")
	}
	return strings.Join(names, ", ")
}

func classifyConnect(err error) Failure {
	var op *net.OpError
	dialling := errors.As(err, &op) && op.Op == "dial"
	f := Failure{Step: StepAnswer, Code: errs.ModelUnreachable, Passing: true}
	if dialling {
		f.Step = StepConnect
	}
	switch {
	case errors.Is(err, context.Canceled):
		f.Message, f.Passing = "the attempt was given up", false
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Step, f.Message = StepConnect, "nothing listens at this address and port; check the port and that the server runs"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		f.Step, f.Message = StepConnect, "there is no route to the address; check the network and the firewall"
	case isTimeout(err) && dialling:
		f.Message = "the server did not take the connection in time; a firewall may drop it"
	case isTimeout(err):
		f.Code, f.Message = errs.ModelTimeout, "the server took the connection but did not answer in time"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		f.Code, f.Message = errs.ModelBrokeOff, "the connection broke off"
	case dialling:
		f.Message = "the connection could not be made"
	default:
		f.Message = "the exchange with the server failed"
	}
	return f
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		(errors.As(err, &timeout) && timeout.Timeout())
}
