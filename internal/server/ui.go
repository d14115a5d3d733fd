package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"kakoi/internal/errs"
)

// ui serves the built interface: its files as they are, and its start page for
// every other address, which the interface itself understands.
type ui struct {
	files fs.FS
	etags map[string]string // of files whose names do not tell their content
	types map[string]string
	// refuse answers with a problem; operation names what was asked for in the log.
	refuse func(w http.ResponseWriter, r *http.Request, operation string, err error)
}

// mediaTypes are ours, so that the machine's own table does not matter.
var mediaTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml", ".json": "application/json", ".woff2": "font/woff2", ".png": "image/png", ".ico": "image/x-icon",
	".webmanifest": "application/manifest+json", ".txt": "text/plain; charset=utf-8", ".map": "application/json",
}

func newUI(files fs.FS, refuse func(http.ResponseWriter, *http.Request, string, error)) (*ui, error) {
	u := &ui{files: files, etags: map[string]string{}, types: mediaTypes, refuse: refuse}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || hashed(name) {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		u.etags[name] = hex.EncodeToString(sum[:12])
		return nil
	})
	return u, err
}

// hashed reports whether a file's name tells its content.
func hashed(name string) bool { return strings.HasPrefix(name, "assets/") }

func (u *ui) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		u.refuse(w, r, "page", errs.New(errs.WrongMethod, "This address can only be read."))
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if name == "" || !u.has(name) || strings.HasPrefix(path.Base(name), ".") {
		if name != "" && strings.Contains(path.Base(name), ".") || hashed(name) { // path.Base("") is "."
			u.missing(w, r)
			return
		}
		name = "index.html"
	}
	u.serve(w, r, name)
}

func (u *ui) has(name string) bool {
	info, err := fs.Stat(u.files, name)
	return err == nil && !info.IsDir()
}

func (u *ui) missing(w http.ResponseWriter, r *http.Request) {
	u.refuse(w, r, "page", errs.New(errs.NotFound, "There is no such file."))
}

// serve sends a file in the smallest form that the browser takes.
func (u *ui) serve(w http.ResponseWriter, r *http.Request, name string) {
	h := w.Header()
	form, suffix := "", ""
	accepted := r.Header.Get("Accept-Encoding")
	for _, f := range []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if accepts(accepted, f.name) && u.has(name+f.suffix) {
			form, suffix = f.name, f.suffix
			break
		}
	}
	file, err := u.files.Open(name + suffix)
	if err != nil {
		u.missing(w, r)
		return
	}
	defer func() { _ = file.Close() }() // of the embedded ones there is nothing to close
	content, ok := file.(io.ReadSeeker)
	if !ok { // not embedded: a test's
		all, err := io.ReadAll(file)
		if err != nil {
			u.missing(w, r)
			return
		}
		content = bytes.NewReader(all)
	}
	if kind := u.types[path.Ext(name)]; kind != "" {
		h.Set("Content-Type", kind)
	} else if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		h.Set("Content-Type", kind)
	}
	h.Add("Vary", "Accept-Encoding")
	if form != "" {
		h.Set("Content-Encoding", form)
	}
	if hashed(name) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", `"`+u.etags[name]+named(form != "", "-"+form, "")+`"`)
	}
	http.ServeContent(w, r, name, time.Time{}, content)
}

// accepts reports whether an Accept-Encoding header takes a form.
func accepts(header, form string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), form) {
			q := strings.ReplaceAll(strings.TrimSpace(weight), " ", "")
			return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
		}
	}
	return false
}

const notBuilt = `<!doctype html>
<html lang="ja"><meta charset="utf-8"><title>Kakoi</title>
<h1>画面が組み込まれていません</h1><p>このプログラムには画面が入っていません。<code>make build</code> で作り直してください。API は使えます。</p>
<h1 lang="en">The interface is missing</h1><p lang="en">This program was built without its interface. Build it again with <code>make build</code>. The API works.</p>
</html>
`

// missingUI says what to do when the interface was not built in.
func missingUI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, notBuilt)
}
