import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import type { ja } from "@/locales/ja";
import type { Locale } from "./api/types";
import { storeLocale } from "./appearance";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "common";
    resources: typeof ja;
    returnNull: false;
    contextSeparator: "~"; // "_" is part of error codes
  }
}

/** The texts of one language, loaded when it is first needed. */
async function load(locale: Locale): Promise<typeof ja> {
  return locale === "ja" ? (await import("@/locales/ja")).ja : ((await import("@/locales/en")).en as unknown as typeof ja);
}

function add(locale: Locale, texts: typeof ja) {
  for (const [ns, bundle] of Object.entries(texts)) i18next.addResourceBundle(locale, ns, bundle);
}

/** Starts the interface in a language. Call once, before rendering. */
export async function startI18n(locale: Locale) {
  await i18next.use(initReactI18next).init({
    lng: locale,
    fallbackLng: false,
    ns: [],
    defaultNS: "common",
    resources: {},
    interpolation: { escapeValue: false }, // React escapes
    showSupportNotice: false, // the console of our users is no place for advertisements
    returnNull: false,
    contextSeparator: "~",
  });
  add(locale, await load(locale));
  document.documentElement.lang = locale;
}

/** Changes the language of the interface, now and on this browser's next visit. */
export async function changeLocale(locale: Locale) {
  storeLocale(locale);
  document.documentElement.lang = locale;
  if (i18next.language === locale) return;
  if (!i18next.hasResourceBundle(locale, "common")) add(locale, await load(locale));
  await i18next.changeLanguage(locale);
}
