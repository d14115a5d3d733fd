package report

import (
	"html/template"
	"io"
	"strings"
	"time"

	_ "embed"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"kakoi/internal/jst"
)

//go:embed report.html
var page string

// WriteHTML writes a report as one page that a browser opens without a network,
// in Japanese or, for "en", English. It is for reading; what counts is the
// signed file.
func WriteHTML(w io.Writer, r Report, locale string) error {
	words := japanese
	if locale == "en" {
		words = english
	}
	t, err := template.New("report").Funcs(template.FuncMap{
		"t":       func(key string) string { return words[key] },
		"time":    func(at time.Time) string { return at.In(jst.Zone).Format("2006-01-02 15:04") },
		"number":  grouped,
		"purpose": func(purpose, name string) string { return purposeIn(words, purpose, name) },
		"lang":    func() string { return words["lang"] },
		"ending":  func(e End) string { return words["end."+string(e)] },
	}).Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, r)
}

// purposeIn says a purpose in words.
func purposeIn(words map[string]string, purpose, name string) string {
	kind, id, _ := strings.Cut(purpose, ":")
	if kind == "model" || kind == "check" && id != "" {
		if name == "" {
			name = words["purpose.gone"]
		}
		if kind == "model" {
			return name
		}
		return name + words["purpose.ofCheck"]
	}
	if said, ok := words["purpose."+kind]; ok {
		return said
	}
	return purpose
}

// grouped writes a number with its thousands apart, which both languages do alike.
func grouped(n int64) string { return message.NewPrinter(language.Japanese).Sprint(n) }

var japanese = map[string]string{
	"lang": "ja", "title": "外への通信の記録", "reading": "これは読むための写しです。証拠になるのは署名されたファイル（.json）で、kakoi egress verify で確かめられます。",
	"month": "対象の月", "madeAt": "作成", "incomplete": "月の途中で作成されました。この時点までの記録です。", "version": "Kakoi の版", "mode": "ネットワーク",
	"closed": "閉じている（公開アドレスへはつながない）", "open": "閉じていない", "ownRanges": "自組織の公開アドレス範囲", "publicDestinations": "公開アドレスを許した接続先",
	"none": "なし", "timezone": "時刻は日本時間です。",
	"total": "合計", "destinations": "接続先ごとの通信", "destination": "接続先", "purpose": "用途", "dials": "接続", "failures": "失敗", "refusals": "拒否",
	"sent": "送信（バイト）", "received": "受信（バイト）", "first": "最初（時台）", "last": "最後（時台）", "noDestinations": "この月の通信の記録はありません。",
	"allowed": "許可されている接続先（作成時点）", "watches": "記録していたプロセス", "node": "プロセス", "from": "開始", "to": "記録の終わり", "ending": "終わり方",
	"end.running": "稼働中", "end.orderly": "正常に終了", "end.lost": "不明（停止の記録なし）。終わりのあとの通信は記録にない可能性があります",
	"gaps": "記録のない時間", "gapsHint": "この間、記録していたプロセスがありません。Kakoi が止まっていた間は何も送られませんが、止まっていたことはこの記録からは分かりません。",
	"noGaps": "ありません。", "unwatched": "稼働時間の記録がないプロセス（この記録を始める前の版）",
	"purpose.database": "データベース", "purpose.dns": "名前の解決", "purpose.detect": "手元のモデルの確認", "purpose.check": "接続の確認（保存前）",
	"purpose.ofCheck": "（接続の確認）", "purpose.gone": "削除した接続", "purpose.(other)": "その他（接続先が多すぎるためまとめたもの）",
}

var english = map[string]string{
	"lang": "en", "title": "Record of outbound connections", "reading": "This copy is for reading. The evidence is the signed file (.json), which kakoi egress verify checks.",
	"month": "Month", "madeAt": "Made", "incomplete": "It was made before the month was over and holds the record until then.", "version": "Version of Kakoi", "mode": "Network",
	"closed": "closed (no connections to public addresses)", "open": "not closed", "ownRanges": "Public ranges of our own", "publicDestinations": "Destinations that may be public",
	"none": "none", "timezone": "Times are Japan's.",
	"total": "Total", "destinations": "By destination", "destination": "Destination", "purpose": "Purpose", "dials": "Connections", "failures": "Failed", "refusals": "Refused",
	"sent": "Bytes sent", "received": "Bytes received", "first": "First (hour)", "last": "Last (hour)", "noDestinations": "Nothing is on record for this month.",
	"allowed": "What may be reached (when this was made)", "watches": "Processes that kept the record", "node": "Process", "from": "From", "to": "Recorded until", "ending": "End",
	"end.running": "running", "end.orderly": "stopped in order", "end.lost": "unknown (no stop on record); what was sent afterwards may be missing",
	"gaps": "Times without a record", "gapsHint": "No process kept the record then. While Kakoi did not run, it sent nothing; that it did not run cannot be told from this record.",
	"noGaps": "None.", "unwatched": "Processes whose running times were not recorded (versions before this record began)",
	"purpose.database": "database", "purpose.dns": "name resolution", "purpose.detect": "looking for models on this server", "purpose.check": "test of a connection (before saving)",
	"purpose.ofCheck": " (connection test)", "purpose.gone": "a deleted connection", "purpose.(other)": "others (too many destinations to keep apart)",
}
