package iam

import (
	"fmt"
	"maps"
	"strings"
)

// Lang is a language of the texts for people.
type Lang string

// The languages.
const (
	English  Lang = "en"
	Japanese Lang = "ja"
)

// Phrase is one sentence in both languages. {name} stands for a parameter.
type Phrase struct{ En, Ja string }

// Fill returns the sentence in lang with its parameters.
func (p Phrase) Fill(lang Lang, params map[string]string) string {
	s := p.En
	if lang == Japanese {
		s = p.Ja
	}
	pairs := make([]string, 0, 2*len(params))
	for name, value := range params {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// Problem is a place where a document is no policy.
type Problem struct {
	Code      string            `json:"code"`
	Statement int               `json:"statement,omitempty"` // from 1; 0 is the document as a whole
	Sid       string            `json:"sid,omitempty"`
	Element   string            `json:"element,omitempty"` // Action, Condition.StringEquals.aws:RequestedRegion, …
	Line      int               `json:"line,omitempty"`
	Params    map[string]string `json:"params,omitempty"`
}

// Text says where the problem is, what is wrong and what to do.
func (p Problem) Text(lang Lang) string {
	params := maps.Clone(p.Params)
	for _, name := range []string{"want", "got"} {
		if value, ok := params[name]; ok {
			params[name] = typeNames[nodeKind(value)].Fill(lang, nil)
		}
	}
	if value, ok := params["kind"]; ok {
		params["kind"] = Kind(value).Text(lang)
	}
	return place(lang, p.Line, p.Statement, p.Sid, p.Element) + problemPhrases[p.Code].Fill(lang, params)
}

var typeNames = map[nodeKind]Phrase{
	object:     {"an object {…}", "オブジェクト {…}"},
	list:       {"a list […]", "リスト […]"},
	text:       {"a string", "文字列"},
	number:     {"a number", "数値"},
	boolean:    {"true or false", "true か false"},
	null:       {"null", "null"},
	textOrList: {"a string or a list of strings", "文字列か、文字列のリスト"},
	scalar:     {"a string, a number, true or false", "文字列、数値、true、false のどれか"},
}

// Text names the kind for people.
func (k Kind) Text(lang Lang) string { return kindNames[k].Fill(lang, nil) }

var kindNames = map[Kind]Phrase{
	Identity: {"identity-based policy", "アイデンティティベースのポリシー"},
	Boundary: {"permissions boundary", "アクセス許可の境界"},
	Session:  {"session policy", "セッションポリシー"},
	Resource: {"resource-based policy", "リソースベースのポリシー"},
	Trust:    {"role trust policy", "ロールの信頼ポリシー"},
	Endpoint: {"VPC endpoint policy", "VPC エンドポイントポリシー"},
	SCP:      {"service control policy (SCP)", "サービスコントロールポリシー（SCP）"},
	RCP:      {"resource control policy (RCP)", "リソースコントロールポリシー（RCP）"},
}

func place(lang Lang, line, statement int, sid, element string) string {
	var parts []string
	ja := lang == Japanese
	switch {
	case line > 0 && ja:
		parts = append(parts, fmt.Sprintf("%d行目", line))
	case line > 0:
		parts = append(parts, fmt.Sprintf("line %d", line))
	}
	if statement > 0 {
		name, brackets := fmt.Sprintf("statement %d", statement), " (%s)"
		if ja {
			name, brackets = fmt.Sprintf("ステートメント%d", statement), "（%s）"
		}
		if sid != "" {
			name += fmt.Sprintf(brackets, sid)
		}
		parts = append(parts, name)
	}
	if element != "" {
		parts = append(parts, element)
	}
	if len(parts) == 0 {
		return ""
	}
	if ja {
		return strings.Join(parts, "、") + "："
	}
	return strings.Join(parts, ", ") + ": "
}

// ParseError is everything that keeps a document from being a policy.
type ParseError struct {
	Policy   string
	Problems []Problem
}

func (e *ParseError) Error() string { return e.Text(English) }

// Text lists the problems, one a line.
func (e *ParseError) Text(lang Lang) string {
	lines := make([]string, 0, len(e.Problems))
	for _, p := range e.Problems {
		line := p.Text(lang)
		if e.Policy != "" {
			line = e.Policy + ": " + line
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

var problemPhrases = map[string]Phrase{
	"too_large":           {"this is larger than {limit} bytes, the most that is read; make it smaller.", "読める上限の {limit} バイトを超えています。小さくしてください。"},
	"not_utf8":            {"the text is not UTF-8; save it as UTF-8.", "UTF-8 の文字列ではありません。UTF-8 で保存してください。"},
	"empty":               {"there is nothing here; write a policy, or leave it out.", "内容がありません。ポリシーを書くか、項目ごと省いてください。"},
	"json_syntax":         {"this is not JSON ({detail}); correct the text at this line.", "JSON として読めません（{detail}）。この行を直してください。"},
	"json_depth":          {"values are nested more than {limit} deep; make it flatter.", "値の入れ子が {limit} 段を超えています。浅くしてください。"},
	"json_trailing":       {"something follows the end of the document; remove it.", "文書の終わりの後に余分な文字があります。取り除いてください。"},
	"duplicate_key":       {"{key} is written twice (first on line {first}); AWS refuses that. Keep one, or join their values in a list.", "{key} が 2回書かれています（1回目は {first}行目）。AWS は受け付けません。1つにするか、値をリストにまとめてください。"},
	"wrong_type":          {"here must be {want}, not {got}.", "ここには {want} が必要ですが、{got} が書かれています。"},
	"statement_missing":   {"there is no statement; a policy needs at least one.", "ステートメントがありません。少なくとも 1つ必要です。"},
	"element_unknown":     {"{key} is no element of the policy language; remove it.", "{key} はポリシーの要素ではありません。取り除いてください。"},
	"element_misspelled":  {"{key} is no element of the policy language; write {meant}.", "{key} はポリシーの要素ではありません。{meant} と書いてください。"},
	"version_unknown":     {"there is no version {version} of the language; write 2012-10-17.", "バージョン {version} はありません。2012-10-17 と書いてください。"},
	"id_not_here":         {"there is no Id in a {kind}; remove it.", "{kind}に Id は書けません。取り除いてください。"},
	"both_elements":       {"{a} and {b} exclude each other; keep one of them.", "{a} と {b} は同時に書けません。どちらか一方にしてください。"},
	"element_missing":     {"{a} (or {b}) is missing.", "{a}（または {b}）がありません。"},
	"sid_form":            {"the Sid {sid} has characters other than letters and digits; identity policies allow only those.", "Sid {sid} に英数字以外の文字があります。アイデンティティポリシーの Sid には英数字だけを使えます。"},
	"sid_twice":           {"the Sid {sid} is that of statement {first} too; each needs its own.", "Sid {sid} はステートメント{first} でも使われています。それぞれ別の Sid にしてください。"},
	"effect_missing":      {"Effect is missing; write Allow or Deny.", "Effect がありません。Allow か Deny を書いてください。"},
	"effect_unknown":      {"Effect is {effect}; write Allow or Deny, in just this spelling.", "Effect が {effect} になっています。Allow か Deny を、この綴りのまま書いてください。"},
	"list_empty":          {"the list is empty; give it a value, or leave the element out.", "リストが空です。値を入れるか、要素ごと省いてください。"},
	"action_form":         {"{action} is no action; write service:Action, such as bedrock:InvokeModel.", "{action} はアクションの形ではありません。bedrock:InvokeModel のように「サービス:アクション」と書いてください。"},
	"resource_form":       {"{resource} is no ARN; write arn:aws:… or *.", "{resource} は ARN ではありません。arn:aws:… か * を書いてください。"},
	"resource_not_here":   {"a trust policy is about its own role and has no Resource; remove it.", "信頼ポリシーはそのロール自身についてのものなので、Resource は書けません。取り除いてください。"},
	"variable_place":      {"in {resource} a variable stands before the fifth colon; AWS takes variables only in the last part of an ARN.", "{resource} では、5つ目のコロンより前に変数があります。変数は ARN の最後の部分にだけ書けます。"},
	"rcp_allow":           {"an RCP of your own can only deny; RCPFullAWSAccess is attached everywhere already.", "自分で書く RCP にできるのは拒否だけです。許可する RCPFullAWSAccess は、はじめからすべてに付いています。"},
	"rcp_not_action":      {"an RCP has no NotAction; list the actions.", "RCP に NotAction は書けません。アクションを列挙してください。"},
	"rcp_action_all":      {"an RCP that denies must name a service, such as s3:*; * alone is refused.", "拒否する RCP には s3:* のようにサービス名が要ります。* だけでは受け付けられません。"},
	"rcp_principal":       {"the Principal of an RCP is \"*\"; narrow it by conditions.", "RCP の Principal は \"*\" です。絞り込みは条件で書いてください。"},
	"operator_unknown":    {"{operator} is no condition operator; see the list in the IAM User Guide.", "{operator} という条件演算子はありません。IAM ユーザーガイドの一覧を確かめてください。"},
	"operator_misspelled": {"{operator} is no condition operator; write {meant}.", "{operator} という条件演算子はありません。{meant} と書いてください。"},
	"condition_empty":     {"the operator has no condition key; write one, or leave it out.", "演算子に条件キーがありません。キーを書くか、演算子ごと省いてください。"},
	"condition_key_twice": {"the condition key {key} is here twice (case does not count); join the values in a list.", "条件キー {key} が 2回あります（大文字と小文字は区別されません）。値をリストにまとめてください。"},
	"condition_key_form":  {"{key} is no condition key; write service:Key, such as aws:RequestedRegion.", "{key} は条件キーの形ではありません。aws:RequestedRegion のように「サービス:キー」と書いてください。"},
	"condition_value":     {"{value} is no value for {operator}.", "{value} は {operator} の値として使えません。"},
	"principal_not_here":  {"there is no Principal in a {kind}, which is for those it is attached to; remove it.", "{kind}に Principal は書けません。付けた相手に対して働くものだからです。取り除いてください。"},
	"principal_string":    {"the principal {principal} must stand in an object: {\"AWS\": \"{principal}\"}.", "プリンシパル {principal} はオブジェクトの中に書きます: {\"AWS\": \"{principal}\"}"},
	"principal_empty":     {"nobody is named; write {\"AWS\": …} or \"*\".", "相手が書かれていません。{\"AWS\": …} か \"*\" を書いてください。"},
	"principal_type":      {"{type} is no type of principal; there are AWS, Service, Federated and CanonicalUser.", "{type} という種類のプリンシパルはありません。AWS、Service、Federated、CanonicalUser があります。"},
	"principal_wildcard":  {"{principal} has a wildcard; a principal is named whole. Use \"*\" with a condition on aws:PrincipalArn.", "{principal} にワイルドカードがあります。プリンシパルは全体を書きます。\"*\" にして、条件 aws:PrincipalArn で絞ってください。"},
	"principal_form":      {"{principal} is neither an account of 12 digits nor the ARN of an account, user, role or session.", "{principal} は 12桁のアカウントでも、アカウント・ユーザー・ロール・セッションの ARN でもありません。"},
	"allow_not_principal": {"NotPrincipal goes with Deny only; name those you mean to allow.", "NotPrincipal は Deny とだけ使えます。許可する相手を書いてください。"},
	"trust_not_principal": {"a trust policy has no NotPrincipal; name who may assume the role.", "信頼ポリシーに NotPrincipal は書けません。ロールを引き受けてよい相手を書いてください。"},
}
