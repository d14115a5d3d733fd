package server

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers the questions of a resolver over a pipe: nothing of a
// test's names leaves the machine.
type nameServer struct {
	mu    sync.Mutex
	names map[string]string // address, or "servfail", "silent"
	asked atomic.Int64
}

func (n *nameServer) set(name, address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[name] = address
}

func (n *nameServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go n.answer(theirs)
		return ours, nil
	}}
}

// answer reads questions with their lengths before them, as over TCP.
func (n *nameServer) answer(conn net.Conn) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		text := make([]byte, binary.BigEndian.Uint16(size[:]))
		var question dnsmessage.Message
		if _, err := io.ReadFull(conn, text); err != nil || question.Unpack(text) != nil {
			return
		}
		n.asked.Add(1)
		q := question.Questions[0]
		n.mu.Lock()
		address := n.names[strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")]
		n.mu.Unlock()
		reply := dnsmessage.Message{Header: dnsmessage.Header{ID: question.ID, Response: true, RecursionAvailable: true, Authoritative: true}, Questions: question.Questions}
		switch ip, err := netip.ParseAddr(address); {
		case address == "silent":
			continue
		case address == "servfail":
			reply.RCode = dnsmessage.RCodeServerFailure
		case err != nil:
			reply.RCode = dnsmessage.RCodeNameError
		case q.Type == dnsmessage.TypeA:
			reply.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}, Body: &dnsmessage.AResource{A: ip.As4()},
			}}
		}
		packed, err := reply.Pack()
		if err != nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...)); err != nil {
			return
		}
	}
}
