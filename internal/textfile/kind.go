package textfile

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"kakoi/internal/errs"
)

// The media types of text files.
const (
	Plain    = "text/plain"
	Markdown = "text/markdown"
	CSV      = "text/csv"
	TSV      = "text/tab-separated-values"
	HTML     = "text/html"
	JSON     = "application/json"
	XML      = "application/xml"
	YAML     = "application/yaml"
	TOML     = "application/toml"
	Source   = "text/x-source" // of a program, in whatever language
)

// byExtension maps extensions to media types. What is on no line is decided
// by the content.
var byExtension = extensions(map[string]string{
	Plain:    "txt text log ini cfg conf config properties env srt vtt rst adoc asciidoc org tex bib diff patch po pot lst out err",
	Markdown: "md markdown mdown mkd mdx qmd rmd",
	CSV:      "csv",
	TSV:      "tsv tab",
	HTML:     "html htm xhtml",
	JSON:     "json jsonl ndjson geojson ipynb webmanifest har jsonc json5",
	XML:      "xml xsd xsl xslt svg rss atom plist kml gpx wsdl csproj vbproj resx",
	YAML:     "yaml yml",
	TOML:     "toml",
	Source: "go py pyw pyi ipy js mjs cjs jsx ts mts cts tsx vue svelte java kt kts scala groovy gradle clj cljs c h cc cpp cxx hh hpp hxx m mm cs fs fsx vb vbs vba bas cls frm " +
		"rs swift dart rb erb php phtml pl pm t lua r jl hs elm ml mli ex exs erl hrl nim zig d pas pp dpr asm s f f90 f95 for cob cbl cpy jcl sas ado do abap " +
		"sh bash zsh fish ksh csh bat cmd ps1 psm1 psd1 awk sed tcl vim el lisp scm sql psql ddl dml plsql pls proto graphql gql thrift " +
		"css scss sass less styl tf tfvars hcl bicep nix cmake mk make dockerfile gitignore dockerignore editorconfig puml plantuml mmd dot gv wat sol v sv vhd vhdl",
})

// byName maps whole names, in lower case, of files without an extension.
var byName = map[string]string{
	"readme": Plain, "license": Plain, "licence": Plain, "changelog": Plain, "notice": Plain, "authors": Plain,
	"makefile": Source, "gnumakefile": Source, "dockerfile": Source, "containerfile": Source, "vagrantfile": Source,
	"jenkinsfile": Source, "rakefile": Source, "gemfile": Source, "procfile": Source, "cmakelists.txt": Source,
}

func extensions(lines map[string]string) map[string]string {
	m := make(map[string]string)
	for mediaType, list := range lines {
		for ext := range strings.FieldsSeq(list) {
			m["."+ext] = mediaType
		}
	}
	return m
}

// MediaType returns which kind of text a file is, by its name and by its text,
// which Decode returned. The name says what the text is meant as; the content
// corrects it where it is plainly something else, and decides where the name
// says nothing.
func MediaType(name, text string) string {
	name = strings.ToLower(path.Base(strings.ReplaceAll(name, `\`, "/")))
	mediaType, known := byName[name]
	if !known {
		mediaType, known = byExtension[path.Ext(name)]
	}
	found := sniff(text)
	switch {
	case !known && found == "":
		return Plain
	case !known:
		return found
	case mediaType == JSON && found != JSON && !jsonLines(text):
		return Plain // not what its name says, but text nonetheless
	case mediaType == Plain && (found == HTML || found == XML):
		return found // a page or a record that was saved under another name
	}
	return mediaType
}

// Read decodes a text file and says which kind of text it is.
func Read(name string, data []byte) (text, charset, mediaType string, err error) {
	text, charset, err = Decode(data)
	if err != nil {
		return "", "", "", err
	}
	return text, charset, MediaType(name, text), nil
}

// IsTextName reports whether the name of a file is one of a text file. It
// lets a caller decide whether to read the file as text at all.
func IsTextName(name string) bool {
	name = strings.ToLower(path.Base(strings.ReplaceAll(name, `\`, "/")))
	return byName[name] != "" || byExtension[path.Ext(name)] != ""
}

// Extensions lists the endings of the names of text files, sorted, each with
// its dot.
func Extensions() []string { return slices.Sorted(maps.Keys(byExtension)) }

// sniff returns the media type that the beginning of text shows, or "".
func sniff(text string) string {
	head := strings.TrimLeft(text, " \t\r\n")
	lower := strings.ToLower(head[:min(len(head), 512)])
	switch {
	case strings.HasPrefix(lower, "<!doctype html"), strings.HasPrefix(lower, "<html"):
		return HTML
	case strings.HasPrefix(lower, "<?xml"):
		if strings.Contains(lower, "<!doctype html") || strings.Contains(lower, "<html") {
			return HTML
		}
		return XML
	case strings.HasPrefix(head, "{"), strings.HasPrefix(head, "["):
		if json.Valid([]byte(head)) {
			return JSON
		}
	case strings.HasPrefix(head, "#!"):
		return Source
	}
	return ""
}

// jsonLines reports whether every line of text is JSON, as in logs and exports.
func jsonLines(text string) bool {
	lines := 0
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if lines++; !json.Valid([]byte(line)) {
			return false
		}
	}
	return lines > 0
}

// HEIF returns the media type of a photo in the format of phones (HEIC, HEIF),
// by its first box, and "" for anything else. Models and browsers do not read
// it, so it is recognised to be told about.
func HEIF(data []byte) string {
	if len(data) < 16 || string(data[4:8]) != "ftyp" {
		return ""
	}
	size := int(binary.BigEndian.Uint32(data))
	if size < 16 || size > 1024 { // a list of some dozen brands
		return ""
	}
	box := data[8:min(size, len(data))]
	generic := false
	for i := 0; i+4 <= len(box); i += 4 {
		if i == 4 {
			continue // the version of the major brand
		}
		switch brand := box[i : i+4]; {
		case bytes.Equal(brand, []byte("avif")), bytes.Equal(brand, []byte("avis")):
			return ""
		case bytes.HasPrefix(brand, []byte("hei")), bytes.Equal(brand, []byte("hevc")), bytes.Equal(brand, []byte("hevx")):
			return "image/heic"
		case bytes.Equal(brand, []byte("mif1")), bytes.Equal(brand, []byte("msf1")):
			generic = true
		}
	}
	if generic {
		return "image/heif"
	}
	return ""
}

// RefuseHEIF returns the error that tells how to convert a photo, if data is
// one in the format of phones.
func RefuseHEIF(data []byte) error {
	if HEIF(data) == "" {
		return nil
	}
	return errHEIF(HEIF(data))
}

func errHEIF(mediaType string) *errs.Error {
	return errs.New(errs.UnsupportedType, "HEIC photos cannot be read here. Convert the photo to JPEG, or set the phone's camera to the most compatible format, and attach it again.").
		With("mediaType", mediaType)
}
