import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { inspectMachine, type Machine } from "../../../src/runtime/confine/index.ts";
import { findEngine } from "../../../src/runtime/isolate/index.ts";
import { hasBubblewrap } from "../fixtures/world.ts";
import { BUILT_RUNNER } from "./guests.ts";

async function machine(t: TestContext): Promise<{ machine: Machine; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), "hn-engine-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return { folder, machine: await inspectMachine({ nodePath: process.execPath, runnerPath: BUILT_RUNNER, runDir: folder }) };
}

const missing = (verdict: Awaited<ReturnType<typeof findEngine>>): string => ("missing" in verdict ? verdict.missing : "");

test("the engine that npm installed is found, with its prebuilt part for this Node and all its libraries", async (t) => {
  if (!hasBubblewrap()) return t.skip("needs bubblewrap");
  const found = await findEngine((await machine(t)).machine);
  assert.ok("engine" in found, missing(found));
  assert.ok(found.engine.addon.includes(`abi${process.versions.modules}`));
  assert.ok(readFileSync(found.engine.addon).subarray(0, 4).equals(Buffer.from("\x7fELF", "latin1")));
  assert.ok(found.engine.libraries.some((path) => path.includes("libstdc++")));
});

for (const version of ["7.0.0", "6.0.2", "5.9.9", "7.1", "later", 7])
  test(`isolated-vm ${version} is refused: below 7.0.1 a guest gets out, and what has no version is not known (§1.2.2)`, async (t) => {
    if (!hasBubblewrap()) return t.skip("needs bubblewrap");
    const place = await machine(t);
    writeFileSync(join(place.folder, "package.json"), JSON.stringify({ name: "isolated-vm", version }));
    assert.match(
      missing(await findEngine(place.machine, { packageDir: place.folder })),
      /anything below 7\.0\.1 lets code escape/,
    );
  });

test("each thing that can be missing has its own sentence", async (t) => {
  if (!hasBubblewrap()) return t.skip("needs bubblewrap");
  const { folder, machine: here } = await machine(t);
  assert.match(missing(await findEngine(here, { packageDir: null })), /is not installed/);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ version: "7.0.1" }));
  assert.match(missing(await findEngine(here, { packageDir: folder })), /no prebuilt part for/);
  assert.match(missing(await findEngine({ ...here, tools: null })), /cannot confine/);
  mkdirSync(join(folder, "elsewhere"));
  assert.match(missing(await findEngine({ ...here, runner: join(folder, "elsewhere", "runner.cjs") })), /is not built/);
});
