import { readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeBase64url, HnError } from "../../host/src/foundation/index.ts";
import { readTokenText, verifyTokenText } from "../../host/src/identity/index.ts";
import { readClaims } from "../../host/src/tokens/read/claims.ts";
import { covers } from "../../host/src/tokens/read/covers.ts";
import { type Chance, feed, type FuzzReport, mutate } from "./harness.ts";
import { jsonText, oneIn, pick } from "./inputs/json-text.ts";

const SLOW_MS = 50;
const PREFIX = "hntoken://v1/";
const { payload, token: GENUINE } = (
  JSON.parse(readFileSync(join(import.meta.dirname, "..", "vectors", "token.json"), "utf8")) as {
    cases: [{ payload: Record<string, unknown>; token: string }];
  }
).cases[0];
const [HEAD = "", BODY = "", TAIL = ""] = GENUINE.slice(PREFIX.length).split(".");
const REFUSALS = new Set(["token_malformed", "token_scope_unknown"]);

/** The reader of tokens, given altered, re-wrapped and made-up ones: only what its issuer has signed is ever taken. */
export function fuzz(o: { runs: number; seed: number }): Promise<FuzzReport> {
  return feed("token-reader", { ...o, slowMs: SLOW_MS, make, target: read });
}

function make(chance: Chance): Uint8Array {
  return Buffer.from(text(chance), "latin1");
}

function text(chance: Chance): string {
  switch (chance(8)) {
    case 0:
      return GENUINE;
    case 1:
      return Buffer.from(mutate(Buffer.from(GENUINE), chance)).toString("latin1");
    case 2:
      return `${PREFIX}${HEAD}.${encodeBase64url(mutate(Buffer.from(BODY, "base64url"), chance))}.${TAIL}`;
    case 3:
      return `${PREFIX}${encodeBase64url(mutate(Buffer.from(HEAD, "base64url"), chance))}.${BODY}.${TAIL}`;
    case 4:
      return `${PREFIX}${HEAD}.${encodeBase64url(Buffer.from(JSON.stringify(withOtherField(chance))))}.${TAIL}`;
    case 5:
      return `${PREFIX}${HEAD}.${Buffer.from(jsonText(chance)).toString(oneIn(chance, 5) ? "base64" : "base64url")}.${TAIL}`;
    case 6:
      return [PREFIX + HEAD, BODY, TAIL].slice(0, 1 + chance(3)).join(pick(chance, [".", "..", "", " "]));
    default:
      return PREFIX + Buffer.from(Array.from({ length: chance(200) }, () => chance(256))).toString("latin1");
  }
}

/** One claim, or one part of the scope, replaced by something of another type or size, or one more added. */
function withOtherField(chance: Chance): object {
  const odd = [
    null,
    true,
    0,
    -1,
    0.5,
    1e308,
    "",
    "*",
    "x".repeat(3000),
    [],
    {},
    [null],
    [[[[[[[[[[]]]]]]]]]],
    { a: [1] },
    ["a.*@1.0"],
  ];
  const scope = payload["scope"] as Record<string, unknown>;
  if (oneIn(chance, 2)) {
    const key = pick(chance, [...Object.keys(payload), "act", "aud_node", "extra", "__proto__"]);
    return { ...payload, [key]: pick(chance, odd) };
  }
  const key = pick(chance, [...Object.keys(scope), "max_uses", "extra", "toString"]);
  return { ...payload, scope: { ...scope, [key]: pick(chance, odd) } };
}

function read(input: Uint8Array): void {
  const given = Buffer.from(input).toString("latin1");
  try {
    const written = readTokenText(given);
    const claims = readClaims(written.claims, { maxTtlSeconds: 86_400 });
    covers(claims.scope, { capability: "rag.query", version: "1.0", body: written.claims });
    if (!verifyTokenText(written, claims.iss)) throw new HnError("token_invalid", { reason: "token_malformed" });
    if (given !== GENUINE) throw new Error("took a token that nobody signed");
  } catch (error) {
    if (HnError.isHnError(error) && !REFUSALS.has(error.reason ?? ""))
      throw new Error(`refused with ${error.code} ${error.reason}`, { cause: error });
    throw error;
  }
}
