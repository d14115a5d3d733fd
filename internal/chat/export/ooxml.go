package export

import (
	"archive/zip"
	"bufio"
	"io"
	"strings"
	"time"
)

// OOXML, as little of it as we write: a zip of XML parts (ECMA-376). The
// libraries for Word that exist in Go have no footnotes or numbering, or a
// licence that we may not take.

// packageWriter writes the parts of a document one after another.
type packageWriter struct {
	zip *zip.Writer
	at  time.Time
}

// add begins a part and writes it.
func (p *packageWriter) add(name string, write func(*xmlWriter)) error {
	w, err := p.create(name)
	if err != nil {
		return err
	}
	x := &xmlWriter{out: bufio.NewWriter(w)}
	x.raw(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n")
	write(x)
	return x.out.Flush()
}

func (p *packageWriter) create(name string) (io.Writer, error) {
	return p.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: p.at})
}

// xmlWriter writes elements; text and values are always escaped. The first error
// stays in the bufio.Writer and comes out of Flush.
type xmlWriter struct {
	out  *bufio.Writer
	open []string
}

func (x *xmlWriter) raw(s string) { _, _ = x.out.WriteString(s) }

// start opens an element; attributes are names and values in turn, and those
// with no value are left out.
func (x *xmlWriter) start(name string, attributes ...string) {
	x.head(name, attributes)
	x.raw(">")
	x.open = append(x.open, name)
}

// empty writes an element with nothing in it.
func (x *xmlWriter) empty(name string, attributes ...string) {
	x.head(name, attributes)
	x.raw("/>")
}

func (x *xmlWriter) head(name string, attributes []string) {
	x.raw("<" + name)
	for i := 0; i+1 < len(attributes); i += 2 {
		if attributes[i+1] != "" {
			x.raw(" " + attributes[i] + `="` + escAttribute(attributes[i+1]) + `"`)
		}
	}
}

// end closes the n innermost elements.
func (x *xmlWriter) end(n int) {
	for range n {
		last := len(x.open) - 1
		x.raw("</" + x.open[last] + ">")
		x.open = x.open[:last]
	}
}

func (x *xmlWriter) text(s string) { x.raw(esc(s)) }

func escAttribute(s string) string {
	return lineEnds.Replace(esc(s))
}

var lineEnds = strings.NewReplacer("\n", "&#10;", "\t", "&#9;")

// content declares the parts: [Content_Types].xml.
func contentTypes(x *xmlWriter, parts [][2]string) {
	x.start("Types", "xmlns", "http://schemas.openxmlformats.org/package/2006/content-types")
	for _, d := range [][2]string{
		{"rels", "application/vnd.openxmlformats-package.relationships+xml"}, {"xml", "application/xml"},
		{"png", "image/png"}, {"jpeg", "image/jpeg"}, {"gif", "image/gif"},
	} {
		x.empty("Default", "Extension", d[0], "ContentType", d[1])
	}
	for _, p := range parts {
		x.empty("Override", "PartName", p[0], "ContentType", p[1])
	}
	x.end(1)
}

// relation is an arrow from one part to another or to an address.
type relation struct{ id, kind, target, mode string }

const (
	relOffice  = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	relPackage = "http://schemas.openxmlformats.org/package/2006/relationships"
	nsDrawing  = "http://schemas.openxmlformats.org/drawingml/2006"
)

func relations(x *xmlWriter, list []relation) {
	x.start("Relationships", "xmlns", relPackage)
	for _, r := range list {
		kind := r.kind
		if !strings.Contains(kind, "://") {
			kind = relOffice + "/" + kind
		}
		x.empty("Relationship", "Id", r.id, "Type", kind, "Target", r.target, "TargetMode", r.mode)
	}
	x.end(1)
}

// coreProperties say what the document is: docProps/core.xml.
func coreProperties(x *xmlWriter, title, lang string, at time.Time) {
	x.start("cp:coreProperties",
		"xmlns:cp", "http://schemas.openxmlformats.org/package/2006/metadata/core-properties",
		"xmlns:dc", "http://purl.org/dc/elements/1.1/", "xmlns:dcterms", "http://purl.org/dc/terms/",
		"xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
	for _, e := range [][2]string{{"dc:title", title}, {"dc:creator", "Kakoi"}, {"dc:language", lang}} {
		x.start(e[0])
		x.text(e[1])
		x.end(1)
	}
	if !at.IsZero() {
		x.start("dcterms:created", "xsi:type", "dcterms:W3CDTF")
		x.text(at.UTC().Format("2006-01-02T15:04:05Z"))
		x.end(1)
	}
	x.end(1)
}

const coreRelation = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
