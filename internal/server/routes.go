package server

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzhttp"

	"kakoi/internal/errs"
)

// operations adds every operation of the API.
func (s *Server) operations() {
	s.sessionOperations()
	s.factorOperations()
	s.modelOperations()
	s.conversationOperations()
	s.runOperations()
	s.attachmentOperations()
	s.promptOperations()
	s.feedbackOperations()
	s.transferOperations()
	s.temporaryOperations()
	s.transcriptionOperations()
	s.settingOperations()
	s.residencyOperations()
	s.simulationOperations()
	s.egressOperations()
	s.shareOperations()
	s.accountOperations()
	s.groupOperations()
	s.roleOperations()
	s.featureOperations()
	s.unitOperations()
	s.connectionOperations()
	s.statusOperations()
	s.doctorOperations()
	s.auditOperations()
}

// routes returns what answers every request. files is the interface, or nil.
func (s *Server) routes(files fs.FS) (http.Handler, error) {
	compress, err := compression()
	if err != nil {
		return nil, err
	}
	api, mux := http.NewServeMux(), http.NewServeMux()
	s.api = newAPI(api)
	s.operations()
	description, err := s.describe()
	if err != nil {
		return nil, err
	}
	api.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if methods := methodsOf(r, api, mux); len(methods) > 0 {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			s.answer(w, r, "none", errs.New(errs.WrongMethod, "The API has this address, but not for this method."))
			return
		}
		s.answer(w, r, "none", errs.New(errs.NotFound, "The API has no such operation."))
	})

	mux.Handle("/api/", compress(s.apiOnly(api)))
	mux.Handle("GET "+apiPrefix+runEventsPath, s.apiOnly(streaming(s.followRun)))
	mux.Handle("GET "+apiPrefix+eventsPath, s.apiOnly(streaming(s.followEvents)))
	mux.Handle("POST "+apiPrefix+temporaryPath, s.apiOnly(http.HandlerFunc(s.answerTemporary)))
	mux.Handle("POST "+apiPrefix+importsPath, s.apiOnly(http.HandlerFunc(s.importConversations)))
	mux.Handle("POST "+apiPrefix+doctorPath, s.apiOnly(http.HandlerFunc(s.examine)))
	mux.Handle("GET /api/openapi.json", compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(description)
	})))
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", s.metricsFor())
	if files == nil {
		mux.HandleFunc("/", missingUI)
	} else {
		pages, err := newUI(files, s.answer)
		if err != nil {
			return nil, fmt.Errorf("read the interface: %w", err)
		}
		mux.Handle("/", pages)
	}

	guarded, err := s.sameOrigin(mux)
	if err != nil {
		return nil, err
	}
	return s.around(guarded), nil
}

// around is what holds for every request.
func (s *Server) around(next http.Handler) http.Handler {
	return s.identify(s.rescue(protect(next)))
}

func compression() (func(http.Handler) http.HandlerFunc, error) {
	compress, err := gzhttp.NewWrapper(gzhttp.MinSize(1<<10), gzhttp.SuffixETag("-gzip"))
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	return compress, nil
}

// methodsOf returns the methods that the address of r has. ServeMux would say
// so itself, but for the patterns of ours that take everything that is left.
func methodsOf(r *http.Request, muxes ...*http.ServeMux) []string {
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		asked := r.WithContext(r.Context())
		asked.Method = method
		if slices.ContainsFunc(muxes, func(mux *http.ServeMux) bool {
			_, pattern := mux.Handler(asked)
			return strings.HasPrefix(pattern, method+" ")
		}) {
			methods = append(methods, method)
		}
	}
	return methods
}

// writeJSON answers with v, outside of huma.
func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that has left is nobody's failure
}
