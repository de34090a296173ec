import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, it, type TestContext } from "node:test";
import type { SignatureCheck } from "../../../src/contract/index.ts";
import { ManualClock } from "../../../src/foundation/index.ts";
import {
  canonicalBytes,
  importSeed,
  openSignaturePool,
  selfTest,
  type SignaturePool,
  Signer,
  verifyOnce,
} from "../../../src/identity/index.ts";
import { PATHS } from "../../../src/paths.ts";

const { nodeId, key } = importSeed(Buffer.alloc(32, 7));
const signer = new Signer(nodeId, key);

function check(n: number): SignatureCheck {
  const { signature, ...rest } = signer.signEvent({
    schema_version: 1,
    event_id: "01J9Z3K8V4Q2N7M5C6B1A0WXYT",
    lamport: n + 1,
    wall_clock: "2026-07-01T12:00:00Z",
    community_id: nodeId,
    author: nodeId,
    event_type: "ext.demo.note",
    data: { n },
  });
  return { by: nodeId, message: canonicalBytes(rest), signature };
}

/** Every third is not genuine, each in another way. */
function mixed(count: number): SignatureCheck[] {
  return Array.from({ length: count }, (_, i) => {
    const good = check(i);
    if (i % 15 === 2) return { ...good, message: Buffer.concat([good.message, Buffer.from(" ")]) };
    if (i % 15 === 5) return { ...good, signature: check(i + 1).signature };
    if (i % 15 === 8) return { ...good, signature: "ed25519:short" };
    if (i % 15 === 11) return { ...good, by: "nobody" };
    if (i % 15 === 14) return { ...good, by: "ed25519:6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw" };
    return good;
  });
}

function pool(t: TestContext, o: { script?: string; clock?: ManualClock; workers?: number } = {}): SignaturePool {
  const made = openSignaturePool({
    script: o.script ?? PATHS.signatureWorker,
    clock: o.clock ?? new ManualClock(),
    workers: o.workers ?? 2,
  });
  t.after(() => made.close());
  return made;
}

describe("a pool for signatures (network.md §5, N-3)", () => {
  before(() => selfTest());

  it("gives the verdicts of the loop, for batches of every size", async (t) => {
    const { verify } = pool(t);
    for (const size of [0, 1, 8, 9, 10, 257]) {
      const checks = mixed(size);
      assert.deepEqual(await verify(checks), checks.map(verifyOnce), `${size}`);
    }
  });

  it("answers batches that are asked at the same time each with its own verdicts", async (t) => {
    const { verify } = pool(t, { workers: 1 });
    const batches = Array.from({ length: 6 }, (_, i) => mixed(20 + i));
    const answers = await Promise.all(batches.map((checks) => verify(checks)));
    assert.deepEqual(
      answers,
      batches.map((checks) => checks.map(verifyOnce)),
    );
  });

  it("verifies here what a worker could not, and loses no verdict", async (t) => {
    const { verify } = pool(t, { script: join(import.meta.dirname, "no-such-worker.mjs") });
    const checks = mixed(40);
    assert.deepEqual(await verify(checks), checks.map(verifyOnce));
  });

  it("lets idle workers go and starts new ones", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "hn-pool-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const [script, starts] = [join(folder, "worker.mjs"), join(folder, "starts")];
    const lines = ['import { appendFileSync } from "node:fs";', `appendFileSync(${JSON.stringify(starts)}, "x");`];
    writeFileSync(script, [...lines, `await import(${JSON.stringify(PATHS.signatureWorker)});`].join("\n"));
    const clock = new ManualClock();
    const { verify } = pool(t, { clock, workers: 1, script });
    const checks = mixed(30);
    await verify(checks);
    clock.advance(29_000);
    await verify(checks);
    assert.equal(readFileSync(starts, "utf8"), "x", "one serves again and again");
    clock.advance(30_000);
    assert.deepEqual(await verify(checks), checks.map(verifyOnce));
    assert.equal(readFileSync(starts, "utf8"), "xx");
  });

  it("still gives verdicts after it was closed", async (t) => {
    const made = pool(t);
    await made.close();
    const checks = mixed(30);
    assert.deepEqual(await made.verify(checks), checks.map(verifyOnce));
  });
});
