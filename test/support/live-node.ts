/**
 * The built host as its users meet it: a process of its own, spoken to through the terminal.
 * @example
 * const node = await startNode(t);
 * const { json } = await node.cli(["plugin", "install", "hearthnet/ocr", "--grant", "all"]);
 */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../host/test/support/until.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const BINARY = join(ROOT, "host", "bin", "hearthnet.mjs");
const SKEWED = ["--no-warnings", "--conditions=hearthnet-source", join(import.meta.dirname, "skewed-node-child.ts")];
const READY_LIMIT_MS = 60_000;
const CLI_LIMIT_MS = 120_000;

export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
  /** Standard output as one JSON value. */
  json: unknown;
}

export interface LiveNode {
  dataDir: string;
  ready: { admin: string; bus: string; node_id: string; pid: number };
  /** Milliseconds from the start of the process to the ready line. */
  readyMs: number;
  /** Printed once, right after the ready line. */
  setupLink(): Promise<string>;
  /** `hearthnet --data … --json …` */
  cli(args: string[], o?: { stdin?: string; timeoutMs?: number; killedBy?: AbortSignal }): Promise<CliResult>;
  /** As `cli`, but the command must succeed. */
  ask<T>(args: string[], o?: { stdin?: string; timeoutMs?: number }): Promise<T>;
  /** Everything the process has printed so far. */
  printed(): { stdout: string; stderr: string };
  /** @returns exit code and how long it took */
  stop(): Promise<{ code: number | null; ms: number }>;
  kill9(): Promise<void>;
}

/** Where closing steps are left: a test's context, or a suite's own list. */
export interface Closing {
  after(step: () => unknown): void;
}

/** A folder that is gone after the test. */
export function temporaryFolder(t: Closing): string {
  const folder = mkdtempSync(join(tmpdir(), "hearthnet-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * @param o.path       where the node finds its programs, instead of this process's own PATH
 * @param o.discovery  looks for others on its networks; only inside networks that the test has made
 * @param o.clockOffMs its wall clock is ahead by so much; runs from source, with every option at its default
 * @param o.within     words before the command, e.g. those that put it into a network of its own
 */
export async function startNode(
  t: Closing,
  o: { dataDir?: string; args?: string[]; path?: string; discovery?: boolean; within?: string[]; clockOffMs?: number } = {},
): Promise<LiveNode> {
  const home = temporaryFolder(t);
  const dataDir = o.dataDir ?? join(home, "data");
  const args = ["up", "--data", dataDir, "--port", "0", "--admin-port", "0"];
  args.push(...(o.discovery === true ? [] : ["--no-discovery"]), ...(o.args ?? []));
  const started = performance.now();
  const entry = o.clockOffMs === undefined ? [BINARY, ...args] : [...SKEWED, String(o.clockOffMs), dataDir];
  const [program = process.execPath, ...words] = [...(o.within ?? []), process.execPath, ...entry];
  const child = spawn(program, words, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...environment(home), ...(o.path === undefined ? {} : { PATH: o.path }) },
    cwd: home,
  });
  t.after(() => end(child));
  const printed = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (printed.stderr += text));
  const line = await readyLine(child, printed);
  const readyMs = performance.now() - started;
  const ready = JSON.parse(line.slice("ready ".length)) as LiveNode["ready"];
  const node: LiveNode = {
    dataDir,
    ready,
    readyMs,
    setupLink: () => until("the set-up link is printed", () => /^Set this node up.*: (\S+)$/m.exec(printed.stdout)?.[1]),
    cli: (words, options) => runCli(["--data", dataDir, "--json", ...words], { home, ...options }),
    async ask<T>(words: string[], options?: { stdin?: string; timeoutMs?: number }) {
      const result = await node.cli(words, options);
      assert.equal(result.code, 0, `hearthnet ${words.join(" ")}: ${result.stdout} ${result.stderr}`);
      return result.json as T;
    },
    printed: () => printed,
    async stop() {
      const from = performance.now();
      child.kill("SIGTERM");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      return { code: child.exitCode, ms: performance.now() - from };
    },
    async kill9() {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
  return node;
}

/** A command that runs on, until the test is over: what it has printed so far, and how to end it. */
export function startCommand(t: Closing, args: string[], o: { home: string }): { stdout(): string; stop(): Promise<void> } {
  const child = spawn(process.execPath, [BINARY, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: environment(o.home),
    cwd: o.home,
  });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  t.after(() => end(child));
  return { stdout: () => stdout, stop: () => end(child) };
}

/** One command in a process of its own; for a node that does not run as well. */
export async function runCli(
  args: string[],
  o: { home: string; stdin?: string; timeoutMs?: number; killedBy?: AbortSignal },
): Promise<CliResult> {
  const child = spawn(process.execPath, [BINARY, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: environment(o.home),
    cwd: o.home,
    timeout: o.timeoutMs ?? CLI_LIMIT_MS,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  o.killedBy?.addEventListener("abort", () => child.kill("SIGKILL"), { once: true });
  child.stdin.end(o.stdin ?? "");
  const [code] = (await once(child, "close")) as [number | null];
  return {
    code: code ?? -1,
    stdout,
    stderr,
    get json() {
      return JSON.parse(stdout) as unknown;
    },
  };
}

/** No settings of the person who runs the tests reach the node. */
function environment(home: string): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"], HOME: home, LANG: "C.UTF-8", NODE_NO_WARNINGS: "1" };
}

function readyLine(child: ChildProcess, printed: { stdout: string; stderr: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail("it was not ready in time"), READY_LIMIT_MS);
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new Error(`The node did not start: ${why}\n${printed.stdout}\n${printed.stderr}`));
    };
    const look = (): void => {
      const line = /^ready \{.*\}$/m.exec(printed.stdout)?.[0];
      if (line === undefined) return;
      clearTimeout(timer);
      child.stdout?.off("data", look);
      resolve(line);
    };
    child.stdout?.on("data", look);
    child.once("exit", (code, signal) => fail(`exit ${code ?? signal}`));
    child.once("error", (error) => fail(error.message));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 12_000);
  await gone;
  clearTimeout(timer);
}
