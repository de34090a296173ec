import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it, type TestContext } from "node:test";
import type { JsonObject, Principal, TokenIssueInput } from "../../../src/contract/index.ts";
import { importSeed, Signer } from "../../../src/identity/index.ts";
import { tick } from "../../bus/make.ts";
import { newJti } from "../../tokens/desk.ts";
import { asText, everything, letter, plug, post, refusalOf, type Letter, type LetterFacts } from "../support/letters.ts";
import { PATIENT } from "../support/shared-street.ts";
import { Street, type House, type HouseOptions } from "../support/street.ts";

const FRAMES = { type: "object" } as const;
const OUTSIDER = strangerOf(9);

function strangerOf(n: number): Signer {
  const { nodeId, key } = importSeed(new Uint8Array(32).fill(n));
  return new Signer(nodeId, key);
}

interface Scene {
  street: Street;
  anna: House;
  ben: House;
  /** A token by Anna's node. */
  issue(o?: Partial<TokenIssueInput>): Promise<string>;
  /** Presents it at Anna's, as the outsider unless said otherwise. */
  ask(token: string | null, facts?: LetterFacts & { by?: Signer }): Promise<string>;
  /** Who the handlers were told was calling. */
  callers: Principal[];
}

async function scene(t: TestContext, o: HouseOptions = {}): Promise<Scene> {
  const street = new Street(t);
  const [anna, ben] = await street.neighbours({ anna: { ...PATIENT.anna, ...o } });
  const callers: Principal[] = [];
  for (const [name, trust_required] of [
    ["ext.demo.echo", "member"],
    ["ext.demo.trusted", "trusted"],
    ["ext.demo.other", "member"],
    ["ext.demo.own", "self"],
  ] as const)
    anna.offer({ name, trust_required }, (call) => {
      callers.push(call.caller);
      return Promise.resolve({ output: { n: 1 }, meta: {} });
    });
  return {
    street,
    anna,
    ben,
    callers,
    issue: async (change = {}) =>
      (
        await anna.tokens.issue(
          { client_id: newJti(), subject: OUTSIDER.nodeId, scope: { capabilities: ["ext.demo.echo@1.0"] }, ...change },
          anna.ask({ capability: "" }).caller,
        )
      ).token,
    ask: async (token, { by = OUTSIDER, ...facts } = {}) => {
      const one = letter(by, anna, { at: street.clock.now(), ...facts });
      if (token !== null) one.headers["x-hearthnet-token"] = token;
      const answer = await post(anna, one);
      return answer.status === 200 ? "200" : refusalOf(answer, anna, { from: by.nodeId });
    },
  };
}

/** Only what no signature would have to prove. */
function bearerLetter(token: string, o: { capability?: string; body?: JsonObject } = {}): Letter {
  return {
    method: "POST",
    path: "/bus/v1/call",
    headers: {
      "content-type": "application/json",
      "x-hearthnet-capability": o.capability ?? "ext.demo.echo",
      "x-hearthnet-capability-version": "1.0",
      "x-hearthnet-request-id": newJti(),
      "x-hearthnet-token": token,
    },
    body: JSON.stringify(o.body ?? { params: {}, input: {} }),
  };
}

describe("a call with a token (02 §3 step 8, T-9)", () => {
  it("lets a stranger do what the token says and nothing else", async (t) => {
    const { ask, issue, callers, anna } = await scene(t);
    assert.equal(await ask(null), "401 unauthorized");
    const token = await issue();
    assert.equal(await ask(token), "200");
    assert.deepEqual(callers[0], {
      kind: "stranger",
      node_id: OUTSIDER.nodeId,
      community_id: null,
      level: "unknown",
      acts_for: anna.nodeId,
    });
    assert.equal(await ask(token, { capability: "ext.demo.other" }), "403 token_scope_insufficient");
    assert.equal(await ask(token, { version: "1.1" }), "403 token_scope_insufficient");
    assert.equal(await ask(null), "401 unauthorized", "nothing of it stays");
    assert.equal(await ask(token, { by: strangerOf(8) }), "401 invalid_signature token_subject_mismatch");
  });

  it("says the community that it likes: the token is what counts, and a foreign one leads nowhere (B-11)", async (t) => {
    const { ask, issue } = await scene(t);
    const token = await issue();
    assert.equal(await ask(token, { community: OUTSIDER.nodeId }), "200");
    assert.equal(await ask(token, { community: strangerOf(8).nodeId }), "404 not_federated");
  });

  it("reaches up to the level of whoever stands behind it, now (03 §8)", async (t) => {
    const { ask, issue, anna, ben } = await scene(t);
    const scope = { capabilities: ["ext.demo.echo@1.0", "ext.demo.trusted@1.0", "ext.demo.own@1.0"] };
    const text = await issue({ scope: { capabilities: ["ext.demo.trusted@1.0"] } });
    assert.equal(await ask(text, { capability: "ext.demo.trusted" }), "200");
    // Ben's own node signs more than Ben has; here it counts for what he is.
    const now = Math.floor(Date.UTC(2026, 6, 1, 12) / 1000);
    const widened = ben.signer.signToken({
      iss: ben.nodeId,
      sub: OUTSIDER.nodeId,
      aud: anna.communityId(),
      iat: now,
      nbf: now,
      exp: now + 3600,
      jti: newJti(),
      scope,
      issued_via: "manual",
    });
    assert.equal(await ask(widened), "200");
    assert.equal(await ask(widened, { capability: "ext.demo.trusted" }), "401 unauthorized");
    await anna.community.promote({ target: ben.nodeId, level: "trusted" });
    assert.equal(await ask(widened, { capability: "ext.demo.trusted" }), "200");
    assert.equal(await ask(widened, { capability: "ext.demo.own" }), "401 unauthorized", "a token never yields self");
    await anna.community.revoke({ target: ben.nodeId, reason: "lost" });
    assert.equal(await ask(widened), "403 revoked token_issuer_revoked");
  });

  it("of a member keeps the member's own level: a token only widens (T-9)", async (t) => {
    const { ask, issue, ben, anna } = await scene(t);
    const token = await issue({ subject: ben.nodeId, scope: { capabilities: ["ext.demo.trusted@1.0", "ext.demo.echo@1.0"] } });
    const by = ben.signer;
    assert.equal(await ask(null, { by, capability: "ext.demo.trusted" }), "401 unauthorized");
    assert.equal(await ask(token, { by, capability: "ext.demo.trusted" }), "200");
    assert.equal(await ask(null, { by }), "200");
    await anna.community.revoke({ target: ben.nodeId, reason: "lost" });
    assert.equal(await ask(token, { by }), "403 revoked", "before the token is looked at");
  });

  it("issues no tokens, changes no members, reads no log (05 §4, 04 E-15)", async (t) => {
    const { ask, issue, anna, ben } = await scene(t);
    const token = await issue();
    assert.equal(await ask(token, { capability: "auth.token.issue" }), "401 unauthorized token_chain");
    assert.equal(await ask(token, { capability: "community.invite" }), "401 unauthorized token_chain");
    const heads = letter(ben.signer, anna, { method: "GET", path: "/sync/v1/heads", capability: "sys.sync.heads" });
    heads.headers["x-hearthnet-token"] = await issue({ subject: ben.nodeId });
    assert.equal(refusalOf(await post(anna, heads), anna, { from: ben.nodeId }), "403 token_scope_insufficient token_not_here");
  });

  it("is proven like any other: replayed, altered or signed for another node it is refused before the token", async (t) => {
    const { anna, ben, issue } = await scene(t);
    const token = await issue();
    const one = letter(OUTSIDER, anna);
    one.headers["x-hearthnet-token"] = token;
    assert.equal((await post(anna, one)).status, 200);
    assert.equal(refusalOf(await post(anna, one), anna, { from: OUTSIDER.nodeId }), "401 invalid_signature replayed");
    const other = letter(OUTSIDER, anna, { to: ben.nodeId });
    other.headers["x-hearthnet-token"] = token;
    assert.equal(refusalOf(await post(anna, other), anna, { from: OUTSIDER.nodeId }), "401 invalid_signature wrong_recipient");
  });

  it("is refused where tokens are switched off", async (t) => {
    const { ask, issue } = await scene(t);
    const token = await issue();
    const { ask: elsewhere } = await scene(t, { tokens: { enabled: false } });
    assert.equal(await elsewhere(token), "501 not_implemented tokens_unsupported");
    assert.equal(await ask(token), "200");
    const { ask: bare } = await scene(t, { listener: { tokens: undefined as never } });
    assert.equal(await bare(token), "501 not_implemented tokens_unsupported");
  });

  it("travels with a call of the bus to a neighbour", async (t) => {
    const street = new Street(t);
    const [anna, ben] = await street.neighbours(PATIENT);
    anna.offer({ trust_required: "trusted" });
    await street.meet(ben, anna);
    const call = ben.ask({ capability: "ext.demo.echo", node: anna.nodeId });
    await assert.rejects(ben.bus.call(call), { code: "unauthorized" });
    const { token } = await anna.tokens.issue(
      { client_id: newJti(), subject: ben.nodeId, scope: { capabilities: ["ext.demo.echo@1.0"] } },
      anna.ask({ capability: "" }).caller,
    );
    assert.equal((await ben.bus.call({ ...call, token })).provider, anna.nodeId);
  });
});

describe("a bearer's call (05 K-5)", () => {
  const settings = { allowBearer: true };
  const wish: Partial<TokenIssueInput> = {
    subject: "*",
    issued_via: "federation",
    scope: { capabilities: ["ext.demo.echo@1.0"], rate_limit_per_minute: 50 },
  };

  it("needs no signature, counts against the issuer, and gets its answer addressed to nobody", async (t) => {
    const { issue, anna, callers } = await scene(t, { tokens: settings });
    const token = await issue(wish);
    const answer = await post(anna, bearerLetter(token));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["x-hearthnet-from"], anna.nodeId);
    assert.deepEqual(callers[0], {
      kind: "stranger",
      node_id: anna.nodeId,
      community_id: null,
      level: "unknown",
      acts_for: anna.nodeId,
    });
    assert.equal(anna.bus.recentCalls(1)[0]?.from_node, anna.nodeId);
    const other = await post(anna, bearerLetter(token, { capability: "ext.demo.other" }));
    assert.equal(refusalOf(other, anna), "403 token_scope_insufficient");
  });

  it("is refused unless the operator takes such tokens", async (t) => {
    const { issue } = await scene(t, { tokens: settings });
    const token = await issue(wish);
    const { anna } = await scene(t);
    assert.match(refusalOf(await post(anna, bearerLetter(token)), anna), /^401 /);
  });

  it("with a named subject is refused: a token is no key (K-4)", async (t) => {
    const { issue, anna } = await scene(t, { tokens: settings });
    assert.equal(refusalOf(await post(anna, bearerLetter(await issue())), anna), "401 invalid_signature token_subject_mismatch");
  });

  it("with half a proof is no bearer's", async (t) => {
    const { issue, anna } = await scene(t, { tokens: settings });
    const token = await issue(wish);
    for (const name of ["signature", "community", "timestamp", "to"]) {
      const one = bearerLetter(token);
      one.headers[`x-hearthnet-${name}`] = anna.nodeId;
      assert.equal(refusalOf(await post(anna, one), anna), "400 bad_request header_missing", name);
    }
    const noToken = bearerLetter(token);
    delete noToken.headers["x-hearthnet-token"];
    assert.equal(refusalOf(await post(anna, noToken), anna), "400 bad_request header_missing");
    const heads = { ...bearerLetter(token), method: "GET" as const, path: "/sync/v1/heads", body: "" };
    delete heads.headers["content-type"];
    assert.equal(refusalOf(await post(anna, heads), anna), "400 bad_request header_missing");
  });

  it("that guesses is stopped where guessers of signatures are (T-12)", async (t) => {
    const { anna } = await scene(t, { tokens: settings });
    const guess = async (): Promise<string> => refusalOf(await post(anna, bearerLetter("hntoken://v1/a.b.c")), anna);
    for (let i = 0; i < 20; i++) assert.equal(await guess(), "400 bad_request token_malformed");
    assert.equal(await guess(), "429 rate_limited soft_limit");
  });
});

describe("a stream under a token (network.md §1.8, §7 scenario 13)", () => {
  type Streaming = Scene & { token: string; jti: string; signals: AbortSignal[] };

  /** Opens one and waits for its first frame. @returns what is heard until its end, and the signal of its handler */
  async function open(
    { anna, street, signals }: Streaming,
    token: string,
  ): Promise<{ text: Promise<string>; signal: AbortSignal }> {
    const socket = await plug(anna);
    const text = everything(socket);
    const one = letter(OUTSIDER, anna, { capability: "ext.demo.stream", at: street.clock.now() });
    one.headers["accept"] = "text/event-stream";
    one.headers["connection"] = "close";
    one.headers["x-hearthnet-token"] = token;
    socket.write(asText(one));
    await once(socket, "data");
    const signal = signals.at(-1);
    assert.ok(signal !== undefined);
    return { text, signal };
  }

  async function streaming(t: TestContext): Promise<Streaming> {
    const all = await scene(t);
    const signals: AbortSignal[] = [];
    all.anna.offer(
      { name: "ext.demo.stream", stream_schema: FRAMES, timeout_seconds: 3600 },
      async function* (_call, { signal }) {
        signals.push(signal);
        yield { event: "token", data: {} };
        await once(signal, "abort");
        return {};
      },
    );
    const { token, token_id } = await all.anna.tokens.issue(
      {
        client_id: newJti(),
        subject: OUTSIDER.nodeId,
        scope: { capabilities: ["ext.demo.stream@1.0"] },
        ttl_seconds: 60,
      },
      all.anna.ask({ capability: "" }).caller,
    );
    return { ...all, token, jti: token_id, signals };
  }

  it("ends in the turn in which the token is revoked, with the reason", async (t) => {
    const all = await streaming(t);
    const { text, signal } = await open(all, all.token);
    await all.anna.tokens.revoke({ client_id: newJti(), token_id: all.jti }, all.anna.ask({ capability: "" }).caller);
    assert.equal(signal.aborted, true);
    assert.match(await text, /event: error\ndata: \{.*"error":"token_revoked".*"_sig"/);
  });

  it("ends within a second of the token's end", async (t) => {
    const all = await streaming(t);
    const { text, signal } = await open(all, all.token);
    all.street.clock.advance(59_000);
    for (let i = 0; i < 20; i++) await tick();
    assert.equal(signal.aborted, false);
    all.street.clock.advance(2000);
    assert.match(await text, /event: error\ndata: \{.*"error":"token_expired"/);
  });

  it("ends when its issuer's standing does, and leaves other streams alone", async (t) => {
    const all = await streaming(t);
    const { anna, ben } = all;
    const kept = await open(all, all.token);
    const now = Math.floor(all.street.clock.now() / 1000);
    const theirs = ben.signer.signToken({
      iss: ben.nodeId,
      sub: OUTSIDER.nodeId,
      aud: anna.communityId(),
      iat: now,
      nbf: now,
      exp: now + 60,
      jti: newJti(),
      scope: { capabilities: ["ext.demo.stream@1.0"] },
      issued_via: "manual",
    });
    const lost = await open(all, theirs);
    await anna.community.revoke({ target: ben.nodeId, reason: "lost" });
    assert.match(await lost.text, /event: error\ndata: \{.*"error":"revoked","message".*"reason":"token_issuer_revoked"/);
    assert.equal(kept.signal.aborted, false);
  });
});
