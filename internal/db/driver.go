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
	return conn{inner}, nil
}

// innerConn is what the driver's connections can do.
type innerConn interface {
	sqlitedriver.Conn
	driver.ExecerContext
	driver.NamedValueChecker
}

type conn struct{ innerConn }

// ExecContext implements driver.ExecerContext for statements without
// arguments, of which there may be several in one text.
func (c conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if _, count := numberParameters(query); len(args) == 0 && count > 0 {
		return nil, fmt.Errorf("expected %d arguments, got 0", count)
	}
	return c.innerConn.ExecContext(ctx, query, args) // with arguments it declines, and PrepareContext is next
}

// PrepareContext implements driver.ConnPrepareContext.
func (c conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	query, count := numberParameters(query)
	raw, err := c.innerConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	inner, ok := raw.(innerStmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the SQLite driver's statement is a %T, which lacks a method", raw), raw.Close())
	}
	return stmt{inner, count}, nil
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
	count int
}

// NumInput implements driver.Stmt; database/sql holds callers to it.
func (s stmt) NumInput() int { return s.count }

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
