import assert from "node:assert/strict";
import type { JsonObject, RangeMessage } from "../../../host/src/contract/index.ts";
import { answerRanges, RangeRun, RangeView } from "../../../host/src/community/sync/ranges.ts";
import { SumTree } from "../../../host/src/community/sync/sum-tree.ts";
import { readRangeMessage, writeRanges } from "../../../host/src/community/sync/range-message.ts";
import { HnError } from "../../../host/src/foundation/index.ts";
import { chanceOf, mutate } from "../../fuzz/harness.ts";
import { ask, offerEcho } from "../echo.ts";
import { assertOneTruth, assertQuiet } from "../invariants.ts";
import type { SimNode } from "../node.ts";
import { Rogue } from "../rogue.ts";
import type { Scenario } from "../scenario.ts";
import { sizeOf } from "../size.ts";
import type { Overheard, World } from "../world.ts";

/** `HN_SIM_INPUTS=100000` for longer; each reader by itself is fed by `npm run fuzz`. */
const INPUTS = Number(process.env["HN_SIM_INPUTS"] ?? sizeOf(150, 300));
/** Of a comparison: each answer must be smaller than its parent, so that no liar can keep it going. */
const ROUNDS_MAX = 64;

export const rubbish: Scenario = {
  row: 15,
  name: "a member and strangers send altered requests, frames, handshakes and comparisons",
  pass: "each is refused with a code, the node serves its neighbours as before, and every comparison ends",
  sessions: true,
  run: async (world, tell) => {
    const [anna, ben, cem] = (await world.village(["anna", "ben", "cem"])) as [SimNode, SimNode, SimNode];
    offerEcho(ben);
    const heard: Overheard[] = [];
    world.onRequest = (request) => void (request.to === ben.host && heard.length < 400 && heard.push(request));
    for (let n = 0; n < 3; n += 1) await anna.community.append({ type: "ext.sim.note", data: { n } });
    await world.pass(600_000);
    world.onRequest = () => undefined;
    const chance = chanceOf(world.random.fork("rubbish").u32());
    const refusals = new Map<string, number>();
    const count = (code: string): void => void refusals.set(code, (refusals.get(code) ?? 0) + 1);

    const byPath = [...Map.groupBy(heard, ({ path }) => path.split("?")[0]).values()];
    assert.ok(byPath.length >= 3, "the neighbours have asked for several things");

    // Requests over HTTP: the body, a header, the path.
    for (let n = 0; n < INPUTS; n += 1) {
      const of = byPath[chance(byPath.length)] as Overheard[];
      const one = of[chance(of.length)] as Overheard;
      const names = Object.keys(one.headers).filter((name) => name.startsWith("x-"));
      const headers = { ...one.headers };
      const which = chance(3);
      const name = names[chance(names.length)];
      // Header lines that no parser of HTTP lets through are not tried here.
      if (which === 0 && name !== undefined)
        headers[name] = mutate(Buffer.from(headers[name] ?? ""), chance)
          .toString()
          .replaceAll(/[^\x20-\x7e]/g, "?");
      const payload = which === 1 ? Buffer.from(mutate(Buffer.from(one.body), chance)) : Buffer.from(one.body);
      // Nor what the simulator would take for the name of another host.
      const altered = (): string =>
        mutate(Buffer.from(one.path), chance)
          .toString()
          .replaceAll(/[^\x21-\x7e]/g, "")
          .replace(/^[/\\]+/, "");
      const url = which === 2 ? `/${altered()}` : one.path;
      const reply = await ben.listener.inject({
        method: one.method,
        url,
        headers,
        payload,
        remoteAddress: `10.9.${n >> 8}.${n & 255}`,
      });
      assert.ok(reply.statusCode !== 500, `${one.method} ${url} made an error of the node's own: ${reply.payload}`);
      count(String(reply.statusCode));
    }

    // Frames and handshakes on sessions.
    for (let n = 0; n < INPUTS / 10; n += 1) {
      const rogue = await Rogue.shake(world, {
        as: cem,
        to: ben,
        alter: chance(3) === 0 ? (data) => Buffer.from(mutate(data, chance)) : undefined,
      }).catch(() => undefined);
      if (rogue === undefined) {
        count("handshake");
        continue;
      }
      const record = rogue.call(n);
      rogue.say([record]);
      rogue.raw(Buffer.from(mutate(record, chance)));
      rogue.bytes(Buffer.from(mutate(Buffer.alloc(chance(300), chance(256)), chance)));
      await world.pass(50);
      count(String(rogue.closed ?? "open"));
    }

    const compared = await comparisons(world, { chance, cem, ben });
    await world.pass(700_000);
    assert.equal(
      (await world.settled(ask(anna, { n: 1, node: ben }))).heard,
      1,
      "the node does not serve its neighbours any more",
    );
    assertOneTruth([anna, ben, cem]);
    assertQuiet([anna, ben, cem]);
    tell(
      `${INPUTS} requests, ${Math.floor(INPUTS / 10)} sessions: ${[...refusals].map(([what, times]) => `${what} ${times}×`).join(", ")}; ${compared.refused} comparisons refused, ${compared.ended} came to an end`,
    );
  },
};

/** Comparisons whose other side is altered on its way, or answers whatever it likes. @returns how they ended */
async function comparisons(
  world: World,
  o: { chance: (below: number) => number; cem: SimNode; ben: SimNode },
): Promise<{ refused: number; ended: number }> {
  const { chance, cem, ben } = o;
  const community = cem.community.communityId() ?? "";
  const tree = (salt: number): SumTree => {
    const made = new SumTree();
    for (let n = 1; n <= 200; n += 1)
      if (chance(10) > 0)
        made.add(
          { lamport: n, event_id: String(n).padStart(26, "0"), author: cem.nodeId },
          Buffer.alloc(32, chance(20) === 0 ? salt : n & 255),
        );
    return made;
  };
  let [refused, ended] = [0, 0];
  for (let n = 0; n < INPUTS / 10; n += 1) {
    const run = new RangeRun(new RangeView(tree(1), 0));
    const other = new RangeView(tree(2), 0);
    try {
      for (let round = 0; ; round += 1) {
        const question = run.question();
        if (question.length === 0) break;
        assert.ok(round < ROUNDS_MAX, "a comparison goes on without end");
        const asked = chance(8) === 0 ? question : answerRanges(other, question);
        const said = JSON.parse(JSON.stringify({ community_id: community, floor: 0, ranges: writeRanges(asked) })) as JsonObject;
        const ranges = said["ranges"] as JsonObject[];
        if (chance(6) === 0) twist(ranges[chance(ranges.length)] ?? {}, chance);
        run.take(readRangeMessage(said, community).ranges);
      }
      ended += 1;
    } catch (error) {
      if (!HnError.isHnError(error)) throw error;
      refused += 1;
    }
    const wire = { community_id: community, floor: chance(3), ranges: [{ to: [chance(9), "x"], mode: "fp", n: chance(99) }] };
    await ben.community.reconcile(wire as unknown as RangeMessage, cem.nodeId).catch((error: unknown) => {
      if (!HnError.isHnError(error)) throw error;
    });
  }
  world.scheduler.note(`${refused} comparisons refused, ${ended} ended`);
  assert.ok(refused > 0 && ended > 0);
  return { refused, ended };
}

/** One member of a range replaced by something else. */
function twist(range: JsonObject, chance: (below: number) => number): void {
  const names = Object.keys(range);
  const name = names[chance(names.length)] ?? "";
  const odd = [null, 0, -1, 2 ** 53, "", "AAAA", [], {}, [[]], true];
  range[name] = odd[chance(odd.length)] as never;
}
