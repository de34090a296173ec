import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { REPAIR_TEXTS, type Repair } from "../../../src/contract/index.ts";
import { silentLog } from "../../../src/foundation/index.ts";
import {
  inheritableDescriptors,
  inspectMachine,
  isBwrapNewEnough,
  libraryClosure,
  parseBwrapVersion,
  parseLdd,
  probeConfinement,
  repairsFor,
  startTicks,
  type Machine,
} from "../../../src/runtime/confine/index.ts";
import { hasBubblewrap } from "../fixtures/world.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "hn-machine-"));
  chmodSync(path, 0o755);
  writeFileSync(join(path, "runner.cjs"), "");
  return path;
}

test("reads the loader and every library from ldd's output", () => {
  const output =
    "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f1a)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f1b)\n\tlibgone.so => not found\n";
  assert.deepEqual(parseLdd(output), ["/lib/x86_64-linux-gnu/libm.so.6", "/lib64/ld-linux-x86-64.so.2"]);
});

test("knows which bubblewrap is new enough (§1.3.1)", () => {
  assert.equal(parseBwrapVersion("bubblewrap 0.8.0\n"), "0.8.0");
  assert.equal(parseBwrapVersion("something else"), null);
  for (const [version, verdict] of [
    ["0.7.0", false],
    ["0.8.0", true],
    ["0.11", true],
    ["1.0.0", true],
    ["0.4.1", false],
  ] as const) {
    assert.equal(isBwrapNewEnough(version), verdict, version);
  }
});

test("finds node's own libraries on this machine", async () => {
  const closure = await libraryClosure([process.execPath]);
  assert.ok(
    closure.some((path) => /libc\.so|musl/.test(path)),
    closure.join(),
  );
});

test("passes all ten probes here, under the arguments every plugin gets (§1.4)", async (t) => {
  if (!hasBubblewrap()) return t.skip("needs bubblewrap");
  const runDir = folder();
  try {
    const machine = await inspectMachine({ nodePath: process.execPath, runnerPath: join(runDir, "runner.cjs"), runDir });
    const report = await probeConfinement(machine, { runDir, secretDir: runDir, log: silentLog });
    assert.deepEqual(
      report.probes.filter(({ ok }) => !ok),
      [],
    );
    assert.equal(report.probes.length, 10);
    assert.equal(report.label, "os");
    assert.equal(
      report.repairs.some(({ id }) => id === "root"),
      report.asRoot,
    );
  } finally {
    rmSync(runDir, { recursive: true, force: true });
  }
});

/** A folder with programs of these names, each a shell script. */
async function machineWith(programs: Record<string, string>): Promise<{ machine: Machine; label: string; repairs: Repair[] }> {
  const runDir = folder();
  try {
    for (const [name, script] of Object.entries(programs))
      writeFileSync(join(runDir, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const machine = await inspectMachine({
      nodePath: process.execPath,
      runnerPath: join(runDir, "runner.cjs"),
      runDir,
      path: runDir,
      systemPath: false,
      ...(Object.keys(programs).length === 0 ? { platform: "darwin" as const } : {}),
    });
    const { label, repairs } = await probeConfinement(machine, { runDir, secretDir: runDir, log: silentLog });
    return { machine, label, repairs };
  } finally {
    rmSync(runDir, { recursive: true, force: true });
  }
}

test("an old bubblewrap, one that fails, and no sandbox at all each give the seat belt and a repair (§10 effective-label test)", async () => {
  const old = await machineWith({ bwrap: "echo bubblewrap 0.7.0" });
  assert.equal(old.label, "seat-belt");
  const [outdated] = old.repairs.filter(({ id }) => id === "bwrap_version");
  assert.match(REPAIR_TEXTS.bwrap_version(outdated?.found ?? "").title, /bubblewrap 0\.7\.0 is older than 0\.8\.0/);
  const blocked = await machineWith({
    bwrap:
      'if [ "$1" = --version ]; then echo bubblewrap 0.9.0; else echo "bwrap: setting up uid map: Permission denied" >&2; exit 1; fi',
  });
  assert.equal(blocked.label, "seat-belt");
  assert.ok(
    blocked.repairs.some(({ id }) => ["sandbox", "apparmor", "userns", "prlimit", "setpriv"].includes(id)),
    JSON.stringify(blocked.repairs),
  );
  const elsewhere = await machineWith({});
  assert.equal(elsewhere.label, "seat-belt");
  assert.ok(elsewhere.repairs.some(({ id }) => id === "platform"));
});

test("names the cause that the machine shows: AppArmor on Ubuntu, user namespaces switched off, a container", () => {
  const machine: Machine = {
    asRoot: false,
    bwrapVersion: "0.9.0",
    tools: null,
    seccompFile: null,
    missing: [],
    node: "",
    runner: "",
  };
  const repair = (o: Partial<Parameters<typeof repairsFor>[1]>): string =>
    repairsFor(machine, {
      canaryFailed: true,
      canaryOutput: "bwrap: setting up uid map: Permission denied",
      appArmorRestricted: false,
      userNamespacesOff: false,
      ...o,
    })
      .map(({ id }) => id)
      .join();
  assert.equal(repair({ appArmorRestricted: true }), "apparmor");
  assert.equal(repair({ userNamespacesOff: true }), "userns");
  assert.equal(repair({}), "sandbox");
  const [apparmor] = repairsFor(machine, {
    canaryFailed: true,
    canaryOutput: "",
    appArmorRestricted: true,
    userNamespacesOff: false,
  });
  assert.match(REPAIR_TEXTS[apparmor?.id ?? "root"](apparmor?.found ?? "").fix, /\/etc\/apparmor\.d\/bwrap/);
});

test("finds files that a child would inherit (§1.3.5)", (t) => {
  if (process.platform !== "linux") return t.skip("needs Linux");
  // Node opens its own files so that children do not get them.
  const fd = openSync(process.execPath, "r");
  try {
    assert.ok(!inheritableDescriptors().includes(fd));
  } finally {
    closeSync(fd);
  }
});

test("a process is known by pid and start time together", () => {
  assert.ok((startTicks(process.pid) ?? 0) > 0);
  assert.equal(startTicks(2 ** 22 + 1), null);
});

test("the same ten probes hold for an ordinary user's daemon (§1.3)", async (t) => {
  if (!hasBubblewrap()) return t.skip("needs bubblewrap");
  if (process.getuid?.() !== 0) return t.diagnostic("the tests run as an ordinary user, so the test above is this one");
  const runDir = folder();
  chmodSync(runDir, 0o777);
  const script = `import { inspectMachine, probeConfinement } from ${JSON.stringify(join(import.meta.dirname, "../../../src/runtime/confine/index.ts"))};
const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
const machine = await inspectMachine({ nodePath: process.execPath, runnerPath: ${JSON.stringify(join(runDir, "runner.cjs"))}, runDir: ${JSON.stringify(runDir)} });
console.log(JSON.stringify(await probeConfinement(machine, { runDir: ${JSON.stringify(runDir)}, secretDir: ${JSON.stringify(runDir)}, log })));`;
  try {
    let output: string;
    try {
      output = execFileSync(
        process.execPath,
        ["--no-warnings", "--conditions=hearthnet-source", "--input-type=module", "-e", script],
        {
          uid: 64_123,
          gid: 64_123,
          cwd: runDir,
          encoding: "utf8",
          timeout: 60_000,
          stdio: ["ignore", "pipe", "pipe"],
        },
      );
    } catch (error) {
      return t.diagnostic(
        `this checkout is not readable for another user: ${String((error as { stderr?: string }).stderr).slice(0, 200)}`,
      );
    }
    const report = JSON.parse(output) as { label: string; asRoot: boolean; probes: { ok: boolean }[]; repairs: { id: string }[] };
    assert.equal(report.asRoot, false);
    // A machine may forbid user namespaces to ordinary users; then the report says so instead of claiming anything.
    if (report.label !== "os") assert.ok(report.repairs.some(({ id }) => ["userns", "apparmor", "sandbox"].includes(id)));
    else assert.equal(report.probes.filter(({ ok }) => ok).length, 10);
    t.diagnostic(`label ${report.label}`);
    assert.ok(readdirSync(runDir).length > 0);
  } finally {
    rmSync(runDir, { recursive: true, force: true });
  }
});
