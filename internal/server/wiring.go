// Package server is the HTTP edge of Kakoi and the place where its parts are
// put together: Open reads from top to bottom as what the program is made of.
//
// It translates: typed requests into calls of capabilities, their errors into
// problems, runs into event streams. Who may do what is decided by the
// capabilities themselves; a route that forgot to ask would still be refused.
package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/blob"
	"kakoi/internal/chat"
	"kakoi/internal/chat/transfer"
	"kakoi/internal/config"
	"kakoi/internal/db"
	"kakoi/internal/doctor"
	"kakoi/internal/egress"
	"kakoi/internal/egress/report"
	"kakoi/internal/errs"
	"kakoi/internal/feedback"
	"kakoi/internal/governance"
	"kakoi/internal/identity"
	"kakoi/internal/identity/factor"
	"kakoi/internal/identity/passkey"
	"kakoi/internal/library"
	"kakoi/internal/media"
	"kakoi/internal/model"
	"kakoi/internal/model/bedrock"
	"kakoi/internal/model/demo"
	"kakoi/internal/model/openai"
	"kakoi/internal/privacy"
	"kakoi/internal/residency"
	"kakoi/internal/secret"
	"kakoi/internal/setting"
	"kakoi/internal/share"
	"kakoi/web"
)

// Run serves Kakoi as cfg says until ctx ends, and returns once everything is
// stored and closed. It writes to out where it can be reached and, while there
// is no administrator, the link that makes one.
func Run(ctx context.Context, cfg config.Config, version string, log *slog.Logger, out io.Writer) error {
	app, err := Open(ctx, cfg, version, log)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.HTTP.Addr)
	if err != nil {
		return errors.Join(fmt.Errorf("listen: %w", err), app.Close())
	}
	if err := app.greet(ctx, out, listener.Addr()); err != nil {
		return errors.Join(err, listener.Close(), app.Close())
	}
	return app.Serve(ctx, listener)
}

// SetupLink returns a fresh link that makes the first administrator. A server
// may be running on the same store.
func SetupLink(ctx context.Context, cfg config.Config, log *slog.Logger) (string, error) {
	if err := os.MkdirAll(cfg.Data.Dir, 0o700); err != nil {
		return "", fmt.Errorf("make data.dir: %w", err)
	}
	store, err := openStore(ctx, cfg, newGate(cfg, log), log)
	if err != nil {
		return "", err
	}
	defer func() { _ = store.Close() }() // nothing is pending: the link is stored or refused
	if err := store.Migrate(ctx); err != nil {
		return "", err
	}
	record := audit.New(store, time.Now)
	people, err := newIdentity(cfg, store, record, newOrganisation(store, record, time.Now), nil, log)
	if err != nil {
		return "", err
	}
	link, _, err := setupLink(ctx, people, origin(cfg, nil))
	return link, err
}

// ResetSecondFactor takes away the second factors of the account with an e-mail
// address, for whoever runs commands on the server, and returns how many
// sessions ended by it. A server may be running on the same store.
func ResetSecondFactor(ctx context.Context, cfg config.Config, log *slog.Logger, email, reason string) (int, error) {
	store, err := openExisting(ctx, cfg, log)
	if err != nil {
		return 0, err
	}
	defer func() { _ = store.Close() }() // what was to be written is, or was refused
	record := audit.New(store, time.Now)
	factors := factor.New(factor.Options{DB: store, Audit: record, Settings: setting.New(store, record, time.Now)}) // no secret is read
	people, err := newIdentity(cfg, store, record, newOrganisation(store, record, time.Now), factors, log)
	if err != nil {
		return 0, err
	}
	return people.ResetSecondFactorOf(access.WithPrincipal(ctx, operator), email, reason)
}

// App is Kakoi, put together and not yet serving.
type App struct {
	*Server
	cfg      config.Config
	handler  http.Handler
	recorder *egress.Recorder
	closers  []func() error     // in the order in which things were opened
	stop     context.CancelFunc // ends the streams
}

// Open puts Kakoi together. Close, or Serve when it returns, takes it apart.
func Open(ctx context.Context, cfg config.Config, version string, log *slog.Logger) (_ *App, err error) {
	a := &App{cfg: cfg}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	now := time.Now
	node := db.NewID()

	// The ground: a folder, a way out, a store, a key.
	if err := os.MkdirAll(cfg.Data.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data.dir: %w", err)
	}
	spool := filepath.Join(cfg.Data.Dir, "incoming")
	if err := os.MkdirAll(spool, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder in data.dir: %w", err)
	}
	gate := newGate(cfg, log)
	store, err := openStore(ctx, cfg, gate, log)
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, store.Close)
	release, err := store.Claim()
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, release)
	if err := store.Migrate(ctx); err != nil {
		return nil, err
	}
	key, created, err := secret.LoadOrCreateFile(cfg.MasterKeyFile())
	if err != nil {
		return nil, err
	}
	if created {
		log.InfoContext(ctx, "made a master key; keep a copy of it apart from the database", "file", cfg.MasterKeyFile())
	}
	secrets := secret.New(key)
	record := audit.New(store, now)
	a.recorder = egress.NewRecorder(gate, store, record, node, version, now, log)

	// People.
	office := newOrganisation(store, record, now)
	decided := setting.New(store, record, now)
	keys, err := passkey.New(cfg.HTTP.PublicURL)
	if err != nil {
		return nil, err
	}
	factors := factor.New(factor.Options{
		DB: store, Secrets: secrets, Audit: record, Settings: decided, Keys: keys, Site: hostOf(cfg.HTTP.PublicURL), Now: now,
	})
	people, err := newIdentity(cfg, store, record, office, factors, log)
	if err != nil {
		return nil, err
	}

	// Models.
	profiles, err := residency.ReadProfiles(cfg.Network.ProfilesFile)
	if err != nil {
		return nil, err
	}
	policy := setting.Define(decided, residencyDefinition(cfg.Network.Closed, profiles))
	places := residency.New(residency.Options{DB: store, Profiles: profiles, Policies: policy, Now: now, Log: log})
	if err := places.Load(ctx); err != nil {
		return nil, err
	}
	catalogue := model.NewCatalogue(model.CatalogueOptions{
		DB: store, Secrets: secrets, Audit: record, Grants: office.grants,
		Adapters: adapters(gate), Fetch: gate, Places: places, OwnAddress: cfg.HTTP.Addr, Now: now, Log: log,
	})
	if err := catalogue.Seed(ctx); err != nil {
		return nil, err
	}
	var talk *chat.Service
	measured := newMeasures(func() int { return talk.Running() })
	invoker := model.NewInvoker(model.InvokerOptions{
		Catalogue: catalogue, DB: store, Masker: privacy.Masker{}, Residency: places, Budgets: governance.Budgets{}, People: callers{people, office.groups},
		Audit: record, Metrics: measured.registry, NodeID: node, Now: now, Log: log,
	})

	// Conversations.
	contents := blob.New(store, secrets, now)
	if n, err := contents.Unreadable(ctx); err != nil {
		return nil, err
	} else if n > 0 {
		log.WarnContext(ctx, "files were sealed under another master key and cannot be read; put that key file back", "files", n, "file", cfg.MasterKeyFile())
	}
	talk = chat.New(chat.Options{
		DB: store, Files: contents, Invoker: invoker, Models: catalogue, Audit: record, Log: log, Now: now, NodeID: node,
		FlushEvery: cfg.Runs.FlushInterval, MaxAttachmentBytes: cfg.Limits.AttachmentBytes, Policy: policyOf(decided),
	})
	if err := talk.Recover(ctx); err != nil {
		return nil, err
	}

	prompts := library.New(store, record, now)
	if err := prompts.InstallStarterSet(ctx); err != nil {
		return nil, err
	}

	outgoing := newReports(cfg, store, secrets, record, catalogue, version, now)

	opinions := feedback.New(store, record, talk, now)

	examined := doctorOptions(cfg, gate, log)
	examined.Connections, examined.Store, examined.Audit = catalogue, store, record

	// The edge.
	secure := cfg.HTTP.TLS.CertFile != "" || strings.HasPrefix(cfg.HTTP.PublicURL, "https://")
	stopping, stop := context.WithCancel(context.WithoutCancel(ctx))
	a.stop = stop
	a.Server = &Server{
		log: log, metrics: measured,
		db: store, gate: gate, audit: record, organisation: office, identity: people, factors: factors, catalogue: catalogue, invoker: invoker, places: places, residency: policy, outgoing: outgoing, chat: talk,
		media: media.New(media.Options{
			Models: catalogue, Invoker: invoker, MaxBytes: cfg.Limits.RecordingBytes, MaxDuration: cfg.Limits.RecordingDuration,
		}),
		transfer: transfer.New(talk, opinions, prompts, record, now), shares: share.New(store, talk, record, now), settings: decided, library: prompts, feedback: opinions, doctor: doctor.New(examined),
		version: version, startedAt: now(), storePath: cfg.DatabaseURL(), spool: spool, publicURL: cfg.HTTP.PublicURL, proxies: cfg.HTTP.TrustedProxies,
		limits: cfg.Limits, secure: secure, cookieName: named(secure, "__Host-kakoi", "kakoi_session"),
		onStop: func(f func()) func() bool { return context.AfterFunc(stopping, f) },
	}
	var pages fs.FS
	if files, built := web.Files(); built {
		pages = files
	} else {
		log.WarnContext(ctx, "the interface is not part of this build; make build puts it in")
	}
	a.handler, err = a.routes(pages)
	return a, err
}

// residencyDefinition is where data may be processed. On a closed network that is
// Japan until something else is decided.
func residencyDefinition(closed bool, profiles *residency.Profiles) setting.Definition[residency.Policy] {
	initial := residency.Policy{Open: true, Rules: []residency.Rule{}}
	if closed {
		initial = residency.Japan()
	}
	return setting.Definition[residency.Policy]{
		Name: "residency", Initial: initial,
		Check: func(p residency.Policy) (residency.Policy, error) { return p.Validate(profiles) },
		Details: func(before, after residency.Policy) map[string]string {
			return map[string]string{"policy": after.String(), "policy_before": before.String()}
		},
	}
}

// policyOf is what has been decided, as conversations obey it.
func policyOf(s *setting.Service) func(context.Context) (chat.Policy, error) {
	return func(ctx context.Context) (chat.Policy, error) {
		c, err := s.Chat.Now(ctx)
		return chat.Policy{
			NoTemporary: c.Temporary == setting.TemporaryOff, OnlyTemporary: c.Temporary == setting.TemporaryEnforced,
			MaxAttachmentBytes: c.AttachmentBytes, MaxAttachments: c.AttachmentsPerTurn, DefaultClass: c.DefaultClass,
		}, err
	}
}

// newReports makes reports of what left: of what connections and the database
// declare.
func newReports(cfg config.Config, store *db.DB, secrets *secret.Sealer, record *audit.Log, catalogue *model.Catalogue, version string, now func() time.Time) *report.Service {
	return report.New(report.Options{
		DB: store, Secrets: secrets, Audit: record, Network: networkOf(cfg), Version: version, Now: now,
		Declared: func(ctx context.Context) ([]egress.Declaration, error) {
			declared, err := catalogue.Declarations(ctx)
			return append(declared, egress.Declaration{Purpose: purposeDatabase, Destinations: databaseHosts(cfg.Database.URL)}), err
		},
	})
}

// networkOf is the network that cfg describes.
func networkOf(cfg config.Config) egress.Network {
	return egress.Network{Closed: cfg.Network.Closed, Own: cfg.Network.OwnRanges, Public: cfg.Network.PublicDestinations}
}

// newGate returns the way out of the network that cfg describes.
func newGate(cfg config.Config, log *slog.Logger) *egress.Gate {
	return egress.New(egress.Options{Log: log, Network: networkOf(cfg)})
}

// purposeDatabase is the purpose of connections to the database.
const purposeDatabase = "database"

// openStore opens the database; a server over the network is reached through
// the gate like everything else.
func openStore(ctx context.Context, cfg config.Config, gate *egress.Gate, log *slog.Logger) (*db.DB, error) {
	return db.Open(ctx, db.Options{
		URL: cfg.DatabaseURL(), Dial: gate.DialContext(purposeDatabase, databaseHosts(cfg.Database.URL)...), Log: log,
	})
}

// storeMissing returns an error if there is no SQLite file yet, which opening
// would make.
func storeMissing(cfg config.Config) error {
	if cfg.Database.URL != "" {
		return nil
	}
	if _, err := os.Stat(cfg.DatabaseURL()); errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// openExisting opens the store for a command beside a server, which alone makes
// and upgrades it. The error has code NotFound if there is none.
func openExisting(ctx context.Context, cfg config.Config, log *slog.Logger) (*db.DB, error) {
	if err := storeMissing(cfg); err != nil {
		return nil, errs.Wrap(errs.NotFound, "there is no database in "+cfg.Data.Dir+"; name the folder of the server with --data-dir, or start it first", err)
	}
	store, err := openStore(ctx, cfg, newGate(cfg, log), log)
	if err != nil {
		return nil, err
	}
	if err := store.Current(ctx); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// databaseHosts are the destinations that a PostgreSQL URL names.
func databaseHosts(raw string) []string {
	u, err := url.Parse(raw)
	if raw == "" || err != nil {
		return nil
	}
	port := "5432"
	if p := u.Query().Get("port"); p != "" {
		port = p
	}
	hosts := strings.Split(u.Host, ",")
	if h := u.Query().Get("host"); h != "" {
		hosts = strings.Split(h, ",")
	}
	var out []string
	for _, h := range hosts {
		switch {
		case h == "":
		case strings.HasPrefix(h, "/"): // a socket's folder
			out = append(out, path.Join(h, ".s.PGSQL."+port))
		case strings.LastIndexByte(h, ':') > strings.LastIndexByte(h, ']'):
			out = append(out, h)
		default:
			out = append(out, net.JoinHostPort(strings.Trim(h, "[]"), port))
		}
	}
	return out
}

// organisation is who belongs where, and may do what.
type organisation struct {
	charts *access.Charts
	groups *access.Groups
	grants *access.Grants
	roles  *access.Roles
	units  *access.Units
}

func newOrganisation(store *db.DB, record *audit.Log, now func() time.Time) organisation {
	charts := access.NewCharts(store, now)
	return organisation{
		charts: charts, groups: access.NewGroups(store, record, charts, now), grants: access.NewGrants(store, now),
		roles: access.NewRoles(store, record, charts, now), units: access.NewUnits(store, record, charts, now),
	}
}

func newIdentity(cfg config.Config, store *db.DB, record *audit.Log, o organisation, factors *factor.Service, log *slog.Logger) (*identity.Service, error) {
	return identity.New(identity.Options{
		DB: store, Audit: record, Groups: o.groups, Roles: o.roles, Units: o.units, Charts: o.charts, Factors: factors, Log: log,
		SessionIdle: cfg.Session.Idle, SessionLifetime: cfg.Session.Lifetime,
	})
}

// hostOf is the name that an origin has, "" of none.
func hostOf(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// adapters make the providers; each gets its HTTP client from the gate.
func adapters(gate *egress.Gate) map[model.Kind]model.Adapter {
	return map[model.Kind]model.Adapter{
		model.KindOpenAI: {
			New: func(_ context.Context, c model.AdapterConfig) (model.Provider, error) {
				client, err := gate.Client(c.Egress)
				if err != nil {
					return nil, err
				}
				return openai.New(openai.Config{
					BaseURL: c.Settings.BaseURL, APIKey: c.Secret.APIKey, Headers: c.Headers(), HTTP: client, Log: c.Log,
				}), nil
			},
			CheckOptions: func(raw json.RawMessage) error { _, err := openai.ParseOptions(raw); return err },
			Tasks:        []model.Task{model.TaskTranscription, model.TaskEmbedding, model.TaskRerank, model.TaskImage},
		},
		model.KindBedrock: {
			New: func(ctx context.Context, c model.AdapterConfig) (model.Provider, error) {
				client, err := gate.Client(c.Egress)
				if err != nil {
					return nil, err
				}
				return bedrock.New(ctx, bedrock.Config{
					Region: c.Settings.Region, Endpoint: c.Settings.Endpoint,
					ControlEndpoint: c.Settings.ControlEndpoint, STSEndpoint: c.Settings.STSEndpoint, FIPS: c.Settings.FIPS,
					AgentRuntimeEndpoint: c.Settings.AgentRuntimeEndpoint,
					Credentials: bedrock.Credentials{
						Kind: bedrock.CredentialKind(c.Settings.Credentials), AccessKeyID: c.Secret.AccessKeyID, SecretAccessKey: c.Secret.SecretAccessKey,
						SessionToken: c.Secret.SessionToken, Profile: c.Settings.Profile, BearerToken: c.Secret.BearerToken,
					},
					Roles: rolesOf(c.Settings),
					HTTP:  client, Log: c.Log,
				})
			},
			CheckOptions: func(raw json.RawMessage) error { _, err := bedrock.ParseOptions(raw); return err },
			Tasks:        []model.Task{model.TaskEmbedding, model.TaskRerank, model.TaskImage, model.TaskGuardrail},
			Reaches:      bedrock.Reaches,
		},
		model.KindDemo: {New: func(context.Context, model.AdapterConfig) (model.Provider, error) {
			return demo.New(demo.Config{}), nil
		}},
	}
}

// rolesOf is the chain of roles of a Bedrock connection, as its adapter takes it.
func rolesOf(s model.Settings) []bedrock.Role {
	return mapped(s.Roles, func(r model.AssumedRole) bedrock.Role {
		endpoint := r.Endpoint
		if r.Region == "" {
			endpoint = cmp.Or(endpoint, s.STSEndpoint)
		}
		return bedrock.Role{
			ARN: r.ARN, ExternalID: r.ExternalID, Region: r.Region, Endpoint: endpoint, Duration: time.Duration(r.DurationSecs) * time.Second,
			SessionName: r.SessionName, SourceIdentity: r.SourceIdentity, Tags: r.Tags, TransitiveTags: r.TransitiveTags,
		}
	})
}

// callers tells providers that want to know who asks.
type callers struct {
	people *identity.Service
	groups *access.Groups
}

// Caller implements model.People.
func (c callers) Caller(ctx context.Context) (model.Caller, error) {
	account, err := c.people.Self(ctx)
	if err != nil {
		return model.Caller{}, err
	}
	groups, err := c.groups.Mine(ctx)
	return model.Caller{
		AccountID: account.ID, Email: account.Email, Groups: mapped(groups, func(g access.Group) string { return g.Name }),
	}, err
}

// Still implements model.People.
func (c callers) Still(ctx context.Context) (access.Principal, error) {
	return c.people.Still(ctx)
}

// Handler answers every request.
func (a *App) Handler() http.Handler { return a.handler }

// Close takes apart what was put together, the last first.
func (a *App) Close() error {
	if a.stop != nil {
		a.stop()
	}
	var failed []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		failed = append(failed, a.closers[i]())
	}
	a.closers = nil
	return errors.Join(failed...)
}

const (
	headerPatience = 10 * time.Second
	idlePatience   = 2 * time.Minute
	// answerPatience bounds one whole answer with the sending of its question;
	// streams extend it as they go.
	answerPatience = 15 * time.Minute
	// lastWords is how long requests other than streams may still take once the
	// runs have ended.
	lastWords = 5 * time.Second
)

// Serve answers on listener until ctx ends. Then it goes on for http.drain, not
// ready any more, accepts nothing new, lets the runs finish for runs.stopGrace,
// ends the streams, which their clients take up again elsewhere or later,
// writes what is not written, and closes.
func (a *App) Serve(ctx context.Context, listener net.Listener) error {
	edge := &http.Server{
		Handler: a.handler, ReadHeaderTimeout: headerPatience, IdleTimeout: idlePatience, WriteTimeout: answerPatience,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	background := a.start(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- a.accept(edge, listener) }()

	var failed error
	select {
	case failed = <-served:
	case <-ctx.Done():
	}
	a.draining.Store(true)
	a.log.InfoContext(ctx, "stopping", "runs", a.chat.Running(), "drain", a.cfg.HTTP.Drain, "grace", a.cfg.Runs.StopGrace)
	if failed == nil {
		select { // until the load balancer knows, its requests must find us
		case failed = <-served:
		case <-time.After(a.cfg.HTTP.Drain):
		}
	}
	whole := context.WithoutCancel(ctx)
	down := make(chan error, 1)
	go func() { // closes the listener at once and waits for requests and streams
		quiet, cancel := context.WithTimeout(whole, a.cfg.Runs.StopGrace+lastWords)
		defer cancel()
		down <- edge.Shutdown(quiet)
	}()
	grace, cancel := context.WithTimeout(whole, a.cfg.Runs.StopGrace)
	defer cancel()
	a.chat.Drain(grace)
	a.stop()
	if err := <-down; err != nil {
		a.log.WarnContext(ctx, "requests were cut off", "err", err)
		_ = edge.Close()
	}
	background()
	return errors.Join(failed, a.Close())
}

func (a *App) accept(edge *http.Server, listener net.Listener) error {
	var err error
	if tls := a.cfg.HTTP.TLS; tls.CertFile != "" {
		err = edge.ServeTLS(listener, tls.CertFile, tls.KeyFile)
	} else {
		err = edge.Serve(listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

// start begins the work beside requests and returns what ends it: first what
// makes records, then what writes them.
func (a *App) start(ctx context.Context) (end func()) {
	making, stopMaking := context.WithCancel(ctx)
	writing, stopWriting := context.WithCancel(ctx)
	var makers, writers sync.WaitGroup
	makers.Go(func() { a.identity.Run(making) })
	makers.Go(func() {
		if err := a.chat.Run(making); err != nil {
			a.log.ErrorContext(ctx, "conversations stopped badly", "err", err)
		}
	})
	makers.Go(func() { a.endRunsOfDisabled(making) })
	makers.Go(func() { a.places.Run(making) })
	writers.Go(func() { a.invoker.Run(writing) })
	writers.Go(func() { a.recorder.Run(writing) })
	return func() {
		stopMaking()
		makers.Wait()
		stopWriting()
		writers.Wait()
	}
}

// endRunsOfDisabled stops what is still being written for accounts that may
// not sign in any more.
func (a *App) endRunsOfDisabled(ctx context.Context) {
	changed, unsubscribe := a.db.Subscribe(access.Changed)
	defer unsubscribe()
	for {
		select {
		case <-ctx.Done():
			return
		case id, open := <-changed:
			if !open {
				return
			}
			disabled, err := a.identity.Disabled(ctx, id) // "" is: some were missed
			if err != nil {
				a.log.ErrorContext(ctx, "cannot tell whose runs must end", "err", err)
			}
			for _, id := range disabled {
				a.chat.EndRunsOf(ctx, id)
			}
		}
	}
}

// greet tells whoever started the server where it is.
func (a *App) greet(ctx context.Context, out io.Writer, addr net.Addr) error {
	at := origin(a.cfg, addr)
	a.log.InfoContext(ctx, "ready", "url", at, "version", a.version, "store", a.db.Engine())
	fmt.Fprintf(out, "\nKakoi %s: %s\n", a.version, at)
	needed, err := a.identity.NeedsSetup(ctx)
	if err != nil || !needed {
		return err
	}
	link, until, err := setupLink(ctx, a.identity, at)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Make the first administrator (once, until %s):\n\n    %s\n\n", until.Local().Format("2006-01-02 15:04"), link)
	return nil
}

// setupLink makes a link whose token stands behind "#", where no server and no
// proxy sees it.
func setupLink(ctx context.Context, people *identity.Service, at string) (string, time.Time, error) {
	token, until, err := people.CreateSetupLink(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	return at + "/setup#token=" + url.QueryEscape(token), until, nil
}

// origin is the address under which a person on this machine, or whoever
// publicUrl is for, reaches the server. addr is what is listened on, or nil.
func origin(cfg config.Config, addr net.Addr) string {
	if cfg.HTTP.PublicURL != "" {
		return strings.TrimSuffix(cfg.HTTP.PublicURL, "/")
	}
	at := cfg.HTTP.Addr
	if addr != nil {
		at = addr.String()
	}
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		return "http://" + at
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return named(cfg.HTTP.TLS.CertFile != "", "https://", "http://") + net.JoinHostPort(host, port)
}
