/** A plugin whose programs come as assets, from its publisher's machine to its removal. @source plugin-platform §4.4 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import type { BundleMade, LocalError, PermissionReview, PluginLogLine, PluginStatus } from "@hearthnet/host/contract";
import { until } from "../../host/test/support/until.ts";
import { lacksTools, writeToolsPlugin } from "../fixtures/tools-plugin.ts";
import { configFor, publisherOf, type Publisher } from "../support/keeper.ts";
import { startCommand, startNode, temporaryFolder, type CliResult, type LiveNode } from "../support/live-node.ts";

const ID = "acme/tools";
type Shown = { review: PermissionReview };
/** For what several processes do one after the other on a busy machine. */
const SLOW_MS = 60_000;
const INSTALL = ["plugin", "install", ID, "--grant", "all", "--confirm", ID];

function lacksSandbox(t: TestContext): boolean {
  const why = spawnSync("bwrap", ["--version"]).status === 0 ? lacksTools() : "needs bubblewrap";
  if (why !== false) t.skip(why);
  return why !== false;
}

/** A publisher's registry with version 1.0.0, and the folder that it was made from. */
async function shelf(
  t: TestContext,
): Promise<{ acme: Publisher; dir: string; publish(version: string, say: "cat" | "base64"): Promise<void> }> {
  const acme = await publisherOf(t, "acme");
  const dir = join(acme.home, "tools");
  const publish = (version: string, say: "cat" | "base64"): Promise<void> =>
    acme.publishFrom("tools", writeToolsPlugin(dir, { version, say }));
  await publish("1.0.0", "cat");
  return { acme, dir, publish };
}

function run(node: LiveNode, input: object, killedBy?: AbortSignal): Promise<CliResult> {
  const words = ["call", "ext.acme.tools.run", "--input", JSON.stringify(input)];
  return node.cli(words, killedBy === undefined ? {} : { killedBy });
}
async function say(node: LiveNode, text: string): Promise<string> {
  const { code, json, stdout, stderr } = await run(node, { worker: "say", text });
  assert.equal(code, 0, `${stdout} ${stderr}`);
  return (json as { output: { text: string } }).output.text;
}
const failed = async (work: Promise<CliResult>): Promise<[string, string | undefined]> => {
  const { error, reason } = (await work).json as LocalError;
  return [error, reason];
};
/** Processes that were started with this word, whatever of a sandbox is around them. */
function processesWith(word: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(word);
    } catch {
      return false;
    }
  });
}
const below = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => join(folder, path)) : [];
/** Files of the node that somebody could run, but those of packages. */
const executables = ({ dataDir }: LiveNode): string[] =>
  [...below(join(dataDir, "runtime")), ...below(join(dataDir, "marketplace", "assets"))].filter((path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat?.isFile() === true && (stat.mode & 0o111) !== 0;
  });
const logOf = async (node: LiveNode): Promise<string> =>
  (await node.ask<PluginLogLine[]>(["plugin", "logs", ID])).map(({ message }) => message).join("\n");

it(
  "is installed by consent to its hash, runs within its limits, changes its version while it runs, goes back, and leaves nothing",
  { timeout: 300_000 },
  async (t) => {
    if (lacksSandbox(t)) return;
    const { acme, publish } = await shelf(t);
    const config = (more: object): string[] => ["--config", configFor(acme, "acme", more)];

    const wary = await startNode(t, { args: config({}) });
    assert.equal((await failed(wary.cli(INSTALL)))[1], "policy", "not for a publisher whom nobody trusts with machine code");
    assert.deepEqual(below(join(wary.dataDir, "marketplace", "assets")), []);
    const { publisherKeyId, binaries } = (await wary.ask<Shown>(["plugin", "show", ID])).review;
    assert.ok(binaries.some(({ asset, path }) => asset === "tools" && path === "bin/say"));
    await wary.stop();

    const node = await startNode(t, { dataDir: wary.dataDir, args: config({ policy: { nativePublishers: [publisherKeyId] } }) });
    const status = await node.ask<PluginStatus>(INSTALL);
    assert.equal(status.state, "active");
    assert.deepEqual(executables(node), [], "nothing can be run before it is wanted");
    assert.equal(await say(node, "Moin"), "Moin");
    assert.equal(executables(node).length, 1);

    assert.deepEqual(await failed(run(node, { worker: "nap", args: ["50.25"] })), ["timeout", undefined]);
    assert.deepEqual(await failed(run(node, { worker: "count" })), ["timeout", "worker_cpu"]);
    assert.deepEqual(await failed(run(node, { worker: "hoard" })), ["capacity_exceeded", "over_quota"]);
    assert.deepEqual(await failed(run(node, { worker: "flood" })), ["capacity_exceeded", "over_quota"]);
    await until(
      "all of them are gone",
      () => processesWith("50.25").length === 0 && processesWith("/dev/zero").length === 0,
      SLOW_MS,
    );

    const leave = new AbortController();
    const waiting = run(node, { worker: "wait", args: ["50.75"] }, leave.signal);
    await until("it waits", () => processesWith("50.75").length > 0);
    await publish("1.1.0", "base64");
    assert.equal((await node.ask<PluginStatus>(["plugin", "update", ID])).version, "1.1.0");
    assert.equal(await say(node, "Moin"), "TW9pbg==\n");
    assert.ok(processesWith("50.75").length > 0, "what runs is the former version's, and runs on");
    leave.abort();
    await waiting;
    await until("it went with who has asked", () => processesWith("50.75").length === 0);

    const tampered = await run(node, { worker: "change", args: ["777", "/assets/tools/bin/chmod", "/assets/tools/bin/say"] });
    assert.equal(
      (tampered.json as { output: { code: number } }).output.code,
      1,
      "a program cannot change what it was started from",
    );
    assert.equal(await say(node, "Moin"), "TW9pbg==\n");
    const [copy = ""] = executables(node).filter((path) => readFileSync(path).equals(readFileSync("/usr/bin/base64")));
    chmodSync(copy, 0o755);
    assert.deepEqual(await failed(run(node, { worker: "say", text: "x" })), ["not_implemented", "program_changed"]);
    assert.match(await logOf(node), /The program tools\/bin\/say on this disk is not the file that its publisher named/);
    assert.equal(await say(node, "Moin"), "TW9pbg==\n", "the next one runs from a new copy");

    assert.equal((await node.ask<PluginStatus>(["plugin", "rollback", ID])).version, "1.0.0");
    assert.equal(await say(node, "Moin"), "Moin");
    await node.kill9();
    const again = await startNode(t, { dataDir: node.dataDir, args: config({ policy: { nativePublishers: [publisherKeyId] } }) });
    assert.deepEqual(executables(again), [], "what a killed node had made executable is gone");
    await until("it is back", async () => (await again.ask<PluginStatus[]>(["plugin", "list"]))[0]?.state === "active", SLOW_MS);
    assert.equal(await say(again, "Moin"), "Moin");

    await again.ask(["plugin", "remove", ID, "--delete-data"]);
    await until("what it had is gone", () =>
      ["marketplace/assets", "marketplace/store/sha256", "runtime/run/releases", "runtime/plugins/acme"].every(
        (name) => below(join(again.dataDir, name)).length === 0,
      ),
    );
    assert.deepEqual(executables(again), []);
  },
);

it(
  "comes on a stick to a node that reaches no registry, and is locked away when its file there was changed",
  { timeout: 300_000 },
  async (t) => {
    if (lacksSandbox(t)) return;
    const { acme } = await shelf(t);
    const server = startCommand(t, ["registry", "serve", "--out", "registry", "--port", "0", "--json"], acme);
    const url = await until("the registry is served", () => /"url":"([^"]+)"/.exec(server.stdout())?.[1]);
    const config = (more: object): string[] => {
      const path = join(acme.home, "served.config.ts");
      const registries = [{ name: "acme", url, root: `sha256:${acme.rootHash}`, namespaces: ["acme/*"] }];
      writeFileSync(path, `export default ${JSON.stringify({ registries, ...more })};\n`);
      return ["--config", path];
    };
    const near = await startNode(t, { args: config({}) });
    const { review } = await near.ask<Shown>(["plugin", "show", ID]);
    const stick = join(temporaryFolder(t), "tools.hnbundle");
    const made = await near.ask<BundleMade>(["plugin", "bundle", ID, "--with-assets", "--out", stick]);
    assert.ok(made.assets >= 5);
    await near.stop();
    await server.stop();

    const far = await startNode(t, { args: config({ policy: { nativePublishers: [review.publisherKeyId] } }) });
    assert.equal((await failed(far.cli(INSTALL)))[1], "unreachable");
    await far.ask(["bundle", "attach", stick]);
    rmSync(stick);
    assert.equal((await far.ask<PluginStatus>(INSTALL)).state, "active");
    assert.equal(await say(far, "Moin"), "Moin");

    const { sha256 = "" } = review.binaries.find(({ path }) => path === "bin/say") ?? {};
    const stored = join(far.dataDir, "marketplace", "assets", sha256);
    chmodSync(stored, 0o755);
    writeFileSync(stored, readFileSync("/usr/bin/base64"));
    assert.equal(await say(far, "Moin"), "Moin", "what runs is the copy, which nobody has changed");
    await far.cli(["plugin", "restart", ID]);
    const [found] = await far.ask<PluginStatus[]>(["plugin", "list"]);
    assert.deepEqual([found?.state, found?.reason?.reason], ["quarantined", "tampered"]);
  },
);

it(
  "comes with an author's session, where the node's owner lets unsigned machine code run, and goes with it",
  { timeout: 300_000 },
  async (t) => {
    if (lacksSandbox(t)) return;
    const home = temporaryFolder(t);
    const dir = join(home, "tools");
    writeToolsPlugin(dir, { version: "1.0.0", say: "cat" });
    const dev = (node: LiveNode): { stdout(): string; stop(): Promise<void> } =>
      startCommand(t, ["--data", node.dataDir, "--json", "plugin", "dev", dir, "--grant", "all", "--confirm", "dev/tools"], {
        home,
      });

    const wary = await startNode(t, { args: ["--dev"] });
    const refused = dev(wary);
    await until("it is refused", () => /"event":"refused".*"reason":"policy"/.test(refused.stdout()), SLOW_MS);
    await refused.stop();
    await wary.stop();

    const config = join(home, "dev.config.ts");
    writeFileSync(config, 'export default { policy: { nativePublishers: ["dev"] } };\n');
    const node = await startNode(t, { args: ["--dev", "--config", config] });
    const session = dev(node);
    await until("it runs", () => /"event":"swapped".*"state":"active"/.test(session.stdout()), SLOW_MS);
    assert.equal(await say(node, "Moin"), "Moin");
    writeToolsPlugin(dir, { version: "1.0.0", say: "base64" });
    await until("the other program has taken its place", async () => (await say(node, "Moin")) === "TW9pbg==\n", SLOW_MS);
    await session.stop();
    await until("its files are gone", () => below(join(node.dataDir, "marketplace", "assets")).length === 0);
    assert.deepEqual(executables(node), []);
  },
);
