import { readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeBase64url, HnError } from "../../host/src/foundation/index.ts";
import { canonicalText, readFreshDeviceId, readInvite } from "../../host/src/identity/index.ts";
import { type Chance, feed, type FuzzReport, mutate } from "./harness.ts";
import { jsonText, oneIn, pick } from "./inputs/json-text.ts";

const SLOW_MS = 50;
const PREFIX = "hearthnet://v1/";
const FRESH = "hearthnet-id://v1/";
const PREFIXES = [PREFIX, PREFIX, PREFIX, "hn1:", FRESH, "hearthnet://v2/", "HEARTHNET://v1/", ""];
const { invite, text: GENUINE } = (
  JSON.parse(readFileSync(join(import.meta.dirname, "..", "vectors", "invite.json"), "utf8")) as {
    cases: [{ invite: Record<string, unknown>; text: string }];
  }
).cases[0];
const SIGNED = canonicalText(invite);
const NOW = Date.parse("2026-07-01T12:00:00Z");
const REFUSALS = new Set(["invite_invalid", "invite_expired", "bad_node_id"]);

/** The readers of pasted text, given altered, re-wrapped and made-up ones: only what the inviter signed is ever taken. */
export function fuzz(o: { runs: number; seed: number }): Promise<FuzzReport> {
  return feed("invite-reader", { ...o, slowMs: SLOW_MS, make, target: read });
}

function make(chance: Chance): Uint8Array {
  return Buffer.from(text(chance), "latin1");
}

function text(chance: Chance): string {
  const prefix = pick(chance, PREFIXES);
  switch (chance(6)) {
    case 0:
      return ` ${GENUINE.replace(/.{60}/g, oneIn(chance, 2) ? "$&\r\n" : "$&")}\n`;
    case 1:
      return Buffer.from(mutate(Buffer.from(GENUINE), chance)).toString("latin1");
    case 2:
      return prefix + encodeBase64url(mutate(Buffer.from(JSON.stringify(invite)), chance));
    case 3:
      return prefix + encodeBase64url(Buffer.from(JSON.stringify(withOtherField(chance))));
    case 4:
      return prefix + Buffer.from(jsonText(chance)).toString(oneIn(chance, 5) ? "base64" : "base64url");
    default:
      return prefix + Buffer.from(Array.from({ length: chance(200) }, () => chance(256))).toString("latin1");
  }
}

/** One field replaced by something of another type or size, or one more added. */
function withOtherField(chance: Chance): object {
  const key = pick(chance, [...Object.keys(invite), "extra", "sig", "inv", "exp", "node_id_full", "display_name"]);
  const odd = [
    null,
    true,
    0,
    -1,
    1e308,
    "",
    "x".repeat(3000),
    [],
    {},
    [null],
    [[[[[[[[]]]]]]]],
    { transport: 1 },
    "9999-12-31T23:59:59Z",
  ];
  return { ...invite, [key]: pick(chance, odd) };
}

function read(input: Uint8Array): void {
  const given = Buffer.from(input).toString("utf8");
  try {
    if (given.startsWith(FRESH)) readFreshDeviceId(given);
    else if (canonicalText(readInvite(given, { now: NOW })) !== SIGNED) throw new Error("took an invitation that nobody signed");
  } catch (error) {
    if (HnError.isHnError(error) && !REFUSALS.has(error.reason ?? ""))
      throw new Error(`refused with ${error.code} ${error.reason}`, { cause: error });
    throw error;
  }
}
