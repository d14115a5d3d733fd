package server

import (
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kakoi/internal/audit"
	"kakoi/internal/chat"
	"kakoi/internal/chat/transfer"
	"kakoi/internal/config"
	"kakoi/internal/db"
	"kakoi/internal/doctor"
	"kakoi/internal/egress"
	"kakoi/internal/egress/report"
	"kakoi/internal/feedback"
	"kakoi/internal/identity"
	"kakoi/internal/identity/factor"
	"kakoi/internal/library"
	"kakoi/internal/media"
	"kakoi/internal/model"
	"kakoi/internal/residency"
	"kakoi/internal/setting"
	"kakoi/internal/share"
)

// Server is the HTTP edge over the capabilities. It holds no state of its own
// but what it counts.
type Server struct {
	api     huma.API
	log     *slog.Logger
	metrics *measures

	db    *db.DB
	gate  *egress.Gate
	audit *audit.Log
	organisation
	identity  *identity.Service
	factors   *factor.Service
	catalogue *model.Catalogue
	invoker   *model.Invoker
	places    *residency.Service
	residency *setting.Document[residency.Policy]
	outgoing  *report.Service
	chat      *chat.Service
	transfer  *transfer.Service
	media     *media.Service
	library   *library.Service
	shares    *share.Service
	settings  *setting.Service
	feedback  *feedback.Service
	doctor    *doctor.Service

	version    string
	startedAt  time.Time
	storePath  string // of the SQLite file
	spool      string // folder of files on their way in
	publicURL  string // origin, or "" where none is configured
	proxies    []netip.Prefix
	limits     config.Limits
	secure     bool   // browsers reach us by https only
	cookieName string // of the session

	draining atomic.Bool // told to stop: not ready any more
	// onStop has f called when streams must end, unless the returned function
	// is called first.
	onStop func(f func()) (unhook func() bool)
}
