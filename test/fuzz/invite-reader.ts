import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeBase64url, encodeBase64url } from "../../host/src/foundation/index.ts";
import { readFreshDeviceId, readInvite } from "../../host/src/identity/index.ts";
import { type Chance, feed, type FuzzReport, mutate } from "./harness.ts";

const GENUINE = (
  JSON.parse(readFileSync(join(import.meta.dirname, "..", "vectors", "invite.json"), "utf8")) as { cases: { text: string }[] }
).cases.map((c) => c.text);
const NOW = Date.parse("2026-07-01T12:00:00Z");

/** The readers of pasted text: nothing but the genuine invitation may be accepted. */
export function fuzz(o: { runs: number; seed: number }): Promise<FuzzReport> {
  return feed("invite-reader", {
    ...o,
    make,
    target: (input) => {
      const text = Buffer.from(input).toString("utf8");
      if (text.startsWith("hearthnet-id:")) return readFreshDeviceId(text);
      readInvite(text, { now: NOW });
      if (!GENUINE.includes(text.trim())) throw new Error("an altered invitation was accepted");
      return undefined;
    },
  });
}

function make(chance: Chance): Uint8Array {
  const text = GENUINE[chance(GENUINE.length)] ?? "";
  const prefix = ["hearthnet://v1/", "hn1:", "hearthnet-id://v1/"][chance(3)] ?? "";
  if (chance(3) === 0) return mutate(Buffer.from(text), chance);
  // The JSON below the encoding, altered.
  return Buffer.from(prefix + encodeBase64url(mutate(decodeBase64url(text.slice("hearthnet://v1/".length)), chance)));
}
