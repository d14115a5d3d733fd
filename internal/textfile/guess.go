package textfile

import (
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
)

// sample is how many characters of each reading are weighed. More does not
// change the answer; whether a reading is possible is asked of the whole file.
const sample = 20_000

// guess returns the best reading of data that has no marks. UTF-8 comes first:
// nothing else of more than a few bytes is well formed in it. Then it reads
// Shift_JIS and EUC-JP and takes the reading without unreadable characters or,
// if both have none or both have some, the likelier one. Equally likely means
// Shift_JIS, which is what Windows writes.
//
// Text of any length in Shift_JIS with kana or common kanji is impossible in
// EUC-JP. What both can read is short: a few kanji in EUC-JP are the same
// bytes as half-width kana in Shift_JIS. There the likelihood decides.
func guess(data []byte) (text, charset string) {
	wide, pairs, broken := countUTF8(data)
	if broken == 0 && (wide > 0 || pairs == 0) || wide > 8*broken {
		return strings.ToValidUTF8(string(data), string(unknown)), UTF8
	}
	sjis, euc := decodeShiftJIS(data), decodeEUCJP(data)
	if broken == 0 {
		// Characters of two bytes alone: the letters of Europe and the Near
		// East, or two or three kanji in EUC-JP, such as those of "road".
		if u := likelihood(string(data)) + preferUTF8; u >= likelihood(sjis) && u >= likelihood(euc) {
			return string(data), UTF8
		}
	}
	brokenS, brokenE := strings.Count(sjis, string(unknown)), strings.Count(euc, string(unknown))
	switch {
	case brokenS == 0 && brokenE > 0:
		return sjis, ShiftJIS
	case brokenE == 0 && brokenS > 0:
		return euc, EUCJP
	case likelihood(euc) > likelihood(sjis):
		return euc, EUCJP
	}
	return sjis, ShiftJIS
}

// countUTF8 counts what is well formed in data as UTF-8: characters of three
// bytes or more, which do not come in numbers in any other set, and those of
// two; and the places that are not well formed.
func countUTF8(data []byte) (wide, pairs, broken int) {
	inside := false // of a broken place
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			if !inside {
				broken++
			}
			inside = true
		} else {
			inside = false
			switch {
			case size == 2:
				pairs++
			case size > 2:
				wide++
			}
		}
		data = data[size:]
	}
	return wide, pairs, broken
}

// The natural logarithms of how likely a character of each kind is in the text
// of a Japanese office. They are estimates; what counts is their distance.
const (
	likeASCII    = -3.5
	likeHiragana = -4.0
	likeKatakana = -4.6
	likeStop     = -4.0  // 、。ー and the full-width space
	likeWide     = -5.5  // full-width letters, digits and signs
	likeTaught   = -6.9  // a kanji that primary schools teach
	likeLevel1   = -9.9  // another of JIS level 1
	likeRare     = -12.0 // a kanji beyond that
	likeSign     = -8.5  // Greek, Cyrillic, box drawing, circled digits
	likeAccent   = -6.0  // a letter of Western Europe after an ASCII letter, a Greek or Cyrillic one after its like
	likeForeign  = -9.5  // another character of an alphabet
	likeOwn      = -13.0 // a user's own character
	likeNever    = -25.0 // unreadable or a control

	likeHalf      = -3.9 // half-width kana
	likeHalfOften = -3.2
	likeHalfRare  = -5.0
	likeMark      = -2.0 // a voiced mark after a kana that takes it
	likeWrongly   = -8.0 // a half-width kana where none of its kind can stand
	enterHalf     = -2.5 // to begin a run of them

	preferUTF8 = 4.0 // what newer files are in
)

// likelihood returns the logarithm of how likely text is.
func likelihood(text string) float64 {
	var sum float64
	prev, n := rune(0), 0
	for _, r := range text {
		if n++; n > sample {
			break
		}
		sum += likely(prev, r)
		prev = r
	}
	return sum
}

func likely(prev, r rune) float64 {
	switch {
	case r == unknown || isControl(r):
		return likeNever
	case r < 0x80:
		return likeASCII
	case r >= 0x3041 && r <= 0x3093:
		return likeHiragana
	case r >= 0x30a1 && r <= 0x30f6:
		return likeKatakana
	case strings.ContainsRune("、。ー・　「」", r):
		return likeStop
	case r >= 0x3001 && r <= 0x301f || r >= 0xff01 && r <= 0xff5e:
		return likeWide
	case r >= 0xff61 && r <= 0xff9f:
		return likelyHalf(prev, r)
	case r >= 0x4e00 && r <= 0x9fff || r >= 0xf900 && r <= 0xfaff:
		if k, ok := kanji()[r]; ok {
			return k
		}
		return likeRare
	case r >= 0xe000 && r <= 0xf8ff:
		return likeOwn
	case r >= 0xc0 && r <= 0xff && r != '×' && r != '÷' && (prev|0x20 >= 'a' && prev|0x20 <= 'z' || prev >= 0xc0 && prev <= 0xff):
		return likeAccent
	case r >= 0x391 && r <= 0x3c9 && prev >= 0x386 && prev <= 0x3ce, r >= 0x410 && r <= 0x44f && prev >= 0x401 && prev <= 0x451:
		return likeAccent
	case r < 0x800 && (r < 0x391 || r > 0x451):
		return likeForeign
	}
	return likeSign
}

// likelyHalf weighs a half-width kana by how often it is written and by
// whether it can stand after prev: a voiced mark, a small kana and a long sign
// cannot stand anywhere.
func likelyHalf(prev, r rune) float64 {
	var enter float64
	if prev < 0xff61 || prev > 0xff9f {
		enter, prev = enterHalf, 0
	}
	switch {
	case r == 'ﾞ':
		if strings.ContainsRune("ｳｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾊﾋﾌﾍﾎ", prev) {
			return likeMark
		}
		return likeWrongly + enter
	case r == 'ﾟ':
		if strings.ContainsRune("ﾊﾋﾌﾍﾎ", prev) {
			return likeMark - 1
		}
		return likeWrongly + enter
	case strings.ContainsRune("ｬｭｮ", r):
		if strings.ContainsRune("ｷｼﾁﾆﾋﾐﾘﾞﾟﾃﾌ", prev) {
			return likeMark
		}
		return likeWrongly + enter
	case strings.ContainsRune("ｧｨｩｪｫｯｰ", r):
		if prev >= 'ｱ' {
			return likeHalf
		}
		return likeWrongly + enter
	case strings.ContainsRune("ｦ｡｢｣､･ﾇﾍｿ", r):
		return likeHalfRare + enter
	case strings.ContainsRune("ﾝｲｳｼﾄｶｽﾀｸﾙｷﾗﾘｺﾏｱ", r):
		return likeHalfOften + enter
	}
	return likeHalf + enter
}

// kanji returns the likelihood of each kanji of JIS level 1.
var kanji = sync.OnceValue(func() map[rune]float64 {
	m := make(map[rune]float64, 3000)
	d := japanese.EUCJP.NewDecoder()
	for row := byte(0xb0); row <= 0xcf; row++ {
		for cell := byte(0xa1); cell <= 0xfe; cell++ {
			b, err := d.Bytes([]byte{row, cell})
			if r, _ := utf8.DecodeRune(b); err == nil && r != unknown {
				m[r] = likeLevel1
			}
		}
	}
	for _, r := range taught {
		if r > ' ' {
			m[r] = likeTaught
		}
	}
	return m
})

// taught are the kanji of the six years of primary school and a few more that
// official papers are full of.
const taught = `
一右雨円王音下火花貝学気九休玉金空月犬見五口校左三山子四糸字耳七車手十出女小上森人水正生青夕石赤千川先早草足村大男竹中虫町天田土二日入年白八百文木本名目立力林六
引羽雲園遠何科夏家歌画回会海絵外角楽活間丸岩顔汽記帰弓牛魚京強教近兄形計元言原戸古午後語工公広交光考行高黄合谷国黒今才細作算止市矢姉思紙寺自時室社弱首秋週春書少場色食心新親図数西声星晴切雪船線前組走多太体台地池知茶昼長鳥朝直通弟店点電刀冬当東答頭同道読内南肉馬売買麦半番父風分聞米歩母方北毎妹万明鳴毛門夜野友用曜来里理話
悪安暗医委意育員院飲運泳駅央横屋温化荷界開階寒感漢館岸起期客究急級宮球去橋業曲局銀区苦具君係軽血決研県庫湖向幸港号根祭皿仕死使始指歯詩次事持式実写者主守取酒受州拾終習集住重宿所暑助昭消商章勝乗植申身神真深進世整昔全相送想息速族他打対待代第題炭短談着注柱丁帳調追定庭笛鉄転都度投豆島湯登等動童農波配倍箱畑発反坂板皮悲美鼻筆氷表秒病品負部服福物平返勉放味命面問役薬由油有遊予羊洋葉陽様落流旅両緑礼列練路和
愛案以衣位茨印英栄媛塩岡億加果貨課芽賀改械害街各覚潟完官管関観願岐希季旗器機議求泣給挙漁共協鏡競極熊訓軍郡群径景芸欠結建健験固功好香候康佐差菜最埼材崎昨札刷察参産散残氏司試児治滋辞鹿失借種周祝順初松笑唱焼照城縄臣信井成省清静席積折節説浅戦選然争倉巣束側続卒孫帯隊達単置仲沖兆低底的典伝徒努灯働特徳栃奈梨熱念敗梅博阪飯飛必票標不夫付府阜富副兵別辺変便包法望牧末満未民無約勇要養浴利陸良料量輪類令冷例連老労録
圧囲移因永営衛易益液演応往桜可仮価河過快解格確額刊幹慣眼紀基寄規喜技義逆久旧救居許境均禁句型経潔件険検限現減故個護効厚耕航鉱構興講告混査再災妻採際在財罪殺雑酸賛士支史志枝師資飼示似識質舎謝授修述術準序招証象賞条状常情織職制性政勢精製税責績接設絶祖素総造像増則測属率損貸態団断築貯張停提程適統堂銅導得毒独任燃能破犯判版比肥非費備評貧布婦武復複仏粉編弁保墓報豊防貿暴脈務夢迷綿輸余容略留領歴
胃異遺域宇映延沿恩我灰拡革閣割株干巻看簡危机揮貴疑吸供胸郷勤筋系敬警劇激穴券絹権憲源厳己呼誤后孝皇紅降鋼刻穀骨困砂座済裁策冊蚕至私姿視詞誌磁射捨尺若樹収宗就衆従縦縮熟純処署諸除承将傷障蒸針仁垂推寸盛聖誠舌宣専泉洗染銭善奏窓創装層操蔵臓存尊退宅担探誕段暖値宙忠著庁頂腸潮賃痛敵展討党糖届難乳認納脳派拝背肺俳班晩否批秘俵腹奮並陛閉片補暮宝訪亡忘棒枚幕密盟模訳郵優預幼欲翌乱卵覧裏律臨朗論
込契約書欄頃添及又既払渡振込絡繁依頼監督啓掲載掛採択施策控除抑掌握携違維緩抜扱避離陣雇獲獣剤剰催促債慮了寧丁寧伺致申御様宛殿鈴藤渡斎沢浜龍瀬之伊
範郎詳免影響項需祉籍抗症療診衝奨励趣旨措遂販壊汚陳塗舗幅跡遅滞途弾緊般搬飾扶慰弔郊埋却棄棟戒戻敷是換撃撤敏併紹介昇暫旬枠架核概殊汎泊渉漏猶甲乙丙疫皆盗秩称稼稿突端箇累縁繰翌耐膨荒華蓄薄薦虚衰請諮謹譲贈超踏軒透逐逓逮遣還釈鉛鋭錯閲阻随隅隔隣頒顧黙河原
`
