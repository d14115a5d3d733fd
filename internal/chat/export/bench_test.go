package export_test

import (
	"io"
	"testing"

	"kakoi/internal/chat/export"
)

// BenchmarkExport writes a conversation of 500 messages, half of them with
// headings, lists, a table and code.
func BenchmarkExport(b *testing.B) {
	doc := sample(b)
	c := &doc.Conversations[0]
	c.LeafID = ""
	parent := "m4"
	for i := range 496 {
		m := export.Message{ID: string(rune(0x4e00 + i)), ParentID: parent, Role: export.User, At: morning, Parts: []export.Part{{Kind: export.Text, Text: essay(200)}}}
		if i%2 == 1 {
			m.Role, m.Parts[0].Text = export.Assistant, answer
		}
		parent = m.ID
		c.Messages = append(c.Messages, m)
	}
	for _, f := range formats {
		b.Run(string(f), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := export.Write(io.Discard, doc, f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
