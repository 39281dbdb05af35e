/**
 * Two languages, one chunk each, loaded on demand. Messages live in `locales/<language>/<area>.json`
 * and are addressed as `<area>.<key>`. Messages are compiled without eval, so the strict content
 * security policy holds.
 */
import { createI18n } from "vue-i18n";
import type { Language } from "./api/types";

export const LANGUAGES: Language[] = ["en", "fr"];
const STORED = "aiguilleur.language";

export const i18n = createI18n({
  legacy: false,
  locale: "en",
  fallbackLocale: "en",
  missingWarn: false,
  fallbackWarn: false,
  messages: {},
});

const loaders: Record<Language, () => Promise<{ default: Record<string, object> }>> = {
  en: () => import("./locales/en"),
  fr: () => import("./locales/fr"),
};

export function preferredLanguage(): Language {
  const stored = readStored();
  if (stored) return stored;
  return navigator.language.toLowerCase().startsWith("fr") ? "fr" : "en";
}

export async function useLocale(language: Language): Promise<void> {
  if (!i18n.global.availableLocales.includes(language as never)) {
    const messages = await loaders[language]();
    i18n.global.setLocaleMessage(language as never, messages.default as never);
  }
  (i18n.global.locale as unknown as { value: string }).value = language;
  document.documentElement.lang = language;
  try {
    localStorage.setItem(STORED, language);
  } catch {
    // Storage refused: the account's language applies after signing in.
  }
}

function readStored(): Language | null {
  try {
    const value = localStorage.getItem(STORED);
    return value === "en" || value === "fr" ? value : null;
  } catch {
    return null;
  }
}
