package generate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"kakoi/internal/residency/iam"
	"kakoi/internal/residency/simulate"
)

func word(lang iam.Lang, name string, params ...string) string {
	filled := map[string]string{}
	for i := 0; i+1 < len(params); i += 2 {
		filled[params[i]] = params[i+1]
	}
	return words[name].Fill(lang, filled)
}

// Say puts the sentences of every message into o, in lang.
func (o *Output) Say(lang iam.Lang) {
	for i := range o.Documents {
		d := &o.Documents[i]
		d.Purpose.Said = text(d.Purpose, lang)
		iam.Say(d.Findings, lang)
	}
	say(o.Notes, lang)
	sayAll(lang, o.Calls, o.Refused, o.Organization.Calls)
	for i := range o.Organization.Approaches {
		a := &o.Organization.Approaches[i]
		a.Title.Said, a.Change.Said = text(a.Title, lang), text(a.Change, lang)
		say(a.Merits, lang)
		say(a.Risks, lang)
		iam.Say(a.Findings, lang)
		sayAll(lang, a.Calls, a.Opens)
	}
}

func say(list []simulate.Message, lang iam.Lang) {
	for i := range list {
		list[i].Said = text(list[i], lang)
	}
}

func sayAll(lang iam.Lang, lists ...[]Outcome) {
	for _, list := range lists {
		for i := range list {
			list[i].Reason.Said = text(list[i].Reason, lang)
			if list[i].Try != "" {
				list[i].TrySaid = phrases[list[i].Try].Fill(lang, nil)
			}
		}
	}
}

// Text is the documents and what the simulator says of them, for people to read
// in a terminal.
func (o Output) Text(lang iam.Lang) string {
	var b strings.Builder
	list(&b, word(lang, "notes"), o.Notes, func(m simulate.Message) string { return text(m, lang) })
	for _, d := range o.Documents {
		fmt.Fprintf(&b, "== %s: %s (%s, %s", word(lang, string(d.Side)), d.Name, d.Kind.Text(lang), word(lang, "account", "account", d.Account))
		if d.AttachTo != "" {
			b.WriteString(", " + word(lang, "attach", "to", d.AttachTo))
		}
		if d.Optional {
			b.WriteString(", " + word(lang, "optional"))
		}
		fmt.Fprintf(&b, ")\n%s\n%s\n", text(d.Purpose, lang), indented(d.Document))
		list(&b, word(lang, "findings"), d.Findings, func(f iam.Finding) string { return f.Text(lang) })
		b.WriteByte('\n')
	}
	line := func(o Outcome) string { return o.text(lang) }
	list(&b, word(lang, "calls"), o.Calls, line)
	list(&b, word(lang, "refused"), o.Refused, line)
	fmt.Fprintf(&b, "== %s\n%s\n", word(lang, "scp"), indented(o.Organization.SCP))
	list(&b, word(lang, "outcome"), o.Organization.Calls, line)
	for _, a := range o.Organization.Approaches {
		a.write(&b, lang)
	}
	return b.String()
}

func (a Approach) write(b *strings.Builder, lang iam.Lang) {
	fmt.Fprintf(b, "== %s\n%s: %s\n", text(a.Title, lang), word(lang, "change"), text(a.Change, lang))
	if a.SCP == nil {
		fmt.Fprintln(b, word(lang, "noscp"))
	} else {
		fmt.Fprintln(b, indented(a.SCP))
	}
	if a.Policy != nil {
		fmt.Fprintln(b, indented(a.Policy))
	}
	said := func(m simulate.Message) string { return text(m, lang) }
	list(b, word(lang, "merits"), a.Merits, said)
	list(b, word(lang, "risks"), a.Risks, said)
	list(b, word(lang, "findings"), a.Findings, func(f iam.Finding) string { return f.Text(lang) })
	list(b, word(lang, "outcome"), a.Calls, func(o Outcome) string { return o.text(lang) })
	var open []Outcome
	for _, o := range a.Opens {
		if o.Decision == simulate.Allowed {
			open = append(open, o)
		}
	}
	list(b, word(lang, "opens"), open, func(o Outcome) string { return o.text(lang) })
	if len(open) == 0 {
		fmt.Fprintf(b, "%s: %s\n\n", word(lang, "opens"), word(lang, "nothing"))
	}
}

func list[T any](b *strings.Builder, title string, items []T, text func(T) string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "%s:\n", title)
	for _, item := range items {
		fmt.Fprintf(b, "- %s\n", text(item))
	}
	b.WriteByte('\n')
}

func (o Outcome) text(lang iam.Lang) string {
	s := fmt.Sprintf("%s %s %s %s", word(lang, string(o.Decision)), o.Operation, o.ModelID, o.Region)
	if o.Try != "" {
		s += " (" + phrases[o.Try].Fill(lang, nil) + ")"
	}
	if o.Decision != simulate.Allowed {
		return s
	}
	places := strings.Join(o.Destinations, ", ")
	if o.Anywhere {
		places = word(lang, "anywhere")
	}
	s += "; " + word(lang, "processed", "regions", places)
	switch o.Resident {
	case simulate.No:
		s += "; " + word(lang, "leaves")
	case simulate.Unknown:
		s += "; " + word(lang, "unknown")
	}
	return s
}

func indented(document json.RawMessage) string {
	var b bytes.Buffer
	_ = json.Indent(&b, document, "", "  ") // it was made by us
	return b.String()
}
