package bedrock_test

import (
	"context"
	"net"
	"net/http"
	"testing"

	"kakoi/internal/model/bedrock"
	"kakoi/internal/model/modeltest"
	fake "kakoi/internal/model/modeltest/bedrockfake"
)

const haiku = "jp.anthropic.claude-haiku-4-5-20251001-v1:0"

// start returns a running fake and the configuration of a connection to it.
func start(t testing.TB, o fake.Options) (*fake.Server, bedrock.Config) {
	t.Helper()
	s := fake.Run(t, o)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	t.Cleanup(client.CloseIdleConnections)
	return s, bedrock.Config{
		Region:               "ap-northeast-1",
		Endpoint:             s.URL,
		ControlEndpoint:      s.URL,
		STSEndpoint:          s.URL,
		AgentRuntimeEndpoint: s.URL,
		Credentials: bedrock.Credentials{
			Kind:            bedrock.CredentialsStatic,
			AccessKeyID:     fake.DefaultKey.ID,
			SecretAccessKey: fake.DefaultKey.Secret,
		},
		HTTP: client,
	}
}

func connect(t testing.TB, c bedrock.Config) *bedrock.Client {
	t.Helper()
	client, err := bedrock.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// nowhere is a URL at which nobody listens.
func nowhere(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func TestTheAdapterIsAProvider(t *testing.T) {
	modeltest.RunProvider(t, func(t *testing.T, setup modeltest.Setup) modeltest.Subject {
		s, c := start(t, fake.Options{})
		c.FirstByteTimeout, c.IdleTimeout = setup.Patience, setup.Patience
		if setup.BadCredentials {
			c.Credentials.SecretAccessKey = "wrong"
		}
		if setup.Unreachable {
			c.Endpoint = nowhere(t)
			c.ControlEndpoint, c.STSEndpoint = c.Endpoint, c.Endpoint
		}
		return modeltest.Subject{
			Provider: connect(t, c),
			Model:    haiku,
			WaitLive: func(ctx context.Context, n int) error {
				return s.Await(ctx, func(st fake.Stats) bool { return st.Running == n })
			},
			Asked: func() int { st := s.Stats(); return st.Running + st.Answered + st.Gone },
		}
	})
}
