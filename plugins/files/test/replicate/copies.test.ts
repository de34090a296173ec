/** What the community's log says about who holds what. @source 30 §6, §9; 04 §5 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { JsonValue, View } from "@hearthnet/sdk-plugin";
import { Copies } from "../../src/replicate/index.ts";

type Event = Parameters<View["apply"]>[0];
const CID = `blake3:${"a".repeat(64)}`;

function say(copies: Copies, author: string, type: string, data: object = {}): void {
  const event = { author, event_type: `file.${type}`, wall_clock: "2026-01-01T00:00:00Z", data: { cid: CID, ...data } };
  void copies.view.apply(event as unknown as Event, "member");
}

describe("the view of copies", () => {
  it("takes everybody's word for themselves alone", () => {
    const copies = new Copies();
    say(copies, "a", "cid.advertised");
    say(copies, "b", "replication.completed", { holders: ["b", "c"] });
    say(copies, "d", "replication.completed", { holders: ["c"] });
    say(copies, "c", "cid.unpinned");
    assert.deepEqual([...copies.holders(CID)], ["a", "b"]);
    assert.deepEqual([...copies.of(CID).replicas], ["b"]);
    say(copies, "b", "cid.unpinned");
    say(copies, "a", "cid.unpinned");
    assert.deepEqual([...copies.holders(CID)], []);
  });

  it("hears only holders ask for copies", () => {
    const copies = new Copies();
    const wish = { desired_copies: 3, current_copies: 1, candidate_holders: ["x", 7] };
    say(copies, "a", "replication.scheduled", wish);
    assert.deepEqual([...copies.asked("x")], []);
    say(copies, "a", "cid.advertised");
    say(copies, "a", "replication.scheduled", wish);
    const at = Date.UTC(2026, 0, 1);
    assert.deepEqual([...copies.asked("x")], [{ cid: CID, scheduled: { author: "a", candidates: ["x"], desired: 3, at } }]);
    assert.deepEqual([...copies.asked("y")], []);
  });

  it("is the same again from what it has put down, and remembers so much and no more", () => {
    const copies = new Copies();
    for (let n = 0; n < 70; n += 1) say(copies, `n${n}`, "cid.advertised");
    for (let n = 0; n < 10; n += 1) say(copies, "n1", "replication.scheduled", { candidate_holders: [`x${n}`] });
    assert.deepEqual([copies.holders(CID).size, copies.of(CID).scheduled.length], [64, 8]);
    for (const data of [{ cid: "../x" }, { cid: 7 }, { cid: null }]) say(copies, "a", "cid.advertised", data);
    const state = JSON.parse(JSON.stringify(copies.view.snapshotState())) as JsonValue;
    const again = new Copies();
    void again.view.restoreState(state);
    assert.deepEqual(again.of(CID), copies.of(CID));
    say(again, "n2", "cid.unpinned");
    assert.equal(copies.holders(CID).has("n2"), true);
    void copies.view.reset();
    assert.equal(copies.holders(CID).size, 0);
  });
});
