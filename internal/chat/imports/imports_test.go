package imports_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/chat/imports"
	"kakoi/internal/errs"
)

// outline writes a conversation as lines: who hangs below whom and says what.
func outline(c imports.Conversation) []string {
	var out []string
	for _, m := range c.Messages {
		line := fmt.Sprintf("%s<%s %s", m.ID, m.ParentID, m.Role)
		if m.ModelName != "" {
			line += " " + m.ModelName
		}
		if m.Unfinished {
			line += " unfinished"
		}
		if m.Feedback.Rating != "" {
			line += " " + string(m.Feedback.Rating)
		}
		for _, p := range m.Parts {
			switch p.Kind {
			case imports.KindFile:
				line += fmt.Sprintf(" [%s %s %s]", p.File.Name, p.File.MediaType, p.File.Missing)
			case imports.KindReasoning:
				line += fmt.Sprintf(" (%s)", p.Text)
			default:
				line += ` "` + strings.ReplaceAll(p.Text, "\n", `\n`) + `"`
			}
		}
		out = append(out, line)
	}
	return out
}

func open(t testing.TB, data []byte, limits imports.Limits) *imports.Reader {
	t.Helper()
	r, err := imports.Open(bytes.NewReader(data), int64(len(data)), limits)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read returns what a file holds, and fails if the counts do not add up.
func read(t testing.TB, data []byte, limits imports.Limits) ([]imports.Conversation, []string, imports.Report) {
	t.Helper()
	r := open(t, data, limits)
	var taken []imports.Conversation
	var problems []string
	for c, err := range r.Conversations() {
		if p := (*imports.Problem)(nil); errors.As(err, &p) {
			problems = append(problems, fmt.Sprintf("%d %s %s", p.Number, p.Title, p.Reason))
		} else if err != nil {
			problems = append(problems, "end: "+string(errs.CodeOf(err)))
		} else {
			taken = append(taken, c)
		}
	}
	reconcile(t, r.Report(), taken)
	return taken, problems, r.Report()
}

func reconcile(t testing.TB, report imports.Report, taken []imports.Conversation) {
	t.Helper()
	messages, prompts, files := 0, 0, 0
	for _, c := range taken {
		messages += len(c.Messages)
		if c.SystemPrompt != "" {
			prompts++ // may have been a message
		}
		ids := map[string]bool{"": true}
		for _, m := range c.Messages {
			if ids[m.ID] || !ids[m.ParentID] {
				t.Errorf("%s: message %q is there twice or comes before its parent %q", c.ExternalID, m.ID, m.ParentID)
			}
			ids[m.ID] = true
			if len(m.Parts) == 0 {
				t.Errorf("%s: message %q is empty", c.ExternalID, m.ID)
			}
			for _, p := range m.Parts {
				if p.Kind == imports.KindFile && p.File.Missing == "" {
					files++
					if _, err := p.File.Data(); err != nil {
						t.Errorf("%s: %v", c.ExternalID, err)
					}
				}
			}
		}
		if c.LeafID == "" || !ids[c.LeafID] {
			t.Errorf("%s: the leaf %q is no message", c.ExternalID, c.LeafID)
		}
	}
	if !report.Conversations.Reconciles() || !report.Messages.Reconciles() || !report.Attachments.Reconciles() {
		t.Errorf("the counts do not add up: %+v", report)
	}
	if report.Conversations.Taken != len(taken) || report.Attachments.Taken != files {
		t.Errorf("%d conversations and %d files came, reported are %+v", len(taken), files, report)
	}
	if got := report.Messages.Taken - report.Merged; got < messages || got > messages+prompts {
		t.Errorf("%d messages came, reported are %+v", messages, report)
	}
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func zipOf(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, data := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestChatGPT(t *testing.T) {
	taken, problems, report := read(t, zipOf(t, map[string][]byte{
		"export/conversations.json":      fixture(t, "chatgpt.json"),
		"export/user.json":               []byte(`{"id":"u"}`),
		"export/file-Ab12-table.png":     []byte("\x89PNG"),
		"export/dalle/file-Zz-other.png": []byte("\x89PNG"),
	}), imports.Limits{})
	if report.Source != imports.ChatGPT || len(taken) != 2 {
		t.Fatalf("%d conversations of %s, %v", len(taken), report.Source, problems)
	}
	c := taken[0]
	want := []string{
		`u1< user [要求書.pdf application/pdf not_in_file] [表.png image/png ] "表を読んでください 👨‍👩‍👧" [  not_in_file] "音声です"`,
		`a1<u1 assistant gpt-4o "古い回答"`,
		`a1r<u1 assistant gpt-5 "新しい回答"`,
		`u1b< user "来年度の予算案を直してください"`,
		"t1<u1b assistant gpt-5-thinking (**方針**\n\nまず歳入を見る) \"```python\\nprint(1)\\n```\" \"```\\n1\\n```\" \"歳入は三億円です。\"",
	}
	if diff := cmp.Diff(want, outline(c)); diff != "" {
		t.Error(diff)
	}
	if c.Title != "予算編成の相談 📊" || c.ExternalID != "chatgpt:c-1" || c.LeafID != "t1" || !c.Archived || !c.Pinned || c.Folder.ID != "g-p-abc" ||
		c.CreatedAt.UnixMilli() != 1756000000500 || c.UpdatedAt.UnixMilli() != 1756000400250 {
		t.Errorf("got %+v", c)
	}
	if got := taken[1]; got.Title != "" || !got.CreatedAt.IsZero() || !strings.HasPrefix(got.ExternalID, "chatgpt:sha256-") {
		t.Errorf("the one without id and times is %+v", got)
	}
	if diff := cmp.Diff([]string{"3 壊れた会話 malformed", "4 中身なし empty", "5 二重 duplicate", "6  unknown_format"}, problems); diff != "" {
		t.Error(diff)
	}
	wantMessages := imports.Counts{Seen: 20, Taken: 10, Skipped: map[imports.Reason]int{
		imports.ReasonHidden: 2, imports.ReasonRecap: 1, imports.ReasonTool: 2, imports.ReasonUnknownContent: 1, imports.ReasonMalformed: 3, imports.ReasonConversation: 1,
	}}
	if diff := cmp.Diff(wantMessages, report.Messages); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(imports.Counts{Seen: 3, Taken: 1, Skipped: map[imports.Reason]int{imports.ReasonNotInFile: 2}}, report.Attachments); diff != "" {
		t.Error(diff)
	}
}

func TestOpenWebUI(t *testing.T) {
	taken, problems, report := read(t, fixture(t, "openwebui.json"), imports.Limits{})
	if report.Source != imports.OpenWebUI || len(taken) != 2 {
		t.Fatalf("%d conversations of %s, %v", len(taken), report.Source, problems)
	}
	want := []string{
		`m1< user [ image/png ] [会議.pdf.txt text/plain ] [写真.png  not_in_file] "要約して"`,
		"m2<m1 assistant llama3:8b good (長さを<見る>\n次に) \"要約です。\"",
		`m3<m1 assistant qwen3 unfinished bad (考え) "別の要約"`,
	}
	c := taken[0]
	if diff := cmp.Diff(want, outline(c)); diff != "" {
		t.Error(diff)
	}
	if c.LeafID != "m3" || !c.Pinned || c.Folder.ID != "f-9" || strings.Join(c.Tags, " ") != "議会 急ぎ" || c.SystemPrompt != "簡潔に答える" || c.UpdatedAt.Unix() != 1700000020 {
		t.Errorf("got %+v", c)
	}
	if diff := cmp.Diff([]string{`n2< user "こんにちは"`, `n3<n2 assistant "はい"`}, outline(taken[1])); diff != "" {
		t.Error(diff)
	}
	if c := taken[1]; c.SystemPrompt != "あなたは職員です" || c.LeafID != "n3" || c.CreatedAt.Unix() != 1690000000 || len(c.Tags) != 1 {
		t.Errorf("got %+v", c)
	}
	if diff := cmp.Diff(imports.Counts{Seen: 8, Taken: 6, Skipped: map[imports.Reason]int{imports.ReasonError: 1, imports.ReasonUnknownRole: 1}}, report.Messages); diff != "" {
		t.Error(diff)
	}
	if report.Omitted[imports.ReasonToolCall] != 2 || len(problems) != 1 {
		t.Errorf("omitted %v, problems %v", report.Omitted, problems)
	}
}

func TestLibreChat(t *testing.T) {
	taken, _, report := read(t, fixture(t, "librechat.json"), imports.Limits{})
	want := []string{
		`q1< user [条例.docx application/vnd.openxmlformats-officedocument.wordprocessingml.document not_in_file] "第一条を直す"`,
		`r1<q1 assistant gpt-4o unfinished (条文を読む) "直しました"`,
		`r2<q1 assistant claude good (二つ目) "別案です" [図.png  not_in_file]`,
		`q2<r2 user "続けて"`,
	}
	if diff := cmp.Diff(want, outline(taken[0])); diff != "" {
		t.Error(diff)
	}
	if c := taken[0]; c.ExternalID != "librechat:l-1" || c.Title != "条例の 改正" || c.SystemPrompt != "法制担当として" || c.LeafID != "q2" || c.ModelName != "gpt-4o" {
		t.Errorf("got %+v", c)
	}
	if diff := cmp.Diff(imports.Counts{Seen: 6, Taken: 4, Skipped: map[imports.Reason]int{imports.ReasonError: 1, imports.ReasonDuplicate: 1}}, report.Messages); diff != "" {
		t.Error(diff)
	}

	taken, _, _ = read(t, fixture(t, "librechat-tree.json"), imports.Limits{})
	want = []string{`a< user "一"`, `b<a assistant GPT "二"`, `c<a assistant GPT "三"`, `d<c user "四"`, `e< user "五"`}
	if diff := cmp.Diff(want, outline(taken[0])); diff != "" {
		t.Error(diff)
	}

	several := "[" + string(fixture(t, "librechat.json")) + "," + string(fixture(t, "librechat-tree.json")) + "]"
	if taken, _, _ = read(t, []byte(several), imports.Limits{}); len(taken) != 2 {
		t.Errorf("a list of two gave %d", len(taken))
	}
	apart := zipOf(t, map[string][]byte{"a.json": fixture(t, "librechat.json"), "b.json": fixture(t, "librechat-tree.json"), "c.json": []byte(`{"x":1}`)})
	damaged := zipOf(t, map[string][]byte{"a.json": fixture(t, "librechat.json"), "b.json": []byte("not JSON"), "c.json": fixture(t, "librechat-tree.json")})
	if taken, problems, _ := read(t, damaged, imports.Limits{}); len(taken) != 2 || len(problems) != 1 || problems[0] != "2 b.json malformed" {
		t.Errorf("a zip with a damaged file gave %d, %v", len(taken), problems)
	}
	if taken, problems, _ := read(t, apart, imports.Limits{}); len(taken) != 2 || len(problems) != 0 {
		t.Errorf("a zip of two gave %d, %v", len(taken), problems)
	}
}

func TestGenU(t *testing.T) {
	taken, _, report := read(t, fixture(t, "genu.json"), imports.Limits{})
	want := []string{
		`m2< user [資料.pdf application/pdf not_in_file] [図.png image/png ] "起案文を書いて"`,
		`m3<m2 assistant anthropic.claude-sonnet-4 good (順に考える) "下書きです"`,
	}
	if diff := cmp.Diff(want, outline(taken[0])); diff != "" {
		t.Error(diff)
	}
	if c := taken[0]; c.ExternalID != "genu:g-1" || c.SystemPrompt != "あなたは自治体の職員です" || c.CreatedAt.UnixMilli() != 1712345670000 || c.LeafID != "m3" {
		t.Errorf("got %+v", c)
	}
	if report.Messages.Taken != 3 || report.Source != imports.GenU {
		t.Errorf("got %+v", report)
	}
}

func TestGenURecords(t *testing.T) {
	list := fixture(t, "genu-dynamodb.json")
	var lines bytes.Buffer // as the export to files has them
	for line := range strings.Lines(string(list)) {
		if line = strings.TrimSuffix(strings.TrimSpace(line), ","); strings.HasPrefix(line, `{"id"`) {
			fmt.Fprintf(&lines, "{\"Item\":%s}\n", line)
		}
	}
	for name, data := range map[string][]byte{"a scan": list, "lines": lines.Bytes()} {
		taken, problems, report := read(t, data, imports.Limits{})
		if len(taken) != 2 {
			t.Fatalf("%s: %d conversations, %v", name, len(taken), problems)
		}
		if diff := cmp.Diff([]string{`o1< user "題名のない会話"`}, outline(taken[0])); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff([]string{`n1< user "質問です"`, `n2<n1 assistant nova [x.png image/png not_in_file] "回答"`}, outline(taken[1])); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if taken[1].Title != "質問" || report.Omitted[imports.ReasonOtherRecord] != 1 || len(problems) != 1 || problems[0] != "3 空の会話 empty" {
			t.Errorf("%s: %q, %v, %v", name, taken[1].Title, report.Omitted, problems)
		}
	}
}

func TestKakoi(t *testing.T) {
	taken, _, report := read(t, fixture(t, "kakoi.json"), imports.Limits{})
	want := []string{
		`1< user [表.csv text/csv ] [空.txt text/plain ] [ない.pdf  not_in_file] "集計して"`,
		`2<1 assistant Gemma unfinished (考える) "途中"`,
		`3<1 assistant Qwen "三件です"`,
	}
	c := taken[0]
	if diff := cmp.Diff(want, outline(c)); diff != "" {
		t.Error(diff)
	}
	if c.LeafID != "3" || c.Folder.Name != "総務課" || !c.Pinned || c.SystemPrompt != "丁寧に" || c.Messages[1].StopReason != "stop" || c.CreatedAt.UnixMilli() != 1772355600123 {
		t.Errorf("got %+v", c)
	}
	if data, err := c.Messages[0].Parts[0].File.Data(); string(data) != "a,b" || err != nil {
		t.Errorf("the file holds %q, %v", data, err)
	}
	if report.Source != imports.Kakoi {
		t.Errorf("it is taken for %s", report.Source)
	}
	newer := bytes.Replace(fixture(t, "kakoi.json"), []byte("conversations/1"), []byte("conversations/2"), 1)
	if _, err := imports.Open(bytes.NewReader(newer), int64(len(newer)), imports.Limits{}); errs.CodeOf(err) != errs.UnsupportedType {
		t.Errorf("a newer version: %v", err)
	}
}

func TestReadingAgainGivesTheSame(t *testing.T) {
	for _, name := range []string{"chatgpt.json", "openwebui.json", "librechat.json", "genu.json", "genu-dynamodb.json", "kakoi.json"} {
		r := open(t, fixture(t, name), imports.Limits{})
		var first []string
		for round := range 2 {
			var ids []string
			for c := range r.Conversations() {
				ids = append(ids, c.ExternalID+" "+c.LeafID+" "+strings.Join(outline(c), "\n"))
			}
			if round == 0 {
				first = ids
			} else if diff := cmp.Diff(first, ids); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		before := r.Report()
		for range r.Conversations() {
			break // an early end is no failure
		}
		if r.Report().Conversations.Seen != 1 || before.Conversations.Seen == 0 {
			t.Errorf("%s: after one, %d are seen", name, r.Report().Conversations.Seen)
		}
	}
}

const good = `{"title":"良い","conversation_id":"%s","mapping":{"u":{"message":{"author":{"role":"user"},"content":{"content_type":"text","parts":["%s"]}},"parent":null,"children":[]}}}`

func TestOneBadConversationDoesNotStopTheRest(t *testing.T) {
	nested := strings.Repeat("[", 500) + strings.Repeat("]", 500)
	for _, tt := range []struct {
		name, file string
		limits     imports.Limits
		want       []string
		taken      int
	}{
		{"one that is not JSON inside", "[" + fmt.Sprintf(good, "1", "x") + `,{"title":"悪い","mapping":{"u":tru}},` + fmt.Sprintf(good, "2", "y") + "]", imports.Limits{}, []string{"2 悪い malformed"}, 2},
		{"one that is too deep", "[" + fmt.Sprintf(good, "1", "x") + `,{"title":"深い","mapping":` + nested + `},` + fmt.Sprintf(good, "2", "y") + "]", imports.Limits{Depth: 100}, []string{"2 深い too_deep"}, 2},
		{"one that is too large", "[" + fmt.Sprintf(good, "1", "x") + "," + fmt.Sprintf(good, "b", strings.Repeat("大", 1000)) + "," + fmt.Sprintf(good, "2", "y") + "]", imports.Limits{ConversationBytes: 1000}, []string{"2 良い too_large"}, 2},
		{"a comma too many", "[" + fmt.Sprintf(good, "1", "x") + ",]", imports.Limits{}, nil, 1},
		{"a byte order mark", "\xef\xbb\xbf[" + fmt.Sprintf(good, "1", "x") + "]", imports.Limits{}, nil, 1},
		{"one per line", fmt.Sprintf(good, "1", "x") + "\n" + fmt.Sprintf(good, "2", "y") + "\n", imports.Limits{}, nil, 2},
		{"one alone", fmt.Sprintf(good, "1", "x"), imports.Limits{}, nil, 1},
		{"a file cut off", "[" + fmt.Sprintf(good, "1", "x") + "," + fmt.Sprintf(good, "2", "y")[:60], imports.Limits{}, []string{"2 良い malformed", "end: invalid_input"}, 1},
		{"no comma between two", "[" + fmt.Sprintf(good, "1", "x") + " " + fmt.Sprintf(good, "2", "y") + "]", imports.Limits{}, []string{"end: invalid_input"}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			taken, problems, _ := read(t, []byte(tt.file), tt.limits)
			if diff := cmp.Diff(tt.want, problems); diff != "" || len(taken) != tt.taken {
				t.Errorf("%d taken, %s", len(taken), diff)
			}
		})
	}
}

func TestWhatIsNoExportIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		data []byte
		want errs.Code
	}{
		{"nothing", nil, errs.InvalidInput},
		{"an empty list", []byte("[]"), errs.InvalidInput},
		{"a list of something else", []byte(`[{"a":1},{"b":2}]`), errs.UnsupportedType},
		{"text", []byte("予算"), errs.UnsupportedType},
		{"a zip without conversations", zipOf(t, map[string][]byte{"a.txt": []byte("x"), "b.json": []byte(`{"a":1}`)}), errs.UnsupportedType},
		{"a broken zip", []byte("PK\x03\x04 and no end"), errs.InvalidInput},
		{"half of an object", []byte(`{"title":"x`), errs.InvalidInput},
	} {
		if _, err := imports.Open(bytes.NewReader(tt.data), int64(len(tt.data)), imports.Limits{}); errs.CodeOf(err) != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestABombIsNotUnpacked(t *testing.T) {
	bomb := zipOf(t, map[string][]byte{"conversations.json": append([]byte("["+fmt.Sprintf(good, "1", "x")+`,{"a":"`), bytes.Repeat([]byte("0"), 80<<20)...)})
	_, problems, _ := read(t, bomb, imports.Limits{})
	if len(problems) == 0 || problems[len(problems)-1] != "end: too_large" {
		t.Errorf("got %v", problems)
	}
	many := make(map[string][]byte)
	for i := range 40 {
		many[fmt.Sprintf("%d.json", i)] = []byte(fmt.Sprintf(good, fmt.Sprint(i), "x"))
	}
	data := zipOf(t, many)
	if _, err := imports.Open(bytes.NewReader(data), int64(len(data)), imports.Limits{ZipEntries: 30}); errs.CodeOf(err) != errs.TooLarge {
		t.Errorf("a zip of many files: %v", err)
	}
	if _, err := imports.Open(bytes.NewReader(data), int64(len(data)), imports.Limits{UnpackedBytes: 2000}); errs.CodeOf(err) != errs.TooLarge {
		t.Errorf("beyond the limit of all: %v", err)
	}
}

func TestALongConversationInADeepTree(t *testing.T) {
	const n = 3000
	var b strings.Builder
	b.WriteString(`{"conversationId":"deep","recursive":true,"messages":[`)
	for i := range n {
		fmt.Fprintf(&b, `{"messageId":"m%d","isCreatedByUser":%t,"text":"t%d","children":[`, i, i%2 == 0, i)
	}
	b.WriteString(strings.Repeat("]}", n) + "]}")
	taken, problems, _ := read(t, []byte(b.String()), imports.Limits{})
	if len(taken) != 1 || len(taken[0].Messages) != n || taken[0].LeafID != fmt.Sprintf("m%d", n-1) {
		t.Errorf("got %d conversations, %v", len(taken), problems)
	}
}

// generated is an export of any size that is nowhere: each conversation has
// the same length, so any part of the file can be told from its place.
type generated struct {
	n, each  int
	template string // of a conversation, with a comma before it
}

const turns = 40

func newGenerated(size int) generated {
	template := "," + conversation()
	return generated{size / len(template), len(template), template}
}

// number stands where the number of a conversation goes.
const number = "#########"

func conversation() string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"title":"会話 %s","conversation_id":"id-%s","create_time":1756000000,"current_node":"n%d","mapping":{`, number, number, turns-1)
	for k := range turns {
		role, parent := "user", "null"
		if k%2 == 1 {
			role = "assistant"
		}
		if k > 0 {
			parent = fmt.Sprintf(`"n%d"`, k-1)
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"n%d":{"message":{"author":{"role":%q},"content":{"content_type":"text","parts":["%s"]}},"parent":%s,"children":["n%d"]}`,
			k, role, strings.Repeat("住民からの問い合わせに答える。", 20), parent, k+1)
	}
	b.WriteString("}}")
	return b.String()
}

func (g generated) size() int64 { return int64(g.n*g.each) + 1 }

func (g generated) ReadAt(p []byte, at int64) (int, error) {
	n := 0
	for n < len(p) && at+int64(n) < g.size() {
		pos := at + int64(n)
		if pos == g.size()-1 {
			p[n] = ']'
			n++
			break
		}
		i, from := int(pos)/g.each, int(pos)%g.each
		c := g.template
		if from < 200 {
			c = strings.Replace(c, number, fmt.Sprintf("%09d", i), 2)
			if i == 0 {
				c = "[" + c[1:]
			}
		}
		n += copy(p[n:], c[from:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// peak reads the export and returns the largest heap while it did, above what
// was there before, and how many conversations came.
func peak(t testing.TB, g generated) (heap uint64, n int) {
	t.Helper()
	r, err := imports.Open(g, g.size(), imports.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	for c, err := range r.Conversations() {
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Messages) != turns {
			t.Fatalf("%s has %d messages", c.Title, len(c.Messages))
		}
		if n++; n%32 == 0 {
			runtime.ReadMemStats(&m)
			heap = max(heap, m.HeapAlloc-min(before, m.HeapAlloc))
		}
	}
	return heap, n
}

// maxHeap bounds what reading takes, whatever the size of the file.
const maxHeap = 24 << 20

func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	heap, n := peak(t, newGenerated(24<<20))
	if heap > maxHeap || n < 500 {
		t.Errorf("%d conversations took %d MB", n, heap>>20)
	}
}

func BenchmarkRead200MB(b *testing.B) {
	g := newGenerated(200 << 20)
	b.SetBytes(g.size())
	b.ReportAllocs()
	for b.Loop() {
		heap, n := peak(b, g)
		b.ReportMetric(float64(heap)/(1<<20), "peak-MB")
		b.ReportMetric(float64(n), "conversations")
		if heap > maxHeap {
			b.Fatalf("reading took %d MB", heap>>20)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"chatgpt.json", "openwebui.json", "librechat.json", "librechat-tree.json", "genu.json", "genu-dynamodb.json", "kakoi.json"} {
		f.Add(fixture(f, name))
	}
	f.Add(zipOf(f, map[string][]byte{"conversations.json": fixture(f, "chatgpt.json"), "file-Ab12.png": []byte("x")}))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := imports.Limits{ConversationBytes: 1 << 20, Depth: 200, Messages: 1000, UnpackedBytes: 4 << 20, FileBytes: 1 << 20}
		r, err := imports.Open(bytes.NewReader(data), int64(len(data)), limits)
		if err != nil {
			if errs.CodeOf(err) == errs.Internal {
				t.Fatalf("%v has no code", err)
			}
			return
		}
		var taken []imports.Conversation
		for c, err := range r.Conversations() {
			if err == nil {
				for i := range c.Messages { // a zip may be damaged where its files are
					for k := range c.Messages[i].Parts {
						if f := c.Messages[i].Parts[k].File; f.Missing == "" && bytes.HasPrefix(data, []byte("PK")) {
							return
						}
					}
				}
				taken = append(taken, c)
			}
		}
		reconcile(t, r.Report(), taken)
	})
}
