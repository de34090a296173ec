import assert from "node:assert/strict";
import { test } from "node:test";
import type { PluginDataUse } from "../../../src/contract/index.ts";
import { ManualClock } from "../../../src/foundation/index.ts";
import { DiskWatch, type TreeSize } from "../../../src/runtime/data/index.ts";

const MIB = 1_048_576;
const LIMIT = 100 * MIB;

/** A folder that a test fills, and what was asked and said about it. */
function folder(first: Partial<TreeSize> = {}): {
  watch: DiskWatch;
  /** So many MiB more lie there, and so many were written for it. */
  grow: (mebibytes: number, writtenMebibytes?: number) => void;
  change: (size: Partial<TreeSize>) => void;
  /** Lets time pass; what was due has been measured then. */
  pass: (ms: number) => Promise<void>;
  looks: () => number;
  filling: (PluginDataUse | null)[];
  full: string[];
  forget: () => void;
} {
  const clock = new ManualClock();
  const size: TreeSize = { bytes: 0, files: 1, unreadable: 0, ...first };
  let written: number | null = 0;
  let looks = 0;
  const filling: (PluginDataUse | null)[] = [];
  const full: string[] = [];
  const watch = new DiskWatch({
    clock,
    limitBytes: LIMIT,
    measure: async () => {
      looks += 1;
      return { ...size };
    },
    written: () => written,
    onFilling: (use) => void filling.push(use),
    onFull: (detail) => void full.push(detail),
    onError: (error) => assert.fail(String(error)),
  });
  return {
    watch,
    grow: (mebibytes, writtenMebibytes = mebibytes) => {
      size.bytes += mebibytes * MIB;
      written = (written ?? 0) + writtenMebibytes * MIB;
    },
    change: (next) => void Object.assign(size, next),
    pass: async (ms) => {
      for (let at = 0; at < ms; at += 250) {
        clock.advance(250);
        for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
      }
    },
    looks: () => looks,
    filling,
    full,
    forget: () => (written = null),
  };
}

test("an idle plugin's folder is looked at once; one that writes far below its limit is not looked at again (§7)", async () => {
  const { watch, grow, pass, looks } = folder();
  await pass(4000);
  assert.equal(looks(), 0);
  await pass(2000);
  assert.equal(looks(), 1);
  await pass(3_600_000);
  assert.equal(looks(), 1);
  grow(80);
  await pass(60_000);
  assert.equal(looks(), 1, "with 80 of 100 it cannot matter yet");
  grow(10.5);
  await pass(250);
  assert.deepEqual([looks(), watch.use?.bytes], [2, 90.5 * MIB]);
});

test("at nine tenths it is told once, and once when there is room again; beyond eleven tenths the plugin is stopped (§7)", async () => {
  const { grow, pass, change, filling, full } = folder();
  await pass(5000);
  grow(91);
  await pass(250);
  grow(3);
  await pass(20_000);
  assert.equal(filling.length, 1);
  assert.equal(filling[0]?.bytes, 91 * MIB);
  change({ bytes: 10 * MIB });
  grow(0, 30);
  await pass(250);
  assert.deepEqual(filling.slice(1), [null]);
  grow(99);
  await pass(250);
  assert.deepEqual(full, []);
  grow(1.5);
  await pass(500);
  assert.deepEqual(full, ["Its data folder holds 110.5 MB; it may hold 100 MB."]);
  grow(50);
  await pass(60_000);
  assert.equal(full.length, 1, "it is stopped once");
});

test("one that is over already may run to make room, but not grow", async () => {
  const { grow, pass, full } = folder({ bytes: 150 * MIB });
  await pass(5000);
  grow(0, 40);
  await pass(500);
  assert.deepEqual(full, []);
  grow(2);
  await pass(500);
  assert.equal(full.length, 1);
});

test("what cannot be looked into counts as full, so that nothing hides there", async () => {
  const { pass, full } = folder({ unreadable: 1 });
  await pass(5000);
  assert.match(full[0] ?? "", /cannot be looked into/);
});

test("where nobody says what was written, it is looked at every five seconds", async () => {
  const { pass, looks, forget, change, full } = folder();
  await pass(5000);
  forget();
  await pass(60_000);
  assert.equal(looks(), 13);
  change({ bytes: 120 * MIB });
  await pass(5000);
  assert.equal(full.length, 1);
});
