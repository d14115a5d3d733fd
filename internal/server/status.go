package server

import (
	"context"
	"net/http"
	"os"
	"runtime/metrics"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// status is how the system is doing, as this node sees it.
type status struct {
	Version     string             `json:"version"`
	StartedAt   time.Time          `json:"startedAt"`
	Store       storeStatus        `json:"store"`
	ActiveRuns  int                `json:"activeRuns" doc:"Answers that are being written on this node."`
	MemoryBytes uint64             `json:"memoryBytes" doc:"What this process holds of the machine's memory."`
	Connections []connectionStatus `json:"connections"`
	Egress      []egressRecord     `json:"egress" doc:"What left this node since it started."`
}

type storeStatus struct {
	Engine        db.Engine `json:"engine" enum:"sqlite,postgres"`
	OK            bool      `json:"ok"`
	SizeBytes     int64     `json:"sizeBytes,omitempty" doc:"Of the SQLite file with its log."`
	SchemaVersion int64     `json:"schemaVersion"`
}

type connectionStatus struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Kind       model.Kind `json:"kind" enum:"openai,bedrock,demo"`
	Enabled    bool       `json:"enabled"`
	State      string     `json:"state" enum:"ok,failing,unknown" doc:"How its last call ended; unknown if there was none for a week."`
	Code       string     `json:"code,omitempty" doc:"Of the failure."`
	LastUsedAt time.Time  `json:"lastUsedAt,omitzero"`
}

type egressRecord struct {
	Destination   string `json:"destination" doc:"host:port"`
	Purpose       string `json:"purpose"`
	Dials         int64  `json:"dials" doc:"Connections tried."`
	Failures      int64  `json:"failures" doc:"Of those, how many could not be made."`
	Refusals      int64  `json:"refusals" doc:"Not tried: the destination was not declared."`
	BytesSent     int64  `json:"bytesSent"`
	BytesReceived int64  `json:"bytesReceived"`
	Open          int64  `json:"open" doc:"Connections that exist now."`
}

func egressRecordOf(r egress.Record) egressRecord {
	return egressRecord{r.Destination, r.Purpose, r.Dials, r.Failures, r.Refusals, r.BytesSent, r.BytesReceived, r.Open}
}

func (s *Server) statusOperations() {
	register(s, route{method: http.MethodGet, path: "/admin/status", id: "getStatus", tag: "admin", needs: needs(access.SystemRead, access.ConnectionRead), summary: "How the system is doing."}, s.getStatus)
}

func (s *Server) getStatus(ctx context.Context, _ *none) (*body[status], error) {
	if _, err := access.Authorize(ctx, access.SystemRead, access.Resource{Kind: access.KindSystem}); err != nil {
		return nil, err
	}
	out := status{
		Version: s.version, StartedAt: s.startedAt, ActiveRuns: s.chat.Running(), MemoryBytes: memory(),
		Store:  storeStatus{Engine: s.db.Engine(), OK: s.db.Ping(ctx) == nil, SizeBytes: s.storeSize()},
		Egress: mapped(s.gate.Snapshot(), egressRecordOf),
	}
	var err error
	if out.Store.SchemaVersion, err = s.db.SchemaVersion(ctx); err != nil {
		return nil, err
	}
	connections, err := s.catalogue.Connections(ctx)
	if err != nil {
		return nil, err
	}
	last, err := s.catalogue.LastCalls(ctx)
	if err != nil {
		return nil, err
	}
	out.Connections = mapped(connections, func(c model.Connection) connectionStatus {
		return connectionStatusOf(c, last[c.ID])
	})
	return ok(out), nil
}

func connectionStatusOf(c model.Connection, last model.LastCall) connectionStatus {
	out := connectionStatus{ID: c.ID, Name: c.Name, Kind: c.Kind, Enabled: c.Enabled, State: "unknown", LastUsedAt: last.At}
	switch last.Outcome {
	case "":
	case model.OutcomeComplete, model.OutcomeStopped,
		// The connection answered; it was the question that could not be answered.
		model.Outcome(errs.ModelInput), model.Outcome(errs.ModelContextTooLong), model.Outcome(errs.ModelRefused), model.Outcome(errs.ModelInvalidRequest):
		out.State = "ok"
	default:
		out.State, out.Code = "failing", string(last.Outcome)
	}
	return out
}

// storeSize is the size of the SQLite file with its write-ahead log; 0 where
// the store is elsewhere.
func (s *Server) storeSize() (size int64) {
	if s.db.Engine() != db.SQLite {
		return 0
	}
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(s.storePath + suffix); err == nil {
			size += info.Size()
		}
	}
	return size
}

// memory is what the Go runtime has of the system and has not given back.
func memory() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
