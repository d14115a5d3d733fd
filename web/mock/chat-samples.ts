import type { Message, Part } from "../src/features/chat/api";

// What the stand-in says. Everything in it is invented.

export const notice = `条例第38条と改定表をもとに、広報紙と窓口で共用できる文案にしました。

## 粗大ごみ処理手数料の改定について（お知らせ）

みどり野市では、収集と処理にかかる費用の変化をふまえ、令和9年4月1日の収集分から粗大ごみの処理手数料を改めます。ご理解とご協力をお願いいたします。

| 区分 | 主な品目 | 現行 | 改定後 | 差 |
|---|---|---|---|---|
| 第1種 | いす、扇風機、布団 | 400円 | 500円 | +100円 |
| 第2種 | 自転車、机（幅1m未満） | 800円 | 1,000円 | +200円 |
| 第3種 | ソファー、たんす | 1,200円 | 1,600円 | +400円 |
| 第4種 | ベッド、スプリング入りマットレス | 2,000円 | 2,800円 | +800円 |

- 3月31日までに申し込み、収集が4月1日以降になるときは、改定後の手数料です。
- お手元の処理券は、差額分の券を足して**そのまま使えます**。

### お問い合わせ

環境課 資源循環係（[市のページ](https://www.city.midorino.example/gomi)）

### 出す前に確かめること

1. 処理券の差額分を取り扱う店が、改定表と手引きで異なります[^1]。
2. 減免の対象（条例第41条）に触れるかどうかは、前回のお知らせにならい省きました。

[^1]: 手引き（令和8年度）12ページ。「取扱店」の一覧は令和8年10月の時点のものです。
`;

export const showcase = `# 書式の見本

本文には**太字**、*強調*、~~取り消し~~、\`code\` が入ります。**「かぎ括弧」**の直後も太字になります。金額は $5 and $10、範囲は 10~20 です。外のページは [環境省](https://www.env.go.jp/recycle/) のように出します。https://example.jp/faq を参照してください。

## 表

| 品目 | 数量 | 単価 | 金額 |
|---|--:|--:|--:|
| コピー用紙 A4 | 120 | 380円 | 45,600円 |
| トナー<br>（黒） | 4 | 12,800円 | 51,200円 |
| 封筒 角2 | 1,000 | 9円 | 9,000円 |

## 作業

- [x] 改定表を確かめる
- [ ] 取扱店の一覧を改める
  - 市内 42 店
  - 市外 3 店

> 手数料は、条例で定める額を超えてはならない。

\`\`\`python
# 手数料を計算する
def fee(kind: int, count: int = 1) -> int:
    table = {1: 500, 2: 1000, 3: 1600, 4: 2800}
    return table[kind] * count

print(f"合計 {fee(3, 2):,} 円")  # 合計 3,200 円
\`\`\`

\`\`\`mermaid
flowchart LR
  A[申し込み] --> B{処理券は}
  B -->|ある| C[差額の券を足す]
  B -->|ない| D[取扱店で買う]
  C --> E[収集日に出す]
  D --> E
\`\`\`

二次方程式 $ax^2+bx+c=0$ の解は次のとおりです。

$$
x = \\frac{-b \\pm \\sqrt{b^2-4ac}}{2a}
$$

\`\`\`svg
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 80" width="240" height="80"><rect width="240" height="80" rx="8" fill="#e8f1fe"/><circle cx="40" cy="40" r="22" fill="#0017c1"/><text x="80" y="46" font-size="18" fill="#1a1a1a">みどり野市</text></svg>
\`\`\`

外の画像は ![現地の写真](https://tracker.example/pixel.png?q=secret) のように名前だけを出します。<script>alert(1)</script> は文字のままです。注もあります[^n]。

[^n]: 注は最後にまとまります。
`;

const reasoning = "まず条例第38条を確かめる。改定表の金額と合っているか。\n\n- 第1種から第4種まで、差額を計算する\n- 4月1日以降の収集分に適用する\n\n広報紙の文体に合わせて、です・ますで書く。";

const at = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

let count = 0;

export function user(text: string, minutes: number, files: Part[] = []): Message {
  return { id: `u-${++count}`, role: "user", status: "complete", parts: [{ type: "text", text }, ...files], createdAt: at(minutes), finishedAt: at(minutes) };
}

export function assistant(text: string, minutes: number, more: Partial<Message> = {}): Message {
  return {
    id: `a-${++count}`,
    role: "assistant",
    status: "complete",
    stopReason: "end",
    parts: text === "" ? [] : [{ type: "text", text }],
    modelId: "m-sonnet",
    modelName: "Claude Sonnet 4.5",
    createdAt: at(minutes),
    finishedAt: at(minutes - 1),
    firstTokenMs: 820,
    usage: { inputTokens: 1842, outputTokens: 1204, reasoningTokens: 310, cacheReadTokens: 1024, cacheWriteTokens: 0, estimated: false },
    cost: { amount: 0.0236, currency: "USD" },
    ...more,
  };
}

const ask = "令和9年4月1日から粗大ごみの処理手数料を改めます。市民向けのお知らせ文の案を作ってください。金額は添付の表のとおり、連絡先は資源循環係です。";

/** The conversations of the stand-in, by what they show. */
export function conversations(): Record<string, { title: string; messages: Message[] }> {
  const paragraph = "みどり野市では、家庭から出る粗大ごみを、申し込み制で収集しています。手数料は品目ごとに定められ、処理券を貼って出します。";
  return {
    "t-0": { title: "粗大ごみ手数料改定のお知らせ", messages: [user(ask, 12), assistant(notice, 11, { parts: [{ type: "reasoning", text: reasoning }, { type: "text", text: notice }], reasoningMs: 12_400 })] },
    "t-1": { title: "集積所の管理は誰が行うか", messages: [user("[[reason]] [[rate 12]] 集積所の管理は誰が行いますか", 1)] },
    "t-2": { title: "外国語版チラシの表記の確認", messages: [user("書式の見本を見せてください", 300), assistant(showcase, 299)] },
    "t-3": { title: "資源循環係 打合せの要点", messages: [user("打合せの要点を5つにまとめてください", 1500), assistant("1. 料金の改定は4月1日の収集分から行う\n2. 処理券の差額は、取扱店で", 1499, { status: "interrupted", error: { code: "run_interrupted" } })] },
    "t-4": { title: "不法投棄の通報への返信", messages: [user("通報への返信を書いてください", 1700), assistant("ご連絡ありがとうございます。お知らせいただいた場所を", 1699, { status: "failed", error: { code: "model_broke_off" } })] },
    "t-5": { title: "収集カレンダー 令和9年度版", messages: [user("カレンダーの注意書きを作ってください", 4400), assistant("", 4399, { status: "failed", error: { code: "model_throttled" }, usage: undefined, cost: undefined })] },
    "t-6": { title: "令和8年度12月議会における一般廃棄物処理基本計画の見直しに関する答弁の下書き", messages: [user("答弁の下書きを", 5800), assistant(`${paragraph}\n\n`.repeat(6).trim(), 5799, { stopReason: "length" })] },
    "t-7": { title: "ごみの分け方・出し方 英語版", messages: [user("Translate the leaflet into English, please.", 8700), assistant("# How to sort and put out your waste\n\nPlease put burnable waste out by 8 a.m.", 8699, { status: "stopped" })] },
    "t-8": {
      title: "減免申請の様式",
      messages: Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? user(`${i / 2 + 1}番目の質問です。様式のどこに書けばよいですか。`, 30_000 - i) : assistant(`${(i + 1) / 2}番目の答えです。${paragraph.repeat(1 + (i % 4))}\n\n- 様式第${(i + 1) / 2}号の欄に書きます\n- 添付の書類を確かめます`, 30_000 - i))),
    },
    "t-9": { title: "事業系ごみの相談", messages: [user("ア".repeat(100_000), 60_000), assistant(`## 長い答え\n\n${`${paragraph.repeat(3)}\n\n| 区分 | 金額 |\n|---|---|\n| 第1種 | 500円 |\n| 第2種 | 1,000円 |\n\n`.repeat(900)}`, 59_999)] },
  };
}

/** About so many characters, with everything in it that answers have. */
function longAnswer(length: number): string {
  const piece = "## 見出し\n\n長い答えの**段落**です。手数料は品目ごとに定められ、[処理券](https://example.jp/)を貼って出します。収集の日の朝8時までに、決められた場所に出してください。\n\n- 一つ目の項目です\n- 二つ目の項目です\n\n| 区分 | 金額 |\n|---|---|\n| 第1種 | 500円 |\n\n```js\nconst fee = (kind) => table[kind];\n```\n\n";
  return piece.repeat(Math.ceil(length / piece.length));
}

/** What is said to a question, after its markers. */
export function answerTo(text: string): { reasoning: string; text: string } {
  const long = /\[\[long (\d+)\]\]/.exec(text);
  const words = text.includes("[[markdown]]") ? showcase : long ? longAnswer(Number(long[1])) : notice;
  return { reasoning: text.includes("[[reason]]") ? reasoning : "", text: words };
}
