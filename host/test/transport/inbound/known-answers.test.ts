import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HnError, ManualClock } from "../../../src/foundation/index.ts";
import { importSeed, Signer } from "../../../src/identity/index.ts";
import { signedHeaders } from "../../../src/transport/outbound/sign.ts";
import { verifyReply } from "../../../src/transport/outbound/verify-reply.ts";
import { EventParser } from "../../../src/transport/sse/parse.ts";
import type { CommunityDoor } from "../../../src/transport/index.ts";
import type { Frame, Handler, JsonObject } from "../../../src/contract/index.ts";
import { headersFor, post, type Answer, type Letter } from "../support/letters.ts";
import { Street, type House, type Scope } from "../support/street.ts";
import { caseOf, nodeIdOf, REQUESTS, RESPONSES, seedOf, STREAMS } from "../support/vectors.ts";

/** B, for whom everybody is a member of community R. */
async function houseOfB(t: Scope, handler: Handler, stream = false): Promise<House> {
  const street = new Street(t);
  const R = nodeIdOf("R");
  const heads = { community_id: R, head: 0, heads_by_type: {}, heads_by_author: {} };
  const unused = (): never => assert.fail("not part of these vectors");
  const community: CommunityDoor = {
    communityId: () => R,
    standing: () => ({ kind: "member", level: "member" }),
    heads: () => heads,
    brief: () => ({ community_id: R, head: 0 }),
    exchange: unused,
    reconcile: unused,
    manifest: unused,
  };
  const house = await street.house("B", { seed: seedOf("B"), listener: { community } });
  house.offer({ name: "rag.query", idempotent: true, stream_schema: stream ? { type: "object" } : null }, handler);
  street.clock.advance(1000);
  return house;
}

function letterOf(name: string, path = "/bus/v1/call"): Letter {
  const { envelope, signature } = caseOf(REQUESTS, name);
  const isGet = path !== "/bus/v1/call";
  return {
    method: isGet ? "GET" : "POST",
    path,
    headers: { ...headersFor(envelope, signature), ...(isGet ? {} : { "content-type": "application/json" }) },
    body: isGet ? "" : JSON.stringify(envelope.body),
  };
}

const empty: Handler = () => Promise.resolve({ output: { chunks: [] }, meta: { ms: 3 } });
const field = (answer: Answer, name: string): unknown => answer.headers[`x-hearthnet-${name}`];

describe("known answers of the protocol, over the wire", () => {
  it("B takes A's call and signs the answer that the vector holds (02 §3, T-10)", async (t) => {
    const b = await houseOfB(t, empty);
    assert.equal(b.nodeId, nodeIdOf("B"));
    const answer = await post(b, letterOf("rag_bound_to_B"));
    const { envelope, signature } = caseOf(RESPONSES, "rag_empty");
    assert.deepEqual(
      [answer.status, answer.body, field(answer, "timestamp"), field(answer, "request-id"), field(answer, "signature")],
      [envelope.status, envelope.body, envelope.timestamp, envelope.request_id, signature],
    );
  });

  it("takes the unbound form where a repeat does no harm, and the signed GET (T-3, T-4)", async (t) => {
    assert.equal((await post(await houseOfB(t, empty), letterOf("rag_unbound"))).status, 200);
    assert.equal((await post(await houseOfB(t, empty), letterOf("sync_heads_get", "/sync/v1/heads"))).status, 200);
  });

  it("signs the refusal that the vector holds", async (t) => {
    const b = await houseOfB(t, () => Promise.reject(new HnError("not_found", { message: "no provider" })));
    const answer = await post(b, letterOf("rag_bound_to_B"));
    const { envelope, signature } = caseOf(RESPONSES, "error");
    assert.deepEqual([answer.status, answer.body, field(answer, "signature")], [envelope.status, envelope.body, signature]);
  });

  it("ends a stream with the digest and signature that the vector holds (T-14)", async (t) => {
    const { frames, terminal, digest, signature } = caseOf(STREAMS, "tokens");
    const b = await houseOfB(
      t,
      async function* () {
        yield* frames;
        return terminal.data;
      },
      true,
    );
    const letter = letterOf("rag_bound_to_B");
    letter.headers["accept"] = "application/json, text/event-stream";
    const { text } = await post(b, letter);
    const seen = new EventParser().push(Buffer.from(text));
    const last = seen.pop() as Frame;
    assert.deepEqual(JSON.parse(JSON.stringify(seen)), frames);
    const { _sig: seal, ...data } = last.data;
    assert.deepEqual({ ...data }, terminal.data);
    assert.deepEqual({ ...(seal as JsonObject) }, { frames: 2, digest, timestamp: "2026-07-01T12:00:01Z", signature });
  });
});

describe("known answers of the protocol, as a caller", () => {
  it("A's headers carry the vectors' signatures, bound and unbound", () => {
    const { nodeId, key } = importSeed(seedOf("A"));
    const signer = new Signer(nodeId, key);
    for (const name of ["rag_bound_to_B", "rag_unbound"]) {
      const { envelope, signature } = caseOf(REQUESTS, name);
      const headers = signedHeaders(signer, {
        capability: envelope.capability,
        version: envelope.version,
        requestId: envelope.request_id,
        community: envelope.community,
        to: nodeIdOf("B"),
        bound: envelope.to !== undefined,
        body: envelope.body,
        now: new ManualClock().now(),
        accept: "application/json",
      });
      assert.deepEqual(headers, headersFor(envelope, signature));
    }
  });

  it("takes the vectors' answers, and none with another status", () => {
    for (const { envelope, signature } of RESPONSES.cases) {
      const headers = {
        "x-hearthnet-from": envelope.from,
        "x-hearthnet-request-id": envelope.request_id,
        "x-hearthnet-timestamp": envelope.timestamp,
        "x-hearthnet-signature": signature,
      };
      const expected = {
        from: envelope.from,
        to: envelope.to,
        requestId: envelope.request_id,
        now: () => new ManualClock().now(),
      };
      const bytes = Buffer.from(JSON.stringify(envelope.body));
      const read = (status: number): JsonObject => verifyReply({ status, headers, bytes }, expected);
      assert.deepEqual(JSON.parse(JSON.stringify(read(envelope.status))), envelope.body);
      assert.throws(() => read(envelope.status + 1), { code: "invalid_signature" });
    }
  });
});
