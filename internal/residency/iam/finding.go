package iam

// Severity is how much a finding matters.
type Severity string

// The severities.
const (
	Warning Severity = "warning" // it does something else than it seems to
	Note    Severity = "note"    // it works, but could be clearer or narrower
)

// Finding is something in a valid policy that people should look at.
type Finding struct {
	Severity  Severity          `json:"severity"`
	Code      string            `json:"code"`
	Policy    string            `json:"policy"`
	Statement int               `json:"statement,omitempty"`
	Sid       string            `json:"sid,omitempty"`
	Element   string            `json:"element,omitempty"`
	Params    map[string]string `json:"params,omitempty"`
	// Said is the sentence, where somebody asked for it in a language.
	Said string `json:"text,omitempty"`
}

// Say puts the sentence of every finding into it, in lang.
func Say(list []Finding, lang Lang) {
	for i := range list {
		list[i].Said = list[i].Text(lang)
	}
}

// Text says what is found, where, and what to do.
func (f Finding) Text(lang Lang) string {
	return f.Policy + ": " + place(lang, 0, f.Statement, f.Sid, f.Element) + findingPhrases[f.Code].Fill(lang, f.Params)
}

var findingPhrases = map[string]Phrase{
	"size":                     {"the policy has {size} characters; without an increase AWS takes {limit}.", "ポリシーは {size} 文字です。上限を引き上げていなければ、AWS が受け付けるのは {limit} 文字までです。"},
	"version_missing":          {"Version is missing, so the language of 2008 applies, without variables; write \"Version\": \"2012-10-17\".", "Version がないので、変数のない 2008 年版として扱われます。\"Version\": \"2012-10-17\" と書いてください。"},
	"variable_in_2008":         {"${…} is plain text in this version of the language; write \"Version\": \"2012-10-17\".", "このバージョンでは ${…} はただの文字です。\"Version\": \"2012-10-17\" と書いてください。"},
	"action_is_operation":      {"{action} is an API operation but no IAM action, so the statement does nothing for it; write {meant}.", "{action} は API の操作の名前で、IAM のアクションではありません。このままでは効きません。{meant} と書いてください。"},
	"action_is_endpoint":       {"{service} is the name of an endpoint; actions begin with bedrock:, so {action} does nothing.", "{service} はエンドポイントの名前です。アクションは bedrock: で始まるので、{action} は効きません。"},
	"action_other_service":     {"{action} is of another service; only actions of {service} come here.", "{action} は別のサービスのアクションです。ここに届くのは {service} のアクションだけです。"},
	"allow_not_action":         {"Allow with NotAction allows everything that is not listed, of every service.", "Allow と NotAction の組み合わせは、列挙したもの以外のすべてを、全サービスについて許可します。"},
	"allow_without_stream":     {"this policy allows Converse but not ConverseStream; for streaming add bedrock:InvokeModelWithResponseStream.", "このポリシーは Converse を許可しますが、ConverseStream は許可しません。ストリーミングするなら bedrock:InvokeModelWithResponseStream を加えてください。"},
	"deny_half":                {"the other half of inference stays open; deny {missing} too.", "推論のもう半分が開いたままです。{missing} も拒否してください。"},
	"account_unexpected":       {"{resource} names the account {account}, but a foundation model belongs to no account; leave that part empty.", "{resource} にアカウント {account} がありますが、基盤モデルはどのアカウントにも属しません。その部分を空にしてください。"},
	"account_missing":          {"{resource} names no account; write the account that calls.", "{resource} にアカウントがありません。呼び出すアカウントを書いてください。"},
	"trust_everyone":           {"every AWS account may assume this role; name the account or the role that may.", "すべての AWS アカウントがこのロールを引き受けられます。許可するアカウントかロールを書いてください。"},
	"principal_deleted":        {"{principal} is what remains of a user or role that was deleted; it never matches. Name the new one.", "{principal} は、削除されたユーザーかロールの跡です。誰にも一致しません。新しいものを書いてください。"},
	"wildcard_in_equals":       {"{operator} compares {value} letter by letter, and * is only a star; use {meant}.", "{operator} は {value} を一字ずつ比べるので、* はただの文字です。{meant} を使ってください。"},
	"arn_incomplete":           {"{value} has not the six parts of an ARN and matches nothing.", "{value} は ARN の 6つの部分がそろっていないので、何にも一致しません。"},
	"region_beyond_japan":      {"{value} takes in Seoul (ap-northeast-2) as well; list ap-northeast-1 and ap-northeast-3.", "{value} はソウル（ap-northeast-2）も含みます。ap-northeast-1 と ap-northeast-3 を列挙してください。"},
	"unspecified_opens_global": {"unspecified is the Region of global inference profiles; listing it lets prompts go to any commercial Region.", "unspecified はグローバル推論プロファイルのリージョンです。書くと、プロンプトが世界のどの商用リージョンにも出られます。"},
	"multivalued_key":          {"{key} can hold several values; put ForAllValues: or ForAnyValue: before the operator.", "{key} は複数の値を持てます。演算子の前に ForAllValues: か ForAnyValue: を付けてください。"},
	"for_all_values":           {"ForAllValues is true as well where the request has no {key}; add \"Null\": {\"{key}\": \"false\"}.", "ForAllValues は、リクエストに {key} がないときも真になります。\"Null\": {\"{key}\": \"false\"} を加えてください。"},
	"redundant":                {"statement {by} covers this one whole; it can go.", "ステートメント{by} がこの内容をすべて含んでいます。なくてもかまいません。"},
}
