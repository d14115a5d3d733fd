package model

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/egress"
)

// Detected is a model server on this machine that no connection uses yet.
type Detected struct {
	Kind    Kind
	BaseURL string
	Product string // "Ollama", "llama.cpp", …
	Models  []RemoteModel
}

// detectAt is where model servers listen unless they are told otherwise.
var detectAt = []string{
	"127.0.0.1:11434", // Ollama
	"127.0.0.1:8080",  // llama.cpp
	"127.0.0.1:8081",  // llama.cpp where 8080 is ours
	"127.0.0.1:1234",  // LM Studio
	"127.0.0.1:8000",  // vLLM
}

const (
	detectTimeout = 300 * time.Millisecond // for each address
	maxDetectPage = 1 << 20
	maxDetected   = 200 // models of one server
)

// Detect looks for model servers on this machine's loopback address and nowhere
// else. What does not answer at once is not there.
func (c *Catalogue) Detect(ctx context.Context) ([]Detected, error) {
	if _, err := access.Authorize(ctx, access.ConnectionRead, access.Resource{Kind: access.KindConnection}); err != nil {
		return nil, err
	}
	connections, err := selectConnections(ctx, c.db)
	if err != nil {
		return nil, err
	}
	addresses := slices.DeleteFunc(slices.Clone(detectAt), func(address string) bool {
		return isOwn(c.ownAddress, address) || slices.ContainsFunc(connections, func(connection Connection) bool {
			return connection.Kind == KindOpenAI && sameServer(destinationOf(connection.Settings.BaseURL), address)
		})
	})
	return c.detect(ctx, addresses), nil
}

// detect asks every address at the same time and returns those that answer, in
// the order of addresses.
func (c *Catalogue) detect(ctx context.Context, addresses []string) []Detected {
	found := make([]*Detected, len(addresses))
	var wg sync.WaitGroup
	for i, address := range addresses {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, detectTimeout)
			defer cancel()
			found[i] = c.probe(ctx, address)
		})
	}
	wg.Wait()
	list := []Detected{}
	for _, d := range found {
		if d != nil {
			list = append(list, *d)
		}
	}
	return list
}

// probe returns the server at address, or nil if there is none that lists
// models.
func (c *Catalogue) probe(ctx context.Context, address string) *Detected {
	spec := egress.Spec{Purpose: "detect", Allow: []string{address}}
	page, err := c.fetch.Fetch(ctx, spec, "http://"+address+"/v1/models", maxDetectPage)
	if err != nil || page.Status != 200 {
		return nil
	}
	var list struct {
		Object string `json:"object"`
		Data   []struct {
			ID      string `json:"id"`
			OwnedBy string `json:"owned_by"`
		} `json:"data"`
	}
	if json.Unmarshal(page.Body, &list) != nil || list.Object != "list" {
		return nil
	}
	d := &Detected{Kind: KindOpenAI, BaseURL: "http://" + address + "/v1", Models: []RemoteModel{}}
	owner := ""
	for _, m := range list.Data[:min(len(list.Data), maxDetected)] {
		if m.ID == "" {
			continue
		}
		owner = m.OwnedBy
		d.Models = append(d.Models, RemoteModel{ID: m.ID, Name: m.ID, Task: TaskOf(m.ID)})
	}
	d.Product = c.product(ctx, spec, address, page.Server, owner)
	return d
}

// product tells servers apart by what they say of themselves.
func (c *Catalogue) product(ctx context.Context, spec egress.Spec, address, server, owner string) string {
	switch {
	case owner == "llamacpp" || strings.HasPrefix(server, "llama.cpp"):
		return "llama.cpp"
	case owner == "vllm":
		return "vLLM"
	case owner == "organization_owner":
		return "LM Studio"
	}
	page, err := c.fetch.Fetch(ctx, spec, "http://"+address+"/api/version", maxDetectPage)
	var version struct {
		Version string `json:"version"`
	}
	if err == nil && page.Status == 200 && json.Unmarshal(page.Body, &version) == nil && version.Version != "" {
		return "Ollama"
	}
	return "OpenAI-compatible server"
}

// isOwn reports whether address, on loopback, is where this server listens.
func isOwn(own, address string) bool {
	host, port, err := net.SplitHostPort(own)
	if err != nil {
		return false
	}
	_, other, err := net.SplitHostPort(address)
	if err != nil || port != other {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "" || strings.EqualFold(host, "localhost") || (err == nil && (ip.IsUnspecified() || ip.Unmap().IsLoopback()))
}

// sameServer reports whether two destinations are the same port of this machine.
func sameServer(a, b string) bool { return isOwn(a, b) }
