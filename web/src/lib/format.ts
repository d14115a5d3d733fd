import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useEra } from "./appearance";
import type { Locale } from "./api/types";

// Kakoi's days are the office's days. The browser's zone is the office's zone.

const day = 86_400_000;

function midnight(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** How many calendar days before now a moment lies; 0 is today, negative the future. */
export function daysAgo(date: Date, now: Date): number {
  return Math.round((midnight(now) - midnight(date)) / day);
}

/** The shapes of dates, numbers and sizes in one language; in Japanese the years may be those of the era. */
export function formats(locale: Locale, era = false) {
  const tag = locale === "ja" ? "ja-JP" : "en-GB";
  const dates = locale === "ja" && era ? "ja-JP-u-ca-japanese" : tag;
  const time = new Intl.DateTimeFormat(tag, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const fullDate =
    locale === "ja"
      ? new Intl.DateTimeFormat(dates, { year: "numeric", month: "long", day: "numeric", weekday: "short" })
      : new Intl.DateTimeFormat(tag, { weekday: "short", day: "numeric", month: "long", year: "numeric" });
  const monthDay = new Intl.DateTimeFormat(tag, { month: locale === "ja" ? "long" : "short", day: "numeric" });
  const yearMonthDay = new Intl.DateTimeFormat(dates, { year: "numeric", month: locale === "ja" ? "long" : "short", day: "numeric" });
  const yearMonth = new Intl.DateTimeFormat(dates, { year: "numeric", month: "long" });
  const integer = new Intl.NumberFormat(tag, { maximumFractionDigits: 0 });
  const decimal = new Intl.NumberFormat(tag, { maximumFractionDigits: 1 });
  const list = new Intl.ListFormat(tag, { type: "conjunction" });
  const relative = new Intl.RelativeTimeFormat(tag, { numeric: "auto" });

  const parse = (value: string | Date) => (typeof value === "string" ? new Date(value) : value);

  const within = (value: string | Date, now = new Date()) => {
    const date = parse(value);
    const ago = daysAgo(date, now);
    if (ago === 0 || ago === 1) return `${relative.format(-ago, "day")} ${time.format(date)}`;
    return date.getFullYear() === now.getFullYear() ? monthDay.format(date) : yearMonthDay.format(date);
  };

  return {
    /** Whether years are those of the era: 令和8年. */
    era: dates !== tag,
    /** 14:05 */
    time: (value: string | Date) => time.format(parse(value)),
    /** 2026年11月22日(日) 14:05 */
    dateTime: (value: string | Date) => {
      const date = parse(value);
      return `${fullDate.format(date)} ${time.format(date)}`;
    },
    /** 2026年11月22日(日) */
    date: (value: string | Date) => fullDate.format(parse(value)),
    /** 今日 14:05, 昨日 16:40, 11月18日, 2025年3月3日 */
    near: (value: string | Date, now = new Date()) => {
      const words = within(value, now);
      return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
    },
    /** The same within a sentence: until today 14:05 */
    within,
    /** 2026年11月 */
    month: (value: string | Date) => yearMonth.format(parse(value)),
    /** 11月16日 */
    monthDay: (value: string | Date) => monthDay.format(parse(value)),
    /** 1,284 */
    number: (value: number) => integer.format(value),
    /** 環境課、総務課、財政課 */
    list: (items: readonly string[]) => list.format(items),
    /** 3件 ・ 24 KB: short facts on one line, those that are there */
    facts: (...items: (string | false | undefined)[]) => items.filter(Boolean).join(locale === "ja" ? " ・ " : " · "),
    /** 24 KB, 1.3 MB */
    bytes: (value: number) => {
      const units = ["B", "KB", "MB", "GB", "TB"];
      let size = value;
      let unit = 0;
      while (size >= 1000 && unit < units.length - 1) {
        size /= 1024;
        unit++;
      }
      return `${size < 10 && unit > 1 ? decimal.format(size) : integer.format(size)} ${units[unit]}`;
    },
    /** 3日4時間, 12分, 8秒: the two largest units */
    duration: (ms: number) => {
      const s = Math.max(0, Math.floor(ms / 1000));
      const parts: [number, string, string][] = [
        [Math.floor(s / 86_400), "日", "d"],
        [Math.floor(s / 3600) % 24, "時間", "h"],
        [Math.floor(s / 60) % 60, "分", "min"],
        [s % 60, "秒", "s"],
      ];
      const first = parts.findIndex(([n]) => n > 0);
      const shown = first < 0 ? parts.slice(3) : parts.slice(first, first + 2).filter(([n], i) => i === 0 || n > 0);
      return shown.map(([n, jaUnit, enUnit]) => (locale === "ja" ? `${n}${jaUnit}` : `${n} ${enUnit}`)).join(locale === "ja" ? "" : " ");
    },
    /** ￥1,234 or $0.30 or $0.000012: never rounded to nothing */
    money: (amount: number, currency: "JPY" | "USD") => {
      const size = Math.abs(amount);
      const digits = size === 0 || size >= 1 ? {} : size >= 0.01 && currency === "USD" ? { maximumFractionDigits: 4 } : { maximumSignificantDigits: 2 };
      return new Intl.NumberFormat(tag, { style: "currency", currency, currencyDisplay: "narrowSymbol", ...digits }).format(amount);
    },
  };
}

/** The formats of the language in use. */
export function useFormats() {
  const { i18n } = useTranslation();
  const locale: Locale = i18n.language === "en" ? "en" : "ja";
  const era = useEra();
  return useMemo(() => formats(locale, era), [locale, era]);
}
