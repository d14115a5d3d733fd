// Package bedrockfake plays Amazon Bedrock and AWS STS on their wire protocols:
// Converse and ConverseStream with event-stream framing, InvokeModel for models
// that do not converse, Rerank, CountTokens, ApplyGuardrail, the lists of models,
// inference profiles and guardrails, AssumeRole and GetCallerIdentity. It computes SigV4
// signatures for itself and refuses what does not match, refuses the malformed
// requests that Bedrock refuses, answers by the script package, and fails on
// demand. The official SDKs for Go and JavaScript are tested against it.
package bedrockfake

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kakoi/internal/model/modeltest/script"
)

// Key is an access key that the fake knows.
type Key struct {
	ID, Secret string
	Token      string // of a temporary key
	Account    string
	ARN        string // of the caller
	Expires    time.Time

	// Of a session of a role:
	Tags           map[string]string
	Transitive     []string // names of the tags that go with the roles that follow
	SourceIdentity string
}

// DefaultKey is known unless Options.Keys says otherwise.
var DefaultKey = Key{
	ID:      "AKIAKAKOIFAKE0000001",
	Secret:  "fake/secret+key/for/tests/only/0000000000",
	Account: "111122223333",
	ARN:     "arn:aws:iam::111122223333:user/kakoi",
}

// Model is a foundation model of the fake.
type Model struct {
	ID, Name, Maker string
	Images          bool
	ProfileOnly     bool   // not to be called by its own id
	NoStream        bool   // answers in one piece only
	NoToolStream    bool   // likewise, when it may use tools
	Output          string // TEXT, EMBEDDING or IMAGE; "" is TEXT
}

// Profile is an inference profile of the fake.
type Profile struct {
	ID          string // of a system-defined one, or twelve characters
	Name        string
	Model       string // id of its foundation model
	Regions     []string
	Application bool
}

// Role can be assumed.
type Role struct {
	ARN        string
	ExternalID string        // demanded if set
	MaxAge     time.Duration // of the keys it gives, an hour if zero
	Trusts     []string      // ARNs of users and roles that may assume it; empty: whoever is known
	NoTags     bool          // its trust policy does not let sessions be tagged
}

// Options configure a Server. The zero value is a Bedrock in Tokyo with
// DefaultKey, a few models, and answers as fast as they are read.
type Options struct {
	Region       string
	Keys         []Key
	BearerTokens []string
	Models       []Model
	Profiles     []Profile
	Guardrails   []Guardrail
	Roles        []Role
	Rate         float64 // tokens per second where the script does not say; 0 is no limit
	Now          func() time.Time
	Script       func(script.Turn) script.Script // nil is script.FromTurn
	TLS          bool                            // for Run: serve https
}

// Request is one request as the fake saw it.
type Request struct {
	Operation string // Converse, ConverseStream, ListFoundationModels, …
	Path      string // escaped, as it came
	Model     string // unescaped
	Header    http.Header
	Body      []byte
	Key       string // access key id of the signature, or "" for a bearer token
	Caller    Key    // whose that key is, without its secrets: what CloudTrail would show
	Region    string // of the signature's scope
	Service   string // likewise
	Exception string // what it was answered with, or ""
}

// Stats counts what happens.
type Stats struct {
	Connections int // open now
	Running     int // requests being answered
	Answered    int // ended by the fake
	Gone        int // the client went away in the middle
}

// Refusal is an answer in place of the real one.
type Refusal struct {
	Status     int
	Exception  string
	Message    string
	RetryAfter time.Duration
}

// Server is the fake. It is an http.Handler.
type Server struct {
	URL     string // where it listens, after Run or Start
	CertPEM []byte // of its certificate with Options.TLS

	opts   Options
	frames frameCache
	pacer  script.Pacer
	tries  script.Tries
	serial atomic.Int64

	mu       sync.Mutex
	keys     map[string]Key
	requests []Request
	stats    Stats
	changed  chan struct{} // closed and replaced whenever stats change
	refuse   func(operation string) *Refusal

	http *http.Server
	stop context.CancelFunc // ends the context of every request
}

// keptRequests bounds the memory of a long-running fake.
const keptRequests = 512

// New returns a fake that does not listen yet.
func New(o Options) *Server {
	if o.Region == "" {
		o.Region = "ap-northeast-1"
	}
	if o.Keys == nil {
		o.Keys = []Key{DefaultKey}
	}
	if o.Models == nil {
		o.Models = defaultModels
	}
	if o.Profiles == nil {
		o.Profiles = defaultProfiles
	}
	if o.Guardrails == nil {
		o.Guardrails = defaultGuardrails
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Script == nil {
		o.Script = script.FromTurn
	}
	s := &Server{opts: o, keys: map[string]Key{}, changed: make(chan struct{})}
	for _, k := range o.Keys {
		s.keys[k.ID] = k
	}
	return s
}

// Run starts a fake for the time of a test.
func Run(tb testing.TB, o Options) *Server {
	tb.Helper()
	s := New(o)
	if err := s.Start("127.0.0.1:0"); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// Start listens on addr and serves HTTP/1.1 and HTTP/2, the latter without TLS
// too: the JavaScript SDK speaks it to Bedrock from the first byte.
func (s *Server) Start(addr string) error {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return err
	}
	var base context.Context
	base, s.stop = context.WithCancel(context.Background())
	s.URL = "http://" + l.Addr().String()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	s.http = &http.Server{
		Handler:           s,
		Protocols:         protocols,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				s.count(func(st *Stats) { st.Connections++ })
			case http.StateClosed, http.StateHijacked:
				s.count(func(st *Stats) { st.Connections-- })
			}
		},
	}
	if !s.opts.TLS {
		go func() { _ = s.http.Serve(l) }()
		return nil
	}
	s.URL = "https://" + l.Addr().String()
	cert, err := selfSigned(s.opts.Now())
	if err != nil {
		return err
	}
	s.CertPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	s.http.TLSConfig = serverTLS(cert)
	go func() { _ = s.http.ServeTLS(l, "", "") }()
	return nil
}

// Close ends every connection, those with a silent answer too.
func (s *Server) Close() {
	if s.http != nil {
		s.stop()
		s.http.Close()
	}
}

// SetKeys replaces the keys that the fake knows, as a rotation would.
func (s *Server) SetKeys(keys ...Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = map[string]Key{}
	for _, k := range keys {
		s.keys[k.ID] = k
	}
}

// Refuse sets a hook that may answer an operation with a failure; nil clears it.
func (s *Server) Refuse(hook func(operation string) *Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = hook
}

// Requests returns the requests seen, oldest first, at most the last few hundred.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// LastRequest returns the latest request of an operation.
func (s *Server) LastRequest(operation string) (Request, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range slices.Backward(s.requests) {
		if r.Operation == operation {
			return r, true
		}
	}
	return Request{}, false
}

// Stats returns the counts of now.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Await waits until the counts are as ok wants them.
func (s *Server) Await(ctx context.Context, ok func(Stats) bool) error {
	for {
		s.mu.Lock()
		now, changed := s.stats, s.changed
		s.mu.Unlock()
		if ok(now) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Server) count(change func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.stats)
	close(s.changed)
	s.changed = make(chan struct{})
}

// maxBody is Bedrock's own limit.
const maxBody = 25_000_000

// call is one request on its way through the fake.
type call struct {
	*Server
	w   http.ResponseWriter
	r   *http.Request // its context ends with the client or with the fake
	rec Request
	key Key
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{Server: s, w: w, r: r}
	c.rec = Request{Path: r.URL.EscapedPath(), Header: maps.Clone(r.Header)}
	s.count(func(st *Stats) { st.Running++ })

	gone := false
	defer func() {
		abort := recover()
		s.mu.Lock()
		s.requests = append(s.requests, c.rec)
		if n := len(s.requests) - keptRequests; n > 0 {
			s.requests = slices.Delete(s.requests, 0, n)
		}
		s.mu.Unlock()
		s.count(func(st *Stats) {
			st.Running--
			if gone {
				st.Gone++
			} else {
				st.Answered++
			}
		})
		if abort != nil {
			panic(abort) // http.ErrAbortHandler: the connection breaks
		}
	}()

	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		c.fail(http.StatusRequestEntityTooLarge, "ValidationException", "The request body is too large.")
		return
	case err != nil:
		gone = true
		return
	}
	c.rec.Body = body
	w.Header().Set("X-Amzn-Requestid", "fake-"+strconv.FormatInt(s.serial.Add(1), 10))
	w.Header().Set("Date", s.opts.Now().UTC().Format(http.TimeFormat))
	gone = c.serve()
}

// serve routes on the escaped path: model ids hold colons and, in ARNs, slashes.
// Like all that answer, it reports whether the client went away in the middle.
func (c *call) serve() (gone bool) {
	segments := strings.Split(strings.TrimPrefix(c.rec.Path, "/"), "/")
	switch {
	case c.r.Method == http.MethodPost && c.rec.Path == "/":
		return c.sts()
	case c.r.Method == http.MethodPost && len(segments) == 3 && segments[0] == "model" && segments[2] == "converse":
		c.rec.Operation = "Converse"
		return c.converse(segments[1], false)
	case c.r.Method == http.MethodPost && len(segments) == 3 && segments[0] == "model" && segments[2] == "converse-stream":
		c.rec.Operation = "ConverseStream"
		return c.converse(segments[1], true)
	case c.r.Method == http.MethodPost && len(segments) == 3 && segments[0] == "model" && segments[2] == "invoke":
		return c.invoke(segments[1])
	case c.r.Method == http.MethodPost && len(segments) == 3 && segments[0] == "model" && segments[2] == "count-tokens":
		return c.countTokens(segments[1])
	case c.r.Method == http.MethodPost && len(segments) == 5 && segments[0] == "guardrail" && segments[2] == "version" && segments[4] == "apply":
		return c.applyGuardrail(segments[1], segments[3])
	case c.r.Method == http.MethodGet && c.rec.Path == "/guardrails":
		return c.listGuardrails()
	case c.r.Method == http.MethodPost && c.rec.Path == "/rerank":
		return c.rerank()
	case c.r.Method == http.MethodGet && c.rec.Path == "/foundation-models":
		c.rec.Operation = "ListFoundationModels"
		return c.listModels()
	case c.r.Method == http.MethodGet && c.rec.Path == "/inference-profiles":
		c.rec.Operation = "ListInferenceProfiles"
		return c.listProfiles()
	case c.r.Method == http.MethodGet && len(segments) == 2 && segments[0] == "inference-profiles":
		c.rec.Operation = "GetInferenceProfile"
		return c.getProfile(segments[1])
	}
	c.fail(http.StatusNotFound, "UnknownOperationException", "")
	return false
}

// admitted authenticates the call and asks the Refuse hook. It has answered
// when it returns false.
func (c *call) admitted(service string) bool {
	if e := c.authenticate(service); e != nil {
		c.fail(e.Status, e.Exception, e.Message)
		return false
	}
	c.mu.Lock()
	hook := c.refuse
	c.mu.Unlock()
	if hook != nil {
		if e := hook(c.rec.Operation); e != nil {
			c.refuseWith(*e)
			return false
		}
	}
	return true
}

func (c *call) refuseWith(e Refusal) {
	if e.RetryAfter > 0 {
		c.w.Header().Set("Retry-After", strconv.FormatFloat(e.RetryAfter.Seconds(), 'f', -1, 64))
	}
	c.fail(e.Status, e.Exception, e.Message)
}

// fail answers with an exception, as REST-JSON services do, or in STS's XML.
func (c *call) fail(status int, exception, message string) {
	c.rec.Exception = exception
	if c.rec.Path == "/" {
		writeXMLError(c.w, status, exception, message)
		return
	}
	c.w.Header().Set("X-Amzn-Errortype", exception+":http://internal.amazon.com/coral/com.amazon.bedrock/")
	c.json(status, map[string]string{"message": message})
}

func (c *call) json(status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(b.Bytes())
}
