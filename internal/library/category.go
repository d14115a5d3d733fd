package library

import "kakoi/internal/label"

// Category groups prompts in lists.
type Category struct {
	ID      string            // a name of its own, or the id of one that comes with the program
	Names   map[string]string // by language; of a person's own category the same in each
	Builtin bool
	Prompts int64 // that the reader sees, without what is archived
}

// builtinCategories come with the program, in this order.
var builtinCategories = []struct{ id, japanese, english string }{
	{"writing", "文章作成", "Writing"},
	{"summary", "要約・整理", "Summaries"},
	{"assembly", "議会", "Assembly"},
	{"residents", "住民向け", "For residents"},
	{"proofreading", "校正", "Proofreading"},
	{"translation", "翻訳", "Translation"},
	{"spreadsheet", "Excel・VBA", "Excel and VBA"},
	{"planning", "企画", "Planning"},
	{"instructions", "会話への指示", "Instructions"},
}

// categoryID returns the id of the built-in category that name is, in either
// language, or name.
func categoryID(name string) string {
	folded := label.Fold(name)
	for _, c := range builtinCategories {
		if folded == c.id || folded == label.Fold(c.japanese) || folded == label.Fold(c.english) {
			return c.id
		}
	}
	return name
}
