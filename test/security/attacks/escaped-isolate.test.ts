/**
 * What somebody owns who got out of an isolate: the same sandbox as an isolate host's, with Node's permission model off as native code would
 * have it, and attacks of the corpus running there. What is left standing is the operating system.
 */
import assert from "node:assert/strict";
import { build } from "esbuild";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inspectMachine, insidePaths, sandboxArguments, spawnSandbox } from "../../../host/src/runtime/confine/index.ts";
import { findEngine, isolateSpec } from "../../../host/src/runtime/isolate/index.ts";
import { hasBubblewrap } from "../../../host/test/runtime/fixtures/world.ts";
import { BUILT_RUNNER } from "../../../host/test/runtime/isolate/guests.ts";
import { ask, type Outcome } from "./ask.ts";
import { ATTACKS, deviations, type Attack } from "./corpus.ts";
import { besideNeighbour } from "./neighbour-times.ts";
import { reportAttack } from "./report.ts";
import { AttackStage } from "./stage.ts";

const PAYLOADS = join(import.meta.dirname, "..", "..", "fixtures", "plugins", "attacks");
/** An isolate host has no package to write to. */
const NO_PACKAGE = { "write /plugin": /^ENOENT$/, "mkdir /plugin": /^ENOENT$/ };
const ROWS = ["A01", "A02", "A05", "A09", "A10"];

const confined = hasBubblewrap();
let place: AttackStage;
before(async () => {
  if (confined) place = await AttackStage.open();
});
after(async () => {
  if (confined) await place.close();
});

/** In place of the guest's script, which is the one file of ours that an isolate host can read. */
async function payloadFile(attack: Attack, folder: string): Promise<string> {
  const outfile = join(folder, `${attack.id}.js`);
  await build({
    entryPoints: [join(PAYLOADS, attack.payload)],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    logLevel: "error",
  });
  chmodSync(outfile, 0o644);
  return outfile;
}

async function escaped(attack: Attack): Promise<Outcome> {
  const runDir = join(place.stage.folder, "escaped");
  mkdirSync(runDir, { recursive: true, mode: 0o755 });
  const machine = await inspectMachine({ nodePath: process.execPath, runnerPath: BUILT_RUNNER, runDir });
  const verdict = await findEngine(machine);
  assert.ok("engine" in verdict && machine.tools !== null && machine.seccompFile !== null);
  const { addon, libraries } = verdict.engine;
  const tools = { ...machine.tools, libraries, runner: join(PAYLOADS, "harness.cjs") };
  const spec = isolateSpec({ addon, guest: await payloadFile(attack, runDir) });
  const argv = sandboxArguments(tools, spec);
  const bare = [...argv.slice(0, argv.lastIndexOf("/node") + 1), "/runner/runner.cjs"];
  const sandbox = spawnSandbox({ tools, seccompFile: machine.seccompFile }, bare, insidePaths(spec));
  sandbox.stdout.resume();
  try {
    return await ask(sandbox.link, sandbox.stderr, {
      payload: "/runner/guest.js",
      facts: attack.confinedFacts(place.stage),
    });
  } finally {
    sandbox.kill();
    await sandbox.exited;
  }
}

for (const attack of ATTACKS.filter(({ id, permissions }) => ROWS.includes(id) && permissions === undefined))
  test(`A19: out of its isolate, it still cannot ${attack.title} (${attack.id}); the control can`, async (t) => {
    if (!confined) return t.skip("needs bubblewrap");
    const control = await place.asControl(attack);
    assert.deepEqual(deviations(control, attack.control), [], "the control must succeed, else the row proves nothing");
    const { result: outcome, neighbour } = await besideNeighbour(
      () => place.neighbourIsWell(),
      () => escaped(attack),
    );
    assert.ok(Object.keys(outcome).length > 0);
    const expected = { ...(attack.system ?? attack.plugin), ...(attack.id === "A02" ? NO_PACKAGE : {}) };
    assert.deepEqual(deviations(outcome, expected), []);
    assert.deepEqual(place.leftovers(attack), []);
    assert.ok(await place.neighbourIsWell(), "the neighbour is unharmed");
    const said = (all: Outcome): string => [...new Set(Object.values(all))].join(", ");
    const title = `out of an isolate, ${attack.title} (${attack.id})`;
    // Nothing of the node is asked: the operating system refuses by itself.
    reportAttack({ row: "A19", title, confined: said(outcome), control: said(control), record: "-", neighbour });
  });
