package feedback

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"time"

	"kakoi/internal/jst"
	"kakoi/internal/spreadsheet"
)

// The formats of an export.
const (
	FormatCSV   = "csv"
	FormatJSONL = "jsonl"
)

// columns of the CSV, by language.
var columns = map[string][]string{
	"ja": {"日時", "評価", "理由", "コメント", "モデル", "モデルID", "氏名", "メールアドレス", "内容の共有", "質問", "回答", "ID"},
	"en": {"Time", "Rating", "Reasons", "Comment", "Model", "Model ID", "Name", "E-mail", "Content shared", "Question", "Answer", "ID"},
}

// WriteCSV writes entries as a table that spreadsheets open: UTF-8 with a byte
// order mark, and no cell that one of them could take for a formula. The
// headings are in English for the locale en, in Japanese otherwise.
func WriteCSV(w io.Writer, entries iter.Seq2[Entry, error], locale string) error {
	heading := columns[locale]
	if heading == nil {
		heading = columns["ja"]
	}
	out, err := spreadsheet.NewWriter(w, heading)
	if err != nil {
		return err
	}
	for e, err := range entries {
		if err != nil {
			return err
		}
		err = out.Write([]string{
			e.UpdatedAt.In(jst.Zone).Format("2006-01-02 15:04:05"), string(e.Rating), joined(e.Reasons), e.Comment, e.ModelName, e.ModelID,
			e.PersonName, e.PersonEmail, fmt.Sprint(e.ShareContent), e.Question, e.Answer, e.MessageID,
		})
		if err != nil {
			return err
		}
	}
	return out.Flush()
}

// line is an entry in JSON Lines.
type line struct {
	ID           string    `json:"id"`
	Time         time.Time `json:"time"`
	Rating       Rating    `json:"rating"`
	Reasons      []Reason  `json:"reasons"`
	Comment      string    `json:"comment"`
	ModelID      string    `json:"modelId"`
	ModelName    string    `json:"modelName"`
	AccountID    string    `json:"accountId"`
	PersonName   string    `json:"personName"`
	PersonEmail  string    `json:"personEmail"`
	ShareContent bool      `json:"shareContent"`
	Question     string    `json:"question,omitempty"`
	Answer       string    `json:"answer,omitempty"`
}

// WriteJSONL writes entries as JSON, one a line.
func WriteJSONL(w io.Writer, entries iter.Seq2[Entry, error]) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for e, err := range entries {
		if err != nil {
			return err
		}
		err = out.Encode(line{
			e.MessageID, e.UpdatedAt, e.Rating, append([]Reason{}, e.Reasons...), e.Comment, e.ModelID, e.ModelName,
			e.AccountID, e.PersonName, e.PersonEmail, e.ShareContent, e.Question, e.Answer,
		})
		if err != nil {
			return fmt.Errorf("write feedback: %w", err)
		}
	}
	return nil
}
