import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { OutboundCall } from "../../../src/contract/index.ts";
import { ask, B, body, C, fakeLink, makeBus, manifest } from "../make.ts";

const never = (): Promise<never> => new Promise(() => {});

interface World {
  asked: string[];
  call: (change?: Parameters<typeof ask>[0]) => Promise<void>;
  wait: (ms: number) => void;
}

/** Two neighbours that offer the same. The first is known as the quicker by far, and swallows all it is sent by now. */
async function world(): Promise<World> {
  const asked: string[] = [];
  let swallows = false;
  const link = fakeLink({
    call: ({ to }: OutboundCall) => {
      asked.push(to);
      if (to === B && swallows) return never();
      return new Promise((resolve) => {
        clock.setTimeout(() => resolve({ output: {}, meta: {} }), to === B ? 10 : 1000);
      });
    },
  });
  const { bus, clock } = makeBus({ link: () => link });
  for (const node of [B, C]) bus.peerSeen(manifest(node, [{ max_concurrent: 8, idempotent: true, timeout_seconds: 30 }]));
  const call: World["call"] = async (change) => {
    bus.call(ask(change)).catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
  };
  for (const [node, ms] of [
    [B, 10],
    [C, 1000],
  ] as const) {
    await call({ node });
    clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  }
  asked.length = 0;
  swallows = true;
  return { asked, call, wait: (ms) => clock.advance(ms) };
}

describe("a neighbour that is silent just now (ADR 0022)", () => {
  test("is asked as before for two seconds, and after them only where nobody else is left", async () => {
    const { asked, call, wait } = await world();
    await call();
    wait(2000);
    await call();
    assert.deepEqual(asked, [B, B]);
    wait(1);
    await call();
    await call();
    assert.deepEqual(asked, [B, B, C, C]);
    await call({ node: B });
    assert.equal(asked.at(-1), B, "whoever names it gets it");
  });

  test("keeps its conversations: what was said there is there", async () => {
    const { asked, call, wait } = await world();
    const talk = { body: { ...body(), session_id: "one" } };
    await call({ ...talk, node: B });
    wait(5000);
    await call(talk);
    assert.deepEqual(asked, [B, B]);
  });
});
