/** A plugin with machine code of its own: it may load it where it has the right, and is confined all the same. @source plugin-platform §1.2, §1.3 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { hasBubblewrap, temporaryFolder } from "../../host/test/runtime/fixtures/world.ts";
import { Daemon } from "./attacks/daemon.ts";
import { HOSTILE } from "./attacks/hostile.ts";

const PACKAGE = dirname(
  createRequire(join(import.meta.dirname, "../../sdk-plugin/package.json")).resolve("isolated-vm/package.json"),
);
const ADDON = join(
  PACKAGE,
  "prebuilds",
  `${process.platform}-${process.arch}`,
  `isolated-vm.abi${process.versions.modules}.glibc.node`,
);
/** Makes an isolate of V8 with the addon, which nothing but machine code can do. */
const LOAD = `
  const module = { exports: {} };
  process.dlopen(module, "/plugin/lib/engine.node");
  const isolate = new module.exports.ivm.Isolate({ memoryLimit: 8 });
  const context = await isolate.createContext();
  return { sum: await context.eval("20 + 22") };`;
/** What machine code gains nothing for. */
const REACH = `
  const outcome = {};
  const attempt = (name, act) => { try { act(); outcome[name] = "done"; } catch (error) { outcome[name] = error.code ?? error.message; } };
  attempt("spawn", () => process.getBuiltinModule("node:child_process").spawnSync("/node", ["--version"]));
  attempt("read", () => process.getBuiltinModule("node:fs").readFileSync("/etc/shadow"));
  return outcome;`;

const confined = hasBubblewrap();
let daemon: Daemon;
before(async () => {
  if (confined) daemon = await Daemon.open(temporaryFolder());
});
after(() => (confined ? daemon.close() : undefined));

const parts = { ...HOSTILE, files: new Map([["lib/engine.node", { bytes: readFileSync(ADDON) }]]) };

test("with the permission native a plugin loads its addon in the sandbox, and nothing else of the sandbox is open (§1.2)", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const status = await daemon.install({
    ...parts,
    id: "lab/native",
    permissions: ["native"],
    manifest: { tier: { min: "process", native: true } },
  });
  assert.equal(status.label, "os");
  assert.equal((await daemon.call(HOSTILE.capability, { code: LOAD }))["sum"], 42);
  assert.deepEqual(
    { ...(await daemon.call(HOSTILE.capability, { code: REACH })) },
    {
      spawn: "ERR_ACCESS_DENIED",
      read: "ERR_ACCESS_DENIED",
    },
  );
  await daemon.runtime.remove("lab/native", { keepData: false });
});

test("without it the same file is not loaded, and a right to programs alone is no right to addons (§3.1)", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const release = await daemon.release({
    ...parts,
    id: "lab/native",
    permissions: ["native"],
    manifest: { tier: { min: "process", native: true } },
  });
  const provide = {
    permission: "bus.provide" as const,
    scope: { prefixes: ["ext.hostile."] },
    mode: "allow" as const,
    grantedBy: "operator" as const,
    at: 0,
  };
  for (const grants of [[provide], [provide, { ...provide, permission: "native" as const, scope: { mode: ["exec"] } }]]) {
    await daemon.runtime.stage(release, grants);
    await assert.rejects(daemon.call(HOSTILE.capability, { code: LOAD }), "the addon is refused");
    const lines = daemon.runtime.logs("lab/native", { limit: 50 }).map(({ message }) => message);
    assert.ok(
      lines.some((line) => line.includes("loading addons is disabled")),
      lines.join("\n"),
    );
    await daemon.runtime.remove("lab/native", { keepData: false });
  }
});
