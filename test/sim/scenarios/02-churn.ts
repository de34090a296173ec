import assert from "node:assert/strict";
import { ask, offerEcho } from "../echo.ts";
import { assertOneTruth, assertQuiet, logOf } from "../invariants.ts";
import type { SimNode } from "../node.ts";
import type { Scenario } from "../scenario.ts";
import { sizeOf } from "../size.ts";

const MINUTE = 60_000;
const MINUTES = sizeOf(16, 60);
/** Middle length of a session and of the rest after it. */
const UP_MS = sizeOf(6, 20) * MINUTE;
const DOWN_MS = sizeOf(3, 8) * MINUTE;

export const churn: Scenario = {
  row: 2,
  name: "processes that come and go, half of them killed at the worst moment, some without a word",
  pass: "what was written is on every log once all are up; no call is left over",
  run: async (world, tell) => {
    const nodes = await world.village(["anna", "ben", "cem", "dora", "emil", "fatma"].slice(0, sizeOf(4, 6)));
    for (const node of nodes) offerEcho(node);
    const random = world.random.fork("churn");
    const due = new Map(nodes.map((node) => [node, -Math.log(1 - random.unit()) * UP_MS]));
    const written = new Set<string>();
    let kills = 0;
    let answered = 0;
    let asked = 0;
    for (let minute = 0; minute < MINUTES; minute += 1) {
      for (const node of nodes) {
        if ((due.get(node) ?? 0) > minute * MINUTE) continue;
        if (node.isUp) {
          kills += 1;
          await node.kill({ unheard: random.chance(0.3) });
        } else {
          await node.start();
          offerEcho(node);
        }
        due.set(node, minute * MINUTE - Math.log(1 - random.unit()) * (node.isUp ? UP_MS : DOWN_MS));
      }
      const up = nodes.filter(({ isUp }) => isUp);
      const author = random.pick(up);
      if (author === undefined) continue;
      written.add((await author.community.append({ type: "ext.sim.note", data: { minute } })).event_id);
      const provider = random.pick(up.filter((other) => other !== author));
      if (provider !== undefined) {
        asked += 1;
        const call = ask(author, { n: minute, node: provider, timeoutMs: 10_000 });
        await world.settled(call.then(() => (answered += 1)).catch(() => 0));
      }
      await world.pass(MINUTE);
    }
    for (const node of nodes) if (!node.isUp) await node.start();
    await world.pass(5 * 300_000);
    assertOneTruth(nodes);
    const log = logOf(nodes[0] as SimNode).join("\n");
    for (const id of written) assert.ok(log.includes(id), `event ${id} was acknowledged and is lost`);
    assertQuiet(nodes);
    tell(`${kills} kills, ${written.size} events written and found; ${answered} of ${asked} calls answered`);
  },
};
