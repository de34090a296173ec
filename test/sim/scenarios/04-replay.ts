import assert from "node:assert/strict";
import { ask, offerEcho, type Echo } from "../echo.ts";
import { assertQuiet } from "../invariants.ts";
import type { SimNode } from "../node.ts";
import type { Scenario } from "../scenario.ts";
import { sizeOf } from "../size.ts";
import type { Overheard } from "../world.ts";

/** `HN_SIM_REPLAYS=1000000` for the figure of the issue. */
const REPLAYS = Number(process.env["HN_SIM_REPLAYS"] ?? sizeOf(120, 400));

const total = (echo: Echo): number => [...echo.done.values()].reduce((sum, times) => sum + times, 0);

export const replay: Scenario = {
  row: 4,
  name: "whoever listens in sends everything again: elsewhere, later, after a restart, while clocks are wrong",
  pass: "nothing is carried out twice, nor at anybody else's",
  run: async (world, tell) => {
    const [anna, ben, cem] = (await world.village(["anna", "ben", "cem"])) as [SimNode, SimNode, SimNode];
    const echoes = new Map([ben, cem].map((node) => [node, offerEcho(node)]));
    await world.pass(60_000);
    const heard: Overheard[] = [];
    world.onRequest = (request) => void (request.path === "/bus/v1/call" && heard.push(request));
    for (let n = 0; n < 20; n += 1) await world.settled(ask(anna, { n, node: n % 2 === 0 ? ben : cem }));
    assert.equal(heard.length, 20);
    const done = (): number => [...echoes.values()].reduce((sum, echo) => sum + total(echo), 0);
    const before = done();
    const random = world.random.fork("replays");
    let refused = 0;
    const resend = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        const letter = random.pick(heard) as Overheard;
        const at = random.pick([ben, cem]) as SimNode;
        const reply = await at.listener.inject({
          method: "POST",
          url: letter.path,
          headers: letter.headers,
          payload: letter.body,
          remoteAddress: random.chance(0.5) ? letter.from.host : `10.9.${random.below(250)}.${random.below(250)}`,
        });
        assert.notEqual(reply.statusCode, 200, reply.payload);
        refused += 1;
        await world.pass(random.below(2000));
      }
    };
    await resend(REPLAYS / 4);
    await ben.kill();
    await ben.start();
    echoes.set(ben, offerEcho(ben));
    const lost = before - done();
    await resend(REPLAYS / 4);
    // Whoever can turn a node's clock back cannot bring old requests back to life within the time that is remembered.
    for (const node of [ben, cem]) node.clock.step(-60_000);
    await resend(REPLAYS / 4);
    for (const node of [ben, cem]) node.clock.step(60_000);
    await world.pass(sizeOf(900_000, 3_600_000));
    await resend(REPLAYS / 4);
    assert.equal(done() + lost, before, "no more was carried out");
    assertQuiet([anna, ben, cem]);
    tell(`${refused} replays, 0 accepted`);
  },
};
