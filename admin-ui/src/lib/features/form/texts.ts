import type { JsonValue } from "@hearthnet/host/contract";
import { language } from "#lib/i18n/locale.svelte.ts";

/** Finds a text that came with a plugin, in the reader's language, else English; null where the plugin has none. */
export type PluginTexts = (key: string) => string | null;

export const noTexts: PluginTexts = () => null;

/** @param tables   by language, as the node hands them out with a plugin */
export function textsOf(tables: Record<string, Record<string, string>> | undefined): PluginTexts {
  return (key) => tables?.[language()]?.[key] ?? tables?.["en"]?.[key] ?? null;
}

/** `/backends/0/languages` below `config` → `config.backends.languages`; places in a list say nothing about the text. */
export function textKey(at: string, what: "title" | "description", under = "config"): string {
  return [...steps(at, under), what].join(".");
}

/** `/mode`, `quiet` → `config.mode.enum.quiet` */
export function choiceKey(at: string, value: JsonValue, under = "config"): string {
  return [...steps(at, under), "enum", String(value)].join(".");
}

const steps = (at: string, under: string): string[] => [
  under,
  ...at.split("/").filter((part) => part !== "" && !/^\d+$/.test(part)),
];
