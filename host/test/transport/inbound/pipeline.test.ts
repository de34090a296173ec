import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { importSeed, Signer } from "../../../src/identity/index.ts";
import { letter, post, refusalOf, type Letter, type LetterFacts } from "../support/letters.ts";
import { Endings, Street, type House, type HouseOptions, type Scope } from "../support/street.ts";

const MINUTE = 60_000;
/** Rates that no test here reaches by accident. */
const GENEROUS = { softPerCapability: 1000, softTotal: 10_000, perAddress: 1000 };

function strangerOf(n: number): Signer {
  const { nodeId, key } = importSeed(new Uint8Array(32).fill(n));
  return new Signer(nodeId, key);
}

interface Scene {
  street: Street;
  anna: House;
  ben: House;
  /** Sends a letter by Ben to Anna; what comes back as one line. */
  ask(o?: LetterFacts, spoil?: (letter: Letter) => void): Promise<string>;
}

async function scene(t: Scope, o: HouseOptions = {}): Promise<Scene> {
  const street = new Street(t);
  const [anna, ben] = await street.neighbours({ anna: o });
  anna.offer({ idempotent: false });
  anna.offer({ name: "ext.demo.read", idempotent: true });
  return {
    street,
    anna,
    ben,
    ask: async (facts = {}, spoil = () => undefined) => {
      const one = letter(ben.signer, anna, facts);
      const requestId = String(one.headers["x-hearthnet-request-id"]);
      spoil(one);
      return line(anna, await post(anna, one), { from: ben.nodeId, requestId });
    },
  };
}

function line(house: House, answer: Awaited<ReturnType<typeof post>>, to?: { from?: string; requestId?: string }): string {
  return answer.status === 200 ? `200 ${JSON.stringify(answer.body["output"])}` : refusalOf(answer, house, to);
}

describe("a request on its way in (02 §3)", () => {
  const endings = new Endings();
  let shared: Scene;
  before(async () => {
    shared = await scene(endings, { listener: { rates: GENEROUS } });
  });
  after(() => endings.run());

  it("passes when everything is in order", async () => {
    const { ask } = shared;
    assert.equal(await ask(), '200 {"n":1}');
  });

  it("is refused when it comes a second time, also after a restart", async (t) => {
    const { anna, ben } = await scene(t);
    const one = letter(ben.signer, anna);
    assert.equal(line(anna, await post(anna, one)), '200 {"n":1}');
    const to = { from: ben.nodeId, requestId: String(one.headers["x-hearthnet-request-id"]) };
    assert.equal(line(anna, await post(anna, one), to), "401 invalid_signature replayed");
    await anna.restart();
    assert.equal(line(anna, await post(anna, one), to), "401 invalid_signature replayed");
  });

  it("is refused when a byte of body, header or signature is another", async () => {
    const { ask } = shared;
    const spoilt: [string, (one: Letter) => void][] = [
      ["body", (one) => (one.body = one.body.replace('"n":1', '"n":2'))],
      ["a field more in the body", (one) => (one.body = one.body.replace("{", '{"x":0,'))],
      ["capability", (one) => (one.headers["x-hearthnet-capability"] = "ext.demo.read")],
      ["version", (one) => (one.headers["x-hearthnet-capability-version"] = "1.1")],
      ["time", (one) => (one.headers["x-hearthnet-timestamp"] = "2026-07-01T12:00:01Z")],
      ["recipient left out", (one) => delete one.headers["x-hearthnet-to"]],
      ["signature", (one) => (one.headers["x-hearthnet-signature"] = flipped(one.headers["x-hearthnet-signature"]))],
      ["no signature at all", (one) => (one.headers["x-hearthnet-signature"] = "ed25519:")],
    ];
    for (const [what, spoil] of spoilt) assert.equal(await ask({}, spoil), "401 invalid_signature", what);
  });

  it("is refused when sender or request id was exchanged", async () => {
    const { anna, ben } = shared;
    const other = { from: strangerOf(9).nodeId, requestId: "ANOTHERONE" };
    for (const [field, value] of [
      ["from", other.from],
      ["request-id", other.requestId],
    ] as const) {
      const one = letter(ben.signer, anna);
      one.headers[`x-hearthnet-${field}`] = value;
      const to = field === "from" ? { from: other.from } : { from: ben.nodeId, requestId: other.requestId };
      assert.equal(line(anna, await post(anna, one), to), "401 invalid_signature");
    }
  });

  it("passes with other white space and order, because the value counts", async () => {
    const { ask } = shared;
    const answer = await ask({}, (one) => (one.body = ` { "input" : {"n": 1.0}, "params":{} }\n`));
    assert.equal(answer, '200 {"n":1}');
  });

  it("is refused beyond two minutes of age or future, with the node's own time", async () => {
    const { street, anna, ben, ask } = shared;
    const now = street.clock.now();
    for (const offset of [-120, 120]) assert.equal(await ask({ at: now + offset * 1000 }), '200 {"n":1}', `${offset} s`);
    for (const offset of [-121, 121, 1e8]) {
      const one = letter(ben.signer, anna, { at: now + offset * 1000 });
      const answer = await post(anna, one);
      assert.equal(line(anna, answer, { from: ben.nodeId }), "410 expired clock_skew", `${offset} s`);
      assert.equal(answer.body["server_time"], "2026-07-01T12:00:00Z");
    }
  });

  it("is refused when meant for another node (T-3)", async () => {
    const { ask, ben } = shared;
    assert.equal(await ask({ to: ben.nodeId }), "401 invalid_signature wrong_recipient");
  });

  it("without a recipient passes only where a repeat does no harm, and never from who could name one (T-3)", async (t) => {
    const { street, anna, ben, ask } = await scene(t);
    assert.equal(await ask({ to: null }), "401 invalid_signature recipient_unbound");
    assert.equal(await ask({ to: null, capability: "ext.demo.read" }), '200 {"n":1}');
    await street.meet(anna, ben);
    assert.equal(await ask({ to: null, capability: "ext.demo.read" }), "401 invalid_signature recipient_unbound");
  });

  it("of a stranger reaches what is for everybody and nothing else", async () => {
    const { anna } = shared;
    anna.offer({ name: "ext.demo.open", trust_required: "unknown" });
    const ask = async (o: LetterFacts): Promise<string> =>
      line(anna, await post(anna, letter(strangerOf(9), anna, o)), { from: strangerOf(9).nodeId });
    const alone = { community: strangerOf(9).nodeId };
    for (const claim of [{}, alone]) {
      assert.equal(await ask(claim), "401 unauthorized");
      assert.equal(await ask({ ...claim, capability: "ext.demo.nothing" }), "401 unauthorized", "what is here is not told");
      assert.equal(await ask({ ...claim, capability: "ext.demo.open" }), '200 {"n":1}');
    }
    assert.equal(await ask({ community: strangerOf(8).nodeId }), "404 not_federated");
  });

  it("of a member gets no standing from another community's name (T-9)", async () => {
    const { ask, ben } = shared;
    assert.equal(await ask({ community: strangerOf(8).nodeId }), "404 not_federated");
    assert.equal(await ask({ community: ben.nodeId }), "401 unauthorized");
  });

  it("of a revoked member is refused as such, at once", async (t) => {
    const { anna, ben, ask } = await scene(t);
    await anna.community.revoke({ target: ben.nodeId, reason: "lost" });
    assert.equal(await ask(), "403 revoked");
  });

  it("with a broken token is refused, not served without it", async () => {
    const { ask } = shared;
    const token = "hntoken://v1/x";
    assert.equal(await ask({}, (one) => (one.headers["x-hearthnet-token"] = token)), "400 bad_request token_malformed");
    assert.equal(await ask({}, (one) => (one.headers["x-hearthnet-token"] = "x".repeat(2049))), "400 bad_request header_missing");
  });

  it("is refused when called too often, with the time to wait, and cut when it does not listen (T-12)", async (t) => {
    const { street, anna, ben, ask } = await scene(t, { listener: { rates: { hardPerCapability: 15 } } });
    for (let i = 0; i < 20; i++) assert.equal(await ask(), '200 {"n":1}');
    const refused = await post(anna, letter(ben.signer, anna));
    assert.equal(line(anna, refused, { from: ben.nodeId }), "429 rate_limited soft_limit");
    assert.equal(refused.body["retry_after_ms"], 100);
    assert.equal(refused.headers["retry-after"], "1");
    assert.equal(await ask({ capability: "ext.demo.read" }), '200 {"n":1}', "another capability has its own budget");
    street.clock.advance(100);
    assert.equal(await ask(), '200 {"n":1}');
    for (let i = 0; i < 9; i++) assert.equal(await ask(), "429 rate_limited soft_limit");
    await assert.rejects(ask(), { code: "ECONNRESET" });
  });

  it("blocks an address after twenty bad signatures, but not the member who proved itself there (T-12)", async (t) => {
    const { street, anna, ask } = await scene(t);
    assert.equal(await ask(), '200 {"n":1}');
    const forged = async (): Promise<string> => {
      const one = letter(strangerOf(9), anna);
      one.headers["x-hearthnet-signature"] = flipped(one.headers["x-hearthnet-signature"]);
      return line(anna, await post(anna, one), { from: strangerOf(9).nodeId });
    };
    for (let i = 0; i < 20; i++) assert.equal(await forged(), "401 invalid_signature");
    assert.equal(await forged(), "429 rate_limited soft_limit");
    assert.equal(await ask(), '200 {"n":1}');
    street.clock.advance(MINUTE);
    assert.equal(await forged(), "401 invalid_signature");
  });

  it("lets the first failing step speak", async () => {
    const { anna, ask } = shared;
    const now = Date.UTC(2026, 6, 1, 12);
    const broken = (one: Letter): void =>
      void (one.headers["x-hearthnet-signature"] = flipped(one.headers["x-hearthnet-signature"]));
    const old = { at: now - 10 * MINUTE, to: strangerOf(9).nodeId };
    assert.equal(await ask({ ...old, version: "1" }, broken), "400 bad_request header_missing");
    assert.equal(await ask(old, broken), "410 expired clock_skew");
    assert.equal(await ask({ ...old, at: now }, broken), "401 invalid_signature");
    assert.equal(await ask({ ...old, at: now }), "401 invalid_signature wrong_recipient");
    assert.equal(await ask({ capability: "ext.demo.nothing" }), "404 not_found");
    assert.equal(anna.bus.inFlight(), 0);
  });
});

function flipped(signature: string | string[] | undefined): string {
  const text = String(signature);
  const at = 40;
  return text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
}
