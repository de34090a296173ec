import { preferredLanguage, useLanguage } from "#lib/i18n/locale.svelte.ts";

/** Everything is drawn in the browser: the node serves files only. */
export const ssr = false;
export const prerender = false;

export async function load(): Promise<void> {
  await useLanguage(preferredLanguage(), { remember: false });
}
