package chat

import "testing"

func TestTitlesAreTidied(t *testing.T) {
	for said, want := range map[string]string{
		"補助金の要件":                "補助金の要件",
		"「補助金の要件」。\n説明です":       "補助金の要件",
		"**補助金**の要件":            "補助金の要件",
		"## タイトル：補助金の要件":        "補助金の要件",
		"`go test` の使い方":        "go test の使い方",
		"Title: Budget *draft*": "Budget draft",
		"<answer>はい</answer>":   "",
		"1. 補助金の要件":             "補助金の要件",
		"令和8年度の予算_案_と2*3の計算":    "令和8年度の予算_案_と2*3の計算",
		"会議の要約をする担当者の一覧と議事録の送付先と期限": "会議の要約をする担当者の一覧と議事録の送付先と期限",
	} {
		if got := tidyTitle(said); got != want {
			t.Errorf("%q became %q, want %q", said, got, want)
		}
	}
}
