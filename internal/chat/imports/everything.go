package imports

import (
	"archive/zip"
	"io"
	"iter"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Everything of a person's, as Kakoi writes it, is a zip with account.json and
// prompts.json, folders as folders/001.json with the files that these name, and
// the conversations below conversations/.

// Prompt is one of a person's. What its fields may be is not looked at.
type Prompt struct {
	ID, Kind, Name, Command, Description, Category, Locale, Body string
	Archived                                                     bool
}

// WholeFolder is a folder of a person's with what goes with every turn in it.
type WholeFolder struct {
	Name, Instructions string
	Files              []File
}

// everything is what stands beside the conversations.
type everything struct {
	prompts []section
	folders []section
	files   map[string]*zip.File // those of folders, by their names below the root
}

// rootOfEverything returns the folder of a zip that everything of a person's is
// in: "", or the one that it was unpacked to and packed from again.
func rootOfEverything(files []*zip.File) (root string, ok bool) {
	for _, f := range files {
		root, found := strings.CutSuffix(f.Name, "account.json")
		if found && (root == "" || strings.HasSuffix(root, "/")) && !strings.HasPrefix(root, "__MACOSX/") &&
			slices.ContainsFunc(files, func(f *zip.File) bool { return f.Name == root+"prompts.json" }) {
			return root, true
		}
	}
	return "", false
}

func (a *everything) isConversation(f *zip.File, root string) bool {
	return path.Dir(f.Name) == root+"conversations"
}

func (a *everything) add(f *zip.File, root string, unpack func(*zip.File) (io.ReadCloser, error)) {
	name, below := strings.CutPrefix(f.Name, root)
	s := section{name, func() (io.ReadCloser, error) { return unpack(f) }}
	switch {
	case !below:
	case name == "prompts.json":
		a.prompts = append(a.prompts, s)
	case path.Dir(name) == "folders" && path.Ext(name) == ".json":
		a.folders = append(a.folders, s)
	case strings.HasPrefix(name, "folders/"):
		a.files[name] = f
	}
}

// Prompts yields the prompts of the person whose everything the export is. A
// *Problem comes for each that cannot be read; any other error is the end.
func (r *Reader) Prompts() iter.Seq2[Prompt, error] {
	return func(yield func(Prompt, error) bool) {
		if r.all == nil {
			return
		}
		each(r, r.all.prompts, yield, func(e element) (Prompt, bool) {
			var k struct {
				ID, Kind, Name, Command, Description, Category, Locale, Body str
				Archived                                                     yes
			}
			ok := object(e.raw, &k)
			return Prompt{
				string(k.ID), string(k.Kind), line(k.Name), string(k.Command), string(k.Description), string(k.Category), string(k.Locale), string(k.Body),
				bool(k.Archived),
			}, ok
		})
	}
}

// numbered is what the name of a folder's file begins with in the zip.
var numbered = regexp.MustCompile(`^\d+ `)

// Folders yields the folders of the person whose everything the export is, as
// Prompts does.
func (r *Reader) Folders() iter.Seq2[WholeFolder, error] {
	return func(yield func(WholeFolder, error) bool) {
		if r.all == nil {
			return
		}
		each(r, r.all.folders, yield, func(e element) (WholeFolder, bool) {
			var k struct {
				Name, Instructions str
				Files              list[str]
			}
			ok := object(e.raw, &k)
			f := WholeFolder{Name: line(k.Name), Instructions: string(k.Instructions)}
			for _, at := range k.Files {
				name := numbered.ReplaceAllString(path.Base(string(at)), "")
				if z := r.all.files[string(at)]; z != nil {
					f.Files = append(f.Files, r.entry(z, name, ""))
				} else {
					f.Files = append(f.Files, File{Name: name, Missing: ReasonNotInFile})
				}
			}
			return f, ok
		})
	}
}

// each reads the values of sections.
func each[T any](r *Reader, sections []section, yield func(T, error) bool, read func(element) (T, bool)) {
	r.unpacked = r.limits.UnpackedBytes
	for _, s := range sections {
		ended := false
		err := r.elements(s, func(e element) error {
			var err error
			var v T
			if e.problem != "" {
				err = &Problem{Reason: e.problem}
			} else if kept, ok := read(e); ok {
				v = kept
			} else {
				err = &Problem{Reason: ReasonMalformed}
			}
			if ended = !yield(v, err); ended {
				return errStop
			}
			return nil
		})
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		if ended {
			return
		}
	}
}
