import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, B, C, fakeLink, makeBus, manifest, offer } from "./make.ts";

test("B-4 a foreign schema costs 100 ms and a warning whoever comes second, the neighbour or our own plugin", async () => {
  for (const pluginFirst of [true, false]) {
    const warned: unknown[] = [];
    const log = {
      debug() {},
      info() {},
      error() {},
      warn: (_: string, fields?: object) => void warned.push(fields),
      child: () => log,
    };
    const asked: string[] = [];
    const link = fakeLink({
      call: (call) => {
        asked.push(call.to);
        return Promise.resolve({ output: {}, meta: {} });
      },
    });
    const { bus } = makeBus({ log, preferLocal: false, link: () => link });
    const probe = bus.offer(offer());
    const hash = bus.entries()[0]?.schema_hash ?? "";
    probe.withdraw();
    if (pluginFirst) bus.offer(offer({ max_concurrent: 1 }, () => new Promise(() => {})));
    bus.peerSeen(manifest(B, [{ schema_hash: "blake3:other" }]));
    bus.peerSeen(manifest(C, [{ schema_hash: hash }]));
    const own = pluginFirst ? undefined : bus.offer(offer({ max_concurrent: 1 }, () => new Promise(() => {})));
    assert.equal(warned.length, 1);
    // Its only place taken, the choice lies between the two neighbours; B's smaller id would win a tie.
    void bus.call(ask()).catch(() => undefined);
    await bus.call(ask());
    assert.deepEqual(asked, [C]);
    if (own === undefined) continue;
    own.withdraw();
    bus.peerSeen(manifest(B, [{ schema_hash: "blake3:other" }]));
    bus.peerGone(C);
    await bus.call(ask());
    assert.deepEqual(asked, [C, B], "without our own nobody's schema is foreign");
  }
});
