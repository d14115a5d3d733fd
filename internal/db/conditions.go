package db

import (
	"strconv"
	"strings"
)

// Conditions are what the rows of a query must meet, put together as a filter
// asks for them, with the values of their marks. The zero value is none.
type Conditions struct {
	all  []string
	args []any
}

// Given returns no conditions yet, and values that the query names itself: $1 and
// on.
func Given(values ...any) Conditions { return Conditions{args: values} }

// Add asks for a condition. Each "?" in it stands for the next of the values.
func (c *Conditions) Add(condition string, values ...any) {
	for _, v := range values {
		c.args = append(c.args, v)
		condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(c.args)), 1)
	}
	c.all = append(c.all, condition)
}

// Mark keeps a value and returns the mark that stands for it.
func (c *Conditions) Mark(value any) string {
	c.args = append(c.args, value)
	return "$" + strconv.Itoa(len(c.args))
}

// Marks keeps the values and returns their marks as IN takes them: NULL, which
// nothing equals, for none.
func (c *Conditions) Marks(values []string) string {
	if len(values) == 0 {
		return "NULL"
	}
	marks := make([]string, len(values))
	for i, v := range values {
		marks[i] = c.Mark(v)
	}
	return strings.Join(marks, ", ")
}

// Where returns the clause of all conditions, or "" for none.
func (c *Conditions) Where() string {
	if len(c.all) == 0 {
		return ""
	}
	return "\n\tWHERE  " + strings.Join(c.all, "\n\tAND    ")
}

// Args returns the values of the marks in their order.
func (c *Conditions) Args() []any { return c.args }
