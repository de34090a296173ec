import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Principal, TokenIssueInput } from "../../src/contract/index.ts";
import { readTokenText } from "../../src/identity/index.ts";
import {
  claims,
  hall,
  newJti,
  operator,
  outsider,
  presentation,
  principal,
  verdict,
  verdictOf,
  written,
  type Hall,
  type Settings,
} from "./desk.ts";

function wish({ ben }: Hall, change: Partial<TokenIssueInput> = {}): TokenIssueInput {
  return { client_id: newJti(), subject: ben.signer.nodeId, scope: { capabilities: ["rag.query@1.0"] }, ...change };
}

const allow = (...capabilities: string[]): Partial<TokenIssueInput> => ({ scope: { capabilities } });

interface Case {
  name: string;
  wish?: (hall: Hall) => Partial<TokenIssueInput>;
  caller?: (hall: Hall) => Principal;
  settings?: Settings;
  verdict: string;
}

const CASES: readonly Case[] = [
  { name: "the operator, for a neighbour", verdict: "ok" },
  { name: "a member, within its rights", caller: ({ carl }) => principal(carl), verdict: "ok" },
  {
    name: "a stranger",
    caller: () => ({ kind: "stranger", node_id: outsider().nodeId, community_id: null, level: "unknown" }),
    verdict: "unauthorized",
  },
  {
    name: "a member by its own claim only",
    caller: ({ carl }) => ({ ...principal(carl), node_id: outsider().nodeId }),
    verdict: "unauthorized",
  },
  {
    name: "a foreign caller",
    caller: () => ({ kind: "federated", node_id: outsider().nodeId, community_id: null, level: "unknown" }),
    verdict: "unauthorized",
  },
  {
    name: "a member where others may not ask",
    caller: ({ carl }) => principal(carl),
    settings: { remoteIssue: "off" },
    verdict: "unauthorized remote_issue_off",
  },
  {
    name: "K-9 an anchor's node for a plain member: no more than the member has",
    caller: ({ carl }) => principal(carl),
    wish: () => allow("rag.ingest@1.0"),
    verdict: "token_scope_insufficient token_beyond_rights",
  },
  {
    name: "K-9 the member's claim of a higher level does not count",
    caller: ({ carl }) => principal(carl, { level: "anchor" }),
    wish: () => allow("rag.ingest@1.0"),
    verdict: "token_scope_insufficient token_beyond_rights",
  },
  { name: "the operator of an anchor's node", wish: () => allow("rag.ingest@1.0"), verdict: "ok" },
  {
    name: "a plugin at its level",
    caller: ({ anna }) => principal(anna, { kind: "plugin", plugin_id: "acme/demo", level: "member" }),
    wish: () => allow("rag.ingest@1.0"),
    verdict: "token_scope_insufficient token_beyond_rights",
  },
  {
    name: "what is the operator's own",
    wish: () => allow("llm.secret@1.0"),
    verdict: "token_scope_insufficient token_beyond_rights",
  },
  { name: "what nobody offers", wish: () => allow("rag.query@2.0"), verdict: "not_found" },
  {
    name: "what cannot be handed on",
    wish: () => allow("community.invite@1.0"),
    verdict: "token_scope_insufficient token_beyond_rights",
  },
  { name: "a chain", wish: () => allow("auth.token.issue@1.0"), verdict: "token_scope_insufficient token_beyond_rights" },
  {
    name: "a chain without version",
    wish: () => allow("auth.token.issue"),
    verdict: "token_scope_insufficient token_beyond_rights",
  },
  { name: "an action that is not on the bus", wish: () => allow("relay.push"), verdict: "ok" },
  {
    name: "a restriction that nobody knows",
    wish: () => ({ scope: { capabilities: ["rag.query@1.0"], moon: "full" } as never }),
    verdict: "token_invalid token_scope_unknown",
  },
  { name: "another community", wish: () => ({ audience: outsider().nodeId }), verdict: "not_federated" },
  { name: "no node as subject", wish: () => ({ subject: "ben" }), verdict: "bad_request bad_node_id" },
  { name: "two days", wish: () => ({ ttl_seconds: 172_800 }), verdict: "bad_request" },
  {
    name: "longer than this node's owner allows",
    wish: () => ({ ttl_seconds: 601 }),
    settings: { maxTtlSeconds: 600 },
    verdict: "bad_request",
  },
  {
    name: "for whoever holds it",
    wish: () => ({ subject: "*", issued_via: "federation" }),
    verdict: "token_invalid bearer_refused",
  },
  {
    name: "for whoever holds it, where allowed",
    wish: () => ({
      subject: "*",
      issued_via: "federation",
      scope: { capabilities: ["rag.query@1.0"], rate_limit_per_minute: 5 },
    }),
    settings: { allowBearer: true },
    verdict: "ok",
  },
  {
    name: "for whoever holds it, without rate",
    wish: () => ({ subject: "*", issued_via: "federation" }),
    settings: { allowBearer: true },
    verdict: "token_invalid bearer_refused",
  },
  {
    name: "for whoever holds it, through a relay, where only links may",
    wish: () => ({ subject: "*", issued_via: "relay", scope: { capabilities: ["rag.query@1.0"], rate_limit_per_minute: 5 } }),
    settings: { allowBearer: true },
    verdict: "token_invalid bearer_refused",
  },
  {
    name: "for whoever holds it, to write",
    wish: () => ({
      subject: "*",
      issued_via: "federation",
      scope: { capabilities: ["rag.ingest@1.0"], rate_limit_per_minute: 5 },
    }),
    settings: { allowBearer: true },
    verdict: "token_scope_insufficient token_beyond_rights",
  },
  {
    name: "for whoever holds it, asked by a member",
    caller: ({ carl }) => principal(carl),
    wish: () => ({
      subject: "*",
      issued_via: "federation",
      scope: { capabilities: ["rag.query@1.0"], rate_limit_per_minute: 5 },
    }),
    settings: { allowBearer: true },
    verdict: "token_invalid bearer_refused",
  },
  {
    name: "more than fits into a token",
    wish: () => ({ scope: { capabilities: ["rag.query@1.0"], params_constraints: { corpus: ["x".repeat(2000)] } } }),
    verdict: "bad_request too_large",
  },
  { name: "switched off", settings: { enabled: false }, verdict: "not_implemented tokens_unsupported" },
];

describe("a token is issued (05 §6)", () => {
  for (const one of CASES) {
    it(one.name, async (t) => {
      const h = await hall(t, one.settings);
      const asked = h.tokens.issue(wish(h, one.wish?.(h)), one.caller?.(h) ?? operator(h));
      assert.equal(await verdictOf(asked), one.verdict);
      assert.equal(h.tokens.list().length, one.verdict === "ok" ? 1 : 0);
      assert.equal(h.heard.length, one.verdict === "ok" ? 1 : 0);
    });
  }

  it("with every field, announced in the log and to who listens, and never with its text", async (t) => {
    const h = await hall(t);
    const scope = { capabilities: ["rag.query@1.0"], max_calls_total: 3 };
    const { token, token_id } = await h.tokens.issue(wish(h, { scope, aud_node: h.anna.signer.nodeId }), principal(h.carl));
    const { claims: written } = readTokenText(token);
    assert.deepEqual(JSON.parse(JSON.stringify(written)), {
      iss: h.anna.signer.nodeId,
      sub: h.ben.signer.nodeId,
      aud: h.anna.community.communityId(),
      iat: h.seconds(),
      nbf: h.seconds(),
      exp: h.seconds() + 3600,
      jti: token_id,
      scope: { capabilities: ["rag.query@1.0"], params_constraints: {}, max_calls_total: 3 },
      issued_via: "manual",
      aud_node: h.anna.signer.nodeId,
      act: h.carl.signer.nodeId,
    });
    const { events } = h.anna.community.read({ types: ["auth.token.issued"], limit: 10 });
    assert.deepEqual(
      events.map(({ event }) => event.data),
      [
        {
          token_id,
          subject: h.ben.signer.nodeId,
          scope: { capabilities: ["rag.query@1.0"], params_constraints: {}, max_calls_total: 3 },
          expires_at: "2026-07-01T13:00:00Z",
          audience: h.anna.community.communityId(),
        },
      ],
    );
    assert.equal(h.heard[0]?.topic, "auth.token.issued");
    assert.ok(!JSON.stringify([events, h.heard, h.tokens.list()]).includes(token.split(".")[2] ?? "?"));
    assert.equal(h.tokens.list()[0]?.asked_by, h.carl.signer.nodeId);
    h.tokens.admit(presentation(h, token));
    assert.equal(h.tokens.list()[0]?.calls_left, 2);
  });

  it("once for one client_id, also after a restart, and apart for every asker", async (t) => {
    const h = await hall(t);
    const asked = wish(h);
    const first = await h.tokens.issue(asked, operator(h));
    h.village.clock.advance(5000);
    h.reopen();
    assert.deepEqual(await h.tokens.issue(asked, operator(h)), first);
    assert.equal(h.anna.community.read({ types: ["auth.token.issued"], limit: 10 }).events.length, 1);
    const wider = { ...asked, scope: { capabilities: ["ocr.image@1.0"] } };
    assert.equal(await verdictOf(h.tokens.issue(wider, operator(h))), "bad_request client_id_reused");
    assert.notEqual((await h.tokens.issue(asked, principal(h.carl))).token_id, first.token_id);
  });

  it("thirty times an hour for a member, as often as it likes for the operator", async (t) => {
    const h = await hall(t);
    for (let i = 0; i < 30; i++) await h.tokens.issue(wish(h), principal(h.carl));
    assert.equal(await verdictOf(h.tokens.issue(wish(h), principal(h.carl))), "rate_limited token_issue_limit");
    assert.equal(await verdictOf(h.tokens.issue(wish(h), principal(h.ben))), "ok");
    for (let i = 0; i < 40; i++) await h.tokens.issue(wish(h), operator(h));
    h.village.clock.advance(3_600_000);
    assert.equal(await verdictOf(h.tokens.issue(wish(h), principal(h.carl))), "ok");
  });

  it("is not issued without a community", async (t) => {
    const h = await hall(t);
    await h.anna.community.leave();
    assert.equal(await verdictOf(h.tokens.issue(wish(h), operator(h))), "not_found no_community");
  });
});

describe("what a token says is told (05 §6)", () => {
  it("to its subject, its issuer and the operator; to others it is as one that does not exist", async (t) => {
    const h = await hall(t);
    const { token } = await h.tokens.issue(wish(h), operator(h));
    const told = (caller: Principal): boolean => h.tokens.introspect(token, caller).active;
    assert.deepEqual([principal(h.ben), principal(h.anna), operator(h), principal(h.carl)].map(told), [true, true, true, false]);
    assert.deepEqual(h.tokens.introspect(token, principal(h.carl)), { active: false });
    assert.deepEqual(h.tokens.introspect("hello", operator(h)), { active: false });
    h.village.clock.advance(3_600_000);
    assert.deepEqual(h.tokens.introspect(token, operator(h)), { active: false });
  });

  it("to the owner with the reason why it does not count", async (t) => {
    const h = await hall(t);
    const { token, token_id } = await h.tokens.issue(wish(h), operator(h));
    assert.deepEqual([h.tokens.inspect(token).valid, h.tokens.inspect(token).claims.jti], [true, token_id]);
    await h.tokens.revoke({ client_id: newJti(), token_id }, operator(h));
    assert.equal(h.tokens.inspect(token).error?.error, "token_revoked");
    const loose = { ...claims(h), aud: "" };
    assert.equal(h.tokens.inspect(written(outsider(), loose)).error?.reason, "token_audience_mismatch");
    assert.equal(
      verdict(() => h.tokens.inspect("hello")),
      "bad_request token_malformed",
    );
  });
});
