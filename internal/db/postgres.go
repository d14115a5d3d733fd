package db

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"kakoi/internal/errs"
)

const (
	defaultPoolConns = 32
	connectTimeout   = 10 * time.Second
	maxConnLifetime  = time.Hour // lets connections follow a moved server
	maxConnIdle      = 5 * time.Minute
)

func (d *DB) openPostgres(ctx context.Context, o Options) error {
	d.engine = Postgres
	if o.Key != nil {
		return errs.New(errs.InvalidInput, "a database key is for SQLite; encrypt PostgreSQL's storage where it runs")
	}
	cfg, err := pgx.ParseConfig(o.URL)
	if err != nil {
		// The error of pgx leaves the password out.
		return errs.Wrap(errs.InvalidInput, "the URL of the PostgreSQL database is malformed", err)
	}
	conns, err := poolConns(cfg.RuntimeParams)
	if err != nil {
		return err
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "kakoi"
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	if o.Dial != nil {
		cfg.DialFunc = o.Dial
		cfg.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	}
	// Compiling a query takes longer than any of ours may. And all of them go by
	// indexes, which the usual cost of a page, that of a turning disk, lets the
	// planner pass over while a table looks small. They are not parameters of the
	// connection, which some proxies refuse.
	pool := stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "SET jit = off; SET random_page_cost = 1.1")
		return err
	}))
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxLifetime(maxConnLifetime)
	pool.SetConnMaxIdleTime(maxConnIdle)
	d.write, d.read = pool, pool
	if err := d.Ping(ctx); err != nil {
		return fmt.Errorf("open PostgreSQL at %s: %w", net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))), err)
	}
	d.listener, err = listen(ctx, cfg, d.bus, d.log)
	return err
}

// poolConns takes pool_max_conns, which other programs of the pgx family read
// from the URL too, out of the parameters that go to the server.
func poolConns(params map[string]string) (int, error) {
	text, ok := params["pool_max_conns"]
	if !ok {
		return defaultPoolConns, nil
	}
	delete(params, "pool_max_conns")
	n, err := strconv.Atoi(text)
	if err != nil || n < 2 {
		return 0, errs.Newf(errs.InvalidInput, "pool_max_conns in the database URL is %q; it must be a number from 2, for example pool_max_conns=16", text)
	}
	return n, nil
}

func postgresUnique(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}
