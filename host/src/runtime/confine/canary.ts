/** Tries at boot what a plugin must not be able to do, before any plugin runs. @source plugin-platform §1.4 */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { REMARK_TEXTS, type ConfinementEvidence, type ConfinementReport, type Log, type ProbeId } from "../../contract/index.ts";
import { insidePaths, sandboxArguments, type SandboxSpec } from "./argv.ts";
import { collectEvidence } from "./evidence.ts";
import { groupFor, spawnSandbox, type Launched } from "./launch.ts";
import { areUserNamespacesOff, isUserNamespaceRestricted, type Machine } from "./machine.ts";
import { repairsFor } from "./repairs.ts";

type Probe = ConfinementReport["probes"][number];

/** Outcome of one action inside: the error's code, or that it worked. */
interface Attempt {
  id: string;
  outcome: string;
}

/** What the attempt must end in. */
type Expectations = Partial<Record<ProbeId, RegExp>>;

/** Seven actions that the operating system has to refuse by itself, so this run has no permission model to hide behind. */
const SYSTEM: Expectations = {
  A01: /^ENOENT,ENOENT$/,
  A02: /^(EROFS,){3}EROFS$/,
  "A05-tcp": /^E(PERM|ACCES)$/,
  "A05-udp": /^E(PERM|ACCES)$/,
  "A05-unix": /^E(PERM|ACCES)$/,
  A09: /^ESRCH$/,
  A10: /^clean$/,
};

/** Three that Node's permission model has to refuse, under the arguments every plugin gets. */
const NODE: Expectations = {
  A04: /^ERR_UNKNOWN_BUILTIN_MODULE$/,
  A07: /^ERR_ACCESS_DENIED$/,
  A11: /^ERR_DLOPEN_DISABLED$/,
};

const PROGRAM = `"use strict";
const fs = require("node:fs"), net = require("node:net");
const link = new net.Socket({ fd: 3 });
const code = (f) => { try { f(); return "done"; } catch (e) { return e.code || e.message; } };
const connect = (o) => new Promise((r) => { const s = net.connect(o, () => { s.destroy(); r("done"); }); s.on("error", (e) => r(e.code)); });
const udp = () => new Promise((r) => { try { const s = require("node:dgram").createSocket("udp4"); s.on("error", (e) => r(e.code)); s.send("x", 9, "127.0.0.1", (e) => { s.close(); r(e ? e.code : "done"); }); } catch (e) { r(e.code || e.message); } });
link.once("data", async (text) => {
  const o = JSON.parse(text), out = [], add = async (id, v) => out.push({ id, outcome: await v });
  if (o.system) {
    await add("A01", [code(() => fs.readFileSync("/etc/shadow")), code(() => fs.readdirSync(o.folder))].join());
    await add("A02", ["/canary", "/usr/canary", "/dev/canary", "/plugin/canary"].map((p) => code(() => fs.writeFileSync(p, "x"))).join());
    await add("A05-tcp", connect({ host: "127.0.0.1", port: o.port }));
    await add("A05-udp", udp());
    await add("A05-unix", connect({ path: "\\0hearthnet-canary" }));
    await add("A09", code(() => process.kill(o.pid, 0)));
    const env = Object.keys(process.env).filter((k) => !["HOME", "PWD", "MALLOC_ARENA_MAX"].includes(k));
    await add("A10", env.length === 0 && process.getuid() === 65534 ? "clean" : "uid " + process.getuid() + ", environment " + env.join());
  } else {
    await add("A04", code(() => require("node:sqlite")));
    await add("A07", code(() => require("node:child_process").spawnSync("/node", ["--version"])));
    await add("A11", code(() => process.dlopen({ exports: {} }, "/plugin/x.node")));
  }
  link.write(JSON.stringify(out) + "\\n");
});
`;

const ANSWER_MS = 15_000;

/** Runs the canary and says what this machine can give and, if it is not the best, what to do. */
export async function probeConfinement(
  machine: Machine,
  o: { runDir: string; secretDir: string; log: Log },
): Promise<ConfinementReport> {
  const report: ConfinementReport = {
    label: "seat-belt",
    probes: [],
    repairs: [],
    asRoot: machine.asRoot,
    bwrapVersion: machine.bwrapVersion,
  };
  const obstacles = { canaryFailed: false, canaryOutput: "", appArmorRestricted: false, userNamespacesOff: false };
  if (machine.tools !== null && machine.seccompFile !== null) {
    try {
      const found = await runCanary(machine, o);
      report.probes = found.probes;
      const holes = found.probes.filter(({ ok }) => !ok);
      if (found.evidence.label.startsWith("os") && holes.length === 0) report.label = found.evidence.label;
      else {
        obstacles.canaryFailed = true;
        obstacles.canaryOutput = [
          ...found.evidence.remarks.map((remark) => REMARK_TEXTS[remark.id](remark.found)),
          ...holes.map(({ id, outcome }) => `${id}: ${outcome}`),
        ].join("; ");
      }
    } catch (error) {
      obstacles.canaryFailed = true;
      obstacles.canaryOutput = error instanceof Error ? error.message : String(error);
    }
    if (obstacles.canaryFailed) {
      obstacles.appArmorRestricted = isUserNamespaceRestricted();
      obstacles.userNamespacesOff = areUserNamespacesOff();
      o.log.warn("plugins cannot be confined", { detail: obstacles.canaryOutput });
    }
  }
  report.repairs = repairsFor(machine, obstacles);
  return report;
}

async function runCanary(
  machine: Machine,
  { runDir, secretDir }: { runDir: string; secretDir: string },
): Promise<{ probes: Probe[]; evidence: ConfinementEvidence }> {
  const { tools, seccompFile } = machine;
  if (tools === null || seccompFile === null) throw new Error("no sandbox");
  const packageDir = join(runDir, "canary");
  const runner = join(runDir, "canary.cjs");
  mkdirSync(packageDir, { recursive: true, mode: 0o755 });
  writeFileSync(runner, PROGRAM, { mode: 0o644 });
  const spec: SandboxSpec = {
    packageDir,
    assetsDir: null,
    dataDir: null,
    memoryMb: 128,
    pids: 64,
    maxFileBytes: 1_048_576,
    sqlite: false,
    threads: false,
    native: false,
    mounts: [],
    devices: [],
  };
  const argv = sandboxArguments({ ...tools, runner }, spec);
  // Everything up to `/node` is what a plugin gets; the flags behind it are the layer that this run must do without.
  const bare = [...argv.slice(0, argv.lastIndexOf("/node") + 1), "/runner/runner.cjs"];
  const server = await listen();
  try {
    const { port } = server.address() as AddressInfo;
    const question = { system: true, folder: secretDir, port, pid: process.pid };
    const start = (args: readonly string[]): Launched =>
      spawnSandbox({ tools, seccompFile, group: groupFor(machine, spec) }, args, insidePaths(spec));
    const [system, full] = await Promise.all([
      askCanary(start(bare), question, machine),
      askCanary(start(argv), { ...question, system: false }, machine),
    ]);
    return { probes: [...judgeAll(SYSTEM, system.attempts), ...judgeAll(NODE, full.attempts)], evidence: full.evidence };
  } finally {
    server.close();
  }
}

function judgeAll(expectations: Expectations, attempts: readonly Attempt[]): Probe[] {
  return (Object.entries(expectations) as [ProbeId, RegExp][]).map(([id, expected]) => {
    const outcome = attempts.find((attempt) => attempt.id === id)?.outcome ?? "no answer";
    return { id, ok: expected.test(outcome), outcome };
  });
}

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

/** One question, one line of answer; evidence is read while the process still waits. */
async function askCanary(
  process: Launched,
  question: object,
  machine: Machine,
): Promise<{ attempts: Attempt[]; evidence: ConfinementEvidence }> {
  let said = "";
  process.stderr.on("data", (chunk: Uint8Array) => (said = (said + String(chunk)).slice(0, 1000)));
  try {
    const line = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("The canary did not answer within 15 s.")), ANSWER_MS);
      let text = "";
      process.link.on("data", (chunk: Uint8Array) => {
        text += Buffer.from(chunk).toString("utf8");
        if (!text.includes("\n")) return;
        clearTimeout(timer);
        resolve(text);
      });
      void process.exited.then(({ code, signal }) => {
        clearTimeout(timer);
        reject(new Error(said.trim() === "" ? `The canary ended (${signal ?? code ?? "not started"}).` : said.trim()));
      });
      process.link.write(JSON.stringify(question));
    });
    const pid = process.nodePid();
    if (pid === null) throw new Error("The canary's process was not found.");
    return { attempts: JSON.parse(line) as Attempt[], evidence: collectEvidence(pid, machine.asRoot) };
  } finally {
    process.kill();
    await process.exited;
  }
}
