/** Calls that change something: on record before any of them runs, and provable to others. @source 02 T-2, network.md §1.6, §1.7 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { DispatchedCall, JsonObject, Reply, SessionProof } from "../../../src/contract/index.ts";
import { readProof } from "../../../src/transport/session/proof.ts";
import { TYPE } from "../../../src/transport/session/record.ts";
import { newJti } from "../../tokens/desk.ts";
import { Street, type House } from "../support/street.ts";
import { Hand } from "./hand.ts";

const FEATURES = { features: ["req-to", "resp-sig", "peer-session"] };
const CHANGE = "ext.demo.change";

describe("the calls of one frame", () => {
  it("are written down together, before the first of them runs", async (t) => {
    const { anna, hand } = await meet(t);
    const written: string[][] = [];
    anna.offer({ name: CHANGE, idempotent: false }, () => {
      written.push(lines(anna));
      return Promise.resolve({ output: {}, meta: {} });
    });
    const rids = ["TOGETHER-1", "TOGETHER-2", "TOGETHER-3"];
    const ids = rids.map(() => hand.nextId());
    hand.sealed(...rids.map((rid, i) => hand.call({ cap: CHANGE, rid }, ids[i])));
    for (const id of ids) await hand.next(TYPE.result, id);
    assert.deepEqual(written, [rids, rids, rids]);
  });

  it("do not run when they cannot be written down, and the next ones do when they can", async (t) => {
    const { anna, hand } = await meet(t, 300_000);
    let ran = 0;
    anna.offer({ name: CHANGE, idempotent: false }, () => {
      ran += 1;
      return Promise.resolve({ output: {}, meta: {} });
    });
    const inTheWay = join(anna.dataDir, "replay", "seen.next");
    mkdirSync(join(inTheWay, "something"), { recursive: true });
    const ids = [hand.nextId(), hand.nextId()];
    hand.sealed(...ids.map((id) => hand.call({ cap: CHANGE }, id)));
    for (const id of ids) {
      const { value } = await hand.next(TYPE.error, id);
      assert.deepEqual([value["error"], value["retry_after_ms"]], ["capacity_exceeded", 5000]);
    }
    assert.equal(ran, 0);
    rmSync(inTheWay, { recursive: true });
    const third = hand.nextId();
    hand.sealed(hand.call({ cap: CHANGE }, third));
    await hand.next(TYPE.result, third);
    assert.equal(ran, 1);
  });
});

describe("a call under a seal (network.md §1.6 Export)", () => {
  it("can be shown to others as it was signed; one without a seal or with a token cannot", async (t) => {
    const { anna, hand } = await meet(t);
    const calls: (DispatchedCall | undefined)[] = [];
    const note = (call: DispatchedCall): Promise<Reply> => {
      calls.push(call);
      return Promise.resolve({ output: {}, meta: {} });
    };
    anna.offer({ name: CHANGE, idempotent: false }, note);
    anna.offer({ name: "ext.demo.read" }, note);
    const ask = async (say: "sealed" | "data", o: JsonObject): Promise<SessionProof | undefined> => {
      const id = hand.nextId();
      hand[say](hand.call(o, id));
      await hand.next(TYPE.result, id);
      return calls.pop()?.proof?.();
    };
    const body = { params: {}, input: { text: "ladder" } };
    const proof = await ask("sealed", { cap: CHANGE, rid: "PROVEN-0001", body });
    const { from, to, capability, request_id, body: shown } = readProof(proof as unknown as JsonObject) ?? {};
    assert.deepEqual([from, to], [hand.established.self, anna.nodeId]);
    assert.deepEqual(JSON.parse(JSON.stringify([capability, request_id, shown])), [CHANGE, "PROVEN-0001", body]);
    assert.equal(await ask("data", { cap: "ext.demo.read" }), undefined, "no seal");
    const scope = { capabilities: [`${CHANGE}@1.0`] };
    const wish = { client_id: newJti(), subject: hand.established.self, scope };
    const { token } = await anna.tokens.issue(wish, anna.ask({ capability: "" }).caller);
    assert.equal(await ask("sealed", { cap: CHANGE, tok: token }), undefined, "it would hand on the token");
  });
});

/** Ids in the record of received calls. */
function lines({ dataDir }: House): string[] {
  const text = readFileSync(join(dataDir, "replay", "seen.0"), "latin1");
  return text
    .split("\n")
    .slice(1, -1)
    .map((line) => line.split(" ")[2] ?? "")
    .filter((id) => id.startsWith("TOGETHER"));
}

/** Ben's hand on a session with Anna. @param laterMs  after both houses were built */
async function meet(t: TestContext, laterMs = 0): Promise<{ anna: House; hand: Hand }> {
  const street = new Street(t);
  const [anna, ben] = await street.neighbours({ anna: FEATURES, ben: FEATURES });
  street.clock.advance(laterMs);
  const hand = await Hand.shake(anna, ben.signer, { now: () => street.clock.now() });
  t.after(() => hand.webSocket.close());
  return { anna, hand };
}
