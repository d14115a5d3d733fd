package simulate

import (
	"fmt"
	"strings"

	"kakoi/internal/residency/iam"
)

// words are the labels of the readable answer.
var words = map[string]iam.Phrase{
	string(Allowed): {En: "ALLOWED", Ja: "許可"},
	string(Denied):  {En: "DENIED", Ja: "拒否"},
	string(Partial): {En: "NOT ALLOWED (partial)", Ja: "不許可（一部の行き先だけ許可）"},

	"resident":      {En: "Stays in the allowed Regions", Ja: "許可リージョンの中にとどまる"},
	string(Yes):     {En: "yes", Ja: "はい"},
	string(No):      {En: "NO", Ja: "いいえ"},
	string(Unknown): {En: "not known", Ja: "わからない"},
	"destinations":  {En: "May be processed in", Ja: "処理されうる場所"},
	"anywhere":      {En: "any commercial Region", Ja: "世界のどの商用リージョンも"},
	"aws":           {En: "AWS would say", Ja: "AWS のメッセージ"},
	"checks":        {En: "Checks", Ja: "検査"},
	"by":            {En: "by", Ja: "呼び出し元"},
	"warnings":      {En: "Take note", Ja: "注意"},
	"findings":      {En: "In the policies", Ja: "ポリシーの内容について"},
	"via":           {En: "via {profile}", Ja: "経由: {profile}"},
}

func word(lang iam.Lang, name string) string { return words[name].Fill(lang, nil) }

// Say puts the sentence of every message into it, in lang.
func (o *Output) Say(lang iam.Lang) {
	o.Reason.Said = o.Reason.Text(lang)
	say(o.Warnings, lang)
	for i := range o.Checks {
		c := &o.Checks[i]
		c.Reason.Said = c.Reason.Text(lang)
		say(c.Hints, lang)
	}
	iam.Say(o.Findings, lang)
}

func say(list []Message, lang iam.Lang) {
	for i := range list {
		list[i].Said = list[i].Text(lang)
	}
}

// Text is the answer for people to read in a terminal.
func (o Output) Text(lang iam.Lang) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", word(lang, string(o.Decision)), o.Reason.Text(lang))
	o.because(&b, lang)
	fmt.Fprintf(&b, "%s: %s\n", word(lang, "resident"), word(lang, string(o.Resident)))
	places := join(o.Destinations)
	if o.Anywhere {
		places = word(lang, "anywhere")
	}
	fmt.Fprintf(&b, "%s: %s\n", word(lang, "destinations"), places)
	if o.AWSMessage != "" {
		fmt.Fprintf(&b, "%s: %s\n", word(lang, "aws"), o.AWSMessage)
	}
	section(&b, word(lang, "warnings"), o.Warnings, func(m Message) string { return m.Text(lang) })
	section(&b, word(lang, "checks"), o.Checks, func(c Check) string { return c.text(lang) })
	section(&b, word(lang, "findings"), o.Findings, func(f iam.Finding) string { return f.Text(lang) })
	return b.String()
}

// because adds the reason of the check that decided, and its hints.
func (o Output) because(b *strings.Builder, lang iam.Lang) {
	if o.DecidedBy == 0 {
		return
	}
	c := o.Checks[o.DecidedBy-1]
	fmt.Fprintf(b, "  %s\n", c.Reason.Text(lang))
	for _, h := range c.Hints {
		fmt.Fprintf(b, "  %s\n", h.Text(lang))
	}
}

func section[T any](b *strings.Builder, title string, list []T, text func(T) string) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	for _, item := range list {
		fmt.Fprintf(b, "- %s\n", text(item))
	}
}

func (c Check) text(lang iam.Lang) string {
	decision := Denied
	if c.ok() {
		decision = Allowed
	}
	s := fmt.Sprintf("%d. %s %s %s (%s)", c.Number, word(lang, string(decision)), c.Action, c.Resource, c.RequestedRegion)
	if c.InferenceProfileARN != "" {
		s += " " + words["via"].Fill(lang, map[string]string{"profile": c.InferenceProfileARN})
	}
	return fmt.Sprintf("%s\n  %s %s\n  %s", s, word(lang, "by"), c.Principal, c.Reason.Text(lang))
}
