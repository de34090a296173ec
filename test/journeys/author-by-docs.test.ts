/** From nothing to a signed plugin that runs, by what docs/guide/write-a-plugin.md says and nothing else. @source plugin-platform §9 */
import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { until } from "../../host/test/support/until.ts";
import { temporaryFolder } from "../support/live-node.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const GUIDE = join(ROOT, "docs", "guide", "write-a-plugin.md");
const NODE_LIMIT_MS = 60_000;

interface Block {
  language: string;
  text: string;
}

/** Fenced blocks of the section, in order. */
function blocksOf(title: string): Block[] {
  const guide = readFileSync(GUIDE, "utf8");
  const section =
    guide
      .slice(guide.indexOf(`\n## ${title}\n`))
      .slice(1)
      .split("\n## ")[0] ?? "";
  return [...section.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)].map(([, language = "", text = ""]) => ({ language, text }));
}

/** An author at a desk: `npx hearthnet` is this checkout, the terminal is a shell in a folder beside the plugin's. */
class Desk {
  readonly home: string;
  readonly cwd: string;
  readonly #t: TestContext;
  #node: ChildProcess | undefined;
  #dev: ChildProcess | undefined;
  #config: string | undefined;

  constructor(t: TestContext) {
    this.#t = t;
    this.home = temporaryFolder(t);
    this.cwd = join(this.home, "checkout");
    mkdirSync(this.cwd);
    t.after(() => this.leave());
  }

  /** The block that shows the file `hearthnet.config.ts`, which imports from the checkout. */
  configure(text: string): void {
    this.#config = join(this.cwd, "hearthnet.config.ts");
    writeFileSync(this.#config, text.replace('"./host/', `"${ROOT}/host/`));
  }

  /** @returns what it printed */
  async type(line: string): Promise<string> {
    if (/ hearthnet up\b/.test(` ${line}`)) return this.#up(line);
    if (/hearthnet plugin dev\b/.test(line)) return this.#develop(line);
    const { status, stdout, stderr } = spawnSync("sh", ["-c", spelled(line)], {
      cwd: this.cwd,
      env: this.#env(),
      encoding: "utf8",
    });
    assert.equal(status, 0, `${line}\n${stdout}${stderr}`);
    return stdout;
  }

  async leave(): Promise<void> {
    for (const child of [this.#dev, this.#node]) await ended(child);
    this.#dev = this.#node = undefined;
  }

  async #up(line: string): Promise<string> {
    await this.leave();
    const config = this.#config === undefined ? "" : ` --config ${this.#config}`;
    this.#node = this.#start(`${line} --port 0 --admin-port 0 --no-discovery${config}`);
    return said(this.#node, /^ready /m);
  }

  #develop(line: string): Promise<string> {
    this.#dev = this.#start(line);
    return said(this.#dev, / runs: \d+ ms/);
  }

  #start(line: string): ChildProcess {
    // `exec`, so that what ends is the command and not the shell around it.
    const child = spawn("sh", ["-c", `exec ${spelled(line)}`], {
      cwd: this.cwd,
      env: this.#env(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#t.after(() => ended(child));
    return child;
  }

  #env(): NodeJS.ProcessEnv {
    return { PATH: process.env["PATH"], HOME: this.home, LANG: "C.UTF-8", HEARTHNET_DATA: join(this.home, "data") };
  }
}

function spelled(line: string): string {
  return line.replaceAll("npx hearthnet", `${process.execPath} ${join(ROOT, "host", "bin", "hearthnet.mjs")}`);
}

async function said(child: ChildProcess, what: RegExp): Promise<string> {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (part: string) => (text += part));
  return until(
    `it says ${String(what)}`,
    () => {
      if (child.exitCode !== null) throw new Error(`It has ended: ${text}`);
      return what.test(text) ? text : undefined;
    },
    NODE_LIMIT_MS,
  );
}

async function ended(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGINT");
  await gone;
}

function linesIn(dir: string, pattern: string): number {
  return globSync(pattern, { cwd: dir }).reduce(
    (sum, path) =>
      sum +
      readFileSync(join(dir, path), "utf8")
        .split("\n")
        .filter((line) => line.trim() !== "").length,
    0,
  );
}

it("an author comes from nothing to a signed plugin on a running node by the guide alone (§9)", async (t) => {
  if (spawnSync("bwrap", ["--version"]).status !== 0) return t.skip("needs bubblewrap");
  const desk = new Desk(t);
  const start = performance.now();
  const answers: string[] = [];
  let commands = 0;
  for (const { language, text } of blocksOf("From nothing to a running plugin")) {
    if (language === "ts") desk.configure(text);
    if (language !== "sh") continue;
    for (const line of text.split("\n").filter((one) => one.trim() !== "")) {
      const printed = await desk.type(line.replace(/\s#.*$/, ""));
      commands += 1;
      if (line.includes("hearthnet call")) answers.push(printed.trim());
      if (line.includes("plugin validate")) assert.match(printed, /nothing to mend/);
      if (line.includes("plugin install")) assert.match(printed, /acme\/hello 0\.1\.0: active, confinement os/);
    }
  }
  assert.deepEqual(answers, ["Hello, Ada!", "Hello, Ada!"], "once from the author's session, once installed");
  assert.ok(commands >= 14, `${commands} commands`);
  const minutes = (performance.now() - start) / 60_000;
  const dir = join(desk.home, "hello");
  t.diagnostic(
    `${commands} commands, ${minutes.toFixed(1)} minutes; ${linesIn(dir, "src/**/*.ts")} lines of code, ${linesIn(dir, "test/**/*.ts")} of tests, ${linesIn(dir, "hearthnet.plugin.json")} of manifest`,
  );
});
