package bedrock

import (
	"io"
	"net/http"
)

// sender hands the SDK's requests to the HTTP client.
//
// It hides the body's WriteTo. The SDK closes a request's body as soon as the
// answer's headers are here, and from then on its WriteTo returns io.EOF as an
// error. net/http may still be about to ask the body for more, though it sent
// it all; it takes the error for a failed request and closes the connection
// under the answer. Read returns io.EOF too, where that is no error.
type sender struct{ client *http.Client }

// Do implements aws.HTTPClient.
func (s sender) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.WithContext(r.Context()) // a copy: the SDK keeps its own
		r.Body = readCloser{r.Body}
	}
	return s.client.Do(r)
}

// readCloser is a body without WriteTo.
type readCloser struct{ io.ReadCloser }
