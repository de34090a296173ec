import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TokenPayload, TokenPresentation } from "../../src/contract/index.ts";
import type { Signer } from "../../src/identity/index.ts";
import { writeToken } from "./writer.ts";
import { claims, hall, outsider, presentation, verdict, written, type Hall, type Settings } from "./desk.ts";

const BEARER: Settings = { allowBearer: true, federatedOnlyBearer: false };

interface Case {
  name: string;
  /** Claims of a token by Anna for Ben, as changed; fields set to undefined are left out. */
  claims?: (hall: Hall) => Record<string, unknown>;
  signer?: (hall: Hall) => Signer;
  /** What is done to the text. */
  spoil?: (text: string, hall: Hall) => string;
  present?: (hall: Hall) => Partial<TokenPresentation>;
  settings?: Settings;
  /** Before it is presented, after it was made. */
  after?: (hall: Hall) => unknown;
  verdict: string;
}

const scope = (more: Record<string, unknown>): (() => Record<string, unknown>) => {
  return () => ({ scope: { capabilities: ["rag.query@1.0"], ...more } });
};
const body = (params: object, input: object = {}): (() => Partial<TokenPresentation>) => {
  return () => ({ body: { params, input } as never });
};
const at = (change: (now: number) => Partial<TokenPayload>): ((hall: Hall) => Record<string, unknown>) => {
  return ({ seconds }) => change(seconds());
};
const corpus = scope({ params_constraints: { corpus: ["public", "village"] } });
const bearer = (more: Record<string, unknown> = {}, limits: Record<string, unknown> = {}): (() => Record<string, unknown>) => {
  return () => ({
    sub: "*",
    issued_via: "relay",
    scope: { capabilities: ["rag.query@1.0"], rate_limit_per_minute: 5, ...limits },
    ...more,
  });
};
const nobody = (): Partial<TokenPresentation> => ({ signer: null });

/** Every row of 05 §3, in its order, and what lies at its edges. */
const CASES: readonly Case[] = [
  { name: "a genuine token", verdict: "ok" },
  // 1
  { name: "1 no token at all", spoil: () => "hello", verdict: "bad_request token_malformed" },
  { name: "1 another prefix", spoil: (text) => text.replace("v1", "v2"), verdict: "bad_request token_malformed" },
  { name: "1 two parts", spoil: (text) => text.slice(0, text.lastIndexOf(".")), verdict: "bad_request token_malformed" },
  { name: "1 four parts", spoil: (text) => `${text}.AAAA`, verdict: "bad_request token_malformed" },
  { name: "1 padding", spoil: (text) => `${text}=`, verdict: "bad_request token_malformed" },
  { name: "1 too long", spoil: (text) => text.replace(".", `.${"A".repeat(2048)}`), verdict: "bad_request token_malformed" },
  { name: "1 no subject", claims: () => ({ sub: "ben" }), verdict: "bad_request token_malformed" },
  { name: "1 fractions of a second", claims: at((now) => ({ exp: now + 0.5 })), verdict: "bad_request token_malformed" },
  { name: "1 begins after its end", claims: at((now) => ({ nbf: now + 3601 })), verdict: "bad_request token_malformed" },
  { name: "1 lives longer than a day", claims: at((now) => ({ exp: now + 86_401 })), verdict: "bad_request token_malformed" },
  { name: "1 lives exactly a day", claims: at((now) => ({ exp: now + 86_400 })), verdict: "ok" },
  { name: "1 allows nothing", claims: scope({ capabilities: [] }), verdict: "bad_request token_malformed" },
  {
    name: "1 allows 33 things",
    claims: scope({ capabilities: Array.from({ length: 33 }, () => "a.b@1.0") }),
    verdict: "bad_request token_malformed",
  },
  { name: "1 wildcard", claims: scope({ capabilities: ["rag.*@1.0"] }), verdict: "bad_request token_malformed" },
  { name: "1 unknown restriction", claims: scope({ only_on_sundays: true }), verdict: "token_invalid token_scope_unknown" },
  { name: "1 unknown way", claims: () => ({ issued_via: "pigeon" }), verdict: "bad_request token_malformed" },
  { name: "1 two numbers of calls", claims: scope({ max_uses: 1, max_calls_total: 2 }), verdict: "bad_request token_malformed" },
  // 2
  {
    name: "2 signed by another",
    spoil: (text, h) => text.slice(0, text.lastIndexOf(".")) + written(h.carl.signer, claims(h)).slice(text.lastIndexOf(".")),
    verdict: "token_invalid token_signature_bad",
  },
  {
    name: "2 widened",
    spoil: (text) => changed(text, '"rag.query@1.0"', '"rag.query@1.0","rag.ingest@1.0"'),
    verdict: "token_invalid token_signature_bad",
  },
  {
    name: "2 prolonged",
    spoil: (text) => changed(text, /"exp":(\d+)/, (_, n) => `"exp":${Number(n) + 1}`),
    verdict: "token_invalid token_signature_bad",
  },
  {
    name: "2 forged and over: the signature speaks first (K-3)",
    claims: at((now) => ({ iat: now - 100, nbf: now - 100, exp: now - 1 })),
    spoil: (text) => changed(text, "rag.query@1.0", "rag.query@1.1"),
    verdict: "token_invalid token_signature_bad",
  },
  // 3
  { name: "3 a minute early", claims: at((now) => ({ iat: now + 60, nbf: now + 60 })), verdict: "ok" },
  { name: "3 begins in 61 s", claims: at((now) => ({ nbf: now + 61 })), verdict: "token_expired token_not_yet_valid" },
  {
    name: "3 was issued in 61 s",
    claims: at((now) => ({ iat: now + 61, nbf: now })),
    verdict: "token_expired token_not_yet_valid",
  },
  // 4
  { name: "4 the last second", claims: at((now) => ({ exp: now + 1 })), verdict: "ok" },
  { name: "4 over", claims: at((now) => ({ iat: now - 9, nbf: now - 9, exp: now })), verdict: "token_expired" },
  // 5
  { name: "5 another community", claims: () => ({ aud: outsider(7).nodeId }), verdict: "unauthorized token_audience_mismatch" },
  { name: "5 no audience, by one of us", claims: () => ({ aud: undefined }), verdict: "ok" },
  { name: "5 empty audience, by one of us", claims: () => ({ aud: "" }), verdict: "ok" },
  {
    name: "5 no audience, by a stranger",
    claims: () => ({ aud: undefined }),
    signer: () => outsider(),
    verdict: "unauthorized token_audience_mismatch",
  },
  { name: "5 this node", claims: ({ anna }) => ({ aud_node: anna.signer.nodeId }), verdict: "ok" },
  {
    name: "5 another node",
    claims: ({ carl }) => ({ aud_node: carl.signer.nodeId }),
    verdict: "unauthorized token_audience_mismatch",
  },
  // 6
  { name: "6 issued by a member", signer: ({ carl }) => carl.signer, verdict: "ok" },
  { name: "6 issued by a stranger", signer: () => outsider(), verdict: "token_invalid token_issuer_unknown" },
  {
    name: "6 issued by a stranger for a link that is not there",
    claims: () => ({ issued_via: "federation" }),
    signer: () => outsider(),
    verdict: "not_federated",
  },
  {
    name: "6 issuer revoked",
    signer: ({ carl }) => carl.signer,
    after: ({ anna, carl }) => anna.community.revoke({ target: carl.signer.nodeId, reason: "lost" }),
    verdict: "revoked token_issuer_revoked",
  },
  {
    name: "6 whoever asked for it revoked",
    claims: ({ carl }) => ({ act: carl.signer.nodeId }),
    after: ({ anna, carl }) => anna.community.revoke({ target: carl.signer.nodeId, reason: "lost" }),
    verdict: "revoked token_issuer_revoked",
  },
  {
    name: "6 asked for by a stranger",
    claims: () => ({ act: outsider().nodeId }),
    verdict: "token_invalid token_issuer_unknown",
  },
  // 8
  {
    name: "8 another signer",
    present: ({ carl }) => ({ signer: carl.signer.nodeId }),
    verdict: "invalid_signature token_subject_mismatch",
  },
  { name: "8 a named subject without signature (K-4)", present: nobody, verdict: "invalid_signature token_subject_mismatch" },
  { name: "8 bearer where none is taken (K-5)", claims: bearer(), present: nobody, verdict: "token_invalid bearer_refused" },
  { name: "8 bearer", claims: bearer(), present: nobody, settings: BEARER, verdict: "ok" },
  { name: "8 bearer, signed by anybody", claims: bearer(), settings: BEARER, verdict: "ok" },
  {
    name: "8 bearer, issued by hand",
    claims: bearer({ issued_via: "manual" }),
    present: nobody,
    settings: BEARER,
    verdict: "token_invalid bearer_refused",
  },
  {
    name: "8 bearer without rate",
    claims: bearer({}, { rate_limit_per_minute: undefined }),
    present: nobody,
    settings: BEARER,
    verdict: "token_invalid bearer_refused",
  },
  // 9
  { name: "9 another capability", present: () => ({ capability: "rag.ingest" }), verdict: "token_scope_insufficient" },
  { name: "9 the requested minor is another", present: () => ({ version: "1.1" }), verdict: "token_scope_insufficient" },
  {
    name: "9 a bare name is nothing on the bus",
    claims: scope({ capabilities: ["rag.query"] }),
    verdict: "token_scope_insufficient",
  },
  { name: "9 constrained and missing (K-10)", claims: corpus, verdict: "token_scope_insufficient" },
  { name: "9 allowed in params", claims: corpus, present: body({ corpus: "public" }), verdict: "ok" },
  { name: "9 allowed in input", claims: corpus, present: body({}, { corpus: "village" }), verdict: "ok" },
  {
    name: "9 allowed in one, not in the other",
    claims: corpus,
    present: body({ corpus: "public" }, { corpus: "secret" }),
    verdict: "token_scope_insufficient",
  },
  { name: "9 every one of several", claims: corpus, present: body({ corpus: ["public", "village"] }), verdict: "ok" },
  {
    name: "9 one of several is not allowed",
    claims: corpus,
    present: body({ corpus: ["public", "secret"] }),
    verdict: "token_scope_insufficient",
  },
  { name: "9 an empty list may mean all", claims: corpus, present: body({ corpus: [] }), verdict: "token_scope_insufficient" },
  { name: "9 no text", claims: corpus, present: body({ corpus: { toString: "public" } }), verdict: "token_scope_insufficient" },
  {
    name: "9 nothing is allowed",
    claims: scope({ params_constraints: { corpus: [] } }),
    present: body({ corpus: "public" }),
    verdict: "token_scope_insufficient",
  },
  {
    name: "9 a key that every object has",
    claims: scope({ params_constraints: { toString: ["x"] } }),
    verdict: "token_scope_insufficient",
  },
  {
    name: "9 a body without its parts",
    claims: corpus,
    present: () => ({ body: { params: 1 } }),
    verdict: "token_scope_insufficient",
  },
  ...["auth.token.issue", "auth.token.revoke", "community.invite", "federation.peer.add"].map((capability): Case => ({
    name: `9 ${capability}: no chains`,
    claims: scope({ capabilities: [`${capability}@1.0`] }),
    present: () => ({ capability }),
    verdict: "unauthorized token_chain",
  })),
  ...["market.post", "file.put", "rag.ingest", "chat.history", "auth.token.introspect"].map((capability): Case => ({
    name: `9 ${capability}: not for bearers (K-5)`,
    claims: bearer({}, { capabilities: [`${capability}@1.0`] }),
    present: () => ({ capability, signer: null }),
    settings: BEARER,
    verdict: "token_scope_insufficient",
  })),
  {
    name: "9 not for bearers where a repeat does harm",
    claims: bearer(),
    present: () => ({ signer: null, idempotent: false }),
    settings: BEARER,
    verdict: "token_scope_insufficient",
  },
  // 10
  { name: "10 no call a minute", claims: scope({ rate_limit_per_minute: 0 }), verdict: "rate_limited token_limit" },
  { name: "10 no call at all", claims: scope({ max_calls_total: 0 }), verdict: "token_scope_insufficient token_used_up" },
  {
    name: "10 no call at all, as Python writes it",
    claims: scope({ max_uses: 0 }),
    verdict: "token_scope_insufficient token_used_up",
  },
  { name: "switched off", settings: { enabled: false }, verdict: "not_implemented tokens_unsupported" },
];

/** The claims changed as text; the signature stays. */
function changed(text: string, from: string | RegExp, to: string | ((...found: string[]) => string)): string {
  const [head, payload = "", tail] = text.slice("hntoken://v1/".length).split(".");
  const json = Buffer.from(payload, "base64url")
    .toString("utf8")
    .replace(from, to as string);
  return `hntoken://v1/${head}.${Buffer.from(json).toString("base64url")}.${tail}`;
}

/** Signs claims as they are, whatever a room would say of them. */
function token(h: Hall, one: Case): string {
  const signer = one.signer?.(h) ?? h.anna.signer;
  const text = writeToken(signer.nodeId, { ...claims(h), iss: signer.nodeId, ...one.claims?.(h) });
  return one.spoil?.(text, h) ?? text;
}

describe("a token is checked in ten steps (05 §3)", () => {
  for (const one of CASES) {
    it(one.name, async (t) => {
      const h = await hall(t, one.settings);
      const text = token(h, one);
      await one.after?.(h);
      const presented = presentation(h, text, one.present?.(h));
      assert.equal(
        verdict(() => h.tokens.admit(presented)),
        one.verdict,
      );
      // The second time some of it is remembered; the answer is the same.
      assert.equal(
        verdict(() => h.tokens.admit(presented)),
        one.verdict,
        "asked again",
      );
    });
  }
});
