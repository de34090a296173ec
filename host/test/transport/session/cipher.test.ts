import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FrameOpener, FrameSealer, SUITES, type Suite } from "../../../src/transport/session/cipher.ts";
import { FRAME_MAX_BYTES, KIND } from "../../../src/transport/session/frame.ts";
import type { DirectionKey } from "../../../src/transport/session/keys.ts";
import { holds } from "../../support/property.ts";

/** `HN_REPLAYS=1000000` for the whole of scenario 4. */
const REPLAYS = Number(process.env["HN_REPLAYS"] ?? 20_000);
const key = (fill = 7): DirectionKey => ({ key: Buffer.alloc(32, fill), iv: Buffer.alloc(12, fill + 1) });
const suites = fc.constantFrom(...SUITES);
const payloads = fc.uint8Array({ maxLength: 300 });

function pair(suite: Suite): { sealer: FrameSealer; opener: FrameOpener } {
  return { sealer: new FrameSealer({ suite, key: key(), now: 0 }), opener: new FrameOpener(suite, key(), FRAME_MAX_BYTES) };
}

function seal(sealer: FrameSealer, payload: Uint8Array): Buffer {
  return sealer.seal(KIND.data, { parts: [payload], bytes: payload.byteLength, sealed: false });
}

/** Close code of what it throws. */
function closeOf(work: () => unknown): number | undefined {
  try {
    work();
  } catch (error) {
    return (error as { closeCode?: number }).closeCode;
  }
  return undefined;
}

describe("frames of a peer session (network.md §1.4)", () => {
  it("are read as they were written, over changes of the key", () => {
    holds(
      fc.property(suites, fc.array(fc.tuple(payloads, fc.boolean()), { minLength: 1, maxLength: 12 }), (suite, frames) => {
        const { sealer, opener } = pair(suite);
        for (const [payload, turns] of frames) {
          assert.deepEqual(new Uint8Array(opener.open(seal(sealer, payload)).payload), payload);
          if (!turns) continue;
          sealer.turn(0);
          opener.turn();
        }
      }),
    );
  });

  it("are refused with 4402 when any bit was changed", () => {
    holds(
      fc.property(suites, payloads, fc.nat(), fc.nat(7), (suite, payload, at, bit) => {
        const { sealer, opener } = pair(suite);
        const frame = seal(sealer, payload);
        const place = at % frame.byteLength;
        frame[place] = (frame[place] ?? 0) ^ (1 << bit);
        const code = closeOf(() => opener.open(frame));
        // Kind and flags are form; what they say is covered by the tag all the same.
        assert.ok(code === 4402 || (code === 4400 && place < 2), `byte ${place} gave ${code}`);
      }),
    );
  });

  it("are refused with 4402 when one is lost, comes twice, comes early, or is of another session, direction or generation", () => {
    for (const suite of SUITES) {
      const { sealer, opener } = pair(suite);
      const [first, second, third] = [1, 2, 3].map((n) => seal(sealer, Buffer.of(n))) as [Buffer, Buffer, Buffer];
      opener.open(first);
      assert.equal(
        closeOf(() => opener.open(Buffer.from(first))),
        4402,
        "twice",
      );
      assert.equal(
        closeOf(() => opener.open(third)),
        4402,
        "a gap",
      );
      opener.open(second);
      const other = new FrameOpener(suite, key(9), FRAME_MAX_BYTES);
      assert.equal(
        closeOf(() => other.open(Buffer.from(first))),
        4402,
        "another session",
      );
      const turned = new FrameOpener(suite, key(), FRAME_MAX_BYTES);
      turned.turn();
      assert.equal(
        closeOf(() => turned.open(Buffer.from(first))),
        4402,
        "a lower generation",
      );
      const skipping = new FrameSealer({ suite, key: key(), now: 0 });
      skipping.turn(0);
      skipping.turn(0);
      assert.equal(
        closeOf(() => new FrameOpener(suite, key(), FRAME_MAX_BYTES).open(seal(skipping, Buffer.of(1)))),
        4402,
        "a skipped one",
      );
    }
  });

  it("longer than agreed, or too short for a tag, are 4400", () => {
    const { sealer, opener } = pair("hs256");
    assert.equal(
      closeOf(() => opener.open(seal(sealer, Buffer.alloc(FRAME_MAX_BYTES)))),
      4400,
    );
    assert.equal(
      closeOf(() => opener.open(Buffer.alloc(27))),
      4400,
    );
  });

  it("change their key when it has been used long enough, for enough frames or bytes (§1.3 rekey)", () => {
    const sealer = new FrameSealer({ suite: "hs256", key: key(), now: 1000 });
    assert.equal(sealer.isDue(1000 + 899_999), false);
    assert.equal(sealer.isDue(1000 + 900_000), true);
    sealer.turn(901_000);
    assert.deepEqual([sealer.isDue(901_001), sealer.generation], [false, 1]);
    const worn = (wear: { frames?: number; bytes?: number }): FrameSealer =>
      new FrameSealer({ suite: "hs256", key: key(), now: 0, wear: { frames: 99, bytes: 1e6, ms: 1e6, ...wear } });
    for (const worked of [worn({ frames: 3 }), worn({ bytes: 100 })]) {
      seal(worked, Buffer.alloc(10));
      seal(worked, Buffer.alloc(10));
      assert.equal(worked.isDue(1), false);
      seal(worked, Buffer.alloc(10));
      assert.equal(worked.isDue(1), true);
      worked.turn(1);
      assert.equal(worked.isDue(1), false);
    }
  });

  it(`none of ${REPLAYS} repeated frames is accepted (scenario 4)`, () => {
    const { sealer, opener } = pair("hs256");
    const seen: Buffer[] = [];
    let accepted = 0;
    for (let i = 0; i < REPLAYS; i++) {
      if (seen.length < 64 || i % 97 === 0) {
        const fresh = seal(sealer, Buffer.of(i & 255));
        if (seen.length < 64) seen.push(Buffer.from(fresh));
        else seen[i % 64] = Buffer.from(fresh);
        opener.open(fresh);
      }
      const again = Buffer.from(seen[(i * 7) % seen.length] ?? Buffer.alloc(0));
      if (closeOf(() => opener.open(again)) !== 4402) accepted += 1;
    }
    assert.equal(accepted, 0);
  });
});
