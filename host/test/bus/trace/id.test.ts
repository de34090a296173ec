import assert from "node:assert/strict";
import { test } from "node:test";
import { createCallIds } from "../../../src/bus/trace/id.ts";
import { isUlid, ManualClock } from "../../../src/foundation/index.ts";
import { seededRandom } from "../../support/people.ts";

test("ids of calls are ULIDs of their time, each later than the one before, also when the clock steps back", () => {
  const clock = new ManualClock();
  const newId = createCallIds(clock, seededRandom(5));
  const ids: string[] = [];
  for (let i = 0; i < 5000; i++) {
    if (i % 7 === 0) clock.advance(0.4);
    ids.push(newId(clock.monotonic()));
  }
  const stepped = createCallIds({ now: () => 1_000_000 - ids.length }, seededRandom(5));
  const back = [stepped(1), stepped(2), stepped(3)];
  for (const list of [ids, back]) {
    assert.ok(list.every(isUlid));
    assert.deepEqual(list, [...new Set(list)].toSorted());
  }
});
