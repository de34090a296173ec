import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import type { PluginStatus } from "@hearthnet/host/contract";
import { OperatorClient } from "../../host/src/cli/client.ts";
import { until } from "../../host/test/support/until.ts";
import { runCli, startCommand, startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";

interface Line {
  event: string;
  version?: string;
  former?: string | null;
  state?: string;
  message?: string;
  reason?: string | null;
  permission?: string;
  ms?: number;
  built_ms?: number;
  node_ms?: number;
}

interface Bench {
  node: LiveNode;
  /** The plugin's folder. */
  dir: string;
  /** What the terminal has said, newest last. */
  lines(event: string): Line[];
  /** Changes the plugin's code and saves it. */
  save(change: (code: string) => string): void;
  /** What the plugin says to `name` now. */
  greet(name: string): Promise<string>;
  leave(): Promise<void>;
}

const CAPABILITY = "ext.acme.hello.greet";

async function author(t: TestContext, o: { node: LiveNode; tier?: string; grant?: string }): Promise<Bench> {
  const home = temporaryFolder(t);
  const made = await runCli(["plugin", "create", "acme/hello", ...(o.tier === undefined ? [] : ["--tier", o.tier])], { home });
  assert.equal(made.code, 0, made.stderr);
  const dir = join(home, "hello");
  const { node } = o;
  const args = ["--data", node.dataDir, "--json", "plugin", "dev", dir, "--grant", o.grant ?? "all"];
  const command = startCommand(t, args, { home });
  const said = (): Line[] =>
    command
      .stdout()
      .split("\n")
      .filter((text) => text !== "")
      .map((text) => JSON.parse(text) as Line);
  const client = new OperatorClient(node.dataDir);
  const code = join(dir, "src", "index.ts");
  return {
    node,
    dir,
    lines: (event) => said().filter((line) => line.event === event),
    save: (change) => writeFileSync(code, change(readFileSync(code, "utf8"))),
    greet: async (name) => {
      const body = { capability: CAPABILITY, params: {}, input: { name } };
      return (await client.send<{ output: { text: string } }>("POST", "/call", body)).output.text;
    },
    leave: command.stop,
  };
}

function needsSandbox(t: TestContext): boolean {
  if (spawnSync("bwrap", ["--version"]).status === 0) return false;
  t.skip("needs bubblewrap");
  return true;
}

const says = (word: string) => (code: string) => code.replace(/greeting\(.*?,/, `greeting("${word}",`);

for (const tier of ["process", "isolate"])
  it(`a save on a live node answers anew in about a second, and a call that runs meanwhile keeps its release (§9 dev, ${tier})`, async (t) => {
    if (needsSandbox(t)) return;
    const bench = await author(t, { node: await startNode(t, { args: ["--dev"] }), tier });
    await until("the first release runs", () => bench.lines("swapped")[0]);
    assert.equal(await bench.greet("Ada"), "Hello, Ada!");
    const { items } = await new OperatorClient(bench.node.dataDir).get<{ items: PluginStatus[] }>("/plugins");
    assert.deepEqual(
      items.map(({ id, version, label }) => [id, /^0\.0\.0-dev\.[a-f][0-9a-f]{11}$/.test(version), label?.startsWith("os")]),
      [["dev/hello", true, true]],
    );

    // A handler that ends only when the next release has answered: what runs stays with its own release.
    bench.save((code) =>
      code.replace(
        "const count",
        'if (req.input.name === "slow") for (ctx.log.info("it waits"); (await ctx.kv.get("go")) === undefined; );\n      const count',
      ),
    );
    await until("it has taken over", () => bench.lines("swapped")[1]);
    const slow = bench.greet("slow");
    await until("the slow call runs", () => bench.lines("log").some(({ message }) => message === "it waits"));
    bench.save((code) => says("Moin")(code).replace(/if .*;\n/, 'await ctx.kv.put("go", true);\n'));
    assert.equal(await slow, "Hello, slow!");
    await until("the next release answers", async () => (await bench.greet("Ada")) === "Moin, Ada!");

    const figures: number[] = [];
    for (const word of ["Servus", "Ahoi", "Salut"]) {
      const saved = performance.now();
      bench.save(says(word));
      await until(`it says ${word}`, async () => (await bench.greet("Ada")) === `${word}, Ada!`);
      figures.push(Math.round(performance.now() - saved));
    }
    t.diagnostic(`from save to new answer, ${tier}: ${figures.join(", ")} ms`);
    for (const { ms, built_ms, node_ms } of bench.lines("swapped")) t.diagnostic(JSON.stringify({ ms, built_ms, node_ms }));
    // One second is the aim on a quiet machine.
    assert.ok(Math.min(...figures) < 5000, `${figures.join(", ")} ms`);

    await bench.leave();
    assert.deepEqual(
      (await bench.node.ask<PluginStatus[]>(["plugin", "list"])).map(({ id }) => id),
      [],
    );
    assert.deepEqual(storedIn(bench.node), [], "nothing of the session stays on the disk");
  });

it("what cannot be built or does not start is explained, and the former release answers on; denials and lines are shown (§9 dev)", async (t) => {
  if (needsSandbox(t)) return;
  const node = await startNode(t, { args: ["--dev"] });
  const bench = await author(t, { node, grant: "bus.provide" });
  await until("the first release runs", () => bench.lines("swapped")[0]);
  await assert.rejects(bench.greet("Ada"), { code: "permission_denied" });
  await until("the denial is shown", () => bench.lines("denied").some(({ permission }) => permission === "storage.kv"));
  bench.save((code) => code.replace('await ctx.kv.increment("greeted")', "1"));
  await until("it counts no more", () => bench.lines("swapped")[1]);

  const good = readFileSync(join(bench.dir, "src", "index.ts"), "utf8");
  bench.save(() => good.replace("async setup", "async setup("));
  const broken = await until("the mistake is shown", () => bench.lines("broken").at(-1));
  assert.match(broken.message ?? "", /src\/index\.ts:\d+/);
  assert.equal(await bench.greet("Ada"), "Hello, Ada!");

  bench.save(() => good.replace("async setup(ctx) {", 'async setup(ctx) {\n    throw new Error("no socket to talk to");'));
  const refused = await until("the start is refused", () => bench.lines("refused")[0]);
  assert.match(refused.message ?? "", /cannot take over, so 0\.0\.0-dev\.\w+ runs on/);
  assert.ok(
    await until("why it did not start", () =>
      bench.lines("log").some(({ message }) => message?.includes("no socket to talk to")),
    ),
  );
  assert.equal(await bench.greet("Ada"), "Hello, Ada!");

  const manifest = join(bench.dir, "hearthnet.plugin.json");
  writeFileSync(manifest, readFileSync(manifest, "utf8").replace('"license"', '"licence"'));
  await until("the manifest's mistake is shown", () => bench.lines("broken").at(-1)?.message?.includes("/licence"));
  assert.equal(await bench.greet("Ada"), "Hello, Ada!");
});

it("a node takes it in dev mode alone, and never starts it again by itself (§9 dev)", async (t) => {
  if (needsSandbox(t)) return;
  const closed = await startNode(t);
  const home = temporaryFolder(t);
  assert.equal((await runCli(["plugin", "create", "acme/hello"], { home })).code, 0);
  const words = ["--data", closed.dataDir, "plugin", "dev", "hello", "--grant", "all"];
  const refused = await runCli(words, { home });
  assert.deepEqual([refused.code, /dev_off/.test(refused.stderr), /up --dev/.test(refused.stderr)], [1, true, true]);
  const direct = new OperatorClient(closed.dataDir).send("POST", "/dev/sessions", { plugin: "dev/hello", grants: "all" });
  await assert.rejects(direct, { reason: "dev_off" }, "the node itself refuses");
  await closed.stop();

  const dataDir = join(temporaryFolder(t), "data");
  const node = await startNode(t, { dataDir, args: ["--dev"] });
  const bench = await author(t, { node });
  await until("it runs", () => bench.lines("swapped")[0]);
  const twice = new OperatorClient(dataDir).send("POST", "/dev/sessions", { plugin: "dev/hello", grants: "all" });
  await assert.rejects(twice, { reason: "dev_taken" });
  await node.kill9();
  const again = await startNode(t, { dataDir, args: ["--dev"] });
  assert.deepEqual(await again.ask<PluginStatus[]>(["plugin", "list"]), []);
  await until("nothing is left of it", () => storedIn(again).length === 0);
});

it("no package of an author's session is taken as a published one, whoever signs it (§2.1 dev/*)", async (t) => {
  const home = temporaryFolder(t);
  const run = (...words: string[]): ReturnType<typeof runCli> => runCli(words, { home });
  for (const words of [
    ["plugin", "create", "dev/hello"],
    ["plugin", "keygen", "--no-passphrase", "--out", "a.key"],
    ["plugin", "pack", "hello", "--key", "a.key", "--out", "p.hnp"],
  ])
    assert.equal((await run(...words)).code, 0);
  assert.match(
    (await run("plugin", "verify", "p.hnp", "--key", "a.key.pub")).stderr,
    /dev_release[\s\S]*namespace that is yours/,
  );
});

function storedIn({ dataDir }: LiveNode): string[] {
  const store = join(dataDir, "marketplace", "dev", "store", "sha256");
  const data = join(dataDir, "runtime", "plugins", "dev");
  return [store, data].flatMap((path) => (existsSync(path) ? readdirSync(path) : []));
}
