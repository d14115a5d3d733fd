/** Markdown as models write it, for tests: each of these is also fed letter by letter. */
export const samples: Record<string, string> = {
  "a notice with a table and notes": `前置きです。

## 見出し

本文に**太字**と*強調*、\`code\`、[市のページ](https://www.city.midorino.example/gomi)、そして注[^1]。

| 区分 | 品目 | 金額 |
|---|:-:|--:|
| 第1種 | いす、**布団** | 500円 |
| 第2種 | 自転車 | 1,000円 |

- [x] 済んだこと
- [ ] これから
  - 入れ子
    1. 深い

[^1]: 注の本文です。

おわりの段落。
`,
  "code, a diagram and formulas": `次の関数です。

\`\`\`python
# 注釈 **太字ではない** | 表ではない |
def f(x):
    return x ** 2

print("\`\`\`")
\`\`\`

\`\`\`mermaid
flowchart LR
  A --> B
\`\`\`

式 $E=mc^2$ と \\(a+b\\) です。

$$
x = 1
+ 2
- 3
$$

\\[ y = \\frac{1}{2} \\]

~~~
$$ 式ではない $$
~~~
`,
  "links by reference, defined at the end": `[条例][jorei]と[手引き][]を参照。

1. 一つ目
2. 二つ目

> 引用の中の [条例][jorei]

[jorei]: https://example.jp/jorei "条例"
[手引き]: https://example.jp/tebiki
`,
  "headings by underline, lists after paragraphs": `題
===

段落の後に
- すぐ箇条書き
- 二つ目

見出し
---

    字下げのコード

***

<div>HTML</div>

<b>x</b> と <br> と \\*字のまま\\*
`,
  "odds and ends": `$5 and $10、**「かぎ」**の後、a_b_c、2 * 3 * 4、未完の **太字

\`閉じない code

| 表のようで | 表でない

https://example.jp/a を見る。\\[注\\] です。
`,
  "code in a list": `1. 手順

   \`\`\`sh
   make run
   \`\`\`

2. 次

   \`\`\`
   \`\`
   \`\`\`

終わり
`,
};
