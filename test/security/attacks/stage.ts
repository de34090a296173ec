/** The place of the attacks: a daemon with a neighbour plugin, targets to hit, and ways to run an attack in each setting. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  globSync,
  linkSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { createServer as createHttp, type Server } from "node:http";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { createSocket } from "node:dgram";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Grant, StoredRelease } from "../../../host/src/contract/index.ts";
import { Disposer } from "../../../host/src/foundation/index.ts";
import {
  findProgram,
  inspectMachine,
  insidePaths,
  libraryClosure,
  NOBODY,
  sandboxArguments,
  spawnSandbox,
  type SandboxSpec,
} from "../../../host/src/runtime/confine/index.ts";
import { allow, openWorld, writePackage, type World } from "../../../host/test/runtime/fixtures/world.ts";
import type { Attack, Stage } from "./corpus.ts";

const PAYLOADS = join(import.meta.dirname, "..", "..", "fixtures", "plugins", "attacks");
/** Nobody's on any machine; what the control may break is its own. */
const SCRATCH_UID = 64_123;
const ANSWER_MS = 20_000;
const PROVIDE: Grant = allow("bus.provide", { prefixes: ["dev."] });

export type Outcome = Record<string, string>;

export class AttackStage {
  readonly world: World;
  readonly stage: Stage;
  readonly #asRoot: boolean = process.getuid?.() === 0;
  readonly #disposer: Disposer;
  readonly #control: string;

  private constructor(o: { world: World; stage: Stage; disposer: Disposer; control: string }) {
    this.world = o.world;
    this.stage = o.stage;
    this.#disposer = o.disposer;
    this.#control = o.control;
  }

  static async open(): Promise<AttackStage> {
    const disposer = new Disposer();
    const world = await openWorld();
    disposer.add("world", () => world.close());
    const secret = "hunter2-in-the-environment";
    process.env["HN_ATTACK_SECRET"] = secret;
    const neighbour = neighbourRelease(world);
    const status = await world.runtime.stage(neighbour, [PROVIDE, allow("fs.data")]);
    await world.bus.call("dev.neighbour");
    const control = controlFolder(world.folder);
    const unixPath = join(control, "socket");
    const port = await openTargets(unixPath, disposer);
    const stage: Stage = {
      folder: world.folder,
      daemonDir: join(world.folder, "node"),
      neighbourData: join(world.folder, "node", "runtime", "plugins", "dev", "neighbour", "data"),
      daemonPid: process.pid,
      neighbourPid: status.evidence?.pid ?? 0,
      port,
      unixPath,
      tools: await copyTools(join(control, "package")),
      addon: copyAddon(join(control, "package")),
      secret,
      victims: [],
    };
    return new AttackStage({ world, stage, disposer, control });
  }

  /** Installs the attack as a plugin, runs it by a call, removes it. Also says under which label it ran. */
  async asPlugin(attack: Attack): Promise<{ outcome: Outcome; label: string }> {
    const id = `dev/attack-${attack.id.toLowerCase()}`;
    const release = this.#package(id);
    const sqlite = attack.permissions === "sqlite" ? [allow("storage.sqlite"), allow("fs.data")] : [];
    const { runtime, bus } = this.world;
    try {
      const status = await runtime.stage(release, [PROVIDE, ...sqlite]);
      if (status.state !== "active")
        throw new Error(`the attack plugin did not start: ${JSON.stringify([status.reason, runtime.logs(id, { limit: 20 })])}`);
      const input = { payload: attack.payload, facts: attack.confinedFacts(this.stage) as never };
      const { output } = await bus.call("dev.attack", { input, timeoutMs: ANSWER_MS });
      return { outcome: { ...(output as Outcome) }, label: String(status.label) };
    } finally {
      if (runtime.get(id) !== undefined) await runtime.remove(id, { keepData: false });
    }
  }

  /** The same sandbox, but node without its permission flags: only the operating system stands in the way. */
  async againstSystem(attack: Attack): Promise<Outcome> {
    const runDir = join(this.world.folder, "system");
    mkdirSync(runDir, { recursive: true, mode: 0o755 });
    const dataDir = join(runDir, `data-${attack.permissions ?? "none"}`);
    mkdirSync(dataDir, { recursive: true });
    if (this.#asRoot) chownSync(dataDir, NOBODY, NOBODY);
    const machine = await inspectMachine({ nodePath: process.execPath, runnerPath: join(PAYLOADS, "harness.cjs"), runDir });
    const { tools, seccompFile } = machine;
    if (tools === null || seccompFile === null) throw new Error("no sandbox");
    const spec: SandboxSpec = {
      packageDir: this.#package("dev/system").dir,
      assetsDir: null,
      dataDir: attack.permissions === "sqlite" ? dataDir : null,
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
    const process_ = spawnSandbox({ tools, seccompFile }, bare, insidePaths(spec));
    process_.stdout.resume();
    try {
      return await ask(process_.link, process_.stderr, {
        payload: `/plugin/${attack.payload}`,
        facts: attack.confinedFacts(this.stage),
      });
    } finally {
      process_.kill();
      await process_.exited;
    }
  }

  /** Plain node under a scratch user, nothing in its way but the machine's own rights. */
  async asControl(attack: Attack): Promise<Outcome> {
    const victims = attack.id === "A09" ? [this.#victim()] : [];
    this.stage.victims = victims.map((child) => ({ name: "a victim", pid: child.pid ?? 0 }));
    const child = this.#spawnScratch([join(this.#control, "harness.cjs")]);
    try {
      return await ask(child.stdio[3] as Socket, child.stderr, {
        payload: join(this.#control, attack.payload),
        facts: attack.controlFacts(this.stage),
      });
    } finally {
      for (const process_ of [child, ...victims]) process_.kill("SIGKILL");
    }
  }

  /** The neighbour answers, in the process it had from the beginning. */
  async neighbourIsWell(): Promise<boolean> {
    const { output } = await this.world.bus.call("dev.neighbour");
    return output["ok"] === true && this.world.runtime.get("dev/neighbour")?.evidence?.pid === this.stage.neighbourPid;
  }

  async close(): Promise<void> {
    delete process.env["HN_ATTACK_SECRET"];
    await this.#disposer.close();
  }

  #victim(): ChildProcess {
    return this.#spawnScratch(["-e", "setInterval(() => {}, 1000)"]);
  }

  #spawnScratch(args: string[]): ChildProcess {
    return spawn(join(this.#control, "node"), args, {
      stdio: ["ignore", "ignore", "pipe", "pipe"],
      cwd: this.#control,
      ...(this.#asRoot ? { uid: SCRATCH_UID, gid: SCRATCH_UID } : {}),
    });
  }

  #package(id: string): StoredRelease {
    const release = writePackage(this.world.folder, {
      id,
      main: "",
      capabilities: [{ name: "dev.attack" }],
      manifest: { limits: { memoryMb: 256 } },
    });
    cpSync(PAYLOADS, release.dir, { recursive: true });
    copyFileSync(join(PAYLOADS, "plugin.cjs"), join(release.dir, "main.cjs"));
    cpSync(join(this.#control, "package"), release.dir, { recursive: true });
    return release;
  }
}

function neighbourRelease(world: World): StoredRelease {
  return writePackage(world.folder, {
    id: "dev/neighbour",
    capabilities: [{ name: "dev.neighbour" }],
    main: `exports.setup = async (ctx) => { require("fs").writeFileSync("/data/private", "mine"); await ctx.op("capabilities.register", { ref: "dev.neighbour@1.0", params: {} }); };
exports.capabilities = { "dev.neighbour@1.0": async () => ({ output: { ok: true } }) };`,
  });
}

/** Everything the control needs, where a scratch user can reach it, with targets of its own. */
function controlFolder(folder: string): string {
  const control = join(folder, "control");
  mkdirSync(join(control, "package"), { recursive: true });
  mkdirSync(join(control, "mount"));
  mkdirSync(join(control, "own"));
  const node = realpathSync(process.execPath);
  try {
    linkSync(node, join(control, "node"));
  } catch {
    copyFileSync(node, join(control, "node"));
  }
  for (const name of readdirSync(PAYLOADS)) copyFileSync(join(PAYLOADS, name), join(control, name));
  writeFileSync(join(control, "secret"), "secret");
  const db = new DatabaseSync(join(control, "secret.db"));
  db.exec("CREATE TABLE secret(a); INSERT INTO secret VALUES('x')");
  db.close();
  if (process.getuid?.() === 0) {
    for (const path of [control, ...["package", "mount", "own", "secret", "secret.db"].map((name) => join(control, name))]) {
      chownSync(path, SCRATCH_UID, SCRATCH_UID);
    }
  }
  return control;
}

/** Programs that make namespaces and mounts, with their libraries, as a hostile package would bring them. */
async function copyTools(folder: string): Promise<Stage["tools"]> {
  const bin = join(folder, "bin");
  const lib = join(folder, "lib");
  mkdirSync(bin);
  mkdirSync(lib);
  for (const name of ["unshare", "mount", "bwrap", "true"]) {
    const program = findProgram(name, process.env["PATH"] ?? "");
    if (program === null) throw new Error(`${name} is needed for the control of A07`);
    copyFileSync(program, join(bin, name));
    chmodSync(join(bin, name), 0o755);
    for (const library of await libraryClosure([program]))
      copyFileSync(library, join(lib, library.slice(library.lastIndexOf("/") + 1)));
  }
  return { bin, lib };
}

/** A native addon that this checkout has for its own tools; it needs nothing beside node and libc. */
function copyAddon(folder: string): string {
  const modules = join(import.meta.dirname, "..", "..", "..", "node_modules", "@oxc-resolver");
  const [found] = globSync("binding-*/*.node", { cwd: modules });
  if (found === undefined) throw new Error("no addon to load in the control of A11");
  const target = join(folder, "addon.node");
  copyFileSync(join(modules, found), target);
  return target;
}

/** TCP with HTTP on it, UDP, a Unix and an abstract socket: something answers everywhere, so that the control can reach it. */
async function openTargets(unixPath: string, disposer: Disposer): Promise<number> {
  const http: Server = createHttp((_, response) => response.end("reached"));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  disposer.add("http", () => http.close());
  const { port } = http.address() as AddressInfo;
  const udp = createSocket("udp4");
  udp.bind(port, "127.0.0.1");
  await once(udp, "listening");
  disposer.add("udp", () => udp.close());
  for (const path of [unixPath, `\0hearthnet-attack-${port}`]) {
    const server = createServer((socket) => socket.destroy());
    server.listen(path);
    await once(server, "listening");
    disposer.add("unix", () => server.close());
  }
  chmodSync(unixPath, 0o777);
  return port;
}

/** One question, one line of answer. */
async function ask(link: Socket, stderr: NodeJS.ReadableStream | null, question: object): Promise<Outcome> {
  let said = "";
  stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(0, 2000)));
  const line = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no outcome: ${said}`)), ANSWER_MS);
    let text = "";
    link.on("error", () => {});
    link.on("close", () => {
      clearTimeout(timer);
      reject(new Error(`ended without an outcome: ${said}`));
    });
    link.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (!text.endsWith("\n")) return;
      clearTimeout(timer);
      resolve(text);
    });
    link.write(`${JSON.stringify(question)}\n`);
  });
  return JSON.parse(line) as Outcome;
}
