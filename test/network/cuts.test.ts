/** Real nodes while cables are pulled, packets are lost, routers hide them and clocks are off. @source network.md §7 "Real sockets" */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LocalError } from "@hearthnet/host/contract";
import { createFreshDeviceId, importSeed } from "../../host/src/identity/index.ts";
import { until } from "../../host/test/support/until.ts";
import type { LiveNode } from "../support/live-node.ts";
import { Lane, noNetworks } from "../support/namespaces.ts";
import { callWords, invited, LIMIT_MS, logOf, moveIn, offerWords, portOf, rowOf, sees } from "./residents.ts";

const skip = noNetworks;
const INSIDE = "10.77.1";
const OUTSIDE = "10.77.2";
/** What a caller may try again, or that tells it plainly that nobody was there. @source 02 §5 */
const WORTH_ANOTHER_TRY = new Set(["timeout", "partition", "rate_limited", "capacity_exceeded"]);
let devices = 0;

/** An event that the log keeps: an invitation for a device that nobody has. */
async function write(node: LiveNode, name: string): Promise<void> {
  const { nodeId } = importSeed(Buffer.alloc(32, (devices += 1)));
  await node.ask(["invite", createFreshDeviceId({ nodeId, displayName: name })]);
}

function sameLogs(nodes: readonly LiveNode[], events: number): Promise<true> {
  const logs = (): string[][] => nodes.map((node) => logOf(node));
  return until(
    `all have the same ${events} events`,
    () => {
      const [first = [], ...others] = logs();
      return first.length === events && others.every((log) => log.join("\n") === first.join("\n"));
    },
    LIMIT_MS,
  ).catch((cause: unknown) => {
    throw new Error(
      `They have ${logs()
        .map((log) => log.length)
        .join(" and ")}.`,
      { cause },
    );
  });
}

// They wait for networks more than they count, so they wait side by side.
describe("trouble on the line", { concurrency: true }, () => {
  describe("a cut", () => {
    it("in the cable: both sides go on writing, and have the same log when it has healed", { skip }, async (t) => {
      const lane = new Lane(t);
      const first = await moveIn(t, lane.house({ street: INSIDE, host: 2 }));
      const second = await moveIn(t, lane.house({ street: INSIDE, host: 3 }));
      await first.node.ask(["community", "create", "Mill Street"]);
      await invited(first.node, second.node);
      await first.node.ask(["promote", second.node.ready.node_id, "--level", "trusted"]);
      await sees(first.node, second.node, { state: "verified" });
      await sees(second.node, first.node, { state: "verified" });
      const before = logOf(first.node).length;
      await sameLogs([first.node, second.node], before);
      lane.pull(second.house);
      for (const n of [1, 2, 3]) {
        await write(first.node, `of the first ${n}`);
        await write(second.node, `of the second ${n}`);
      }
      assert.notDeepEqual(logOf(first.node), logOf(second.node), "nothing has crossed the cut");
      await sees(first.node, second.node, { state: "suspect" });
      lane.plug(second.house);
      const healed = performance.now();
      await sameLogs([first.node, second.node], before + 6);
      process.stdout.write(`figure: equal logs ${((performance.now() - healed) / 1000).toFixed(1)} s after the cable was back\n`);
      await sees(first.node, second.node, { state: "verified" });
    });

    it(
      "of the uplink: neighbours go on calling each other, who is beyond it is a partition until it is back",
      { skip },
      async (t) => {
        const lane = new Lane(t);
        const houses = [lane.house({ street: INSIDE, host: 2 }), lane.house({ street: INSIDE, host: 3 })] as const;
        const beyond = lane.house({ street: OUTSIDE, host: 9 });
        lane.router([INSIDE, OUTSIDE], [...houses, beyond], { hides: false });
        const [first, second] = [await moveIn(t, houses[0]), await moveIn(t, houses[1])];
        const far = await moveIn(t, beyond);
        await first.node.ask(["community", "create", "Mill Street"]);
        await invited(first.node, second.node);
        await invited(first.node, far.node);
        await offerWords(t, second.node);
        await offerWords(t, far.node);
        for (const to of [second, far])
          await until("it can be called", async () => (await callWords(first.node, to.node, "a bike")).code === 0, LIMIT_MS);
        assert.deepEqual((await rowOf(first.node, far.node))?.sources.includes("mdns"), false, "multicast ends at the router");

        lane.pull(far.house);
        const from = performance.now();
        const cut = await callWords(first.node, far.node, "a bike");
        assert.equal(cut.code, 1);
        assert.ok(WORTH_ANOTHER_TRY.has((cut.json as LocalError).error), cut.stdout);
        process.stdout.write(`figure: a call over the cut uplink ended after ${Math.round(performance.now() - from)} ms\n`);
        assert.equal((await callWords(first.node, second.node, "a bike")).code, 0, "the neighbour next door still answers");
        lane.plug(far.house);
        await until("it can be called again", async () => (await callWords(first.node, far.node, "a bike")).code === 0, LIMIT_MS);
      },
    );
  });

  describe("a router that hides who is behind it", () => {
    it("lets them join, call and exchange logs from inside; nobody outside can begin", { skip }, async (t) => {
      const lane = new Lane(t);
      const [inner, outer] = [lane.house({ street: INSIDE, host: 2 }), lane.house({ street: OUTSIDE, host: 2 })];
      lane.router([INSIDE, OUTSIDE], [inner, outer], { hides: true });
      const hidden = await moveIn(t, inner);
      const open = await moveIn(t, outer);
      await open.node.ask(["community", "create", "Mill Street"]);
      await invited(open.node, hidden.node);
      await offerWords(t, open.node);
      await sees(hidden.node, open.node, { state: "verified", host: outer.address, port: portOf(open.node) });
      await until(
        "it can be called from inside",
        async () => (await callWords(hidden.node, open.node, "a bike")).code === 0,
        LIMIT_MS,
      );

      const rest = logOf(open.node).length;
      await write(open.node, "written outside");
      // Whoever is hidden brings its own and fetches the rest; nobody can bring it.
      await write(hidden.node, "written inside");
      await sameLogs([open.node, hidden.node], rest + 2);
      const row = await until(
        "a signed request from inside is proof of life",
        async () => {
          const found = await rowOf(open.node, hidden.node);
          return found?.sources.includes("inbound") === true ? found : undefined;
        },
        LIMIT_MS,
      );
      assert.notEqual(row.state, "verified", "and no address is learnt from it");
      const back = await callWords(open.node, hidden.node, "a bike");
      assert.equal(back.code, 1);
    });
  });

  describe("a bad line", () => {
    it(
      "of 5 % lost packets and 200 ms: every call ends with the right answer or a code that is worth another try",
      { skip },
      async (t) => {
        const lane = new Lane(t);
        const first = await moveIn(t, lane.house({ street: INSIDE, host: 2 }));
        const second = await moveIn(t, lane.house({ street: INSIDE, host: 3 }));
        await first.node.ask(["community", "create", "Mill Street"]);
        await invited(first.node, second.node);
        await offerWords(t, first.node);
        await until("it can be called", async () => (await callWords(second.node, first.node, "a bike")).code === 0, LIMIT_MS);
        const how = new Set([first, second].map(({ house }) => lane.delay(house, 200)));
        for (const { house } of [first, second]) lane.lose(house, 5);
        let right = 0;
        const ended = await Promise.all(
          Array.from({ length: 4 }, async () => {
            const outcomes: string[] = [];
            for (let n = 0; n < 6; n += 1) {
              const answer = await callWords(second.node, first.node, `my Fahrrad ${"and a long story ".repeat(200)}`);
              if (answer.code === 0) {
                assert.deepEqual((answer.json as { output: { found: string[] } }).output.found, ["Fahrrad"]);
                right += 1;
              } else outcomes.push((answer.json as LocalError).error);
            }
            return outcomes;
          }),
        );
        for (const code of ended.flat()) assert.ok(WORTH_ANOTHER_TRY.has(code), code);
        assert.ok(right > 12, `${right} of 24 came through`);
        process.stdout.write(
          `figure: 5 % loss with ${[...how].join()}: ${right} of 24 calls right, ${ended.flat().join() || "none"} else\n`,
        );
      },
    );
  });

  describe("clocks that are off", () => {
    it("by 90 s do no harm; by ten minutes a node is taken for nobody until its clock is right", { skip }, async (t) => {
      const lane = new Lane(t);
      const houses = [2, 3].map((host) => lane.house({ street: INSIDE, host }));
      // The one that stays is behind: to it the other is ahead, and again so after its clock was corrected, when it must not seem to grow younger.
      const first = await moveIn(t, houses[0]!, { clockOffMs: -90_000 });
      let second = await moveIn(t, houses[1]!);
      await first.node.ask(["community", "create", "Mill Street"]);
      await invited(first.node, second.node);
      await sees(first.node, second.node, { state: "verified" });
      await sees(second.node, first.node, { state: "verified" });
      const before = logOf(first.node).length;
      await write(first.node, "written behind time");
      await write(second.node, "written on time");
      await sameLogs([first.node, second.node], before + 2);

      await second.node.stop();
      second = await moveIn(t, second.house, { dataDir: second.node.dataDir, clockOffMs: 600_000 });
      await sees(first.node, second.node, { state: "suspect" });
      await second.node.stop();
      second = await moveIn(t, second.house, { dataDir: second.node.dataDir, clockOffMs: 0 });
      await sees(first.node, second.node, { state: "verified" });
    });
  });
});
