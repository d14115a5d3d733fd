package egress

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// Page is a small answer to a GET.
type Page struct {
	Status int
	Server string // the Server header
	Body   []byte
}

// Fetch gets one small page from a destination that s declares, for callers
// that know no HTTP. More than limit bytes are an error.
func (g *Gate) Fetch(ctx context.Context, s Spec, url string, limit int64) (Page, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Page{}, fmt.Errorf("fetch: %w", err)
	}
	client, err := g.Client(s)
	if err != nil {
		return Page{}, err
	}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return Page{}, fmt.Errorf("fetch: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return Page{}, fmt.Errorf("fetch: %w", err)
	}
	if int64(len(body)) > limit {
		return Page{}, fmt.Errorf("fetch %s: longer than %d bytes", url, limit)
	}
	return Page{Status: response.StatusCode, Server: response.Header.Get("Server"), Body: body}, nil
}
