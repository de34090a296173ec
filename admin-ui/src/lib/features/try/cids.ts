import type { JsonValue } from "@hearthnet/host/contract";

const CID = /^blake3:[0-9a-f]{64}$/;
/** More than a person would hand on one by one. */
const SHOWN_MAX = 8;
const LOOKED_AT_MAX = 20_000;

/** Ids of files that an answer names, wherever they stand, each once, in order. */
export function cidsIn(answer: JsonValue): string[] {
  const found = new Set<string>();
  const waiting: JsonValue[] = [answer];
  for (let looked = 0; waiting.length > 0 && looked < LOOKED_AT_MAX && found.size < SHOWN_MAX; looked++) {
    const value = waiting.shift();
    if (typeof value === "string" && CID.test(value)) found.add(value);
    else if (typeof value === "object" && value !== null) waiting.push(...(Object.values(value) as JsonValue[]));
  }
  return [...found];
}
