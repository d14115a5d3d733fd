package openai

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/errs/errstest"
)

// inOwnWords are the reasons of a code that are told in the words of the code.
var inOwnWords = map[errs.Code][]string{
	errs.ModelAccessDenied:   {"denied"},
	errs.ModelThrottled:      {"requests", "headroom"},
	errs.ModelRefused:        {"content_filter"},
	errs.ModelInput:          {"media"},
	errs.ModelNotFound:       {"model_id"},
	errs.ModelTimeout:        {"upstream", "silent", "answer"},
	errs.ModelBrokeOff:       {"answer"},
	errs.ModelInvalidRequest: {"validation"},
	errs.ModelFailed:         {"internal", "unknown", "whole"},
}

// given returns the reasons of each code that the source of this package gives:
// those of wrap(errs.X, "reason", …) and of errs.New(errs.X, …).With("reason", "reason").
func given(t *testing.T) map[errs.Code][]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[errs.Code][]string{}
	give := func(code, reason ast.Expr) {
		name, ok := code.(*ast.SelectorExpr)
		text, literal := reason.(*ast.BasicLit)
		if !ok || !literal {
			return
		}
		said, err := strconv.Unquote(text.Value)
		if err != nil {
			t.Fatal(err)
		}
		if c := errs.Code(snake(name.Sel.Name)); said != "" && !slices.Contains(found[c], said) {
			found[c] = append(found[c], said)
		}
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch f := call.Fun.(type) {
			case *ast.Ident:
				if f.Name == "wrap" {
					give(call.Args[0], call.Args[1])
				}
			case *ast.SelectorExpr:
				if key, ok := call.Args, f.Sel.Name == "With"; ok && len(key) == 2 && isText(key[0], "reason") {
					give(codeOf(f.X), key[1])
				}
			}
			return true
		})
	}
	// What transportError takes over from the gate.
	for _, step := range []egress.Step{egress.StepResolve, egress.StepConnect, egress.StepTLS, egress.StepAnswer} {
		found[errs.ModelUnreachable] = append(found[errs.ModelUnreachable], string(step))
	}
	for _, code := range []errs.Code{errs.ModelTimeout, errs.ModelBrokeOff} {
		found[code] = append(found[code], string(egress.StepAnswer))
	}
	return found
}

// codeOf goes back along errs.New(errs.X, …).With(…).With(…) to the code.
func codeOf(x ast.Expr) ast.Expr {
	call, ok := x.(*ast.CallExpr)
	if !ok {
		return nil
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	if f.Sel.Name == "With" {
		return codeOf(f.X)
	}
	return call.Args[0]
}

func isText(x ast.Expr, text string) bool {
	l, ok := x.(*ast.BasicLit)
	return ok && l.Value == strconv.Quote(text)
}

// snake is the code that a name of package errs stands for: model_failed for ModelFailed.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Every reason that this adapter gives has words of its own in both languages,
// or is told in those of its code: one of the two, by decision.
func TestEveryReasonHasItsWordsInBothLanguages(t *testing.T) {
	all := given(t)
	if !slices.Contains(all[errs.ModelFailed], "loading") || !slices.Contains(all[errs.ModelInvalidRequest], "base_url") || !slices.Contains(all[errs.ModelUnreachable], "redirect") {
		t.Fatalf("found only %v in the source", all)
	}
	for language, texts := range errstest.Locales(t) {
		for code, reasons := range all {
			for _, reason := range reasons {
				w := texts[code].Reasons[reason]
				if has, general := w.What != "" && w.Todo != "", slices.Contains(inOwnWords[code], reason); has == general {
					t.Errorf("%s (%s) in %s: has words of its own %t, told in those of its code %t", code, reason, language, has, general)
				}
			}
		}
	}
	for code, reasons := range inOwnWords {
		for _, reason := range reasons {
			if !slices.Contains(all[code], reason) {
				t.Errorf("nothing gives %s (%s)", code, reason)
			}
		}
	}
}
