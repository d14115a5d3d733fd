package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"
	sqlitedriver "github.com/ncruces/go-sqlite3/driver"
)

// connector makes SQLite connections that read "$1" as PostgreSQL does.
//
// SQLite takes $1 for a name and gives it the next free number, so "$2, $1"
// would be bound the wrong way round; and a forgotten argument would be NULL.
// Here $n becomes SQLite's own ?n, and the arguments are counted.
type connector struct {
	driver.Connector
	prepare func(*sqlite3.Conn) error // runs first on each connection
}

func newConnector(uri string, prepare func(*sqlite3.Conn) error) (connector, error) {
	inner, err := (&sqlitedriver.SQLite{}).OpenConnector(uri)
	return connector{inner, prepare}, err
}

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	raw, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	inner, ok := raw.(innerConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the SQLite driver's connection is a %T, which lacks a method", raw), raw.Close())
	}
	if err := c.prepare(inner.Raw()); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return &conn{innerConn: inner, idle: make(map[string]*stmt)}, nil
}

// innerConn is what the driver's connections can do.
type innerConn interface {
	sqlitedriver.Conn
	driver.ExecerContext
	driver.NamedValueChecker
}

// keptStatements bounds the statements that a connection keeps prepared. The
// program has fewer whose text does not vary.
const keptStatements = 200

// conn keeps the statements that it has prepared: to parse and plan one costs
// several times what running it does, and database/sql asks each time anew.
// database/sql lets only one goroutine at a time use it and its statements.
type conn struct {
	innerConn
	idle map[string]*stmt // by their text as it was asked for
	uses int64            // counts the statements that were kept
}

// Close implements driver.Conn.
func (c *conn) Close() error {
	var failed []error
	for _, s := range c.idle {
		failed = append(failed, s.innerStmt.Close())
	}
	clear(c.idle)
	return errors.Join(append(failed, c.innerConn.Close())...)
}

// ExecContext implements driver.ExecerContext for statements without
// arguments, of which there may be several in one text.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) > 0 {
		return nil, driver.ErrSkip // PrepareContext is next
	}
	if _, count := numberParameters(query); count > 0 {
		return nil, fmt.Errorf("expected %d arguments, got 0", count)
	}
	return c.innerConn.ExecContext(ctx, query, args)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if s := c.take(query); s != nil {
		return s, nil
	}
	numbered, count := numberParameters(query)
	raw, err := c.innerConn.PrepareContext(ctx, numbered)
	if err != nil {
		return nil, err
	}
	inner, ok := raw.(innerStmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the SQLite driver's statement is a %T, which lacks a method", raw), raw.Close())
	}
	return &stmt{innerStmt: inner, conn: c, query: query, count: count}, nil
}

// take returns an idle statement, which is then not idle any more, or nil.
func (c *conn) take(query string) *stmt {
	s := c.idle[query]
	delete(c.idle, query)
	return s
}

// keep makes a statement idle, in place of the one that was not used for
// longest if there are too many.
func (c *conn) keep(s *stmt) error {
	if c.idle[s.query] != nil { // it was asked for twice at once
		return s.innerStmt.Close()
	}
	c.uses++
	s.use = c.uses
	c.idle[s.query] = s
	if len(c.idle) <= keptStatements {
		return nil
	}
	oldest := s
	for _, other := range c.idle {
		if other.use < oldest.use {
			oldest = other
		}
	}
	return c.take(oldest.query).innerStmt.Close()
}

// innerStmt is what the driver's statements can do.
type innerStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	driver.NamedValueChecker
}

type stmt struct {
	innerStmt
	conn   *conn
	query  string // as it was asked for
	count  int
	use    int64 // when it was kept, as conn counts
	failed bool
}

// NumInput implements driver.Stmt; database/sql holds callers to it.
func (s *stmt) NumInput() int { return s.count }

// ExecContext implements driver.StmtExecContext.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	res, err := s.innerStmt.ExecContext(ctx, args)
	s.failed = s.failed || err != nil
	return res, err
}

// QueryContext implements driver.StmtQueryContext.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := s.innerStmt.QueryContext(ctx, args)
	s.failed = s.failed || err != nil
	return rows, err
}

// Close implements driver.Stmt: the statement is kept for the next who asks,
// unless it failed and may still hold what it was given.
func (s *stmt) Close() error {
	if s.failed {
		return s.innerStmt.Close()
	}
	return s.conn.keep(s)
}

// numberParameters writes each $n of a statement as ?n and returns the highest
// n. It leaves strings, quoted names and comments alone.
func numberParameters(query string) (string, int) {
	var out strings.Builder
	highest, copied := 0, 0
	for i := 0; i < len(query); {
		switch c := query[i]; {
		case c == '\'' || c == '"' || c == '`':
			i = skipTo(query, i+1, string(c)) // a doubled quote ends one string and begins the next
		case c == '-' && strings.HasPrefix(query[i:], "--"):
			i = skipTo(query, i, "\n")
		case c == '/' && strings.HasPrefix(query[i:], "/*"):
			i = skipTo(query, i+2, "*/")
		case c == '$' && (i == 0 || !isWord(query[i-1])):
			end := i + 1
			for end < len(query) && query[end] >= '0' && query[end] <= '9' {
				end++
			}
			if n, err := strconv.Atoi(query[i+1 : end]); err == nil {
				highest = max(highest, n)
				out.WriteString(query[copied:i])
				out.WriteByte('?')
				copied = i + 1
			}
			i = end
		default:
			i++
		}
	}
	if copied == 0 {
		return query, highest
	}
	out.WriteString(query[copied:])
	return out.String(), highest
}

// skipTo returns the place after the next end in query from i, or its length.
func skipTo(query string, i int, end string) int {
	if n := strings.Index(query[i:], end); n >= 0 {
		return i + n + len(end)
	}
	return len(query)
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
