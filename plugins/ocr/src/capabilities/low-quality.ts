import type { PageResult } from "../worker/engine.ts";

/** What might help, most promising first. @source 22 rule 6 */
export function hintsFor(page: PageResult): string[] {
  const hints: string[] = [];
  if (page.blocks.length === 0 && page.confidenceMean === 0) hints.push("no_text");
  if (page.scale > 1) hints.push("raise_dpi");
  if (!page.flattened) hints.push("contrast_normalise");
  return [...hints, "check_language", "turn_upright"];
}
