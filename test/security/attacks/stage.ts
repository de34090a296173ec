/** The place of the attacks: a daemon with a neighbour plugin, targets to hit, and one attack in each of three settings. */
import type { ChildProcess } from "node:child_process";
import { chownSync, mkdirSync, readFileSync, statSync } from "node:fs";
import type { Duplex } from "node:stream";
import { join } from "node:path";
import { recheckFolder, type PackageFile } from "../../../host/src/format/index.ts";
import { Disposer } from "../../../host/src/foundation/index.ts";
import {
  inspectMachine,
  insidePaths,
  NOBODY,
  sandboxArguments,
  spawnSandbox,
  type SandboxSpec,
} from "../../../host/src/runtime/confine/index.ts";
import { temporaryFolder } from "../../../host/test/runtime/fixtures/world.ts";
import { ask, type Outcome } from "./ask.ts";
import { Control } from "./control.ts";
import type { Attack, Stage } from "./corpus.ts";
import { Daemon, type PluginParts } from "./daemon.ts";
import { besideNeighbour, type NeighbourTimes } from "./neighbour-times.ts";
import { recordOf } from "./report.ts";
import { openTargets } from "./targets.ts";

const PLUGINS = join(import.meta.dirname, "..", "..", "fixtures", "plugins", "attacks");
const SECRET = "hunter2-in-the-environment";

/** How the plugin fared, and what the node knows of it. */
export interface Confined {
  outcome: Outcome;
  label: string;
  /** What the ledger says it was allowed or refused beside its grants; every wish goes through the broker or fails. */
  brokered: string[];
  /** Files of its package that changed. */
  changed: string[];
  /** For the report. */
  record: string;
  neighbour: NeighbourTimes;
}

export class AttackStage {
  readonly #daemon: Daemon;
  readonly #stage: Stage;
  readonly #control: Control;
  readonly #disposer: Disposer;

  private constructor(o: { daemon: Daemon; stage: Stage; control: Control; disposer: Disposer }) {
    this.#daemon = o.daemon;
    this.#stage = o.stage;
    this.#control = o.control;
    this.#disposer = o.disposer;
  }

  /** What attacks are told. */
  get stage(): Stage {
    return this.#stage;
  }

  static async open(): Promise<AttackStage> {
    const disposer = new Disposer();
    const folder = temporaryFolder();
    const daemon = await Daemon.open(folder);
    disposer.add("daemon", () => daemon.close());
    process.env["HN_ATTACK_SECRET"] = SECRET;
    disposer.add("secret", () => delete process.env["HN_ATTACK_SECRET"]);
    const neighbour = await daemon.install({
      id: "lab/neighbour",
      capability: "ext.neighbour.ask",
      entry: join(PLUGINS, "neighbour.ts"),
      permissions: ["fs.data"],
    });
    const control = await Control.open(join(folder, "control"), SECRET);
    const unixPath = join(control.folder, "socket");
    const stage: Stage = {
      folder,
      daemonDir: join(folder, "node"),
      neighbourData: join(folder, "node", "runtime", "plugins", "lab", "neighbour", "data"),
      daemonPid: process.pid,
      neighbourPid: neighbour.evidence?.pid ?? 0,
      port: await openTargets(unixPath, disposer),
      unixPath,
      secret: SECRET,
      victims: [],
    };
    // "There is no such file" says something only of files that are there.
    for (const path of [join(stage.daemonDir, "runtime", "journal.db"), join(stage.neighbourData, "private")]) statSync(path);
    return new AttackStage({ daemon, stage, control, disposer });
  }

  /** Installs the attack as a plugin with the built runner, runs it by a call over the bus, removes it. */
  async asPlugin(attack: Attack): Promise<Confined> {
    const parts = this.#parts(attack);
    const { runtime } = this.#daemon;
    const status = await this.#daemon.install(parts);
    try {
      const facts = attack.confinedFacts(this.#stage) as never;
      const { result, neighbour } = await besideNeighbour(
        () => this.#daemon.call("ext.neighbour.ask"),
        () => this.#daemon.call(parts.capability, { payload: attack.payload, facts }),
      );
      const outcome = result as Outcome;
      const ledger = runtime.ledger(1000);
      if (!ledger.chainOk) throw new Error("the ledger was changed");
      const brokered = ledger.rows
        .filter(({ plugin, op }) => plugin === parts.id && op !== "grant")
        .map(({ op, verdict }) => `${op}: ${verdict}`);
      return {
        outcome: { ...outcome },
        label: String(status.label),
        brokered,
        changed: recheckFolder(this.#packageDir(status)),
        record: recordOf(runtime, parts.id),
        neighbour,
      };
    } finally {
      await runtime.remove(parts.id, { keepData: false });
    }
  }

  /** The same sandbox, but node without its permission flags: only the operating system stands in the way. */
  async againstSystem(attack: Attack): Promise<Outcome> {
    const runDir = join(this.#stage.folder, "system");
    const dataDir = join(runDir, `data-${attack.permissions?.[0] ?? "none"}`);
    mkdirSync(dataDir, { recursive: true, mode: 0o755 });
    if (process.getuid?.() === 0) chownSync(dataDir, NOBODY, NOBODY);
    const machine = await inspectMachine({ nodePath: process.execPath, runnerPath: join(PLUGINS, "harness.cjs"), runDir });
    const { tools, seccompFile } = machine;
    if (tools === null || seccompFile === null) throw new Error("no sandbox");
    const { dir } = await this.#daemon.release(this.#parts(attack));
    const spec: SandboxSpec = {
      packageDir: dir,
      assetsDir: null,
      dataDir: attack.permissions === undefined ? null : dataDir,
      memoryMb: 256,
      pids: 64,
      maxFileBytes: 1_048_576,
      sqlite: true,
      threads: false,
      native: false,
      mounts: [],
      devices: [],
    };
    const argv = sandboxArguments(tools, spec);
    const bare = [...argv.slice(0, argv.lastIndexOf("/node") + 1), "/runner/runner.cjs"];
    const sandbox = spawnSandbox({ tools, seccompFile }, bare, insidePaths(spec));
    sandbox.stdout.resume();
    try {
      const question = { payload: `/plugin/${attack.payload}`, facts: attack.confinedFacts(this.#stage) };
      return await ask(sandbox.link, sandbox.stderr, question);
    } finally {
      sandbox.kill();
      await sandbox.exited;
    }
  }

  /** Unconfined: the attack must work, else the row proves nothing. */
  async asControl(attack: Attack): Promise<Outcome> {
    const victim = attack.id === "A09" ? this.#control.spawn(["-e", "setInterval(() => {}, 1000)"], SECRET) : null;
    const facts = attack.controlFacts({
      ...this.#stage,
      victims: victim === null ? [] : [{ name: "a victim", pid: victim.pid ?? 0 }],
    });
    const child = this.#control.spawn([join(this.#control.folder, "harness.cjs")], SECRET);
    try {
      return await ask(child.stdio[3] as Duplex, child.stderr, { payload: join(this.#control.folder, attack.payload), facts });
    } finally {
      for (const one of [child, victim] satisfies (ChildProcess | null)[]) one?.kill("SIGKILL");
    }
  }

  /** The neighbour answers with what it keeps, in the process it had from the beginning. */
  async neighbourIsWell(): Promise<boolean> {
    const { kept } = await this.#daemon.call("ext.neighbour.ask");
    return kept === "mine" && this.#daemon.runtime.get("lab/neighbour")?.evidence?.pid === this.#stage.neighbourPid;
  }

  /** Paths on this machine where an attack could have left something; each must still be absent. */
  leftovers(attack: Attack): string[] {
    return (attack.plants?.(this.#stage) ?? []).filter((path) => statSync(path, { throwIfNoEntry: false }) !== undefined);
  }

  async close(): Promise<void> {
    await this.#disposer.close();
  }

  #packageDir({ sha256 }: { sha256: string }): string {
    return join(this.#stage.folder, "packages", "store", "sha256", sha256);
  }

  #parts(attack: Attack): PluginParts {
    const files = new Map<string, PackageFile>();
    for (const name of this.#control.packageFiles())
      files.set(name, { bytes: readFileSync(join(this.#control.folder, name)), mode: name.startsWith("bin/") ? 0o755 : 0o644 });
    return {
      id: `lab/attack-${attack.id.toLowerCase()}${attack.permissions === undefined ? "" : "-granted"}`,
      capability: "ext.attack.run",
      entry: join(PLUGINS, "plugin.ts"),
      ...(attack.permissions === undefined ? {} : { permissions: attack.permissions }),
      files,
    };
  }
}
