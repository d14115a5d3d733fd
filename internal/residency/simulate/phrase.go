package simulate

import (
	"fmt"
	"maps"
	"strings"

	"kakoi/internal/residency/iam"
)

// Text says a message in lang.
func (m Message) Text(lang iam.Lang) string {
	params := maps.Clone(m.Params)
	if params == nil {
		params = map[string]string{}
	}
	params["where"] = where(m.Params, lang)
	if value, ok := params["kind"]; ok {
		params["kind"] = iam.Kind(value).Text(lang)
	}
	return messagePhrases[m.Code].Fill(lang, params)
}

// where names a statement and the policy it is in.
func where(p map[string]string, lang iam.Lang) string {
	ja := lang == iam.Japanese
	var b strings.Builder
	kind := iam.Kind(p["kind"]).Text(lang)
	if ja {
		if p["level"] != "" {
			fmt.Fprintf(&b, "%s の", p["level"])
		}
		b.WriteString(kind)
		if p["policy"] != "" {
			fmt.Fprintf(&b, "「%s」", p["policy"])
		}
		if p["statement"] != "" {
			fmt.Fprintf(&b, "のステートメント%s", p["statement"])
		}
	} else {
		if p["statement"] != "" {
			fmt.Fprintf(&b, "statement %s of the ", p["statement"])
		} else {
			b.WriteString("the ")
		}
		b.WriteString(kind)
		if p["policy"] != "" {
			fmt.Fprintf(&b, " “%s”", p["policy"])
		}
		if p["level"] != "" {
			fmt.Fprintf(&b, " at %s", p["level"])
		}
	}
	if p["sid"] != "" {
		fmt.Fprintf(&b, map[bool]string{true: "（%s）", false: " (%s)"}[ja], p["sid"])
	}
	return b.String()
}

// messagePhrases are the reasons, hints and warnings. The interface has the
// same codes in its locales.
var messagePhrases = map[string]iam.Phrase{
	// the whole
	"allowed_resident":          {En: "AWS allows this call, and the prompt stays in the allowed Regions.", Ja: "AWS はこの呼び出しを許可し、プロンプトは許可リージョンの中にとどまります。"},
	"allowed_not_resident":      {En: "AWS allows this call, but the prompt LEAVES the allowed Regions: it may be processed in {regions}.", Ja: "AWS はこの呼び出しを許可しますが、プロンプトが許可リージョンの外に出ます。処理されうる場所: {regions}"},
	"allowed_anywhere":          {En: "AWS allows this call, but the prompt LEAVES the allowed Regions: it may be processed in any commercial Region of the world.", Ja: "AWS はこの呼び出しを許可しますが、プロンプトが許可リージョンの外に出ます。世界のどの商用リージョンでも処理されえます。"},
	"allowed_residency_unknown": {En: "AWS allows this call, but it is not known where the prompt is processed.", Ja: "AWS はこの呼び出しを許可しますが、プロンプトがどこで処理されるかわかりません。"},
	"partial":                   {En: "The identity policy leaves out a destination of the profile ({regions}): the call fails whenever it is routed there. Allow the model in every destination.", Ja: "アイデンティティポリシーが、プロファイルの行き先の一部（{regions}）を許可していません。そこに振り分けられた呼び出しは失敗します。すべての行き先のモデルを許可してください。"},
	"denied_assume_role":        {En: "The role cannot be assumed: {action} on {resource} is denied (Region {region}).", Ja: "ロールを引き受けられません。{resource} に対する {action} が拒否されます（リージョン {region}）。"},
	"denied_call":               {En: "The call is denied: {action} on {resource} (Region {region}).", Ja: "呼び出しは拒否されます。{resource} に対する {action} が通りません（リージョン {region}）。"},
	"route_unknown":             {En: "It is not known where {model} leads from {region}, so it cannot be shown to be allowed. Refresh the table of inference profiles, or say in applicationProfiles what the profile was made from.", Ja: "{region} から見て {model} がどこにつながるかわからないので、許可されるとは言えません。推論プロファイルの表を更新するか、プロファイルの作成元を applicationProfiles に書いてください。"},

	// one check
	"allowed_by":          {En: "allowed by {where}", Ja: "{where}が許可しています"},
	"explicit_deny":       {En: "denied by {where}", Ja: "{where}が明示的に拒否しています"},
	"no_allow":            {En: "{where} allows nothing; there must be an Allow", Ja: "{where}に許可がありません。許可が必要です"},
	"no_allow_principal":  {En: "{where} comes nearest, but is for {want}, not for {have}", Ja: "最も近い{where}の対象は {want} で、{have} ではありません"},
	"no_allow_action":     {En: "{where} comes nearest, but is about {want}, not about {have}", Ja: "最も近い{where}のアクションは {want} で、{have} ではありません"},
	"no_allow_resource":   {En: "{where} comes nearest, but is about {want}, not about {have}", Ja: "最も近い{where}のリソースは {want} で、{have} ではありません"},
	"no_allow_condition":  {En: "{where} comes nearest, but its condition {operator} on {key} does not hold: the request has {have}, the policy says {want}", Ja: "最も近い{where}の条件 {operator}（{key}）が成り立ちません。リクエストの値は {have}、ポリシーの値は {want} です"},
	"no_allow_key_absent": {En: "{where} comes nearest, but its condition {operator} on {key} does not hold: the request has no such key, the policy says {want}", Ja: "最も近い{where}の条件 {operator}（{key}）が成り立ちません。リクエストにこのキーがありません。ポリシーの値は {want} です"},
	"no_allow_variable":   {En: "{where} comes nearest, but ${{variable}} has no value in this request", Ja: "最も近い{where}にある ${{variable}} の値が、このリクエストにありません"},

	// hints
	"profile_leads_there":        {En: "Nobody asked for {region}: the profile {profile} leads there.", Ja: "{region} は指定されていませんが、プロファイル {profile} の行き先に含まれています。"},
	"profile_leads_everywhere":   {En: "The profile {profile} may lead to every commercial Region; AWS calls that Region “unspecified”.", Ja: "プロファイル {profile} は、世界のどの商用リージョンにもつながりえます。AWS はこのリージョンを unspecified と表します。"},
	"profile_of_other_region":    {En: "The endpoint in {region} needs the profile's ARN of {region}; the policies allow that of {other}.", Ja: "{region} のエンドポイントには {region} のプロファイル ARN が必要ですが、ポリシーが許可しているのは {other} のものです。"},
	"streaming_missing":          {En: "The same call without streaming is allowed; allow bedrock:InvokeModelWithResponseStream too.", Ja: "ストリーミングしない同じ呼び出しは許可されます。bedrock:InvokeModelWithResponseStream も許可してください。"},
	"sts_global_endpoint":        {En: "The global endpoint sts.amazonaws.com counts as us-east-1, wherever it answers. Through sts.{region}.amazonaws.com this is allowed.", Ja: "グローバルエンドポイント sts.amazonaws.com は、どこで応答しても us-east-1 として扱われます。sts.{region}.amazonaws.com を使えば許可されます。"},
	"external_id_missing":        {En: "The trust policy asks for an ExternalId, and none is sent.", Ja: "信頼ポリシーは ExternalId を求めていますが、送られていません。"},
	"external_id_wrong":          {En: "The ExternalId is not the one that the trust policy asks for.", Ja: "ExternalId が、信頼ポリシーの求めるものと違います。"},
	"vpc_endpoint_missing":       {En: "The policy asks for the VPC endpoint {want}, and the request passes none.", Ja: "ポリシーは VPC エンドポイント {want} を通ることを求めていますが、リクエストはどのエンドポイントも通っていません。"},
	"tag_session_both_sides":     {En: "Passing session tags needs sts:TagSession in the caller's identity policy and in the role's trust policy.", Ja: "セッションタグを渡すには、呼び出す側のアイデンティティポリシーとロールの信頼ポリシーの両方に sts:TagSession が必要です。"},
	"source_identity_both_sides": {En: "A source identity needs sts:SetSourceIdentity in the caller's identity policy and in the trust policy, of every role of the chain.", Ja: "ソース ID には、連鎖するどのロールについても、呼び出す側のアイデンティティポリシーと信頼ポリシーの両方に sts:SetSourceIdentity が必要です。"},
	"full_access_missing":        {En: "No SCP at {level} allows anything. If FullAWSAccess is attached there, put it into the input.", Ja: "{level} の SCP は何も許可していません。FullAWSAccess が付いているなら、入力にも書いてください。"},

	// warnings
	"leaves":                {En: "The prompt may leave the allowed Regions, for {regions}, and no policy stops it.", Ja: "プロンプトが許可リージョンの外（{regions}）に出る可能性があり、それを止めるポリシーはありません。"},
	"leaves_anywhere":       {En: "The prompt may leave the allowed Regions, for any commercial Region of the world, and no policy stops it.", Ja: "プロンプトが許可リージョンの外に出て、世界のどの商用リージョンにも届く可能性があり、それを止めるポリシーはありません。"},
	"residency_unknown":     {En: "Something in this call works with a model that the input does not name; name it in modelsBehind. Until then, take it that prompts leave.", Ja: "この呼び出しでは、入力に書かれていないモデルが使われます。modelsBehind に書いてください。書くまでは、プロンプトが外に出るものとして扱ってください。"},
	"scps_end_here":         {En: "The SCPs of {account} bind only up to AssumeRole; what the role in {next} does is bound by the SCPs of {next}.", Ja: "{account} の SCP が働くのは AssumeRole までです。その先、{next} のロールが行うことには {next} の SCP が働きます。"},
	"account_not_described": {En: "The input says nothing about the account {account}; it was taken to have no SCPs.", Ja: "アカウント {account} について入力に記載がありません。SCP がないものとして判定しました。"},
	"key_not_given":         {En: "A policy asks for {key}, which the input does not give; it was taken to be absent.", Ja: "ポリシーが {key} を参照していますが、入力にありません。ないものとして判定しました。"},
	"variable_unresolved":   {En: "{where} has a variable without a value, and was left out.", Ja: "{where}に値のない変数があるため、判定から外しました。"},
}

// Text lists the problems, one a line.
func (e *InputError) Text(lang iam.Lang) string {
	lines := make([]string, 0, len(e.Problems))
	for _, p := range e.Problems {
		lines = append(lines, p.Text(lang))
	}
	return strings.Join(lines, "\n")
}

// Text says where the problem is, what is wrong and what to do.
func (p Problem) Text(lang iam.Lang) string {
	field := ""
	if p.Field != "" {
		field = p.Field + ": "
	}
	if p.Policy != nil {
		if name := p.Params["policy"]; name != "" {
			field += name + ": "
		}
		return field + p.Policy.Text(lang)
	}
	return field + problemPhrases[p.Code].Fill(lang, p.Params)
}

var problemPhrases = map[string]iam.Phrase{
	"version":              {En: "this is not a version that can be read; write {want}.", Ja: "読めるバージョンではありません。{want} と書いてください。"},
	"field_unknown":        {En: "there is no such field; see docs/policy-simulate.md.", Ja: "この項目はありません。docs/policy-simulate.ja.md を確かめてください。"},
	"field_type":           {En: "the value has the wrong type ({got}); see docs/policy-simulate.md.", Ja: "値の型が違います（{got}）。docs/policy-simulate.ja.md を確かめてください。"},
	"required":             {En: "this must be given.", Ja: "必須の項目です。"},
	"choice":               {En: "“{value}” is none of {choices}.", Ja: "「{value}」は選べません。選べるもの: {choices}"},
	"region":               {En: "“{value}” is no Region; write one such as ap-northeast-1.", Ja: "「{value}」はリージョンではありません。ap-northeast-1 のように書いてください。"},
	"account":              {En: "“{value}” is no account; write its 12 digits.", Ja: "「{value}」はアカウントではありません。12桁の数字で書いてください。"},
	"arn":                  {En: "“{value}” is not the ARN that is due here.", Ja: "「{value}」は、ここに書くべき ARN ではありません。"},
	"pattern":              {En: "“{value}” has one of * ? $, which stand for something else in a policy; write the whole name.", Ja: "「{value}」に * ? $ のどれかがあります。ポリシーでは別の意味になるので、名前全体を書いてください。"},
	"principal":            {En: "“{value}” is not the ARN of a {choices} (arn:aws:iam::<account>:…).", Ja: "「{value}」は {choices} の ARN ではありません（arn:aws:iam::<アカウント>:…）。"},
	"session_name":         {En: "“{value}” is no session name; 2 to 64 of letters, digits and _+=,.@-.", Ja: "「{value}」はセッション名に使えません。英数字と _+=,.@- の 2～64文字にしてください。"},
	"twice":                {En: "“{value}” is described twice; once is enough.", Ja: "「{value}」が 2回書かれています。1回にしてください。"},
	"too_many":             {En: "there are more than {limit}.", Ja: "{limit} 個を超えています。"},
	"too_costly":           {En: "the wildcards of these policies take too long to compare with these values; shorten the long ones.", Ja: "ポリシーのワイルドカードと値の比較に時間がかかりすぎます。長い文字列を短くしてください。"},
	"too_long":             {En: "this is longer than {limit} characters.", Ja: "{limit} 文字を超えています。"},
	"endpoint_id":          {En: "“{value}” is no VPC endpoint; write its id, vpce-….", Ja: "「{value}」は VPC エンドポイントではありません。vpce-… の ID を書いてください。"},
	"endpoint_unknown":     {En: "{value} is not described in vpcEndpoints.", Ja: "{value} が vpcEndpoints にありません。"},
	"endpoint_service":     {En: "{value} is an endpoint of {service}; this request goes to {want}.", Ja: "{value} は {service} のエンドポイントですが、このリクエストの宛先は {want} です。"},
	"other_region":         {En: "{value} is not of {region}, where the call goes; Amazon Bedrock refuses that.", Ja: "{value} は、呼び出し先の {region} のものではありません。Amazon Bedrock は受け付けません。"},
	"s3_uri":               {En: "“{value}” is no place in S3; write s3://bucket/prefix.", Ja: "「{value}」は S3 の場所ではありません。s3://バケット/プレフィックス と書いてください。"},
	"model_unknown":        {En: "it is not known where {model} leads from {region}, so nothing exact can be said about it. Refresh the table of inference profiles, or say in applicationProfiles what the profile was made from.", Ja: "{region} から見て {model} がどこにつながるかわからないので、正確なことが言えません。推論プロファイルの表を更新するか、プロファイルの作成元を applicationProfiles に書いてください。"},
	"trust_not_here":       {En: "nobody assumes the first principal here; its trust policy has no say. Remove it.", Ja: "最初のプリンシパルはここでは引き受けられないので、信頼ポリシーは働きません。取り除いてください。"},
	"transitive_tag":       {En: "{value} is not among sessionTags; only a tag that is passed can be transitive.", Ja: "{value} が sessionTags にありません。引き継げるのは、渡したタグだけです。"},
	"managed_unknown":      {En: "{value} is not known here; give its document.", Ja: "{value} は登録されていません。document に内容を書いてください。"},
	"managed_and_document": {En: "give managed or document, not both.", Ja: "managed と document は、どちらか一方だけを書いてください。"},
}
