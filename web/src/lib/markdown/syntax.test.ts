import type { Nodes } from "mdast";
import { describe, expect, it } from "vitest";
import { isSvg } from "./diagram";
import { safeImage, safeLink, splitBareLink } from "./links";
import { loadTypesetter, type MathPiece, parseMarkup } from "./math";
import { parseMarkdown } from "./parse";
import { numericColumns, toCsv, toTsv } from "./table";

const outline = (node: Nodes): string => {
  if (node.type === "inlineMath") return `{${node.display ? "D" : ""}${node.value}}`;
  if (node.type === "strong") return `<b>${node.children.map(outline).join("")}</b>`;
  if (node.type === "delete") return `<s>${node.children.map(outline).join("")}</s>`;
  if ("children" in node) return node.children.map(outline).join("");
  return "value" in node ? node.value : "";
};
const read = (source: string) => parseMarkdown(source).map(outline).join("\n");

describe("formulas in running text", () => {
  it.each([
    ["$x^2$ です", "{x^2} です"],
    ["面積は$ab$です", "面積は{ab}です"],
    ["$5 and $10", "$5 and $10"],
    ["US$5とUS$10", "US$5とUS$10"],
    ["$5-$10", "$5-$10"],
    ["$5は安いが、10$は高い", "$5は安いが、10$は高い"],
    ["値段は $ 5 $ です", "値段は $ 5 $ です"],
    ["$\\text{面積} = ab$", "{\\text{面積} = ab}"],
    ["$a\\$b$", "{a\\$b}"],
    ["$$x$$", "{Dx}"],
    ["\\(x\\) と \\[y\\]", "{x} と {Dy}"],
    ["\\(x", "(x"],
    ["\\$5 と \\$6", "$5 と $6"],
    ["`$x$`", "$x$"],
    ["$x\ny$", "$x\ny$"],
    ["￥500、¥500", "￥500、¥500"],
  ])("%j", (source, want) => {
    expect(read(source)).toBe(want);
  });
});

describe("emphasis in Japanese", () => {
  it.each([
    ["**「重要」**です", "<b>「重要」</b>です"],
    ["これは**重要。**次", "これは<b>重要。</b>次"],
    ["10~20個と30~40個", "10~20個と30~40個"],
    ["~~「消」~~です", "<s>「消」</s>です"],
  ])("%j", (source, want) => {
    expect(read(source)).toBe(want);
  });
});

describe("links", () => {
  it.each(["https://example.jp/", "http://10.0.0.1:8080/a?b#c", "mailto:a@example.jp"])("follows %s", (url) => {
    expect(safeLink(url)?.href).toBe(url);
  });
  it.each(["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "/admin", "//evil.example", "blob:https://x/y", "https://city.example.jp@evil.example/", "ftp://x/"])("does not follow %s", (url) => {
    expect(safeLink(url)).toBeUndefined();
  });
  it("says where a look-alike name leads", () => {
    expect(safeLink("https://еxample.jp/")?.host).toBe("xn--xample-2of.jp");
  });
  it("ends a bare address where Japanese begins", () => {
    expect(splitBareLink("https://example.jp/faqを参照")).toEqual(["https://example.jp/faq", "を参照"]);
    expect(splitBareLink("https://example.jp/（注）")).toEqual(["https://example.jp/", "（注）"]);
  });
  it("loads images of the conversation only", () => {
    expect(safeImage("/api/v1/attachments/0199-ab/content")).toBe("/api/v1/attachments/0199-ab/content");
    for (const url of ["https://tracker.example/p.png", "/api/v1/me", "/api/v1/attachments/../me/content", "//x/api/v1/attachments/a/content", "/api/v1/attachments/a/content?x=1", "data:image/svg+xml,x"]) expect(safeImage(url)).toBeUndefined();
  });
});

describe("tables for a spreadsheet", () => {
  const cells = [
    ["品目", "金額", "メモ"],
    ["いす\n（大）", "1,000円", '"特"'],
    ["=HYPERLINK(1)", "-500円", "@x"],
  ];
  it("keeps cells apart and starts no formula", () => {
    expect(toTsv(cells)).toBe('品目\t金額\tメモ\r\n"いす\n（大）"\t1,000円\t"""特"""\r\n\'=HYPERLINK(1)\t-500円\t\'@x');
    expect(toCsv(cells).startsWith('\ufeff品目,金額,メモ\r\n"いす\n（大）","1,000円"')).toBe(true);
  });
  it("knows columns of numbers", () => {
    expect(numericColumns([["a", "b", "c", "d"], ["x", "+100円", "１２％", "-"], ["1", "1,000円", "3.5", "令和8年"]])).toEqual([false, true, true, false]);
  });
});

describe("formulas as elements", () => {
  it("reads the typesetter's markup without giving it to the page", () => {
    expect(parseMarkup('<span class="a" style="height:0.5em;vertical-align:-0.1em">x &lt; 2<path d="M0 0"/></span>')).toEqual([
      { tag: "span", attributes: { class: "a" }, style: { height: "0.5em", verticalAlign: "-0.1em" }, children: ["x < 2", { tag: "path", attributes: { d: "M0 0" }, style: {}, children: [] }] },
    ]);
  });
  it("sets a formula, refuses commands that reach out, and gives up on nonsense", async () => {
    const typeset = await loadTypesetter();
    const text = (pieces: MathPiece[] | undefined): string => (pieces ?? []).map((piece) => (typeof piece === "string" ? piece : text(piece.children))).join("");
    expect(text(typeset("\\frac{1}{2} \\text{面積}", true))).toContain("面積");
    expect(typeset("\\frac{1}", false)).toBeUndefined();
    expect(JSON.stringify(typeset("\\href{javascript:alert(1)}{x}", false) ?? "")).not.toContain('"href"');
    expect(JSON.stringify(typeset("\\includegraphics{https://x/y.png}", false) ?? "")).not.toContain("<img");
  });
});

describe("pictures in code", () => {
  it("takes an SVG for one only when it is whole", () => {
    expect(isSvg("svg", "<svg viewBox='0 0 1 1'></svg>")).toBe(true);
    expect(isSvg("xml", "<?xml version='1.0'?>\n<svg></svg>")).toBe(true);
    expect(isSvg("html", "<div><svg></svg></div>")).toBe(false);
    expect(isSvg("svg", "<svg>")).toBe(false);
    expect(isSvg("js", "<svg></svg>")).toBe(false);
  });
});
