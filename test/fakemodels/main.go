// Command fakemodels serves the fake model servers of the tests on fixed
// addresses, for browsers, benchmarks and SDKs in other languages: Bedrock with
// STS, and an OpenAI-compatible server. Prompts steer them with the markers
// that package script lists, such as [[long 500]] or [[cut 3]].
//
// When all listen, it prints one line of JSON that says where and with which
// keys. It ends on SIGTERM or when its standard input closes, so that a test
// that dies does not leave it behind.
//
// The control address tells and changes what no prompt can:
//
//	GET  /stats                  connections and requests of the Bedrock fake
//	GET  /openai                 answers the OpenAI-compatible fake is writing
//	GET  /speech                 the last recording that it transcribed, without its content
//	POST /speech {"fault","silent","wait"}  how it listens from now on
//	GET  /requests               the last requests of the Bedrock fake, without bodies
//	POST /keys  [{"id","secret","token"}]   replaces the access keys it accepts
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"kakoi/internal/model/modeltest/bedrockfake"
	"kakoi/internal/model/modeltest/openaifake"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fakemodels:", err)
		os.Exit(1)
	}
}

// ready is the line that says where everything is.
type ready struct {
	Bedrock         string `json:"bedrock"` // runtime, control plane and STS
	OpenAI          string `json:"openai"`  // base URL
	Control         string `json:"control"`
	Region          string `json:"region"`
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	RoleARN         string `json:"roleArn"`
	ExternalID      string `json:"externalId"`
	OpenRoleARN     string `json:"openRoleArn"` // asks for no ExternalID
}

func run(args []string) error {
	flags := flag.NewFlagSet("fakemodels", flag.ContinueOnError)
	bedrockAddr := flags.String("bedrock", "127.0.0.1:0", "address of Bedrock and STS")
	openaiAddr := flags.String("openai", "127.0.0.1:0", "address of the OpenAI-compatible server")
	controlAddr := flags.String("control", "127.0.0.1:0", "address of the control server")
	rate := flags.Float64("rate", 0, "tokens per second where the prompt does not say; 0 is no limit")
	region := flags.String("region", "ap-northeast-1", "region of Bedrock")
	key := flags.String("openai-key", "", "API key of the OpenAI-compatible server; empty takes every request")
	roleAge := flags.Duration("role-age", time.Hour, "how long the keys of an assumed role live")
	detach := flags.Bool("detach", false, "go on when standard input closes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	const role, externalID, openRole = "arn:aws:iam::999988887777:role/vendor", "city-1", "arn:aws:iam::999988887777:role/article"
	bedrock := bedrockfake.New(bedrockfake.Options{
		Region: *region, Rate: *rate,
		Roles: []bedrockfake.Role{{ARN: role, ExternalID: externalID, MaxAge: *roleAge}, {ARN: openRole, MaxAge: *roleAge}},
	})
	if err := bedrock.Start(*bedrockAddr); err != nil {
		return err
	}
	defer bedrock.Close()
	openaiServer := &openaifake.Server{Key: *key, Rate: *rate}
	openai, err := serve(*openaiAddr, openaiServer)
	if err != nil {
		return err
	}
	control, err := serve(*controlAddr, controls(bedrock, openaiServer))
	if err != nil {
		return err
	}

	if err := json.NewEncoder(os.Stdout).Encode(ready{
		Bedrock: bedrock.URL, OpenAI: openai + "/v1", Control: control, Region: *region,
		AccessKeyID: bedrockfake.DefaultKey.ID, SecretAccessKey: bedrockfake.DefaultKey.Secret,
		RoleARN: role, ExternalID: externalID, OpenRoleARN: openRole,
	}); err != nil {
		return err
	}
	if !*detach {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	<-ctx.Done()
	return nil
}

// serve listens on addr and serves h until the process ends.
func serve(addr string, h http.Handler) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return "", err
	}
	go func() {
		srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "fakemodels:", err)
			os.Exit(1)
		}
	}()
	return "http://" + l.Addr().String(), nil
}

func controls(s *bedrockfake.Server, openai *openaifake.Server) http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.Stats()) })
	mux.HandleFunc("GET /openai", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, struct{ Running int }{openai.Live()})
	})
	mux.HandleFunc("GET /speech", func(w http.ResponseWriter, _ *http.Request) { answer(w, openai.Heard()) })
	mux.HandleFunc("POST /speech", func(w http.ResponseWriter, r *http.Request) {
		var how openaifake.Speech
		if err := json.NewDecoder(r.Body).Decode(&how); err != nil {
			http.Error(w, strings.TrimSpace(err.Error()), http.StatusBadRequest)
			return
		}
		openai.Listen(how)
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /requests", func(w http.ResponseWriter, _ *http.Request) {
		type request struct {
			Operation, Model, Key, Region, Service, Exception string
			Caller, SourceIdentity                            string
			Tags                                              map[string]string // of the caller's session
		}
		list := []request{}
		for _, r := range s.Requests() {
			list = append(list, request{r.Operation, r.Model, r.Key, r.Region, r.Service, r.Exception, r.Caller.ARN, r.Caller.SourceIdentity, r.Caller.Tags})
		}
		answer(w, list)
	})
	mux.HandleFunc("POST /keys", func(w http.ResponseWriter, r *http.Request) {
		var keys []bedrockfake.Key // its fields match id, secret and token in any case
		if err := json.NewDecoder(r.Body).Decode(&keys); err != nil {
			http.Error(w, strings.TrimSpace(err.Error()), http.StatusBadRequest)
			return
		}
		s.SetKeys(keys...)
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}
