package export

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"kakoi/internal/jst"
)

// words are what a file says by itself, in one language.
type words struct {
	Locale        Locale
	Lang          string // for documents: ja-JP
	Conversations string
	Untitled      string
	User          string
	Assistant     string
	System        string
	SystemPrompt  string
	Speaker       string
	At            string
	Model         string
	Begun         string
	Exported      string
	Reasoning     string
	File          string
	Gone          string // of a file
	Image         string
	Notes         string
	Table         string
	Page          string
	Stopped       string
	Failed        string
	Interrupted   string
	Done, Open    string // of a task
	colon         string
	era           bool
}

func (d Document) words() words {
	if d.Locale == English {
		return words{
			Locale: English, Lang: "en-US", Conversations: "Conversations", Untitled: "Untitled conversation",
			User: "Member", Assistant: "Model", System: "System", SystemPrompt: "Instructions to the model",
			Speaker: "Speaker", At: "Time", Model: "Model", Begun: "Begun", Exported: "Exported",
			Reasoning: "Reasoning", File: "File", Gone: "content not included", Image: "Image", Notes: "Notes",
			Table: "Table", Page: "Page",
			Stopped: "This answer was stopped.", Failed: "This answer failed.", Interrupted: "This answer was interrupted.",
			Done: "done", Open: "open", colon: ": ",
		}
	}
	return words{
		Locale: Japanese, Lang: "ja-JP", Conversations: "会話", Untitled: "無題の会話",
		User: "利用者", Assistant: "モデル", System: "システム", SystemPrompt: "モデルへの指示",
		Speaker: "発言者", At: "日時", Model: "モデル", Begun: "開始", Exported: "書き出し",
		Reasoning: "考えた過程", File: "ファイル", Gone: "中身は含まれていません", Image: "画像", Notes: "注",
		Table: "表", Page: "ページ",
		Stopped: "この回答は途中で止められました。", Failed: "この回答は失敗しました。", Interrupted: "この回答は途中で途切れました。",
		Done: "済", Open: "未", colon: "：", era: d.Era,
	}
}

func (w words) titleOf(c Conversation) string {
	if t := oneLine(c.Title); t != "" {
		return t
	}
	return w.Untitled
}

// speaker is the name over a message.
func (w words) speaker(d Document, c Conversation, m Message) string {
	name := ""
	switch m.Role {
	case User:
		if name = oneLine(d.Author); name == "" {
			name = w.User
		}
	case Assistant:
		if name = oneLine(m.ModelName); name == "" {
			name = oneLine(c.ModelName)
		}
		if name == "" {
			name = w.Assistant
		}
	case System:
		name = w.System
	default:
		if name = oneLine(string(m.Role)); name == "" {
			name = w.Assistant
		}
	}
	return name
}

// ending says why an answer is not whole; empty if it is.
func (w words) ending(m Message) string {
	switch m.Status {
	case "stopped":
		return w.Stopped
	case "failed":
		return w.Failed
	case "interrupted":
		return w.Interrupted
	}
	return ""
}

// fact is a label with its value.
type fact struct{ Label, Value string }

// facts of a conversation that stand under its title.
func (w words) facts(d Document, c Conversation) []fact {
	var list []fact
	add := func(label, value string) {
		if value != "" {
			list = append(list, fact{label, value})
		}
	}
	add(w.Model, oneLine(c.ModelName))
	add(w.Begun, w.time(c.CreatedAt))
	add(w.Exported, w.time(d.ExportedAt))
	return list
}

var weekdays = [...]string{"日", "月", "火", "水", "木", "金", "土"}

// time is a moment in words: 2026年11月22日(日) 14:05. Empty for the zero time.
func (w words) time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(jst.Zone)
	if w.Locale == English {
		return t.Format("Mon, 2 January 2006 15:04") + " JST"
	}
	year := fmt.Sprintf("%d年", t.Year())
	if w.era {
		if y := eraYear(t); y != "" {
			year = y
		}
	}
	return fmt.Sprintf("%s%d月%d日(%s) %s", year, int(t.Month()), t.Day(), weekdays[t.Weekday()], t.Format("15:04"))
}

// eras, the latest first, by their first day.
var eras = []struct {
	name       string
	year       int
	month, day int
}{{"令和", 2019, 5, 1}, {"平成", 1989, 1, 8}, {"昭和", 1926, 12, 25}}

func eraYear(t time.Time) string {
	for _, e := range eras {
		if !t.Before(time.Date(e.year, time.Month(e.month), e.day, 0, 0, 0, 0, jst.Zone)) {
			if n := t.Year() - e.year + 1; n > 1 {
				return fmt.Sprintf("%s%d年", e.name, n)
			}
			return e.name + "元年"
		}
	}
	return ""
}

// oneLine is s for a place that has one line: a title, a name.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) && r != '\u3000' || unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.TrimSpace(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " "))
}
