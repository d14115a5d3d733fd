package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"runtime/debug"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/config"
	"kakoi/internal/db"
	"kakoi/internal/doctor"
	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/secret"
	"kakoi/internal/sse"
)

const doctorPath = "/admin/doctor"

// DoctorQuestion says what is to be examined.
type DoctorQuestion struct {
	ConnectionID string `json:"connectionId,omitempty" kind:"id" maxLength:"64" doc:"This connection alone; empty: the server, closed mode and all connections."`
	Quick        bool   `json:"quick,omitempty" kind:"enum" doc:"Call no model."`
	Outside      bool   `json:"outside,omitempty" kind:"enum" doc:"Try whether the network lets forbidden hosts be reached. Packets leave for it."`
}

// DoctorStep is one thing that was examined.
type DoctorStep struct {
	Group          doctor.Group      `json:"group" enum:"server,closed,connection"`
	ConnectionID   string            `json:"connectionId,omitempty"`
	ConnectionName string            `json:"connectionName,omitempty"`
	Name           string            `json:"name" doc:"Stable: store, resolve, role_1, answer, …"`
	Target         string            `json:"target,omitempty" doc:"The server (host:port), file or role that it is about."`
	Status         doctor.Status     `json:"status" enum:"ok,warning,failed,unknown,skipped"`
	Code           doctor.Code       `json:"code,omitempty" doc:"What was found; docs/doctor.md has cause and remedy of each."`
	Params         map[string]string `json:"params" doc:"What the texts of the code speak of."`
	Facts          []DoctorFact      `json:"facts" doc:"What was seen. No secrets."`
	Detail         string            `json:"detail,omitempty" doc:"The failure in English."`
	ElapsedMS      int64             `json:"elapsedMs"`
}

// DoctorFact is one thing that was seen.
type DoctorFact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func doctorStepOf(s doctor.Step) DoctorStep {
	params := s.Params
	if params == nil {
		params = map[string]string{}
	}
	return DoctorStep{
		Group: s.Group, ConnectionID: s.ConnectionID, ConnectionName: s.ConnectionName, Name: s.Name, Target: s.Target, Status: s.Status,
		Code: s.Code, Params: params, Detail: s.Detail, ElapsedMS: s.Elapsed.Milliseconds(),
		Facts: mapped(s.Facts, func(f doctor.Fact) DoctorFact { return DoctorFact(f) }),
	}
}

// doctorEvent is one event of an examination.
type doctorEvent struct {
	Type string      `json:"type" enum:"step,done" doc:"done is the last; without it the examination was cut."`
	Step *DoctorStep `json:"step,omitempty"`
}

func (s *Server) doctorOperations() {
	doc := s.api.OpenAPI()
	events := schemaOf[doctorEvent](doc)
	doc.AddOperation(&huma.Operation{
		Extensions:  map[string]any{accessKey: needs(access.SystemRead, access.ConnectionRead, access.ConnectionWrite)},
		OperationID: "examine", Method: http.MethodPost, Path: doctorPath, Tags: []string{"admin"},
		Summary:     "Examines the installation and tells each step as it comes. Closing the request ends it.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[DoctorQuestion](doc)}}},
		Responses: map[string]*huma.Response{
			"200":     {Description: "A stream of these events.", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: events}}},
			"default": doc.Paths["/me/conversations"].Delete.Responses["default"],
		},
	})
	annotate(doc, route{method: http.MethodPost, path: doctorPath}, reflect.TypeFor[struct{ Body DoctorQuestion }]())
}

// examine handles POST /admin/doctor.
func (s *Server) examine(w http.ResponseWriter, r *http.Request) {
	const operation = "examine"
	if _, err := access.Authorize(r.Context(), access.SystemRead, access.Resource{Kind: access.KindSystem}); err != nil { // before anything is read
		s.answer(w, r, operation, err)
		return
	}
	var in DoctorQuestion
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, smallBody)).Decode(&in); err != nil {
		s.answer(w, r, operation, errs.InField("", "The body is not valid JSON."))
		return
	}
	requestOf(r.Context()).endReadDeadline()
	steps, ctx, end, err := watched(s, r, func(ctx context.Context) (iter.Seq2[DoctorStep, error], error) {
		return heard(ctx, s.doctor, doctor.Question(in))
	})
	if err != nil {
		s.answer(w, r, operation, err)
		return
	}
	defer end()
	out := sse.NewWriter(w)
	for step, err := range steps {
		switch {
		case err == nil:
			err = out.Send("", "", doctorEvent{"step", &step})
		case errors.Is(err, errQuiet):
			err = out.Ping()
		default:
			s.streamEnded(ctx, operation, err)
		}
		if err != nil {
			return
		}
	}
	if ctx.Err() == nil {
		_ = out.Send("", "", doctorEvent{Type: "done"})
	}
}

// errQuiet says that the step at hand takes its time.
var errQuiet = errors.New("nothing to tell yet")

// heard makes the steps of an examination beside whoever listens, so that a long
// one can be told from a dead connection.
func heard(ctx context.Context, d *doctor.Service, q doctor.Question) (iter.Seq2[DoctorStep, error], error) {
	ctx, cancel := context.WithCancel(ctx)
	steps, err := d.Examine(ctx, q)
	if err != nil {
		cancel()
		return nil, err
	}
	return func(yield func(DoctorStep, error) bool) {
		made, ended := make(chan doctor.Step), make(chan struct{})
		var failed error
		go func() {
			defer close(ended)
			defer close(made)
			defer func() {
				if cause := recover(); cause != nil { // it would end the process
					failed = fmt.Errorf("panic in an examination: %v\n%s", cause, debug.Stack())
				}
			}()
			for step := range steps {
				select {
				case made <- step:
				case <-ctx.Done():
					return
				}
			}
		}()
		defer func() {
			cancel()
			<-ended // what is under way ends, and is recorded
		}()
		quiet := time.NewTicker(pingEvery)
		defer quiet.Stop()
		for {
			select {
			case step, open := <-made:
				if !open && failed != nil {
					yield(DoctorStep{}, failed)
				}
				if !open || !yield(doctorStepOf(step), nil) {
					return
				}
			case <-quiet.C:
				if !yield(DoctorStep{}, errQuiet) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}, nil
}

// pingEvery is how often somebody who waits hears that we are still there.
const pingEvery = 10 * time.Second

// doctorOptions are what a doctor knows from the configuration.
func doctorOptions(cfg config.Config, gate *egress.Gate, log *slog.Logger) doctor.Options {
	return doctor.Options{
		Gate: gate, Closed: cfg.Network.Closed, PublicURL: cfg.HTTP.PublicURL, Addr: cfg.HTTP.Addr,
		CertFile: cfg.HTTP.TLS.CertFile, KeyFile: cfg.HTTP.TLS.KeyFile, TrustedProxies: cfg.HTTP.TrustedProxies,
		OwnRanges: cfg.Network.OwnRanges, DataDir: cfg.Data.Dir, MasterKeyFile: cfg.MasterKeyFile(), Region: ownRegion(), Log: log, Now: time.Now,
	}
}

// ownRegion is the region of AWS that this process was told it runs in.
func ownRegion() string { return cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")) }

// DoctorCommand is what the command line asks for.
type DoctorCommand struct {
	Connection string // its name, "" for everything
	Quick      bool
	Outside    bool
	Version    string // of the program, for the record of what left
}

// operator is who runs the command: whoever can read the master key and the
// database is an administrator whatever the accounts say.
var operator = access.Principal{AccountID: "operator", Rights: access.Rights(access.Administrator)}

// Doctor examines the installation from the command line and passes each step
// to tell. A server may be running on the same store: it is neither claimed nor
// migrated, and if it cannot be read, all that does not need it is examined.
func Doctor(ctx context.Context, cfg config.Config, log *slog.Logger, c DoctorCommand, tell func(DoctorStep) error) (err error) {
	gate := newGate(cfg, log)
	o := doctorOptions(cfg, gate, log)
	store, closeStore := openPatient(ctx, cfg, gate, log, &o)
	defer func() { err = errors.Join(err, closeStore()) }()
	if store != nil {
		recorder := egress.NewRecorder(gate, store, o.Audit, db.NewID(), c.Version, time.Now, log)
		ended, end := context.WithCancel(ctx)
		var recording sync.WaitGroup
		recording.Go(func() { recorder.Run(ended) })
		defer recording.Wait()
		defer end()
	}
	ctx = access.WithPrincipal(ctx, operator)
	q := doctor.Question{Quick: c.Quick, Outside: c.Outside}
	if c.Connection != "" {
		if o.Connections == nil {
			return errors.Join(errs.Newf(errs.Unavailable, "the connection %q cannot be looked up, since the database or the master key cannot be read", c.Connection), o.StoreErr)
		}
		if q.ConnectionID, err = connectionNamed(ctx, o.Connections, c.Connection); err != nil {
			return err
		}
	}
	steps, err := doctor.New(o).Examine(ctx, q)
	if err != nil {
		return err
	}
	for step := range steps {
		if err := tell(doctorStepOf(step)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// connectionNamed finds a connection by its name or id.
func connectionNamed(ctx context.Context, all doctor.Connections, name string) (string, error) {
	connections, err := all.Connections(ctx)
	if err != nil {
		return "", err
	}
	for _, c := range connections {
		if c.Name == name || c.ID == name {
			return c.ID, nil
		}
	}
	return "", errs.Newf(errs.NotFound, "there is no connection called %q", name)
}

// openPatient opens what is stored, as far as that can be read, for o. The store
// is nil where nothing may be written into it.
func openPatient(ctx context.Context, cfg config.Config, gate *egress.Gate, log *slog.Logger, o *doctor.Options) (readable *db.DB, closeStore func() error) {
	nothing := func() error { return nil }
	if err := storeMissing(cfg); err != nil {
		o.StoreCode, o.StoreErr = doctor.StoreMissing, err
		return nil, nothing
	}
	store, err := openStore(ctx, cfg, gate, log)
	if err != nil {
		o.StoreCode, o.StoreErr = doctor.StoreUnreachable, err
		return nil, nothing
	}
	if err := store.Current(ctx); err != nil {
		o.StoreCode, o.StoreErr = doctor.StoreSchema, err
		return nil, store.Close
	}
	o.Store = store
	record := audit.New(store, time.Now)
	o.Audit = record
	key, err := secret.LoadFile(cfg.MasterKeyFile())
	if err != nil { // the step about the key says so
		return store, store.Close
	}
	o.Connections = model.NewCatalogue(model.CatalogueOptions{
		DB: store, Secrets: secret.New(key), Audit: record, Grants: access.NewGrants(store, time.Now),
		Adapters: adapters(gate), Fetch: gate, OwnAddress: cfg.HTTP.Addr, Now: time.Now, Log: log,
	})
	return store, store.Close
}

var _ doctor.Store = (*db.DB)(nil)
