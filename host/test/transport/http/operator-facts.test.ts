import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CallTrace, JsonObject } from "../../../src/contract/index.ts";
import { letter, post, refusalOf, type Answer } from "../support/letters.ts";
import { shareStreet } from "../support/shared-street.ts";
import type { House } from "../support/street.ts";

const RATES = { softPerCapability: 1000, perAddress: 1000 };

describe("what an operator sees, over the wire (02 T-7)", async () => {
  const { street, anna, ben } = await shareStreet(async (made) =>
    made.neighbours({ anna: { listener: { rates: RATES, metrics: () => "hearthnet_plugin_up 1\n" } } }),
  );
  const carl = await street.house("Carl");
  await street.welcome(anna, carl, "trusted");
  const eve = await street.house("Eve");
  anna.offer();
  const ask = (by: House, path: string, capability: string, body: JsonObject = {}): Promise<Answer & { text: string }> =>
    post(anna, letter(by.signer, anna, { method: "GET", path, capability, body, at: street.clock.now() }));

  it("figures are for trusted members and anchors, and come unsigned as text", async () => {
    for (const by of [carl, anna]) {
      const answer = await ask(by, "/metrics", "sys.metrics");
      assert.deepEqual([answer.status, answer.text], [200, "hearthnet_plugin_up 1\n"]);
      assert.equal(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
      assert.equal(answer.headers["x-hearthnet-signature"], undefined);
    }
    for (const by of [ben, eve])
      assert.equal(refusalOf(await ask(by, "/metrics", "sys.metrics"), anna, { from: by.nodeId }), "401 unauthorized");
  });

  it("calls are seen by whoever made or answered them, all of them by an anchor, and by no stranger", async () => {
    await post(anna, letter(ben.signer, anna, { at: street.clock.now() }));
    await post(anna, letter(carl.signer, anna, { at: street.clock.now() }));
    const rows = async (by: House, n?: string): Promise<CallTrace[]> => {
      const query = n === undefined ? {} : { n };
      const path = n === undefined ? "/trace/recent" : `/trace/recent?n=${n}`;
      const answer = await ask(by, path, "sys.trace", query);
      assert.equal(answer.status, 200);
      return JSON.parse(answer.text) as CallTrace[];
    };
    assert.deepEqual(
      (await rows(ben)).map((row) => row.from_node),
      [ben.nodeId],
    );
    assert.deepEqual(
      (await rows(carl)).map((row) => row.from_node),
      [carl.nodeId],
    );
    assert.deepEqual(
      (await rows(anna)).map((row) => row.from_node),
      [carl.nodeId, ben.nodeId],
    );
    assert.equal((await rows(anna, "1")).length, 1);
    assert.equal((await rows(ben, "1")).length, 1, "what others did does not push out one's own");
    assert.equal(refusalOf(await ask(eve, "/trace/recent", "sys.trace"), anna, { from: eve.nodeId }), "401 unauthorized");
    const odd = await ask(ben, "/trace/recent?n=many", "sys.trace", { n: "many" });
    assert.match(refusalOf(odd, anna, { from: ben.nodeId }), /^400 bad_request/);
  });

  it("nobody gets either without a signature, from this machine neither", async () => {
    for (const path of ["/metrics", "/trace/recent"])
      assert.equal((await post(anna, { method: "GET", path, headers: {}, body: "" })).status, 400);
  });
});
