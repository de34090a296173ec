import type { I18nText } from "@hearthnet/host/contract";
import type { Messages } from "./en.ts";

/** `en-XA` is the pseudo-language: for tests, chosen nowhere on the page. */
export type Language = "en" | "de" | "en-XA";
export const LANGUAGES: readonly [Language, string][] = [
  ["en", "English"],
  ["de", "Deutsch"],
];

const KEY = "hn.language";
const catalogues: Record<Language, () => Promise<Messages>> = {
  en: async () => (await import("./en.ts")).en,
  de: async () => (await import("./de.ts")).de,
  "en-XA": async () => (await import("./pseudo.ts")).pseudo((await import("./en.ts")).en),
};

let shown = $state.raw<{ language: Language; messages: Messages | null }>({ language: "en", messages: null });

/** The texts of the chosen language; `useLanguage` has run before anything is drawn. */
export function t(): Messages {
  if (shown.messages === null) throw new Error("no language is loaded");
  return shown.messages;
}

export function language(): Language {
  return shown.language;
}

/** Chosen before, else the browser's own. */
export function preferredLanguage(): Language {
  const chosen = readChoice();
  return chosen ?? (navigator.languages.find((l) => /^(de|en)\b/.test(l))?.startsWith("de") === true ? "de" : "en");
}

export async function useLanguage(next: Language, o: { remember: boolean }): Promise<void> {
  const messages = await catalogues[next]();
  shown = { language: next, messages };
  document.documentElement.lang = next;
  if (!o.remember) return;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // Private windows may refuse storage; the choice then lasts as long as the page.
  }
}

function readChoice(): Language | null {
  try {
    const value = localStorage.getItem(KEY);
    return value === "de" || value === "en" || value === "en-XA" ? value : null;
  } catch {
    return null;
  }
}

/** Text that comes with a plugin, in the reader's language if it has it. */
export function pick(text: I18nText | undefined): string {
  return text === undefined ? "" : (text[shown.language] ?? text.en);
}
