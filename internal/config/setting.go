package config

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// Setting describes one setting to people and programs.
type Setting struct {
	Key     string // http.publicUrl
	Flag    string // http-public-url
	Env     string // KAKOI_HTTP_PUBLIC_URL
	Default string // as it would be written
	Example string // as it would be written
	Type    string // how a value is written
	Doc     string
	Secret  bool // also accepted as a file, in Env + "_FILE"; never printed

	check    string
	unit     string
	min, max string
	index    []int // path of the field in Config
}

// section is a group of settings, as a YAML mapping.
type section struct {
	key, doc string
	depth    int
}

// Settings returns every setting in the order of the struct.
func Settings() []Setting {
	var list []Setting
	walk(func(s Setting) { list = append(list, s) }, func(section) {})
	return list
}

// walk calls onSetting and onSection in the order of the struct.
func walk(onSetting func(Setting), onSection func(section)) {
	var visit func(t reflect.Type, prefix string, index []int, depth int)
	visit = func(t reflect.Type, prefix string, index []int, depth int) {
		for i := range t.NumField() {
			f := t.Field(i)
			key := prefix + f.Tag.Get("key")
			at := append(append([]int(nil), index...), i)
			if f.Type.Kind() == reflect.Struct {
				onSection(section{key: key, doc: f.Tag.Get("doc"), depth: depth})
				visit(f.Type, key+".", at, depth+1)
				continue
			}
			s := Setting{
				Key: key, Flag: dashed(key), Env: "KAKOI_" + strings.ToUpper(strings.ReplaceAll(dashed(key), "-", "_")),
				Default: f.Tag.Get("default"), Example: f.Tag.Get("example"), Doc: f.Tag.Get("doc"),
				Secret: f.Tag.Get("secret") == "true",
				check:  f.Tag.Get("check"), unit: f.Tag.Get("unit"), min: f.Tag.Get("min"), max: f.Tag.Get("max"),
				index: at,
			}
			s.Type = describe(f.Type, s)
			onSetting(s)
		}
	}
	visit(reflect.TypeFor[Config](), "", nil, 0)
}

// dashed writes http.publicUrl as http-public-url.
func dashed(key string) string {
	var b strings.Builder
	for _, r := range key {
		switch {
		case r == '.':
			b.WriteByte('-')
		case unicode.IsUpper(r):
			b.WriteByte('-')
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// field returns the field of c that s describes.
func (s Setting) field(c *Config) reflect.Value {
	return reflect.ValueOf(c).Elem().FieldByIndex(s.index)
}

// Values returns the constraints of a setting in words, or "".
func (s Setting) Values() string {
	switch {
	case strings.Contains(s.check, "|"):
		return "one of " + strings.ReplaceAll(s.check, "|", ", ")
	case s.min != "" && s.max != "":
		return fmt.Sprintf("%s to %s", s.min, s.max)
	}
	return ""
}
