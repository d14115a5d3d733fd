package model

import (
	"context"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"kakoi/internal/errs"
)

// making is a provider that does what its functions do.
type making struct {
	streamFunc
	embed  func(ctx context.Context, e Embedding) iter.Seq2[Vectors, error]
	rerank func(ctx context.Context, r Reranking) (Ranking, error)
	draw   func(ctx context.Context, r ImageRequest) (Images, error)
	guard  func(ctx context.Context, g Guarding) (Verdict, error)
	count  func(ctx context.Context, r Request) (int, error)
}

func (m making) Embed(ctx context.Context, e Embedding) iter.Seq2[Vectors, error] {
	return m.embed(ctx, e)
}

func (m making) Rerank(ctx context.Context, r Reranking) (Ranking, error) { return m.rerank(ctx, r) }

func (m making) Draw(ctx context.Context, r ImageRequest) (Images, error) { return m.draw(ctx, r) }

func (m making) Guard(ctx context.Context, g Guarding) (Verdict, error) { return m.guard(ctx, g) }

func (m making) CountTokens(ctx context.Context, r Request) (int, error) { return m.count(ctx, r) }

// addMaker puts a model of another task than chat on the shelf.
func (b *bench) addMaker(m Model, p making) {
	b.add(m, nil)
	b.shelf.providers["c-"+m.ID] = p
}

// lengths embeds each text as its length, one in a batch, and counts a token
// for each.
func lengths(_ context.Context, e Embedding) iter.Seq2[Vectors, error] {
	return func(yield func(Vectors, error) bool) {
		for _, t := range e.Texts {
			if !yield(Vectors{Vectors: [][]float32{{float32(len(t))}}, Usage: Usage{InputTokens: 1}}, nil) {
				return
			}
		}
	}
}

func TestAnEmbeddingTakesEveryStepInOrder(t *testing.T) {
	b := newBench()
	b.addMaker(Model{ID: "vec", Task: TaskEmbedding}, making{embed: func(ctx context.Context, e Embedding) iter.Seq2[Vectors, error] {
		b.steps.note("out %s %q %s %d", e.Model, e.Texts, e.Purpose, e.Dimensions)
		return lengths(ctx, e)
	}})
	got, err := b.Embed(person(t.Context()), EmbedCall{ModelID: "vec", Feature: "index", Texts: []string{"山田さん", "です"}, Purpose: PurposeDocument, Dimensions: 1, RunID: "r"})
	if err != nil || len(got.Vectors) != 2 || got.Vectors[1][0] != 6 || got.Usage.InputTokens != 2 || got.Cost.Micros != 2 || got.Model.ModelID != "vec" {
		t.Fatalf("%+v, %v", got, err)
	}
	want := []string{"mask", "place vec.example", "reserve vec", `out remote-vec ["<NAME>さん" "です"] document 1`, "settle"}
	if !slices.Equal(b.steps.log, want) {
		t.Errorf("steps = %q, want %q", b.steps.log, want)
	}
	if r := b.last(t); r.Operation != "embedding" || r.Outcome != OutcomeComplete || r.Usage.InputTokens != 2 || r.Feature != "index" || r.RunID != "r" || r.AccountID != "account" || r.Place != "vec.example" {
		t.Errorf("record = %+v", r)
	}
	if s := b.steps.settled; len(s) != 1 || s[0].Tokens != 2 {
		t.Errorf("settled %+v", s)
	}
	if strings.Contains(b.log.String(), "山田") {
		t.Errorf("the log says what was embedded: %s", b.log)
	}
}

func TestAnEmbeddingThatIsTriedAgainGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		var sent [][]string
		b.addMaker(Model{ID: "vec", Task: TaskEmbedding}, making{embed: func(ctx context.Context, e Embedding) iter.Seq2[Vectors, error] {
			sent = append(sent, e.Texts)
			if len(sent) == 3 {
				return lengths(ctx, e)
			}
			return func(yield func(Vectors, error) bool) {
				_ = yield(Vectors{Vectors: [][]float32{{1}}, Usage: Usage{InputTokens: 10}}, nil) && yield(Vectors{}, errs.New(errs.ModelThrottled, "busy"))
			}
		}})
		got, err := b.Embed(person(t.Context()), EmbedCall{ModelID: "vec", Feature: "index", Texts: []string{"a", "bb", "ccc"}, Purpose: PurposeQuery})
		if err != nil || len(got.Vectors) != 3 || got.Vectors[2][0] != 3 || got.Usage.InputTokens != 21 {
			t.Fatalf("%+v, %v", got, err)
		}
		if len(sent) != 3 || len(sent[1]) != 2 || len(sent[2]) != 1 {
			t.Errorf("sent %q", sent)
		}
		if r := b.last(t); r.Attempts != 3 || r.Usage.InputTokens != 21 {
			t.Errorf("record = %+v", r)
		}
	})
}

func TestWhatWasEmbeddedBeforeAFailureStandsAndCounts(t *testing.T) {
	b := newBench()
	b.addMaker(Model{ID: "vec", Task: TaskEmbedding}, making{embed: func(context.Context, Embedding) iter.Seq2[Vectors, error] {
		return func(yield func(Vectors, error) bool) {
			_ = yield(Vectors{Vectors: [][]float32{{1}}, Usage: Usage{InputTokens: 10}}, nil) && yield(Vectors{}, errs.New(errs.ModelAccessDenied, "no"))
		}
	}})
	got, err := b.Embed(person(t.Context()), EmbedCall{ModelID: "vec", Feature: "index", Texts: []string{"a", "b"}, Purpose: PurposeQuery})
	if errs.CodeOf(err) != errs.ModelAccessDenied || len(got.Vectors) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if r := b.last(t); r.Usage.InputTokens != 10 || r.Outcome != Outcome(errs.ModelAccessDenied) || b.steps.settled[0].Tokens != 10 {
		t.Errorf("record = %+v, settled %+v", r, b.steps.settled)
	}
}

func TestVectorsAreNeverMixed(t *testing.T) {
	away := making{embed: func(context.Context, Embedding) iter.Seq2[Vectors, error] {
		return func(yield func(Vectors, error) bool) {
			_ = yield(Vectors{Vectors: [][]float32{{1}}}, nil) && yield(Vectors{}, errs.New(errs.ModelNotFound, "gone"))
		}
	}}
	call := EmbedCall{ModelID: "vec", Feature: "index", Texts: []string{"a", "b"}, Purpose: PurposeQuery}
	for _, tt := range []struct {
		name   string
		remote string
		code   errs.Code
	}{
		{"another model does not stand in", "remote-other", errs.ModelNotFound},
		{"the same model elsewhere does", "remote-vec", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench()
			b.addMaker(Model{ID: "vec", Task: TaskEmbedding, FallbackID: "other"}, away)
			b.addMaker(Model{ID: "other", Task: TaskEmbedding}, making{embed: lengths})
			other := b.shelf.targets["other"]
			other.model.RemoteID = tt.remote
			b.shelf.targets["other"] = other
			got, err := b.Embed(person(t.Context()), call)
			if errs.CodeOf(err) != tt.code && err != nil || err == nil && (len(got.Vectors) != 2 || got.Model.ModelID != "other" || !got.Model.Fallback) {
				t.Errorf("%+v, %v; want %s", got, err, tt.code)
			}
		})
	}
	for name, vectors := range map[string][][]float32{
		"none": {}, "too many": {{1}, {2}, {3}}, "of two lengths": {{1}, {1, 2}}, "empty": {{}, {}}, "too few": {{1}},
	} {
		synctest.Test(t, func(t *testing.T) { // what is wrong is tried again
			b := newBench()
			b.addMaker(Model{ID: "vec", Task: TaskEmbedding}, making{embed: func(_ context.Context, e Embedding) iter.Seq2[Vectors, error] {
				return func(yield func(Vectors, error) bool) {
					if len(e.Texts) == 2 {
						yield(Vectors{Vectors: vectors}, nil)
					}
				}
			}})
			if got, err := b.Embed(person(t.Context()), call); errs.CodeOf(err) != errs.ModelFailed {
				t.Errorf("vectors that are %s: %+v, %v", name, got, err)
			}
		})
	}
}

func TestAnEmbeddingIsRefusedLikeEveryCall(t *testing.T) {
	good := EmbedCall{ModelID: "vec", Feature: "index", Texts: []string{"a"}, Purpose: PurposeDocument}
	for _, tt := range []struct {
		name string
		ctx  context.Context
		set  func(b *bench)
		call func(c *EmbedCall)
		code errs.Code
	}{
		{"nobody", t.Context(), nil, nil, errs.Unauthenticated},
		{"a model to talk with", nil, nil, func(c *EmbedCall) { c.ModelID = "chat" }, errs.ModelUnavailable},
		{"a model that is not for this person", nil, nil, func(c *EmbedCall) { c.ModelID = "gone" }, errs.ModelUnavailable},
		{"a place that is not permitted", nil, func(b *bench) { b.steps.denied["vec.example"] = true }, nil, errs.ResidencyDenied},
		{"a budget that is used up", nil, func(b *bench) { b.steps.spent = true }, nil, errs.ResourceExceeded},
		{"a provider that cannot", nil, func(b *bench) { b.shelf.providers["c-vec"] = says("I talk") }, nil, errs.ModelInput},
		{"no text", nil, nil, func(c *EmbedCall) { c.Texts = nil }, errs.InvalidInput},
		{"an empty text", nil, nil, func(c *EmbedCall) { c.Texts = []string{"a", " \n"} }, errs.InvalidInput},
		{"too many texts", nil, nil, func(c *EmbedCall) { c.Texts = slices.Repeat([]string{"a"}, maxEmbedTexts+1) }, errs.InvalidInput},
		{"no purpose", nil, nil, func(c *EmbedCall) { c.Purpose = "" }, errs.InvalidInput},
		{"dimensions that are none", nil, nil, func(c *EmbedCall) { c.Dimensions = -1 }, errs.InvalidInput},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench()
			sent := 0
			b.addMaker(Model{ID: "vec", Task: TaskEmbedding}, making{embed: func(ctx context.Context, e Embedding) iter.Seq2[Vectors, error] {
				sent++
				return lengths(ctx, e)
			}})
			b.add(Model{ID: "chat"}, says("hello"))
			if tt.set != nil {
				tt.set(b)
			}
			c, ctx := good, tt.ctx
			if tt.call != nil {
				tt.call(&c)
			}
			if ctx == nil {
				ctx = person(t.Context())
			}
			if _, err := b.Embed(ctx, c); errs.CodeOf(err) != tt.code || sent != 0 {
				t.Errorf("err = %v, want %s; sent %d", err, tt.code, sent)
			}
		})
	}
}

func TestAnOrderOfDocumentsTakesEveryStep(t *testing.T) {
	b := newBench()
	b.addMaker(Model{ID: "order", Task: TaskRerank}, making{rerank: func(_ context.Context, r Reranking) (Ranking, error) {
		b.steps.note("out %s %q %q %d", r.Model, r.Query, r.Documents, r.Top)
		return Ranking{Ranked: []Ranked{{0, .1}, {1, .9}, {2, .5}}, Usage: Usage{InputTokens: 5}, Searches: 3}, nil // in no order, and more than asked for
	}})
	got, err := b.Rerank(person(t.Context()), RerankCall{ModelID: "order", Feature: "search", Query: "山田", Documents: []string{"a", "山田", "c"}, Top: 2})
	if err != nil || !slices.Equal(got.Ranked, []Ranked{{1, .9}, {2, .5}}) || got.Model.ModelID != "order" {
		t.Fatalf("%+v, %v", got, err)
	}
	want := []string{"mask", "place order.example", "reserve order", `out remote-order "<NAME>" ["a" "<NAME>" "c"] 2`, "settle"}
	if !slices.Equal(b.steps.log, want) {
		t.Errorf("steps = %q, want %q", b.steps.log, want)
	}
	if r := b.last(t); r.Operation != "rerank" || r.Units != 3 || r.Usage.InputTokens != 5 || b.steps.settled[0].Units != 3 {
		t.Errorf("record = %+v, settled %+v", r, b.steps.settled)
	}
}

func TestAnOrderThatIsNoneIsRefused(t *testing.T) {
	for name, ranked := range map[string][]Ranked{
		"one of them twice": {{0, 1}, {0, 1}}, "one that was not given": {{0, 1}, {2, 1}}, "below nought": {{-1, 1}, {0, 1}},
		"one is missing": {{0, 1}}, "no number": {{0, 1}, {1, math.NaN()}},
	} {
		synctest.Test(t, func(t *testing.T) { // what is wrong is tried again
			b := newBench()
			b.addMaker(Model{ID: "order", Task: TaskRerank}, making{rerank: func(context.Context, Reranking) (Ranking, error) {
				return Ranking{Ranked: ranked}, nil
			}})
			if got, err := b.Rerank(person(t.Context()), RerankCall{ModelID: "order", Feature: "search", Query: "q", Documents: []string{"a", "b"}}); errs.CodeOf(err) != errs.ModelFailed {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		})
	}
	for name, c := range map[string]RerankCall{
		"no query": {Documents: []string{"a"}}, "no document": {Query: "a"}, "an empty one": {Query: "a", Documents: []string{" "}},
		"too many": {Query: "a", Documents: slices.Repeat([]string{"a"}, 1001)}, "fewer than none": {Query: "a", Documents: []string{"a"}, Top: -1},
	} {
		if _, err := newBench().Rerank(person(t.Context()), c); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestADrawingTakesEveryStep(t *testing.T) {
	b := newBench()
	b.addMaker(Model{ID: "brush", Task: TaskImage}, making{draw: func(_ context.Context, r ImageRequest) (Images, error) {
		b.steps.note("out %s %q %q %q %q %q %d", r.Model, r.Picture.Prompt, r.Picture.Negative, r.Picture.MaskPrompt, r.Picture.Image.Data, r.Picture.Drawing, r.Picture.Count)
		return Images{Images: []Media{{Data: []byte("png")}}, Withheld: 1}, nil
	}})
	got, err := b.Image(person(t.Context()), ImageCall{ModelID: "brush", Feature: "image", Picture: Picture{
		Drawing: DrawInside, Prompt: "山田さん", MaskPrompt: "山田", Image: &Media{MediaType: "image/png", Data: []byte("photo")}, Count: 2,
	}})
	if err != nil || len(got.Images) != 1 || got.Withheld != 1 || got.Model.ModelID != "brush" {
		t.Fatalf("%+v, %v", got, err)
	}
	want := []string{"mask", "place brush.example", "reserve brush", `out remote-brush "<NAME>さん" "" "<NAME>" "photo" "inpaint" 2`, "settle"}
	if !slices.Equal(b.steps.log, want) {
		t.Errorf("steps = %q, want %q", b.steps.log, want)
	}
	if r := b.last(t); r.Operation != "image" || r.Units != 2 || r.Usage != (Usage{}) || b.steps.settled[0].Units != 2 {
		t.Errorf("record = %+v, settled %+v", r, b.steps.settled)
	}
	if details := b.usage.pending[0].details; details["operation"] != "image" || details["units"] != "2" {
		t.Errorf("audit = %v", details)
	}
}

func TestAPictureThatMakesNoSenseIsRefused(t *testing.T) {
	photo := &Media{MediaType: "image/png", Data: []byte("x")}
	for field, p := range map[string]Picture{
		"drawing": {Prompt: "a"}, "prompt": {Drawing: DrawNew}, "image": {Drawing: DrawNew, Prompt: "a", Image: photo},
		"mask": {Drawing: DrawInside, Image: photo}, "count": {Drawing: DrawNew, Prompt: "a", Count: 6}, "width": {Drawing: DrawNew, Prompt: "a", Width: 10},
		"seed": {Drawing: DrawNew, Prompt: "a", Seed: new(int64(-1))}, "likeness": {Drawing: DrawVariation, Image: photo, Likeness: new(math.NaN())},
		"guidance": {Drawing: DrawNew, Prompt: "a", Guidance: new(31.0)},
	} {
		_, err := newBench().Image(person(t.Context()), ImageCall{ModelID: "m", Picture: p})
		wantCode(t, field, err, errs.InvalidInput, field)
	}
	for _, p := range []Picture{
		{Drawing: DrawVariation}, {Drawing: DrawVariation, Image: &Media{MediaType: "image/gif", Data: []byte("x")}}, {Drawing: DrawVariation, Image: &Media{MediaType: "image/png"}},
		{Drawing: DrawNoBackground, Image: photo, MaskPrompt: "a"}, {Drawing: DrawAround, Prompt: "a", Image: photo, Mask: photo, MaskPrompt: "a"},
	} {
		if _, err := newBench().Image(person(t.Context()), ImageCall{ModelID: "m", Picture: p}); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestAVerdictTakesEveryStep(t *testing.T) {
	b := newBench()
	verdict := Verdict{Intervened: true, Text: "<NAME>さん、{EMAIL}", Findings: []Finding{{Policy: "personal", Name: "email", Masked: true}}, Units: 4}
	b.addMaker(Model{ID: "rail", Task: TaskGuardrail}, making{guard: func(_ context.Context, g Guarding) (Verdict, error) {
		b.steps.note("out %s %s %q %q %q", g.Guardrail, g.Side, g.Text, g.Source, g.Query)
		return verdict, nil
	}})
	call := GuardCall{ModelID: "rail", Feature: "chat", Side: SideOutput, Text: "山田さん、a@b.jp", Source: "山田", Query: "?"}
	got, err := b.Guard(person(t.Context()), call)
	if err != nil || !got.Intervened || got.Text != "山田さん、{EMAIL}" || len(got.Findings) != 1 || got.Guardrail.ModelID != "rail" {
		t.Fatalf("%+v, %v", got, err)
	}
	want := []string{"mask", "place rail.example", "reserve rail", `out remote-rail output "<NAME>さん、a@b.jp" "<NAME>" "?"`, "settle"}
	if !slices.Equal(b.steps.log, want) {
		t.Errorf("steps = %q, want %q", b.steps.log, want)
	}
	if r := b.last(t); r.Operation != "guardrail" || r.Units != 4 || r.Outcome != OutcomeComplete || r.Usage != (Usage{}) {
		t.Errorf("record = %+v", r)
	}
	if strings.Contains(b.log.String(), "山田") {
		t.Errorf("the log says what was judged: %s", b.log)
	}
	verdict = Verdict{Units: 1}
	if got, err := b.Guard(person(t.Context()), call); err != nil || got.Intervened || got.Text != "" {
		t.Errorf("with nothing against it: %+v, %v", got, err)
	}
	for field, c := range map[string]GuardCall{"text": {Side: SideInput, Text: " "}, "side": {Text: "a"}} {
		_, err := b.Guard(person(t.Context()), c)
		wantCode(t, field, err, errs.InvalidInput, field)
	}
}

func TestWhatCannotBeCountedIsEstimated(t *testing.T) {
	call := Call{ModelID: "m", Feature: "chat", Messages: question("予算の説明")}
	for name, tt := range map[string]struct {
		provider Provider
		want     TokenCount
	}{
		"a provider that counts": {making{count: func(_ context.Context, r Request) (int, error) { return len(r.Messages) + 41, nil }}, TokenCount{Tokens: 42}},
		"one that cannot":        {says("I talk"), TokenCount{Tokens: estimateInput(Request{Messages: call.Messages}), Estimated: true}},
		"one that fails": {making{count: func(context.Context, Request) (int, error) { return 0, errs.New(errs.ModelAccessDenied, "no") }},
			TokenCount{Tokens: estimateInput(Request{Messages: call.Messages}), Estimated: true}},
	} {
		b := newBench()
		b.add(Model{ID: "m"}, nil)
		b.shelf.providers["c-m"] = tt.provider
		if got, err := b.CountTokens(person(t.Context()), call); err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, tt.want)
		}
		if r := b.last(t); r.Operation != "count_tokens" || r.Usage != (Usage{}) || r.Outcome != OutcomeComplete {
			t.Errorf("%s: record %+v", name, r)
		}
	}
}

func TestTheNameTellsEveryTask(t *testing.T) {
	for task, ids := range map[Task][]string{
		TaskEmbedding: {"text-embedding-3-small", "amazon.titan-embed-text-v2:0", "cohere.embed-multilingual-v3", "global.cohere.embed-v4:0", "BAAI/bge-m3", "intfloat/multilingual-e5-large", "cl-nagoya/ruri-v3-310m", "nomic-embed-text:latest", "embeddinggemma", "Qwen/Qwen3-Embedding-0.6B"},
		TaskRerank:    {"BAAI/bge-reranker-v2-m3", "amazon.rerank-v1:0", "cohere.rerank-v3-5:0", "jina-reranker-v2-base-multilingual", "Qwen3-Reranker-0.6B", "hotchpotch/japanese-reranker-base-v2"},
		TaskImage:     {"amazon.nova-canvas-v1:0", "amazon.titan-image-generator-v2:0", "stability.sd3-5-large-v1:0", "stability.stable-image-ultra-v1:1", "dall-e-3", "gpt-image-1", "black-forest-labs/FLUX.1-schnell", "stabilityai/stable-diffusion-3.5-large"},
		TaskChat:      {"gpt-5", "gemma3:4b", "amazon.nova-lite-v1:0", "stability-chat", "phi4", "deepseek.r1-v1:0", "mistral.pixtral-large-2502-v1:0"},
	} {
		for _, id := range ids {
			if got := TaskOf(id); got != task {
				t.Errorf("%s is taken for %s, want %s", id, got, task)
			}
		}
	}
}
