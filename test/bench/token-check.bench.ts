import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Event, TokenCommunity, TokenPayload } from "../../host/src/contract/index.ts";
import { createUlidFactory, ManualClock } from "../../host/src/foundation/index.ts";
import { importSeed, Signer, verifyBytes } from "../../host/src/identity/index.ts";
import { seededRandom } from "../../host/test/support/people.ts";
import { openTokens } from "../../host/src/tokens/index.ts";
import { compare, type BenchResult } from "./measure.ts";

/**
 * A token's ten checks beside a list of 10,000 revocations: one that was seen before, and one that is new, each against the verification of one
 * signature. The bound is 50 µs for one seen before. @source network.md §7 scenario 13, §8 F1
 */
export const name = "token-check";

const REVOKED = 10_000;
const COMMUNITY = importSeed(new Uint8Array(32).fill(8)).nodeId;

export async function run(): Promise<Record<string, BenchResult>> {
  const { nodeId, key } = importSeed(new Uint8Array(32).fill(7));
  const signer = new Signer(nodeId, key);
  const clock = new ManualClock();
  const newUlid = createUlidFactory(clock, seededRandom(3));
  const dataDir = mkdtempSync(join(tmpdir(), "hn-bench-tokens-"));
  const tokens = openTokens({
    dataDir,
    signer,
    clock,
    newUlid,
    community: communityOf(nodeId, newUlid),
    offers: { requirement: () => "member" },
    topics: { publish: () => {} },
  });
  const now = Math.floor(clock.now() / 1000);
  const written = (): string => {
    const payload: TokenPayload = {
      iss: nodeId,
      sub: nodeId,
      aud: COMMUNITY,
      iat: now,
      nbf: now,
      exp: now + 3600,
      jti: newUlid(),
      scope: { capabilities: ["rag.query@1.0"], params_constraints: { corpus: ["public"] }, rate_limit_per_minute: 1_000_000 },
      issued_via: "manual",
    };
    return signer.signToken(payload);
  };
  const body = { params: { corpus: "public" }, input: { query: "Wasser" } };
  const admit = (text: string): void =>
    void tokens.admit({ text, signer: nodeId, community: null, capability: "rag.query", version: "1.0", body, idempotent: true });
  const message = Buffer.from("x".repeat(600));
  const signature = signer.signPlugin("bench/token", { text: "x".repeat(600) });
  // A signature that is wrong is judged in full every time; a right one would be remembered.
  const verify = (): Promise<boolean> => Promise.resolve(verifyBytes(message, { by: nodeId, signature }));
  const known = Array.from({ length: 16 }, written);
  let next = 0;
  const seen = await compare({
    ours: () => {
      // Between two rounds a minute passes, or the rate would be what is measured.
      if (next % 800 === 0) clock.advance(61_000 / 800);
      return Promise.resolve(admit(known[next++ % known.length] ?? ""));
    },
    theirs: verify,
    round: 4000,
  });
  const fresh = Array.from({ length: 4000 }, written);
  const unseen = await compare({ ours: () => Promise.resolve(admit(fresh.pop() ?? "")), theirs: verify, round: 400 });
  tokens.close();
  rmSync(dataDir, { recursive: true, force: true });
  return {
    [`${name}-seen`]: {
      ...seen,
      unit: `µs CPU for a token seen before, ${REVOKED} revoked ones listed (≤ 50), and one signature`,
    },
    [`${name}-new`]: { ...unseen, unit: "µs CPU for a new token, and one signature" },
  };
}

/** A community whose log holds nothing but revocations by its anchor. */
function communityOf(node: string, newUlid: () => string): TokenCommunity {
  const events = Array.from({ length: REVOKED }, (_, i): Event => ({
    schema_version: 1,
    event_id: newUlid(),
    lamport: i + 1,
    wall_clock: "2026-07-01T12:00:00Z",
    community_id: COMMUNITY,
    author: node,
    event_type: "auth.token.revoked",
    data: { token_id: newUlid(), reason: "manual" },
    signature: "",
  }));
  return {
    communityId: () => COMMUNITY,
    standing: () => ({ kind: "member", level: "anchor" }),
    policy: () => null,
    append: () => Promise.reject(new Error("not part of this measurement")),
    read: () => ({ events: events.map((event) => ({ event, level: "anchor" })), next: null }),
    revision: () => 0,
    onEvent: () => () => {},
    onStored: () => () => {},
  };
}
