import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import type { Frame, JsonObject, ResponseEnvelope } from "../../../src/contract/index.ts";
import { formatTime, HnError } from "../../../src/foundation/index.ts";
import { device } from "../../identity/people.ts";
import { crooked, headerOf, setHeader, type Parcel } from "../support/crooked.ts";
import { call, PATIENT, shareStreet } from "../support/shared-street.ts";
import type { House } from "../support/street.ts";

const SIGNATURE = "x-hearthnet-signature";
const UNSIGNED = "invalid_signature response_unsigned";

describe("an answer that is not the neighbour's own (02 T-10)", async () => {
  const { street, anna, ben } = await shareStreet((street) => street.neighbours(PATIENT));
  anna.offer();
  anna.offer({ name: "ext.demo.words", stream_schema: { type: "object" } }, async function* () {
    yield { event: "token", data: { text: "Re" } };
    yield { event: "token", data: { text: "gen" } };
    return { ms: 3 };
  });

  /** What Ben takes from an answer that was spoilt on its way. */
  async function read(
    t: { after(fn: () => unknown): void },
    spoil: (parcel: Parcel) => void,
    capability = "ext.demo.echo",
  ): Promise<string> {
    const { endpoint } = await crooked(t, anna, { spoil });
    try {
      return JSON.stringify((await ben.link.call(call(anna, [endpoint], { capability }))).output);
    } catch (error) {
      return lineOf(error);
    }
  }

  async function readStream(t: { after(fn: () => unknown): void }, spoil: (parcel: Parcel) => void): Promise<string> {
    const { endpoint } = await crooked(t, anna, { spoil });
    const frames = ben.link.stream(call(anna, [endpoint], { capability: "ext.demo.words", stream: true }));
    const seen: Frame[] = [];
    try {
      for (;;) {
        const step = await frames.next();
        if (step.done === true) return `${seen.length} ${JSON.stringify(step.value)}`;
        seen.push(step.value);
      }
    } catch (error) {
      return `${seen.length} ${lineOf(error)}`;
    }
  }

  /** Signs what the parcel then says, with another's key or at another time. */
  function resign(parcel: Parcel, signer: House["signer"], change: Partial<ResponseEnvelope> = {}): void {
    const envelope: ResponseEnvelope = {
      request_id: headerOf(parcel, "x-hearthnet-request-id"),
      from: signer.nodeId,
      to: ben.nodeId,
      timestamp: headerOf(parcel, "x-hearthnet-timestamp"),
      status: parcel.status,
      body: JSON.parse(parcel.body) as JsonObject,
      ...change,
    };
    parcel.status = envelope.status;
    parcel.body = JSON.stringify(envelope.body);
    setHeader(parcel, "x-hearthnet-request-id", envelope.request_id);
    setHeader(parcel, "x-hearthnet-from", envelope.from);
    setHeader(parcel, "x-hearthnet-timestamp", envelope.timestamp);
    setHeader(parcel, SIGNATURE, signer.signResponse(envelope));
  }

  it("passes through an honest server untouched", async (t) => {
    assert.equal(await read(t, () => undefined), '{"n":1}');
    assert.equal(await read(t, () => undefined, "ext.demo.nothing"), "not_found");
    assert.equal(await readStream(t, () => undefined), '2 {"ms":3}');
    assert.equal(await read(t, (parcel) => resign(parcel, anna.signer, { body: { output: { n: 2 }, meta: {} } })), '{"n":2}');
  });

  const spoilt: [string, (parcel: Parcel) => void][] = [
    ["status is another", (parcel) => (parcel.status = 201)],
    ["refusal became a success", (parcel) => (parcel.status = parcel.status === 200 ? 404 : 200)],
    ["body has another byte", (parcel) => (parcel.body = parcel.body.replace('"n":1', '"n":2'))],
    ["body has a field more", (parcel) => (parcel.body = parcel.body.replace("{", '{"x":0,'))],
    ["body has a field twice", (parcel) => (parcel.body = parcel.body.replace("{", '{"meta":{},'))],
    ["body is no object", (parcel) => (parcel.body = "[]")],
    ["body is a page", (parcel) => (parcel.body = "<html>")],
    ["body is empty", (parcel) => (parcel.body = "")],
    ["signature is missing", (parcel) => setHeader(parcel, SIGNATURE, null)],
    ["signature has another letter", (parcel) => setHeader(parcel, SIGNATURE, flipped(headerOf(parcel, SIGNATURE)))],
    ["signature stands there twice", (parcel) => parcel.headers.push(SIGNATURE, headerOf(parcel, SIGNATURE))],
    ["time is another", (parcel) => setHeader(parcel, "x-hearthnet-timestamp", "2026-07-01T12:00:01Z")],
    ["time is none", (parcel) => setHeader(parcel, "x-hearthnet-timestamp", "now")],
    ["sender is missing", (parcel) => setHeader(parcel, "x-hearthnet-from", null)],
    ["sender is another", (parcel) => setHeader(parcel, "x-hearthnet-from", device(9).nodeId)],
    ["request is another", (parcel) => setHeader(parcel, "x-hearthnet-request-id", "ANOTHERONE")],
    ["signer is another member of the house", (parcel) => resign(parcel, device(9))],
    ["signed answer is to another request", (parcel) => resign(parcel, anna.signer, { request_id: "ANOTHERONE" })],
    ["signed answer is to another caller", (parcel) => resign(parcel, anna.signer, { to: device(9).nodeId })],
    ["signed answer is to nobody", (parcel) => resign(parcel, anna.signer, { to: "" })],
  ];
  for (const [what, spoil] of spoilt)
    it(`is refused when its ${what}`, async (t) => {
      assert.equal(await read(t, spoil), UNSIGNED);
      if (!what.includes("byte")) assert.equal(await read(t, spoil, "ext.demo.nothing"), UNSIGNED, "a refusal as well");
    });

  it("is refused when its signed time is more than two minutes off, and not before", async (t) => {
    const at = (seconds: number) => (parcel: Parcel) =>
      resign(parcel, anna.signer, { timestamp: formatTime(street.clock.now() + seconds * 1000) });
    for (const seconds of [-120, 120]) assert.equal(await read(t, at(seconds)), '{"n":1}');
    for (const seconds of [-121, 121]) assert.equal(await read(t, at(seconds)), "invalid_signature response_stale");
  });

  it("is judged by the time it arrives, which may be long after the question", async (t) => {
    const { endpoint } = await crooked(t, anna, {
      spoil: (parcel) => {
        street.clock.advance(600_000);
        resign(parcel, anna.signer, { timestamp: formatTime(street.clock.now()) });
      },
    });
    assert.deepEqual({ ...(await ben.link.call(call(anna, [endpoint], { timeoutMs: 900_000 }))).output }, { n: 1 });
  });

  it("is cut when it is larger than any honest one", async (t) => {
    assert.equal(await read(t, (parcel) => (parcel.body = "x".repeat(33_554_433))), "internal_error too_large");
  });

  it("is refused when it leads elsewhere, and nobody goes there", async (t) => {
    let visits = 0;
    const elsewhere = createServer((_request, response) => {
      visits += 1;
      response.end("{}");
    }).listen(0, "127.0.0.1");
    t.after(() => elsewhere.close());
    await once(elsewhere, "listening");
    const { port } = elsewhere.address() as { port: number };
    const redirect = (parcel: Parcel): void => {
      parcel.status = 307;
      parcel.headers.push("location", `http://127.0.0.1:${port}/`);
    };
    assert.equal(await read(t, redirect), UNSIGNED);
    assert.equal(visits, 0);
  });

  const spoiltStreams: [string, (parcel: Parcel) => void, string][] = [
    ["lost a frame", (parcel) => (parcel.body = parcel.body.replace(/event: token.*\n.*\n\n/, "")), `1 ${UNSIGNED}`],
    ["has another word", (parcel) => (parcel.body = parcel.body.replace("gen", "gan")), `2 ${UNSIGNED}`],
    ["has a frame twice", (parcel) => (parcel.body = parcel.body.replace(/(event: token.*\n.*\n\n)/, "$1$1")), `3 ${UNSIGNED}`],
    ["has another end", (parcel) => (parcel.body = parcel.body.replace('"ms":3', '"ms":4')), `2 ${UNSIGNED}`],
    ["ends without signature", (parcel) => (parcel.body = parcel.body.replace(/,"_sig":\{[^}]*\}/, "")), `2 ${UNSIGNED}`],
    ["ends without a word", (parcel) => (parcel.body = parcel.body.replace(/event: done[^]*$/, "")), "2 partition stream_cut"],
    ["ends too early", (parcel) => (parcel.body = parcel.body.replace(/event: token[^]*(?=event: done)/, "")), `0 ${UNSIGNED}`],
    ["holds rubbish", (parcel) => (parcel.body = `event: token\ndata: {\n\n${parcel.body}`), "0 partition stream_cut"],
    ["ends with a forged error", (parcel) => (parcel.body = 'event: error\ndata: {"error":"not_found"}\n\n'), `0 ${UNSIGNED}`],
  ];
  for (const [what, spoil, expected] of spoiltStreams)
    it(`as a stream is refused when it ${what}`, async (t) => {
      assert.equal(await readStream(t, spoil), expected);
    });
});

function lineOf(error: unknown): string {
  assert.ok(HnError.isHnError(error), String(error));
  return [error.code, ...(error.reason === undefined ? [] : [error.reason])].join(" ");
}

function flipped(text: string): string {
  return text.slice(0, 40) + (text[40] === "A" ? "B" : "A") + text.slice(41);
}
