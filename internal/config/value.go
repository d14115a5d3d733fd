package config

import (
	"encoding"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"
)

var (
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// describe says in a word or two how a value of t is written.
func describe(t reflect.Type, s Setting) string {
	switch {
	case t == durationType:
		return "duration"
	case t.Kind() == reflect.Slice:
		return "list"
	case s.unit == "bytes":
		return "size"
	case t.Kind() == reflect.Int64:
		return "number"
	case t.Kind() == reflect.Bool:
		return "true or false"
	default:
		return "text"
	}
}

// parse reads text as a value of the type of v, checks it, and sets v.
func (s Setting) parse(text string, v reflect.Value) error {
	if v.Kind() == reflect.Slice {
		list := reflect.Zero(v.Type())
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item == "" {
				continue
			}
			element := reflect.New(v.Type().Elem()).Elem()
			if err := s.parseOne(item, element); err != nil {
				return err
			}
			list = reflect.Append(list, element)
		}
		v.Set(list)
		return nil
	}
	return s.parseOne(text, v)
}

func (s Setting) parseOne(text string, v reflect.Value) error {
	switch {
	case v.Type() == durationType:
		return s.parseNumber(text, v, func(text string) (int64, error) {
			d, err := parseDuration(text)
			return int64(d), err
		})
	case v.CanAddr() && v.Addr().Type().Implements(textType):
		return parseText(text, v)
	case v.Kind() == reflect.Int64 && s.unit == "bytes":
		return s.parseNumber(text, v, parseSize)
	case v.Kind() == reflect.Int64:
		return s.parseNumber(text, v, func(text string) (int64, error) {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("%q is not a whole number", text)
			}
			return n, nil
		})
	case v.Kind() == reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(text == "true")
		return nil
	case v.Kind() == reflect.String:
		if err := s.checkText(text); err != nil {
			return err
		}
		v.SetString(text)
		return nil
	default:
		panic(fmt.Sprintf("config: %s has a type that cannot be read: %s", s.Key, v.Type())) // a mistake in Config, met by every test
	}
}

// parseText reads the values that know how to read themselves.
func parseText(text string, v reflect.Value) error {
	err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	if err == nil {
		return nil
	}
	if v.Type() == reflect.TypeFor[netip.Prefix]() {
		return fmt.Errorf("%q is not a network in CIDR form", text)
	}
	return fmt.Errorf("%q is not one of debug, info, warn, error", text)
}

func (s Setting) parseNumber(text string, v reflect.Value, read func(string) (int64, error)) error {
	n, err := read(text)
	if err != nil {
		return err
	}
	// The bounds are written like values; a bound that cannot be read is a
	// mistake in Config.
	for _, bound := range []struct {
		text  string
		wrong func(limit int64) bool
		words string
	}{
		{s.min, func(limit int64) bool { return n < limit }, "at least"},
		{s.max, func(limit int64) bool { return n > limit }, "at most"},
	} {
		if bound.text == "" {
			continue
		}
		limit, err := read(bound.text)
		if err != nil {
			panic(fmt.Sprintf("config: bound of %s: %v", s.Key, err))
		}
		if bound.wrong(limit) {
			return fmt.Errorf("%q must be %s %s", text, bound.words, bound.text)
		}
	}
	v.SetInt(n)
	return nil
}

// parseDuration reads Go's durations and whole days (7d).
func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= 36500 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 500ms, 20s, 5m, 12h or 7d", text)
	}
	return d, nil
}

// parseSize reads bytes: 1048576, 1024KiB, 1MiB, 1GiB.
func parseSize(text string) (int64, error) {
	number, shift := text, 0
	for unit, s := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30} {
		if n, ok := strings.CutSuffix(text, unit); ok {
			number, shift = strings.TrimSpace(n), s
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > (1<<62)>>shift {
		return 0, fmt.Errorf("%q is not a size such as 1048576, 512KiB, 20MiB or 1GiB", text)
	}
	return n << shift, nil
}

// checkText applies the rule that the tag of a text setting names. Empty text
// means "not set" and satisfies every rule but present.
func (s Setting) checkText(text string) error {
	if text == "" {
		if s.check == "present" || s.check == "address" || strings.Contains(s.check, "|") {
			return errors.New("it must not be empty")
		}
		return nil
	}
	switch s.check {
	case "", "present":
		return nil
	case "address":
		return checkAddress(text)
	case "origin":
		return checkOrigin(text)
	case "postgres":
		return checkPostgres(text)
	case "destination":
		return checkDestination(text)
	case "file":
		f, err := os.Open(text)
		if err != nil {
			return fmt.Errorf("the file cannot be read: %w", err)
		}
		return f.Close()
	}
	for choice := range strings.SplitSeq(s.check, "|") {
		if text == choice {
			return nil
		}
	}
	return fmt.Errorf("%q is not one of %s", text, strings.ReplaceAll(s.check, "|", ", "))
}

func checkAddress(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return fmt.Errorf("%q is not an address with a port", text)
	}
	if _, err := netip.ParseAddr(host); host != "" && host != "localhost" && err != nil {
		return fmt.Errorf("%q is not an IP address of this machine", host)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("the port %q is not a number from 0 to 65535", port)
	} else if n == 0 && port != "0" {
		return fmt.Errorf("the port %q is not a number from 0 to 65535", port)
	}
	return nil
}

func checkDestination(text string) error {
	host, port, err := net.SplitHostPort(text)
	if n, convErr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || convErr != nil || n == 0 {
		return fmt.Errorf("%q is not a host with its port", text)
	}
	return nil
}

func checkOrigin(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return fmt.Errorf("%q is not an http or https address", text)
	case u.User != nil || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%q has more than a scheme, a host and a port: Kakoi is served at the root", text)
	}
	return nil
}

// checkPostgres never quotes the text, which may hold a password.
func checkPostgres(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("it is not a URL; special characters of a password must be percent-encoded")
	case u.Scheme != "postgres" && u.Scheme != "postgresql":
		return errors.New("it is not a postgres:// URL; leave it empty for SQLite")
	case u.Host == "" && u.Query().Get("host") == "":
		return errors.New("it names no host")
	}
	return nil
}

// format writes a value as it would be written in the file. Secrets lose what
// is secret in them.
func (s Setting) format(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = fmt.Sprint(v.Index(i).Interface())
		}
		return strings.Join(items, ", ")
	case v.Type() == durationType:
		return formatDuration(time.Duration(v.Int()))
	case s.unit == "bytes":
		return formatSize(v.Int())
	case s.Secret && v.String() != "":
		return redactURL(v.String())
	case s.Key == "log.level":
		return strings.ToLower(fmt.Sprint(v.Interface()))
	default:
		return fmt.Sprint(v.Interface())
	}
}

func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d > 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	text := d.String() // 12h0m0s
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func formatSize(n int64) string {
	for _, u := range []struct {
		name  string
		shift int
	}{{"GiB", 30}, {"MiB", 20}, {"KiB", 10}} {
		if n > 0 && n%(1<<u.shift) == 0 {
			return fmt.Sprintf("%d%s", n>>u.shift, u.name)
		}
	}
	return strconv.FormatInt(n, 10)
}

// redactURL keeps what an operator needs to recognise a database and drops
// every value that may be secret.
func redactURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		return "(hidden)"
	}
	query := u.Query()
	for name := range query {
		if strings.Contains(strings.ToLower(name), "password") {
			query.Set(name, "hidden")
		}
	}
	u.RawQuery = query.Encode()
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), "hidden")
	}
	return u.String()
}
