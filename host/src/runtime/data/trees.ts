/**
 * Whatever must go through a whole data folder: erase, measure, copy. A plugin owns that folder and may have laid links in it, so the daemon never does
 * this itself: a helper does, in a sandbox that holds the folders concerned and nothing else.
 * @source plugin-platform §1.3.6
 */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  findProgram,
  openSeatBelt,
  sandboxLauncher,
  seatBeltLauncher,
  type Launched,
  type Machine,
  type SandboxSpec,
} from "../confine/index.ts";
import { TREE_PROGRAM } from "./tree-program.ts";

const run = promisify(execFile);

/** What a folder holds; `unreadable` counts places that could not be looked into. */
export interface TreeSize {
  bytes: number;
  files: number;
  unreadable: number;
}

/** What was copied; links, sockets and devices are `skipped`. */
export interface TreeCopy {
  bytes: number;
  files: number;
  skipped: number;
}

type Question = { verb: "erase" } | { verb: "measure" } | { verb: "copy"; maxBytes: number };

const TIMES_MS = { erase: 300_000, measure: 60_000, copy: 300_000 };
const SYNC_MS = 30_000;
const ANSWER_MAX = 10_000;
/** As good as none: what a copy may take is said in the question. */
const MAX_FILE_BYTES = 2 ** 50;

export class Trees {
  readonly #machine: Machine;
  readonly #runDir: string;
  readonly #confined: boolean;

  /** @param o.confined  this machine has a sandbox; without one, Node's permission model has to do */
  constructor(o: { machine: Machine; runDir: string; confined: boolean }) {
    const runner = join(o.runDir, "trees.cjs");
    writeFileSync(runner, TREE_PROGRAM, { mode: 0o644 });
    const { tools } = o.machine;
    this.#machine = { ...o.machine, runner, tools: tools === null ? null : { ...tools, runner } };
    this.#runDir = o.runDir;
    this.#confined = o.confined;
  }

  /** Deletes everything in the folder; the folder itself stays. @throws Error when something is left */
  async erase(folder: string): Promise<void> {
    await this.#ask({ verb: "erase" }, { folder });
  }

  /** What a copy would take. The folder is seen read-only. @throws Error when it cannot be looked at */
  async measure(folder: string): Promise<TreeSize> {
    return (await this.#ask({ verb: "measure" }, { from: folder })) as TreeSize;
  }

  /**
   * Copies files and directories into an empty folder, sharing blocks where the file system can, and waits until they are on disk.
   * @throws Error when something cannot be read, there is more than `maxBytes`, or the disk is full
   */
  async copy(from: string, to: string, { maxBytes }: { maxBytes: number }): Promise<TreeCopy> {
    const copied = (await this.#ask({ verb: "copy", maxBytes }, { from, folder: to })) as TreeCopy;
    await toDisk(to);
    return copied;
  }

  async #ask(question: Question, o: { folder?: string; from?: string }): Promise<unknown> {
    const belt = this.#confined ? null : openSeatBelt(this.#machine);
    try {
      const launcher = belt === null ? sandboxLauncher(this.#machine) : seatBeltLauncher(this.#machine, belt);
      const launched = launcher.launch(this.#spec(o));
      const [mount] = launched.paths.mounts;
      const from = mount === undefined ? {} : { from: mount.path };
      const root = launched.paths.dataDir ?? mount?.path;
      return JSON.parse(await answer(launched, { ...question, root, ...from })) as unknown;
    } finally {
      belt?.close();
    }
  }

  #spec(o: { folder?: string; from?: string }): SandboxSpec {
    return {
      packageDir: join(this.#runDir, "canary"),
      assetsDir: null,
      dataDir: o.folder ?? null,
      memoryMb: 256,
      pids: 32,
      maxFileBytes: MAX_FILE_BYTES,
      sqlite: false,
      threads: false,
      native: false,
      mounts: o.from === undefined ? [] : [{ name: "from", source: o.from, writable: false }],
      devices: [],
    };
  }
}

/** Node forbids `fsync` where its permission model holds, so the file system is asked from outside; by name, not by looking into the folder. */
async function toDisk(folder: string): Promise<void> {
  const program = findProgram("sync", "");
  if (program !== null) await run(program, ["-f", folder], { timeout: SYNC_MS, env: {} }).catch(() => {});
}

async function answer(
  helper: Launched,
  question: { verb: keyof typeof TIMES_MS; root: string | undefined; from?: string },
): Promise<string> {
  const timer = setTimeout(() => helper.kill(), TIMES_MS[question.verb]);
  let said = "";
  let text = "";
  helper.stderr.on("data", (chunk: Uint8Array) => (said = (said + String(chunk)).slice(0, 500)));
  helper.stdout.resume();
  helper.link.on("data", (chunk: Uint8Array) => (text = (text + String(chunk)).slice(0, ANSWER_MAX)));
  helper.link.write(`${JSON.stringify(question)}\n`);
  const { code } = await helper.exited;
  clearTimeout(timer);
  helper.link.destroy();
  if (code !== 0 || !text.endsWith("\n")) throw new Error(`The plugin's data: ${question.verb} failed. ${reasonOf(said)}`.trim());
  return text;
}

/** The line of a stack that says what went wrong. */
function reasonOf(said: string): string {
  return said.split("\n").find((line) => line.includes("Error:")) ?? said.slice(0, 200);
}
