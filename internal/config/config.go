// Package config is the bootstrap configuration: what a process must know
// before it can read the rest from its database. One struct is the source of
// the YAML keys, the flags, the environment variables, the example file and
// the reference.
package config

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"time"
)

// Config holds every setting. The tags of a field say its key, its value when
// nothing is set, an example, what it must satisfy (see checks in value.go)
// and what it is for. A setting http.publicUrl is --http-public-url as a flag
// and KAKOI_HTTP_PUBLIC_URL in the environment.
type Config struct {
	HTTP     HTTP     `key:"http" doc:"How browsers and programs reach Kakoi."`
	Data     Data     `key:"data" doc:"Where Kakoi keeps what it stores."`
	Database Database `key:"database" doc:"The database."`
	Keys     Keys     `key:"keys" doc:"The key that seals the secrets in the database."`
	Log      Log      `key:"log" doc:"What is written to standard error."`
	Runs     Runs     `key:"runs" doc:"The answers of models while they are being written."`
	Session  Session  `key:"session" doc:"How long a person stays signed in."`
	Limits   Limits   `key:"limits" doc:"How much one request may bring."`
	Network  Network  `key:"network" doc:"The network Kakoi stands in."`
}

// HTTP says how the server is reached.
type HTTP struct {
	Addr           string         `key:"addr" default:"127.0.0.1:8080" example:"0.0.0.0:8080" check:"address" doc:"Address and port to listen on. 127.0.0.1 is reachable from this machine only; 0.0.0.0 from every network the machine is in."`
	PublicURL      string         `key:"publicUrl" example:"https://ai.example.lg.jp" check:"origin" doc:"Address under which people reach Kakoi, when it is not http.addr: behind a load balancer, or with a name. Links are made with it, and with https cookies are marked Secure."`
	TrustedProxies []netip.Prefix `key:"trustedProxies" example:"10.0.0.0/8, 192.168.1.5/32" doc:"Networks of the load balancers whose X-Forwarded-For is believed. Empty: the address of the connection is the client's."`
	Drain          time.Duration  `key:"drain" default:"0s" example:"10s" min:"0s" max:"10m" doc:"How long requests are still accepted after the server is told to stop, while /readyz says 503 already: behind a load balancer, a little longer than it takes to notice. 0s where there is none."`
	TLS            TLS            `key:"tls"`
}

// TLS says how the server proves who it is, when no proxy does that for it.
type TLS struct {
	CertFile string `key:"certFile" example:"/etc/kakoi/tls.crt" check:"file" doc:"Certificate chain in PEM, the server's own first. With http.tls.keyFile it makes Kakoi speak HTTPS itself."`
	KeyFile  string `key:"keyFile" example:"/etc/kakoi/tls.key" check:"file" doc:"Private key of the certificate in PEM."`
}

// Network says what network the server stands in.
type Network struct {
	Closed             bool           `key:"closed" default:"true" example:"false" doc:"Whether the network is meant to be shut. Then what people write may be processed in Japan only (Tokyo, Osaka, this server, and servers declared to be in Japan) until an administrator decides otherwise, and no connection leads to a public address except those that network.ownRanges and network.publicDestinations name. false decides nothing in advance and lets declared destinations have public addresses."`
	OwnRanges          []netip.Prefix `key:"ownRanges" example:"192.0.2.0/24, 2001:db8:1::/48" doc:"Public address ranges that this network uses itself; a closed network leads there as to private addresses. Private ranges need no mention. Of loopback addresses it lets names stand for them that are not localhost."`
	PublicDestinations []string       `key:"publicDestinations" example:"bedrock-runtime.ap-northeast-1.amazonaws.com:443" check:"destination" doc:"Destinations that may have public addresses although network.closed is on, as host:port. What is not declared by a connection is reached no more than before."`
	ProfilesFile       string         `key:"profilesFile" example:"/etc/kakoi/inference-profiles.json" check:"file" doc:"Regions and inference profiles of Amazon Bedrock, newer than those in the program, in the form of kakoi policy data. Read at the start."`
}

// Data says where files go.
type Data struct {
	Dir string `key:"dir" default:"./data" example:"/var/lib/kakoi" check:"present" doc:"Folder for the SQLite database, its snapshots, attachments and the master key. Created if missing, for its owner alone."`
}

// Database says which database holds everything.
type Database struct {
	URL string `key:"url" example:"postgres://kakoi:password@db.example.lg.jp:5432/kakoi?sslmode=verify-full" check:"postgres" secret:"true" doc:"PostgreSQL to use, for several nodes over one database. Empty: a SQLite file in data.dir, for one server."`
}

// Keys says where the master key is.
type Keys struct {
	MasterFile string `key:"masterFile" example:"/etc/kakoi/master.json" doc:"File of the master key. Empty: keys/master.json in data.dir, created at the first start. Without this file the API keys of connections and all attached files cannot be read any more: keep a copy apart from the database. All nodes need the same file."`
}

// Log says what is logged and how.
type Log struct {
	Level  slog.Level `key:"level" default:"info" example:"debug" doc:"Least important kind that is written: debug, info, warn or error. No level writes prompts, answers or secrets."`
	Format string     `key:"format" default:"json" example:"text" check:"json|text" doc:"json for machines, text for people."`
}

// Runs says how the answers of models are kept.
type Runs struct {
	StopGrace     time.Duration `key:"stopGrace" default:"20s" example:"1m" min:"0s" max:"1h" doc:"How long answers in progress may go on after the server is told to stop. What is not finished then is kept and marked interrupted."`
	FlushInterval time.Duration `key:"flushInterval" default:"500ms" example:"250ms" min:"50ms" max:"5s" doc:"How often text in progress is written to the database; a crash loses at most this much."`
}

// Session says how long people stay signed in.
type Session struct {
	Idle     time.Duration `key:"idle" default:"12h" example:"1h" min:"1m" max:"90d" doc:"Time without use after which a person must sign in again."`
	Lifetime time.Duration `key:"lifetime" default:"7d" example:"24h" min:"1m" max:"365d" doc:"Time since signing in after which a person must sign in again, used or not."`
}

// Limits bound what comes from outside.
type Limits struct {
	AttachmentBytes    int64         `key:"attachmentBytes" default:"20MiB" example:"50MiB" min:"1KiB" max:"1GiB" unit:"bytes" doc:"Largest file that may be attached to a message."`
	AttachmentsPerTurn int64         `key:"attachmentsPerTurn" default:"10" example:"5" min:"0" max:"100" doc:"How many files may be attached to one message."`
	ImportBytes        int64         `key:"importBytes" default:"1GiB" example:"4GiB" min:"1KiB" max:"64GiB" unit:"bytes" doc:"Largest export of another program that may be imported. It lies in data.dir while it is read."`
	RecordingBytes     int64         `key:"recordingBytes" default:"25MiB" example:"50MiB" min:"64KiB" max:"256MiB" unit:"bytes" doc:"Largest recording that may be dictated. A minute takes 2 MB."`
	RecordingDuration  time.Duration `key:"recordingDuration" default:"5m" example:"10m" min:"10s" max:"1h" doc:"Longest recording that may be dictated."`
	MessageBytes       int64         `key:"messageBytes" default:"1MiB" example:"256KiB" min:"1KiB" max:"16MiB" unit:"bytes" doc:"Longest message. A Japanese character takes 3 bytes."`
}

// DatabaseURL is what db.Open needs: the URL of PostgreSQL or the path of the
// SQLite file.
func (c Config) DatabaseURL() string {
	if c.Database.URL != "" {
		return c.Database.URL
	}
	return filepath.Join(c.Data.Dir, "kakoi.db")
}

// MasterKeyFile is the path of the master key.
func (c Config) MasterKeyFile() string {
	if c.Keys.MasterFile != "" {
		return c.Keys.MasterFile
	}
	return filepath.Join(c.Data.Dir, "keys", "master.json")
}
