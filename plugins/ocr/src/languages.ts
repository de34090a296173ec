import { Failure } from "./failure.ts";

/** ISO 639-2/T → 639-1, for the languages that Tesseract data exist for and that are read in Europe. */
// prettier-ignore
const SHORT: Record<string, string> = {
  ara: "ar", bul: "bg", cat: "ca", ces: "cs", dan: "da", deu: "de", ell: "el", eng: "en", est: "et", fas: "fa", fin: "fi", fra: "fr",
  hrv: "hr", hun: "hu", ita: "it", kur: "ku", lav: "lv", lit: "lt", nld: "nl", nor: "no", pol: "pl", por: "pt", ron: "ro", rus: "ru",
  slk: "sk", slv: "sl", spa: "es", sqi: "sq", srp: "sr", swe: "sv", tur: "tr", ukr: "uk",
};

/** @returns ISO 639-1 for display; the code itself where there is no short one */
export function displayLanguage(language: string): string {
  return SHORT[language] ?? language;
}

export interface LanguageOrder {
  /** As the caller sent it. */
  asked: string[] | undefined;
  /** What the backend can read. */
  offered: string[];
  /** What to read when the caller leaves it open. */
  fallback: string[];
}

/**
 * Decides in which languages a page is read. `["auto"]`, an empty list and none mean the fallback languages that are installed; a caller
 * who names languages gets exactly those or an error.
 * @throws bad_request       `language_unsupported`
 * @throws not_implemented   `model_missing` when not even a fallback language is installed
 * @source 22 rule 3, rule 4, O3
 */
export function chooseLanguages(order: LanguageOrder): string[] {
  const { offered, fallback } = order;
  const asked = [...new Set(order.asked ?? [])];
  if (asked.length === 0 || (asked.length === 1 && asked[0] === "auto")) {
    const usable = fallback.filter((language) => offered.includes(language));
    if (usable.length > 0) return usable;
    if (offered[0] !== undefined) return [offered[0]];
    const message = "No language data is installed. Install the plugin again to fetch it.";
    throw new Failure("not_implemented", { reason: "model_missing", message });
  }
  const unknown = asked.filter((language) => !offered.includes(language));
  if (unknown.length === 0) return asked;
  const mixed = unknown.includes("auto") ? " `auto` stands alone." : "";
  const message = `Cannot read ${unknown.join(", ")}. Available: ${offered.join(", ")} (three-letter codes), or auto.${mixed}`;
  throw new Failure("bad_request", { reason: "language_unsupported", message });
}
