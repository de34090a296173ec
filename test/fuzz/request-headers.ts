import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RequestEnvelope } from "../../host/src/contract/index.ts";
import { HnError } from "../../host/src/foundation/index.ts";
import { parseHeaders } from "../../host/src/transport/inbound/1-parse-headers.ts";
import { newPassage } from "../../host/src/transport/inbound/passage.ts";
import { type Chance, feed, type FuzzReport, mutate } from "./harness.ts";
import { oneIn, pick } from "./inputs/json-text.ts";

const SLOW_MS = 50;
const OURS = "x-hearthnet-";
const NAMES = [
  "from",
  "to",
  "capability",
  "capability-version",
  "request-id",
  "community",
  "timestamp",
  "signature",
  "token",
  "timeout-ms",
  "trace-id",
];
const VALUES = [
  "",
  " ",
  "1.0",
  "0",
  "1e9",
  "\u00ff",
  "__proto__",
  "ed25519:",
  "2026-02-30T00:00:00Z",
  "99999999999",
  "x".repeat(3000),
];
const OTHERS = [
  "content-type: application/json",
  "content-encoding: gzip",
  "transfer-encoding: chunked",
  "content-length: 5",
  "host: x",
  "accept: */*",
  "cookie: a",
  "__proto__: b",
];
const GENUINE = genuineHeaders();

/**
 * The reader of request headers against genuine, damaged and hostile header blocks. What it takes is what one reader alone could read: every
 * header that carries meaning stands there once, and the claim it reports has the form it promises.
 * @source 02 §3 step 1, T-5
 */
export function fuzz(o: { runs: number; seed: number }): Promise<FuzzReport> {
  return feed("request-headers", { ...o, slowMs: SLOW_MS, make, target: read });
}

function make(chance: Chance): Uint8Array {
  const lines = [...GENUINE];
  for (let edits = chance(4); edits > 0; edits--) {
    const line = oneIn(chance, 2) ? pick(chance, OTHERS) : `${OURS}${pick(chance, NAMES)}: ${pick(chance, VALUES)}`;
    if (oneIn(chance, 2)) lines.push(oneIn(chance, 3) ? line.toUpperCase() : line);
    else lines[chance(lines.length)] = line;
  }
  const bytes = Buffer.from(lines.join("\n"));
  return oneIn(chance, 2) ? mutate(bytes, chance) : bytes;
}

function genuineHeaders(): string[] {
  const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, "..", "vectors", "request.json"), "utf8")) as {
    cases: { envelope: RequestEnvelope; signature: string }[];
  };
  const { envelope, signature } = cases[1] ?? { envelope: {} as RequestEnvelope, signature: "" };
  const ours = {
    from: envelope.from,
    to: envelope.to ?? "",
    capability: envelope.capability,
    "capability-version": envelope.version,
    "request-id": envelope.request_id,
    community: envelope.community,
    timestamp: envelope.timestamp,
    signature,
  };
  return ["content-type: application/json", ...Object.entries(ours).map(([name, value]) => `${OURS}${name}: ${value}`)];
}

function read(input: Uint8Array): void {
  // Node hands header values over as Latin-1, one text per byte.
  const rawHeaders = Buffer.from(input)
    .toString("latin1")
    .split("\n")
    .flatMap((line) => {
      const colon = line.indexOf(":");
      return colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
  const isGet = input.byteLength % 5 === 0;
  const rule = { capability: undefined, query: "refused" } as const;
  const passage = newPassage({ rule, address: "192.0.2.1", rawHeaders, queryText: "", isGet });
  let refusal: unknown;
  try {
    parseHeaders(passage);
  } catch (error) {
    refusal = error;
  }
  const { from, requestId } = passage.claim;
  if (from !== "" && !/^ed25519:[\w-]{43}$/.test(from)) throw new Error(`claims to be ${from}`);
  if (requestId !== "" && !/^[\w-]{8,64}$/.test(requestId)) throw new Error(`claims the id ${requestId}`);
  if (HnError.isHnError(refusal)) throw refusal;
  if (refusal !== undefined) throw new Error("an uncoded error", { cause: refusal });
  const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  for (const name of names)
    if (name.startsWith(OURS) && names.indexOf(name) !== names.lastIndexOf(name)) throw new Error(`took ${name} twice`);
  if (passage.headers === undefined) throw new Error("took a request without reading it");
}
