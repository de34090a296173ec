import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { NodeManifest } from "../../../src/contract/index.ts";
import { verifyManifest, verifyTyped } from "../../../src/identity/index.ts";
import { get, post, refusalOf } from "../support/letters.ts";
import { Endings, Street, type House } from "../support/street.ts";

const FRESH_MEMORY = { last: (): undefined => undefined, accept: (): void => undefined };

describe("what everybody may ask (02 §2)", () => {
  const endings = new Endings();
  let street: Street;
  let anna: House;
  before(async () => {
    street = new Street(endings);
    anna = await street.house("Anna");
  });
  after(() => endings.run());

  it("/health says that it answers, and nothing else", async () => {
    const { status, body, headers } = await get(anna, "/health");
    assert.deepEqual([status, body], [200, { status: "ok", ts: "2026-07-01T12:00:00Z" }]);
    assert.equal(headers["content-type"], "application/json");
    const envelope = {
      request_id: String(headers["x-hearthnet-request-id"]),
      from: anna.nodeId,
      to: "",
      timestamp: body["ts"],
      status,
      body,
    };
    assert.ok(verifyTyped("response", envelope, { by: anna.nodeId, signature: String(headers["x-hearthnet-signature"]) }));
  });

  it("/ready waits for something to offer", async () => {
    assert.equal(refusalOf(await get(anna, "/ready"), anna), "503 partition");
    const offer = anna.offer();
    const { status, body } = await get(anna, "/ready");
    assert.deepEqual([status, body], [200, { status: "ready" }]);
    offer.withdraw();
  });

  it("/manifest is signed, in both generations, with the same time (01 §8, I-16)", async () => {
    anna.offer({ name: "ext.demo.echo" });
    anna.offer({ name: "llm.chat", params: { model: "m", modalities: ["text"] } });
    const fetch = async (query: string): Promise<NodeManifest> => {
      const { text, status } = await get(anna, `/manifest${query}`);
      assert.equal(status, 200);
      return verifyManifest(Buffer.from(text), { now: street.clock.now(), expected: anna.nodeId, memory: FRESH_MEMORY });
    };
    const [latest, named, first] = [await fetch(""), await fetch("?contract_version=2.0"), await fetch("?contract_version=1.0")];
    assert.equal(latest.contract_version, "2.0");
    assert.deepEqual(named, latest);
    assert.deepEqual(latest.features, ["req-to", "resp-sig"]);
    assert.equal(first.contract_version, "1.0");
    assert.equal(first.issued_at, latest.issued_at);
    assert.equal(first.features, undefined);
    assert.deepEqual(
      first.capabilities.map(({ name, params }) => [name, { ...params }]),
      [["llm.chat", { model: "m" }]],
    );
  });

  it("/manifest of a contract that is not known is refused", async () => {
    for (const query of ["?contract_version=3.0", "?contract_version=", "?contract_version=1.0&contract_version=2.0"])
      assert.equal(refusalOf(await get(anna, `/manifest${query}`), anna), "400 schema_mismatch contract_version", query);
  });

  it("lets no page of another site read it (T-8)", async () => {
    const asPage = { origin: "https://evil.example", "access-control-request-method": "POST" };
    for (const method of ["GET", "OPTIONS"] as const) {
      const answer = await post(anna, { method: method as "GET", path: "/manifest", headers: asPage, body: "" });
      assert.equal(answer.headers["access-control-allow-origin"], undefined);
      assert.equal(answer.headers["cache-control"], "no-store");
      assert.equal(answer.status, method === "GET" ? 200 : 404);
    }
  });

  it("echoes a proper request id and makes one up for every other", async () => {
    const ask = (id: string): ReturnType<typeof post> =>
      post(anna, { method: "GET", path: "/health", headers: { "x-hearthnet-request-id": id }, body: "" });
    assert.equal((await ask("REQUEST-1")).headers["x-hearthnet-request-id"], "REQUEST-1");
    assert.match(String((await ask("a b")).headers["x-hearthnet-request-id"]), /^[0-9A-Z]{26}$/);
  });

  it("is limited for each address", async () => {
    const bea = await street.house("Bea", { listener: { rates: { perAddress: 5 } } });
    const lines: string[] = [];
    for (let i = 0; i < 11; i++) {
      const answer = await get(bea, "/health");
      lines.push(answer.status === 200 ? "200" : refusalOf(answer, bea));
    }
    assert.deepEqual(lines, [...Array<string>(10).fill("200"), "429 rate_limited soft_limit"]);
  });
});
