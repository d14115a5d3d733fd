package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// The words of an office, from which sentences are made. Everyday ones come
// often and the last of each list rarely, as in real texts.
var (
	topics = strings.Fields(`予算 会議 資料 申請 住民 税務 福祉 教育 防災 道路 公園 契約 入札 職員 研修 人事 給与 文書 議会 答弁 条例 規則 補助金 委託 工事
		窓口 証明書 戸籍 介護 保育 学校 図書館 観光 農業 商工 環境 廃棄物 水道 下水道 消防 救急 選挙 統計 広報 情報公開 個人情報 監査 決算 財政 起債 基金
		庁舎 システム ネットワーク 更新 点検 調査 報告 計画 評価 要綱 要領 手引き 様式 通知 照会 回答 協議 審査 許可 届出 移住 空き家 交通 バス 鉄道 港湾
		漁業 林業 鳥獣 感染症 健診 年金 国民健康保険 後期高齢者 障害 生活保護 児童 虐待 相談 男女共同参画 国際交流 姉妹都市 指定管理 公有財産 土地 測量 登記`)
	places = strings.Fields(`東京都 大阪府 北海道 横浜市 名古屋市 札幌市 福岡市 神戸市 京都市 川崎市 さいたま市 広島市 仙台市 千葉市 北九州市 堺市 新潟市 浜松市 熊本市 相模原市
		岡山市 静岡市 鹿児島市 船橋市 川口市 八王子市 姫路市 宇都宮市 松山市 西宮市 倉敷市 市川市 福山市 大分市 金沢市 長崎市 高松市 富山市 岐阜市 豊田市`)
	acts  = strings.Fields(`確認 検討 作成 提出 修正 共有 整理 比較 集計 要約 翻訳 説明 依頼 調整 承認 公開 保存 削除 変更 追加 実施 延期 中止 開始 終了 公表 周知 徹底 改善 強化`)
	forms = []string{
		"%[1]sの%[2]sについて、%[3]sしてください。", "%[4]sでは%[1]sに関する%[2]sを%[3]sしています。", "次の%[1]sを%[3]sし、%[2]sへ反映します。",
		"%[1]sと%[2]sの違いは、%[4]sの例を見ると分かりやすいでしょう。", "%[5]d年度の%[1]sは%[6]d件で、前年度から%[7]d件増えました。",
		"なお、%[2]sの期限は%[8]d月%[9]d日です。", "ご不明な点がありましたら、%[4]s%[1]s課までお問い合わせください。", "この%[1]sは%[2]sにもとづいて%[3]sされます。",
		"具体的には、次のように%[3]sすることをおすすめします。", "%[1]sの担当者に%[2]sの%[3]sをお願いしました。", "Excelの表で%[1]sを%[3]sするVBAの例を示します。",
	}
	families = []rune("佐鈴高田伊渡山中小加吉井木林清斎松橋森池阿石前藤岡後近坂遠青福太西原和竹金上")
	givens   = []rune("誠健一翔太樹美咲子恵陽菜結衣葵凛蓮湊樹悠真大和朝陽紬芽依")
)

// often picks an early word more often than a late one.
func often[T any](r *rand.Rand, list []T) T {
	x := r.Float64()
	return list[int(x*x*x*float64(len(list)))]
}

// text is about as many characters of sentences.
func text(r *rand.Rand, characters int) string {
	var b strings.Builder
	for b.Len() < 3*characters {
		fmt.Fprintf(&b, often(r, forms), often(r, topics), often(r, topics), often(r, acts), often(r, places),
			2015+r.IntN(12), r.IntN(10_000), r.IntN(500), 1+r.IntN(12), 1+r.IntN(28))
		if r.IntN(12) == 0 {
			fmt.Fprintf(&b, "（%c%c%c氏、整理番号%06d）", families[r.IntN(len(families))], families[r.IntN(len(families))], givens[r.IntN(len(givens))], r.IntN(1_000_000))
		}
		if r.IntN(6) == 0 {
			b.WriteByte('\n')
		}
	}
	return clean(b.String())
}

// clean takes away what fmt says of arguments that a form does not use.
func clean(s string) string {
	for {
		at := strings.Index(s, "%!(EXTRA")
		if at < 0 {
			return s
		}
		end := strings.IndexByte(s[at:], ')')
		s = s[:at] + s[at+end+1:]
	}
}
