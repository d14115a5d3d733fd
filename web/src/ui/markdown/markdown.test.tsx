import { act, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as lib from "@/lib/markdown";
import { samples } from "@/lib/markdown/samples";
import { Markdown } from "./markdown";

vi.mock("@/lib/markdown", async (original) => {
  const real = await original<typeof lib>();
  return { ...real, safeLink: vi.fn(real.safeLink) };
});

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Shows a text as it grows, letter by letter. */
function grow(text: string, step: number, look: (root: HTMLElement, shown: string) => void) {
  const view = render(<Markdown text="" growing />);
  for (let end = step; end <= text.length; end += step) {
    view.rerender(<Markdown text={text.slice(0, end)} growing />);
    act(() => vi.advanceTimersByTime(2000));
    look(view.container, text.slice(0, end));
  }
  view.rerender(<Markdown text={text} />);
  return view;
}

describe("Markdown", () => {
  it("shows a document: headings below the page's own, lists, tasks, table, notes", () => {
    const { container } = render(<Markdown text={samples["a notice with a table and notes"] ?? ""} />);
    expect(screen.getByRole("heading", { name: "見出し", level: 3 })).toBeTruthy();
    expect(screen.getByRole("link", { name: "市のページ" }).getAttribute("rel")).toBe("noopener noreferrer");
    expect(container.textContent).toContain("www.city.midorino.example");
    expect(screen.getAllByRole("checkbox").map((box) => (box as HTMLInputElement).checked)).toEqual([true, false]);
    expect(within(screen.getByRole("table")).getAllByRole("columnheader").map((cell) => cell.textContent)).toEqual(["区分", "品目", "金額"]);
    const mark = screen.getByRole("link", { name: "注1" });
    const note = container.querySelector(`[id="${mark.getAttribute("href")?.slice(1) ?? ""}"]`);
    expect(note?.textContent).toContain("注の本文です。");
  });

  it("resolves links whose address comes last", () => {
    render(<Markdown text={samples["links by reference, defined at the end"] ?? ""} />);
    expect(screen.getAllByRole("link", { name: "条例" }).map((link) => link.getAttribute("href"))).toEqual(["https://example.jp/jorei", "https://example.jp/jorei"]);
    expect(screen.getByRole("link", { name: "手引き" })).toBeTruthy();
  });

  it("never shows half-written marks while it grows", () => {
    const text = "前置き。**太字の語**と[市のページ](https://www.city.midorino.example/gomi)と`code`です。\n\n| 区分 | 品目 |\n|---|---|\n| 第1種 | **いす** |\n\n- **要点**: 一つ目\n- [ ] 作業\n\n終わり。";
    grow(text, 1, (root) => {
      const shown = root.textContent ?? "";
      expect(shown).not.toMatch(/\*\*|\]\(|\|\s*-|--|`|\[ ?\]?$/);
      expect(root.querySelector("h3, h4")).toBeNull();
    });
  });

  it("shows a table from its first cells and never takes it back", () => {
    let seen = false;
    grow("表です。\n\n| 区分 | 品目 |\n|---|---|\n| 第1種 | いす |\n", 1, (root, shown) => {
      const table = root.querySelector("table") !== null;
      if (seen) expect(table).toBe(true);
      seen ||= table;
      if (shown.endsWith("| 区")) expect(table).toBe(true);
    });
  });

  it("has a cursor at the end of what is being written, and only there", () => {
    grow("# 題\n\n- 一\n  - 二\n\n| a |\n|---|\n| b |\n\n```js\nlet x\n```\n\n> 引用\n\n終わり", 1, (root) => {
      expect(root.querySelectorAll(".prose-cursor").length).toBeLessThanOrEqual(1);
    });
    expect(document.querySelector(".prose-cursor")).toBeNull();
  });

  it("renders only the end again", () => {
    const link = vi.mocked(lib.safeLink);
    const settled = Array.from({ length: 200 }, (_, i) => `段落${i}の[リンク](https://example.jp/${i})です。\n\n`).join("");
    const view = render(<Markdown text={settled} growing />);
    const paragraphs = [...view.container.querySelectorAll("p")];
    link.mockClear();
    for (let i = 1; i <= 100; i++) {
      view.rerender(<Markdown text={settled + "終わりに書いています。".repeat(i)} growing />);
      act(() => vi.advanceTimersByTime(2000));
    }
    expect(link.mock.calls.length).toBeLessThanOrEqual(4);
    expect([...view.container.querySelectorAll("p")].slice(0, 200)).toEqual(paragraphs);
  });

  it("fetches no picture from elsewhere, and names where it would lead", () => {
    const { container } = render(<Markdown text={"![地図](https://tracker.example/p.png?q=secret) ![](/api/v1/attachments/0199/content)\n\n![x][r]\n\n[r]: https://tracker.example/r.png"} />);
    expect([...container.querySelectorAll("img")].map((img) => img.getAttribute("src"))).toEqual(["/api/v1/attachments/0199/content"]);
    expect(screen.getByRole("link", { name: "画像: 地図" })).toBeTruthy();
    expect(container.textContent).toContain("tracker.example");
  });

  it("copies a table for a spreadsheet", async () => {
    vi.useRealTimers();
    const write = vi.fn<(items: Record<string, Blob>[]) => Promise<void>>().mockResolvedValue();
    vi.stubGlobal("ClipboardItem", class { constructor(readonly parts: Record<string, Blob>) {} });
    vi.stubGlobal("isSecureContext", true);
    Object.defineProperty(navigator, "clipboard", { value: { write }, configurable: true });
    render(<Markdown text={"| 品目 | 金額 |\n|---|---|\n| いす | 1,000円 |\n"} />);
    fireEvent.click(screen.getByRole("button", { name: /表をコピーする/ }));
    await vi.waitFor(() => expect(write).toHaveBeenCalled());
    const parts = (write.mock.calls[0]?.[0][0] as unknown as { parts: Record<string, Blob> }).parts;
    expect(await readBlob(parts["text/plain"])).toBe("品目\t金額\r\nいす\t1,000円");
    expect(await readBlob(parts["text/html"])).toBe("<table><tr><th>品目</th><th>金額</th></tr><tr><td>いす</td><td>1,000円</td></tr></table>");
    vi.unstubAllGlobals();
    Reflect.deleteProperty(navigator, "clipboard");
  });

  it("wraps code on demand", () => {
    const { container } = render(<Markdown text={"```text\nlong line\n```"} />);
    fireEvent.click(screen.getByRole("button", { name: "行を折り返す" }));
    expect(container.querySelector("pre.prose-code-wrap")).not.toBeNull();
  });
});

const hostile = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg onload=alert(1)><script>alert(1)</script></svg>",
  "<iframe src=javascript:alert(1)></iframe>",
  "<style>*{display:none}</style>",
  "<a href='javascript:alert(1)'>x</a>",
  "[x](javascript:alert(1))",
  "[x](JAVASCRIPT:alert(1))",
  "[x](java\tscript:alert(1))",
  "[x](data:text/html;base64,PHNjcmlwdD4=)",
  "[x](&#106;avascript:alert(1))",
  "[x](vbscript:x)",
  "![x](javascript:alert(1))",
  '![x](https://evil.example/"onerror="alert(1))',
  "[x](<javascript:alert(1)>)",
  "<javascript:alert(1)>",
  "[x][r]\n\n[r]: javascript:alert(1)",
  "[^x]\n\n[^x]: <img src=x onerror=alert(1)>",
  '[^"onclick=alert(1)]\n\n[^"onclick=alert(1)]: x',
  "```<img src=x onerror=alert(1)>\nx\n```",
  "```html\n<script>alert(1)</script>\n```",
  "```svg\n<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script><foreignObject><body onload='alert(1)'/></foreignObject></svg>\n```",
  "$\\href{javascript:alert(1)}{x}$",
  "$\\htmlStyle{position:fixed}{x}$",
  "$$\n\\includegraphics{https://evil.example/x.png}\n$$",
  "| <img src=x onerror=alert(1)> |\n|---|\n| <script>alert(1)</script> |",
  "<div style='position:fixed;inset:0'>over everything</div>",
  "<form action=https://evil.example><input name=password></form>",
  "<base href=https://evil.example>",
  "<meta http-equiv=refresh content='0;url=https://evil.example'>",
  "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
  "<!--><img src=x onerror=alert(1)>-->",
  "\u202ejavascript:alert(1)",
  "https://city.example.jp@evil.example/",
  "[https://city.example.jp](https://evil.example/)",
];

describe("hostile words", () => {
  it.each(hostile)("%s", async (text) => {
    vi.useRealTimers();
    await lib.loadTypesetter();
    const check = (root: HTMLElement) => {
      expect(root.querySelectorAll("script, iframe, object, embed, style, form, base, meta, link, foreignObject, [style*=fixed]")).toHaveLength(0);
      for (const element of root.querySelectorAll("*")) {
        for (const { name, value } of element.attributes) {
          expect(name).not.toMatch(/^on/);
          if (name === "href") expect(value).toMatch(/^(https?:|mailto:|#)/);
          if (name === "src") expect(value).toMatch(/^(\/api\/v1\/attachments\/|data:image\/svg\+xml;charset=utf-8,)/);
          if (name === "src" && element.tagName !== "IMG") expect(name).toBe("only images have a source");
        }
      }
    };
    const view = render(<Markdown text={text} />);
    await act(() => new Promise((resolve) => setTimeout(resolve, 20)));
    check(view.container);
    const growing = render(<Markdown text={text.slice(0, -2)} growing />);
    check(growing.container);
  });

  it("says where a link leads when its words say otherwise", () => {
    const { container } = render(<Markdown text="[https://city.example.jp](https://evil.example/)" />);
    expect(container.textContent).toContain("evil.example");
  });
});

/** jsdom's Blob cannot say its text. */
function readBlob(blob: Blob | undefined): Promise<string> {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.readAsText(blob ?? new Blob());
  });
}
