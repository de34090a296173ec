import type { PanelLook } from "@hearthnet/host/contract";
import type { Language } from "#lib/i18n/locale.svelte.ts";
import { theme } from "#lib/state/theme.ts";

/** Colours that a panel may wear. */
const TOKENS = ["bg", "surface", "sunken", "text", "muted", "line", "soft", "accent", "on-accent", "focus", "ok", "warn", "bad"];
const DARK = "(prefers-color-scheme: dark)";

/** How the page looks at this moment. */
export function currentLook(language: Language): PanelLook {
  const style = getComputedStyle(document.documentElement);
  const chosen = theme();
  return {
    theme: chosen === "system" ? (matchMedia(DARK).matches ? "dark" : "light") : chosen,
    tokens: Object.fromEntries(TOKENS.map((name) => [`--${name}`, style.getPropertyValue(`--${name}`).trim()])),
    language: language === "de" ? "de" : "en",
  };
}

/** Tells of every change of theme. @returns ends it */
export function onLook(listener: () => void): () => void {
  const media = matchMedia(DARK);
  const observer = new MutationObserver(listener);
  media.addEventListener("change", listener);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  return () => {
    media.removeEventListener("change", listener);
    observer.disconnect();
  };
}
