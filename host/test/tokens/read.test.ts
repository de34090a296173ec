import assert from "node:assert/strict";
import { createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compactVerify, CompactSign, importPKCS8 } from "jose";
import type { TokenPayload } from "../../src/contract/index.ts";
import { decodeBase64url } from "../../src/foundation/index.ts";
import { importSeed, readTokenText, Signer, verifyTokenText } from "../../src/identity/index.ts";
import { holds } from "../support/property.ts";
import { lend, writeToken } from "./writer.ts";
import { claims, hall, presentation, verdict, verdictOf, written, operator, newJti } from "./desk.ts";

interface Vectors {
  keys: Record<string, { seed_hex: string; node_id: string }>;
  cases: { name: string; signer: string; payload: TokenPayload; token: string; expect?: string }[];
}
const VECTORS = JSON.parse(readFileSync(new URL("../../../test/vectors/token.json", import.meta.url), "utf8")) as Vectors;

function signerOf(name: string): Signer {
  const { nodeId, key } = importSeed(Buffer.from(VECTORS.keys[name]?.seed_hex ?? "", "hex"));
  return new Signer(nodeId, key);
}

function publicKeyOf(nodeId: string): KeyObject {
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), decodeBase64url(nodeId.slice(8), 32)]);
  return createPublicKey({ key: spki, format: "der", type: "spki" });
}

const SEED = new Uint8Array(32).fill(42);
const { nodeId: WRITER, key: WRITER_KEY } = importSeed(SEED);
lend(WRITER, SEED);

describe("the text of a token (05 §1)", () => {
  for (const { name, signer, payload, token, expect } of VECTORS.cases) {
    it(`known answer: ${name}`, () => {
      const read = readTokenText(token);
      assert.deepEqual(JSON.parse(JSON.stringify(read.claims)), payload);
      assert.equal(verifyTokenText(read, payload.iss), true);
      if (expect === undefined) assert.equal(signerOf(signer).signToken(payload), token, "the same bytes");
    });
  }

  it("is at most 800 characters with one capability and one constraint", () => {
    const [manual] = VECTORS.cases;
    assert.equal(manual?.token.length, 731);
    const both = { ...(manual as { payload: TokenPayload }).payload, aud_node: WRITER, act: WRITER };
    assert.ok(signerOf("A").signToken(both).length <= 950);
  });

  it("is refused with any bit of it another", () => {
    const token = VECTORS.cases[0]?.token ?? "";
    const iss = VECTORS.cases[0]?.payload.iss ?? "";
    const bits = [...token].flatMap((c, i) =>
      [1, 2, 4, 8, 16, 32, 64].map((bit) => token.slice(0, i) + String.fromCharCode(c.charCodeAt(0) ^ bit) + token.slice(i + 1)),
    );
    const taken = bits.filter((text) => {
      try {
        return verifyTokenText(readTokenText(text), iss);
      } catch {
        return false;
      }
    });
    assert.deepEqual(taken, []);
  });

  for (const [name, header] of [
    ["alg none", { alg: "none", typ: "hntoken", v: 1 }],
    ["alg ES256", { alg: "ES256", typ: "hntoken", v: 1 }],
    ["typ JWT", { alg: "EdDSA", typ: "JWT", v: 1 }],
    ["v 2", { alg: "EdDSA", typ: "hntoken", v: 2 }],
    ["v as text", { alg: "EdDSA", typ: "hntoken", v: "1" }],
    ["no typ", { alg: "EdDSA", v: 1 }],
    ["kid", { alg: "EdDSA", typ: "hntoken", v: 1, kid: "a" }],
    ["jwk", { alg: "EdDSA", typ: "hntoken", v: 1, jwk: {} }],
    ["crit", { alg: "EdDSA", typ: "hntoken", v: 1, crit: ["exp"] }],
    ["a key twice", '{"alg":"EdDSA","alg":"EdDSA","typ":"hntoken","v":1}'],
    ["a list", "[]"],
    ["no JSON", "EdDSA"],
  ] as const) {
    it(`K-1 refuses the header with ${name}`, () => {
      const token = writeToken(WRITER, {}, header);
      assert.equal(
        verdict(() => readTokenText(token)),
        "bad_request token_malformed",
      );
    });
  }

  it("K-1 refuses a claim that stands there twice, and one nested too deeply", () => {
    for (const payload of ['{"iss":"a","iss":"b"}', `{"x":${"[".repeat(20)}${"]".repeat(20)}}`, "7"])
      assert.equal(
        verdict(() => readTokenText(writeToken(WRITER, payload as never))),
        "bad_request token_malformed",
      );
  });

  it("a written token is read as what it says, whatever it says (property)", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 20 });
    holds(
      fc.property(
        fc.record({
          capabilities: fc.array(fc.constantFrom("rag.query@1.0", "ocr.image@1.0", "relay.push"), { minLength: 1, maxLength: 8 }),
          params_constraints: fc.dictionary(
            text.filter((key) => key !== "__proto__" && key !== "constructor"),
            fc.array(text, { maxLength: 3 }),
            { maxKeys: 3 },
          ),
          rate_limit_per_minute: fc.nat(),
          max_calls_total: fc.option(fc.nat()),
        }),
        fc.nat(),
        (scope, iat) => {
          const payload: TokenPayload = {
            iss: WRITER,
            sub: "*",
            aud: WRITER,
            iat,
            nbf: iat,
            exp: iat + 10,
            jti: newJti(),
            scope,
            issued_via: "manual",
          };
          const signer = new Signer(WRITER, WRITER_KEY);
          const token = signer.signToken(payload);
          fc.pre(token.length <= 2048);
          const read = readTokenText(token);
          assert.deepEqual(JSON.parse(JSON.stringify(read.claims)), JSON.parse(JSON.stringify(payload)));
          assert.equal(verifyTokenText(read, WRITER), true);
          assert.equal(signer.signToken(JSON.parse(JSON.stringify(payload)) as TokenPayload), token, "one spelling");
        },
      ),
    );
  });

  it("rubbish is refused with a code and nothing else (property)", () => {
    const piece = fc.base64String({ maxLength: 60 });
    holds(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(piece, piece, piece).map((parts) => `hntoken://v1/${parts.join(".")}`),
        ),
        (text) => {
          assert.equal(
            verdict(() => readTokenText(text)),
            "bad_request token_malformed",
          );
        },
      ),
    );
  });
});

describe("beside another reader of the compact form (jose)", () => {
  it("jose reads and verifies what this node issues", async (t) => {
    const h = await hall(t);
    const { token } = await h.tokens.issue(
      { client_id: newJti(), subject: h.ben.signer.nodeId, scope: { capabilities: ["rag.query@1.0"] } },
      operator(h),
    );
    const compact = token.slice("hntoken://v1/".length);
    const { payload, protectedHeader } = await compactVerify(compact, publicKeyOf(h.anna.signer.nodeId));
    assert.deepEqual(protectedHeader, { alg: "EdDSA", typ: "hntoken", v: 1 });
    assert.equal((JSON.parse(Buffer.from(payload).toString()) as TokenPayload).sub, h.ben.signer.nodeId);
    await assert.rejects(compactVerify(compact, publicKeyOf(h.ben.signer.nodeId)));
  });

  it("what jose takes beyond our rules is refused here", async (t) => {
    const h = await hall(t);
    const pkcs8 = `-----BEGIN PRIVATE KEY-----\n${Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 1)]).toString("base64")}\n-----END PRIVATE KEY-----`;
    const key = await importPKCS8(pkcs8, "EdDSA");
    const payload = Buffer.from(JSON.stringify(claims(h)));
    const sign = (header: Record<string, unknown>): Promise<string> =>
      new CompactSign(payload).setProtectedHeader({ alg: "EdDSA", ...header }).sign(key);
    const publicKey = publicKeyOf(h.anna.signer.nodeId);
    const strict = await sign({ typ: "hntoken", v: 1 });
    assert.equal(
      verdict(() => h.tokens.admit(presentation(h, `hntoken://v1/${strict}`))),
      "ok",
      "written by jose, within the rules",
    );
    const doubled = Buffer.from(JSON.stringify(claims(h)).replace("{", '{"sub":"*",')).toString("base64url");
    const loose: [string, string][] = [
      ["no typ", await sign({})],
      ["typ JWT", await sign({ typ: "JWT", v: 1 })],
      ["kid", await sign({ typ: "hntoken", v: 1, kid: "anna" })],
      ["v 1.0 as another number", await sign({ typ: "hntoken", v: 2 })],
    ];
    for (const [name, compact] of loose) {
      await compactVerify(compact, publicKey);
      assert.equal(
        verdict(() => h.tokens.admit(presentation(h, `hntoken://v1/${compact}`))),
        "bad_request token_malformed",
        name,
      );
    }
    // Read by `JSON.parse`, the last of two equal keys wins; here none does.
    const twice = writeToken(h.anna.signer.nodeId, Buffer.from(doubled, "base64url").toString() as never);
    await compactVerify(twice.slice("hntoken://v1/".length), publicKey);
    assert.equal(
      verdict(() => h.tokens.admit(presentation(h, twice))),
      "bad_request token_malformed",
      "a claim twice",
    );
    assert.equal(await verdictOf(Promise.resolve(written(h.anna.signer, claims(h)))), "ok");
  });
});
