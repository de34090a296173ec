import type { JsonObject, JsonValue } from "@hearthnet/host/contract";

/** A scope as short texts: `prefixes: ocr.` */
export function scopeChips(scope: JsonObject | undefined): string[] {
  if (scope === undefined) return [];
  return Object.entries(scope).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).map((item) => `${key}: ${text(item)}`),
  );
}

function text(value: JsonValue): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
