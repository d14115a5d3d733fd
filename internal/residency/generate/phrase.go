package generate

import (
	"maps"

	"kakoi/internal/residency/iam"
	"kakoi/internal/residency/simulate"
)

// text says a message of this package, or one of simulate's, in lang.
func text(m simulate.Message, lang iam.Lang) string {
	p, ok := phrases[m.Code]
	if !ok {
		return m.Text(lang)
	}
	params := maps.Clone(m.Params)
	if params == nil {
		params = map[string]string{}
	}
	return p.Fill(lang, params)
}

// phrases are what is said of documents, approaches and attempts.
var phrases = map[string]iam.Phrase{
	// documents
	"for_assume":            {En: "Lets {principal} assume {role}, and nothing else.", Ja: "{principal} が {role} を引き受けることだけを許可します。"},
	"for_trust":             {En: "Lets {principal} alone assume {role}, and only in the way that was described.", Ja: "{role} を引き受けられる相手を {principal} だけにし、引き受け方も決めたとおりに限ります。"},
	"for_invoke":            {En: "Lets {principal} call {models} through the endpoints in {regions}, and nothing else.", Ja: "{principal} が {regions} のエンドポイントから {models} を呼び出すことだけを許可します。"},
	"for_endpoint":          {En: "Lets nothing but these calls pass the VPC endpoint of {service} in {region}, whatever credentials sign them.", Ja: "{region} の {service} の VPC エンドポイントを、この呼び出しだけが通れるようにします。ほかの認証情報を持ち込まれても通しません。"},
	"for_endpoint_provider": {En: "For a VPC endpoint of {service} in {region} of the provider's own, such as for the first call of a model. Calls from the caller's network do not pass it.", Ja: "提供側も {region} に {service} の VPC エンドポイントを持つ場合のものです（モデルの初回呼び出しなど）。利用側からの呼び出しはここを通りません。"},

	// approaches
	"approach_leave":              {En: "1. Take the account out of control", Ja: "1. 統制の対象から外す"},
	"approach_leave_change":       {En: "Detach the SCP from the account {account}, or move the account to a unit without it.", Ja: "アカウント {account} から SCP を外すか、SCP の付いていない組織単位（OU）に移します。"},
	"approach_leave_merit1":       {En: "No policy has to be written.", Ja: "ポリシーを書かずにすみます。"},
	"approach_leave_merit2":       {En: "It works at once, for every model.", Ja: "すぐに、どのモデルでも使えます。"},
	"approach_leave_risk1":        {En: "Every service can be used in every Region: a hole in the organization's control, and not for Bedrock alone.", Ja: "どのサービスもどのリージョンでも使えるようになります。Bedrock に限らず、組織の統制に穴が開きます。"},
	"approach_leave_risk2":        {En: "Nothing stops prompts from going abroad but the role's own policy.", Ja: "プロンプトが国外に出るのを止めるものが、ロール自身のポリシーしか残りません。"},
	"approach_direct":             {En: "2. Use only models without cross-Region inference", Ja: "2. クロスリージョン推論を使わないモデルだけを使う"},
	"approach_direct_change":      {En: "The SCP stays as it is. {models} is called by its own id, and answers in {regions}, where it is called.", Ja: "SCP は変えません。{models} をモデル自身の ID で呼び出し、呼び出した {regions} の中だけで処理します。"},
	"approach_direct_merit1":      {En: "The organization's policies are not touched.", Ja: "組織のポリシーに手を入れずにすみます。"},
	"approach_direct_merit2":      {En: "It is certain that a prompt stays in the Region that is called.", Ja: "プロンプトが、呼び出したリージョンから出ないことがはっきりします。"},
	"approach_direct_risk1":       {En: "Few models can be called by their own id, and hardly any new one; the list of models in the console tells. Where it cannot, Bedrock refuses the call although the policies allow it.", Ja: "モデル自身の ID で呼び出せるモデルは少なく、新しいものほど呼び出せません（コンソールのモデル一覧でわかります）。呼び出せないモデルは、ポリシーが許可していても Bedrock が断ります。"},
	"approach_direct_risk2":       {En: "At busy times there is no other Region to turn to.", Ja: "混み合っているときに、ほかのリージョンへ振り分けられません。"},
	"approach_widen":              {En: "3. Widen the allowed Regions", Ja: "3. 許可するリージョンを広げる"},
	"approach_widen_change":       {En: "Add to the Regions that the SCP leaves open: {regions}.", Ja: "SCP が許可するリージョンに {regions} を加えます。"},
	"approach_widen_nothing":      {En: "The SCP leaves every destination open already.", Ja: "SCP は、はじめからすべての行き先を許可しています。"},
	"approach_widen_merit1":       {En: "Every destination of the profile is under control, like the other Regions.", Ja: "プロファイルの行き先がすべて、ほかのリージョンと同じように統制の中に入ります。"},
	"approach_widen_merit2":       {En: "A short change, quickly made.", Ja: "変更が小さく、すぐに終わります。"},
	"approach_widen_risk1":        {En: "Every other service can be used in the added Regions too.", Ja: "Bedrock 以外のサービスも、加えたリージョンで使えるようになります。"},
	"approach_widen_risk2":        {En: "The added Regions have to be watched and checked like the others.", Ja: "加えたリージョンも、監視や点検の対象にする必要があります。"},
	"approach_widen_risk_global":  {En: "“unspecified” stands for the whole world: every global profile can then be used, and prompts may go to any commercial Region.", Ja: "unspecified は世界全体を指します。どのグローバルプロファイルも使えるようになり、プロンプトが世界のどの商用リージョンにも出られます。"},
	"approach_bedrock":            {En: "4. Allow Bedrock in the SCP", Ja: "4. SCP で Bedrock を許可する"},
	"approach_bedrock_change":     {En: "Spare inference from the restriction of Regions: {actions}.", Ja: "推論のアクション（{actions}）をリージョン制限の対象から外します。"},
	"approach_bedrock_merit1":     {En: "Cross-Region inference works with every model, new ones too.", Ja: "新しいものも含め、どのモデルでもクロスリージョン推論が使えます。"},
	"approach_bedrock_merit2":     {En: "All other services stay restricted.", Ja: "ほかのサービスの制限は変わりません。"},
	"approach_bedrock_risk1":      {En: "Every model may be called in every Region, by every profile: the SCP no longer keeps prompts in the country.", Ja: "どのモデルも、どのプロファイルでも、どのリージョンでも呼び出せます。プロンプトが国外に出るのを SCP では止められなくなります。"},
	"approach_bedrock_risk2":      {En: "A policy that Control Tower manages should not be edited by hand; the next update undoes it.", Ja: "Control Tower が管理するポリシーは直接書き換えないでください。更新のときに元に戻ります。"},
	"approach_role_model":         {En: "5. Allow per model and role", Ja: "5. モデルとロールを決めて許可する"},
	"approach_role_model_change":  {En: "Spare {role} alone from the restriction of Regions, and only where it calls through {profiles}.", Ja: "{role} が {profiles} を通して呼び出すときだけ、リージョン制限の対象から外します。"},
	"approach_role_model_nothing": {En: "No profile is used, so there is nothing to spare; the Regions that are called must be open.", Ja: "推論プロファイルを使わないので、対象から外すものはありません。呼び出すリージョンだけを許可します。"},
	"approach_role_model_merit1":  {En: "The narrowest change: one role and the named profiles, and nothing else.", Ja: "最も狭い変更です。開くのは 1つのロールと決めたプロファイルだけです。"},
	"approach_role_model_merit2":  {En: "A model that should no longer be used is simply taken off the list.", Ja: "使わせたくないモデルは、一覧から除くだけで止められます。"},
	"approach_role_model_risk1":   {En: "Every new model needs a change of the SCP.", Ja: "モデルを増やすたびに SCP の変更が必要です。"},
	"approach_role_model_risk2":   {En: "Whoever may change the role or its trust policy can get around it; keep that to a few.", Ja: "ロールや信頼ポリシーを変えられる人は、この制限をすり抜けられます。変えられる人を絞ってください。"},

	// attempts
	"other_operation":         {En: "another operation", Ja: "別の操作"},
	"other_way":               {En: "another way to the same model", Ja: "同じモデルの別の呼び出し方"},
	"other_model":             {En: "another model", Ja: "別のモデル"},
	"other_region":            {En: "another Region", Ja: "別のリージョン"},
	"other_caller":            {En: "another role of the caller's account", Ja: "利用側の別のロール"},
	"other_principal":         {En: "another role of the same account", Ja: "同じアカウントの別のロール"},
	"external_id_missing":     {En: "without the ExternalId", Ja: "ExternalId なし"},
	"external_id_wrong":       {En: "with a wrong ExternalId", Ja: "誤った ExternalId"},
	"source_identity_missing": {En: "without the source identity", Ja: "ソース ID なし"},
	"tags_missing":            {En: "without the session tags", Ja: "セッションタグなし"},
	"tag_unknown":             {En: "with a tag more", Ja: "余分なタグ付き"},
	"past_the_endpoint":       {En: "past the VPC endpoint", Ja: "VPC エンドポイントを通らない"},

	// notes
	"external_id_advised":   {En: "{role} is in another account and asks for no ExternalId; agree on one, so that nobody can make the caller assume it by mistake.", Ja: "{role} は別のアカウントにありますが、ExternalId を求めていません。取り違えて引き受けさせられないよう、ExternalId を取り決めてください。"},
	"model_access":          {En: "Before the first call, somebody in {account} must have subscribed to the model (aws-marketplace:Subscribe, ViewSubscriptions), and for Anthropic's have sent in the form of the use case. The role itself needs neither.", Ja: "初めて呼び出す前に、{account} の権限のある人（aws-marketplace:Subscribe と ViewSubscriptions）が一度モデルを使い始め、Anthropic のモデルでは利用目的の申請も済ませておく必要があります。このロールにその権限は要りません。"},
	"scp_fits":              {En: "An SCP that leaves open {regions} lets these calls through already; none of the approaches is needed.", Ja: "{regions} を許可している SCP のままで、この呼び出しは通ります。下のどの方法も要りません。"},
	"scp_stands_in_the_way": {En: "An SCP that leaves open only {regions} denies these calls. Choose one of the approaches.", Ja: "{regions} だけを許可する SCP があると、この呼び出しは拒否されます。下の方法のどれかを選んでください。"},
	"scp_keep_exemptions":   {En: "In the SCPs, keep the NotAction of your own: the one here lists common global services only.", Ja: "SCP の NotAction は、いまお使いのものを残してください。ここにあるのは主なグローバルサービスだけです。"},
}

// words are the labels of the readable answer.
var words = map[string]iam.Phrase{
	"caller":    {En: "Caller's side", Ja: "利用側"},
	"between":   {En: "On the way", Ja: "途中のロール"},
	"provider":  {En: "Provider's side", Ja: "提供側"},
	"account":   {En: "account {account}", Ja: "アカウント {account}"},
	"attach":    {En: "attach to {to}", Ja: "付ける相手: {to}"},
	"optional":  {En: "only if needed", Ja: "必要な場合だけ"},
	"calls":     {En: "Allowed with these documents", Ja: "このポリシーで許可される呼び出し"},
	"refused":   {En: "Denied with these documents", Ja: "このポリシーで拒否される呼び出し"},
	"notes":     {En: "Take note", Ja: "注意"},
	"findings":  {En: "In the document", Ja: "ポリシーの内容について"},
	"scp":       {En: "The organization's SCP today", Ja: "組織の SCP（いまの状態）"},
	"change":    {En: "Change", Ja: "変更"},
	"merits":    {En: "Merits", Ja: "利点"},
	"risks":     {En: "Risks", Ja: "リスク"},
	"outcome":   {En: "These calls", Ja: "この呼び出し"},
	"opens":     {En: "Lets through besides, to a role with all of Bedrock", Ja: "ほかに通るもの（Bedrock の全権限を持つロールの場合）"},
	"nothing":   {En: "nothing of what was tried", Ja: "試した範囲にはありません"},
	"allowed":   {En: "ALLOWED", Ja: "許可"},
	"denied":    {En: "DENIED", Ja: "拒否"},
	"partial":   {En: "NOT ALLOWED (partial)", Ja: "不許可（一部の行き先だけ許可）"},
	"leaves":    {En: "LEAVES the allowed Regions", Ja: "許可リージョンの外に出ます"},
	"unknown":   {En: "not known where", Ja: "処理される場所がわかりません"},
	"anywhere":  {En: "any commercial Region", Ja: "世界のどの商用リージョンも"},
	"processed": {En: "processed in {regions}", Ja: "処理される場所: {regions}"},
	"noscp":     {En: "no SCP", Ja: "SCP なし"},
}
