package db_test

import (
	"reflect"
	"testing"

	"kakoi/internal/db"
)

func TestConditionsNumberTheirValues(t *testing.T) {
	var c db.Conditions
	if c.Where() != "" || len(c.Args()) != 0 {
		t.Errorf("none: %q %v", c.Where(), c.Args())
	}
	c.Add("a = ?", 1)
	c.Add("b IS NULL")
	c.Add("(c, d) < (?, ?)", "x", true)
	if got, want := c.Where(), "\n\tWHERE  a = $1\n\tAND    b IS NULL\n\tAND    (c, d) < ($2, $3)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if want := []any{1, "x", true}; !reflect.DeepEqual(c.Args(), want) {
		t.Errorf("%v, want %v", c.Args(), want)
	}
	given := db.Given("owner")
	given.Add("e = ?", 5)
	if got := given.Where(); got != "\n\tWHERE  e = $2" || len(given.Args()) != 2 {
		t.Errorf("%q %v", got, given.Args())
	}
}
