// Package doctor examines an installation from all sides: the server itself,
// what closed mode promises, and the way to each model. It composes what others
// know, the gate's probes and the adapters' own checks, and gives each finding a
// code under which its cause and remedy are written. It dials nothing itself.
package doctor

import (
	"context"
	"iter"
	"log/slog"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Status is how a step went.
type Status string

// The statuses of a step.
const (
	OK      Status = "ok"
	Warning Status = "warning" // it works, and something should be looked at
	Failed  Status = "failed"
	Unknown Status = "unknown" // nothing tells
	Skipped Status = "skipped"
)

// Group is what a step is about.
type Group string

// The groups of steps, in the order in which they are examined.
const (
	Server     Group = "server"
	Closed     Group = "closed"
	Connection Group = "connection"
)

// Step is one thing that was examined.
type Step struct {
	Group          Group
	ConnectionID   string // of the group Connection
	ConnectionName string // likewise
	Name           string // stable: "store", "resolve", "role_1", …
	Target         string // host:port, file or role that it is about, or ""
	Status         Status
	Code           Code              // what was found, "" if all is well
	Params         map[string]string // what the texts of the code speak of
	Facts          []Fact            // what was seen, without secrets
	Detail         string            // the failure in English, as the log has it
	Elapsed        time.Duration
}

// Fact is one thing that was seen: its name is stable, its value is not translated.
type Fact = model.Fact

// Connections are what there is to reach; model.Catalogue has them.
type Connections interface {
	Connections(ctx context.Context) ([]model.Connection, error)
	Examine(ctx context.Context, id string) (*model.Examination, error)
}

// Store is the database as far as it is examined.
type Store interface {
	Ping(ctx context.Context) error
	SchemaVersion(ctx context.Context) (int64, error)
}

// Gate goes to servers and refuses to; egress.Gate does.
type Gate interface {
	Lookup(ctx context.Context, s egress.Spec, destination string) ([]netip.Addr, egress.Trouble, error)
	Probe(ctx context.Context, s egress.Spec, rawURL string) egress.Probe
	Refuses(ctx context.Context, s egress.Spec, destination string) bool
	Escapes(ctx context.Context, purpose, destination string) bool
}

// Options describe the installation.
type Options struct {
	Gate        Gate
	Connections Connections // nil where the store cannot be read
	Store       Store       // nil if it could not be opened
	StoreCode   Code        // why not
	StoreErr    error       // likewise, for the log
	Audit       *audit.Log  // nil records nothing
	Log         *slog.Logger

	Closed         bool // network.closed
	OwnRanges      []netip.Prefix
	PublicURL      string
	Addr           string // that is listened on
	CertFile       string
	KeyFile        string
	TrustedProxies []netip.Prefix
	DataDir        string
	MasterKeyFile  string
	Region         string // of AWS, that this server stands in; "" where nothing tells

	Forbidden []string      // hosts (host:port) that closed mode keeps everybody from; nil: well-known public ones
	Patience  time.Duration // with each server, 10 s if zero
	Now       func() time.Time
	Room      func(path string) (free, all uint64, err error) // of the disk that path is on; nil asks the system
}

// Forbidden are hosts that no closed installation has any business with: where
// else prompts could go, and where programs like to report or update themselves.
var forbidden = []string{
	"api.openai.com:443", "api.anthropic.com:443", "generativelanguage.googleapis.com:443",
	"bedrock-runtime.us-east-1.amazonaws.com:443", "sts.amazonaws.com:443",
	"github.com:443", "www.google.com:443", "example.com:443",
}

// Service examines one installation.
type Service struct {
	o       Options
	running atomic.Bool
}

// New returns a doctor for the installation that o describes.
func New(o Options) *Service {
	if o.Forbidden == nil {
		o.Forbidden = forbidden
	}
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Room == nil {
		o.Room = room
	}
	return &Service{o: o}
}

// Question says what is to be examined.
type Question struct {
	ConnectionID string // this connection alone; "" is everything
	Quick        bool   // call no model
	Outside      bool   // try whether the network lets forbidden hosts be reached: packets leave
}

// auditRun is how the record names an examination.
const auditRun = "doctor.run"

// Examine examines as q says. The steps are made as they are asked for; leaving
// early ends it. One examination runs at a time, and each is recorded.
func (s *Service) Examine(ctx context.Context, q Question) (iter.Seq[Step], error) {
	if _, err := access.Authorize(ctx, access.SystemRead, access.Resource{Kind: access.KindSystem}); err != nil {
		return nil, err
	}
	if _, err := access.Authorize(ctx, access.ConnectionWrite, access.Resource{Kind: access.KindConnection, ID: q.ConnectionID}); err != nil {
		return nil, err
	}
	var connections []model.Connection
	if s.o.Connections != nil {
		all, err := s.o.Connections.Connections(ctx)
		if err != nil {
			return nil, err
		}
		for _, c := range all {
			if q.ConnectionID == "" || c.ID == q.ConnectionID {
				connections = append(connections, c)
			}
		}
	}
	if q.ConnectionID != "" && len(connections) == 0 {
		return nil, errs.New(errs.NotFound, "there is no such connection")
	}
	if !s.running.CompareAndSwap(false, true) {
		return nil, errs.New(errs.RateLimited, "the installation is being examined already; wait until that has ended")
	}
	return func(yield func(Step) bool) {
		defer s.running.Store(false)
		x := &examination{Service: s, q: q, yield: yield, counts: map[Status]int{}}
		x.everything(ctx, connections)
		x.record(ctx)
	}, nil
}

// examination is one run.
type examination struct {
	*Service
	q      Question
	yield  func(Step) bool
	left   bool // the reader has
	counts map[Status]int
	first  Step // that failed
}

// tell passes a step on and reports whether to go on.
func (x *examination) tell(step Step) bool {
	if x.left {
		return false
	}
	if step.Status == "" {
		step.Status = OK
	}
	x.counts[step.Status]++
	if step.Status == Failed && x.first.Code == "" {
		x.first = step
	}
	x.left = !x.yield(step)
	return !x.left
}

func (x *examination) everything(ctx context.Context, connections []model.Connection) {
	if x.q.ConnectionID == "" {
		x.server(ctx)
	}
	opened := make([]*model.Examination, 0, len(connections))
	for _, c := range connections {
		e, err := x.o.Connections.Examine(ctx, c.ID)
		if err != nil {
			e = &model.Examination{Connection: c, Broken: err}
		}
		opened = append(opened, e)
	}
	if x.q.ConnectionID == "" && x.o.Closed {
		x.closed(ctx, opened)
	}
	for _, e := range opened {
		if x.left || ctx.Err() != nil {
			return
		}
		x.connection(ctx, e)
	}
}

// record notes that, and how, there was an examination.
func (x *examination) record(ctx context.Context) {
	if x.o.Audit == nil {
		return
	}
	details := map[string]string{"failed": strconv.Itoa(x.counts[Failed]), "warnings": strconv.Itoa(x.counts[Warning])}
	if x.q.ConnectionID != "" {
		details["connection"] = x.q.ConnectionID
	}
	if x.q.Outside {
		details["outside"] = "tried"
	}
	outcome := audit.Success
	if x.first.Code != "" {
		outcome, details["failed_step"], details["code"] = audit.Failure, x.first.Name, string(x.first.Code)
	}
	err := x.o.Audit.Record(context.WithoutCancel(ctx), audit.Event{
		Action: auditRun, Resource: audit.Resource{Kind: string(access.KindSystem)}, Outcome: outcome, Details: details,
	})
	if err != nil { // what was found has been told already
		x.o.Log.ErrorContext(ctx, "an examination could not be recorded", "err", err)
	}
}

// fact adds to facts what there is.
func fact(facts []Fact, name, value string) []Fact {
	if value == "" {
		return facts
	}
	return append(facts, Fact{Name: name, Value: value})
}
