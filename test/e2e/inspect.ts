import { AxeBuilder } from "@axe-core/playwright";
import { type Page, expect } from "@playwright/test";
import { type Locale, catalogue } from "./words";

/** What a page may show in Latin letters in every language: names of things and what people entered. */
const names = [
  /^(Kakoi|English|日本語|Ctrl K|SQLite|PostgreSQL|Amazon Bedrock|Ollama|llama\.cpp)$/,
  /^[\w.+-]+@[\w.-]+$/, // e-mail addresses
  /^https?:\/\/\S+$|^[\w.-]+:\d+$/, // addresses of servers
  /^[\d.,]+ ?(B|KB|MB|GB|kB)$/,
  /^(v?\d+\.\d+\.\d+|[0-9a-f]{7,40})(-\w+)*$|^dev$/, // versions
];

/** The name of the model that a new server has, in both languages. */
const demo = "デモ / Demo";

const japanese = /[\u3040-\u30ff\u3400-\u9fff]/;

/** Looks at pages as they stand: barriers, and words that are not the language's. */
export class Inspector {
  private readonly page: Page;
  private readonly locale: Locale;
  private readonly data: RegExp[];
  private readonly own: Set<string>;
  private readonly foreign: Set<string>;
  private readonly keys: Set<string>;
  /** The gaps of our texts; prompts have others. */
  private readonly gaps: string[];

  /** data says how texts look that the test itself entered. */
  constructor(page: Page, locale: Locale, data: RegExp[] = []) {
    this.page = page;
    this.locale = locale;
    this.data = [...names, ...data];
    const other: Locale = locale === "ja" ? "en" : "ja";
    this.own = new Set(catalogue(locale).values());
    this.foreign = new Set([...catalogue(other).values()].filter((text) => !this.own.has(text)));
    this.gaps = [...new Set([...this.own, ...this.foreign].flatMap((text) => text.match(/\{\{\w+\}\}/g) ?? []))];
    const said = new Set([...this.own, ...this.foreign]);
    this.keys = new Set([...catalogue(locale).keys()].flatMap((key) => [key, key.slice(key.indexOf(".") + 1)]).filter((key) => !said.has(key)));
  }

  /**
   * Inspects what is on the page now, in the theme that it has. Findings do not
   * end the test, so that it tells all. Changing the theme under a page costs
   * more than looking, so each language has one of the two: whatever both look
   * at is seen in both.
   */
  async look(what: string): Promise<void> {
    expect.soft([...(await this.wrongWords()), ...(await this.barriers())], `${what}, ${this.locale}`).toEqual([]);
  }

  /** Serious barriers. */
  private async barriers(): Promise<string[]> {
    const { violations } = await new AxeBuilder({ page: this.page }).setLegacyMode().options({ resultTypes: ["violations"] }).analyze();
    return violations
      .filter((v) => v.impact === "serious" || v.impact === "critical")
      .flatMap((v) => v.nodes.map((node) => `${v.id}: ${node.html.slice(0, 200)}: ${node.failureSummary?.split("\n").slice(1).join(" ").trim()}`));
  }

  private async wrongWords(): Promise<string[]> {
    const found: string[] = [];
    for (const { text: seen, where } of await this.texts()) {
      const text = seen.replaceAll(demo, this.locale === "ja" ? "デモ" : "Demo");
      const say = (why: string) => found.push(`${why}: "${text}" in ${where}`);
      if (this.gaps.some((gap) => text.includes(gap))) say("a gap that was not filled");
      else if (this.data.some((pattern) => pattern.test(text))) continue;
      else if (this.keys.has(text) || /^[a-z]\w*(\.[a-zA-Z_]\w*)+$/.test(text)) say("a key");
      else if (this.foreign.has(text)) say("another language");
      else if (this.locale === "en" && japanese.test(text)) say("Japanese");
      else if (this.locale === "ja" && /[A-Za-z]{2,}/.test(text) && !japanese.test(text) && !this.own.has(text)) say("not Japanese");
    }
    return found;
  }

  /** Every text that is seen or read aloud, without what people and models said. */
  private texts(): Promise<{ text: string; where: string }[]> {
    return this.page.evaluate(() => {
      const out: { text: string; where: string }[] = [{ text: document.title, where: "title" }];
      // What people and models said, and what is marked as of another language, such as details for technicians.
      const said = (el: Element) => el.closest("[lang]") !== document.documentElement || (el.closest(".prose") !== null && el.closest("button, summary, [role=group], [role=toolbar]") === null);
      const where = (el: Element) => `<${el.tagName.toLowerCase()} class="${(el.getAttribute("class") ?? "").slice(0, 40)}">`;
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const el = node.parentElement!;
        const text = (node.textContent ?? "").trim();
        if (text === "" || /^(SCRIPT|STYLE|TEXTAREA|NOSCRIPT|TEMPLATE|OPTION)$/.test(el.tagName) || said(el) || !el.checkVisibility({ visibilityProperty: true })) continue;
        out.push({ text, where: where(el) });
      }
      for (const el of Array.from(document.body.querySelectorAll("[aria-label], [title], [placeholder], [alt], [aria-description], [aria-roledescription]"))) {
        if (said(el) || !el.checkVisibility()) continue;
        for (const name of ["aria-label", "title", "placeholder", "alt", "aria-description", "aria-roledescription"]) {
          const text = el.getAttribute(name)?.trim();
          if (text) out.push({ text, where: `${name} of ${where(el)}` });
        }
      }
      return out;
    });
  }
}
