// Package web holds the built user interface inside the binary.
package web

import (
	"embed"
	"io/fs"
)

// dist is what `npm run build` writes. On a fresh clone it holds only a
// placeholder, so that Go compiles before the interface is built.
//
//go:embed all:dist
var dist embed.FS

// words are the texts that the command line says too.
//
//go:embed src/locales/ja/doctor.json src/locales/en/doctor.json
var words embed.FS

// Words returns the texts of a namespace ("doctor") in a language ("ja", "en"),
// as the interface has them: objects of objects of texts, in which {{name}}
// stands for a value.
func Words(language, namespace string) ([]byte, error) {
	return words.ReadFile("src/locales/" + language + "/" + namespace + ".json")
}

// Files returns the built interface, rooted where the browser's "/" is, and
// whether it was built at all. Files under assets/ carry a hash of their
// content in their name and may be cached for ever; every other file may
// change with the next build. A text file may have a ".br" and a ".gz" copy
// beside it.
func Files() (files fs.FS, built bool) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, false // cannot happen: the path is a constant and embedded
	}
	_, err = fs.Stat(files, "index.html")
	return files, err == nil
}
