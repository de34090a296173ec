import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { hasBubblewrap } from "../../../host/test/runtime/fixtures/world.ts";
import { COMMANDS } from "../../src/commands/index.ts";
import { run } from "./author-tool.ts";

function workshop(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "hearthnet-author-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function started(t: TestContext): Promise<{ shop: string; dir: string }> {
  const shop = workshop(t);
  const made = await run(shop, ["create", "acme/hello"]);
  assert.equal(made.code, 0, made.err);
  return { shop, dir: join(shop, "hello") };
}

describe("an author", () => {
  it("goes from nothing to a signed package that a node would take", async (t) => {
    const { shop, dir } = await started(t);
    for (const words of [["types"], ["validate"]]) assert.equal((await run(dir, words)).code, 0, words.join(" "));
    const tested = await run(dir, ["test", "--json"]);
    assert.equal(tested.code, 0, tested.out + tested.err);
    const runs = tested.json["runs"] as {
      mode: string;
      skipped: string | null;
      own_tests: string;
      contract: { kept: boolean }[];
    }[];
    assert.deepEqual(
      runs.map(({ mode }) => mode),
      ["inproc", "confined"],
    );
    for (const { skipped, own_tests, contract } of runs) {
      assert.ok(skipped === "needs bubblewrap" || (own_tests === "passed" && contract.length > 0));
      assert.ok(contract.every(({ kept }) => kept));
    }
    const key = await run(shop, ["keygen", "--out", "acme.key", "--passphrase-stdin", "--json"], {
      stdin: "a long passphrase\n",
    });
    assert.equal(key.code, 0, key.err);
    assert.equal(statSync(join(shop, "acme.key")).mode & 0o777, 0o600);
    assert.match(readFileSync(join(shop, "acme.key"), "utf8"), /ENCRYPTED/);
    const packed = await run(shop, ["pack", "hello", "--json"]);
    assert.equal(packed.json["keyId"], null);
    const file = String(packed.json["file"]);
    assert.equal((await run(shop, ["verify", file])).code, 1, "unsigned is told");
    const env = { HEARTHNET_KEY_PASSPHRASE: "a long passphrase" };
    const signed = await run(shop, ["sign", file, "--key", "acme.key", "--json"], { env });
    assert.equal(signed.json["keyId"], key.json["keyId"]);
    const verified = await run(shop, ["verify", file, "--key", "acme.key.pub", "--json"]);
    assert.deepEqual([verified.code, verified.json["ok"], verified.json["id"]], [0, true, "acme/hello"]);
  });

  it("is told of a plugin that works only where nothing confines it, whatever mode its test names", async (t) => {
    if (!hasBubblewrap()) return t.skip("needs bubblewrap");
    const { dir } = await started(t);
    editCode(dir, "import { greeting }", 'import { readFileSync } from "node:fs";\nimport { greeting }');
    editCode(dir, "count }", 'count: readFileSync("/etc/passwd").length }');
    writeFileSync(
      join(dir, "test", "plugin.test.ts"),
      `import { it } from "node:test";
import { createTestHost } from "@hearthnet/sdk-plugin/testing";
it("greets", async (t) => {
  const host = await createTestHost({ dir: ${JSON.stringify(dir)}, mode: "inproc" });
  t.after(() => host.close());
  await host.call("ext.acme.hello.greet@1.0", { input: { name: "Ada" } });
});`,
    );
    const said = await run(dir, ["test", "--json"]);
    assert.equal(said.code, 1);
    const runs = said.json["runs"] as { mode: string; own_tests: string }[];
    assert.deepEqual(
      runs.map(({ mode, own_tests }) => [mode, own_tests]),
      [
        ["inproc", "passed"],
        ["confined", "failed"],
      ],
    );
  });

  it("is told that nothing was tried in a sandbox where bubblewrap is missing", async (t) => {
    if (!hasBubblewrap()) return t.skip("needs bubblewrap");
    const { dir } = await started(t);
    rmSync(join(dir, "test", "plugin.test.ts"));
    const program = realpathSync(execFileSync("which", ["bwrap"], { encoding: "utf8" }).trim());
    const without = ["--dev-bind", "/", "/", "--ro-bind", "/dev/null", program];
    const command = [process.execPath, "--no-warnings", "--conditions=hearthnet-source"];
    const output = execFileSync(
      program,
      [...without, ...command, join(import.meta.dirname, "../../src/commands/main.ts"), "test", dir, "--json"],
      { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
    );
    const { ok, runs } = JSON.parse(output) as { ok: boolean; runs: { skipped: string | null; own_tests: string }[] };
    assert.deepEqual(
      [ok, runs.map(({ skipped }) => skipped), runs.map(({ own_tests }) => own_tests)],
      [true, [null, "needs bubblewrap"], ["passed", "none"]],
    );
  });

  it("starts a plugin for an isolate, and it keeps the same promises there", async (t) => {
    const shop = workshop(t);
    assert.equal((await run(shop, ["create", "acme/hello", "--tier", "isolate"])).code, 0);
    const dir = join(shop, "hello");
    assert.match(readFileSync(join(dir, "hearthnet.plugin.json"), "utf8"), /"tier": { "min": "isolate" }/);
    assert.equal((await run(dir, ["validate"])).code, 0);
    const tested = await run(dir, ["test", "--json"]);
    assert.equal(tested.code, 0, tested.out + tested.err);
  });

  it("gets the same bytes from the same sources, signed or not", async (t) => {
    const { shop } = await started(t);
    await run(shop, ["keygen", "--no-passphrase", "--out", "a.key"]);
    const pack = async (name: string): Promise<unknown> =>
      (await run(shop, ["pack", "hello", "--key", "a.key", "--out", name, "--json"])).json["sha256"];
    assert.equal(await pack("one.hnp"), await pack("two.hnp"));
    assert.deepEqual(readFileSync(join(shop, "one.hnp")), readFileSync(join(shop, "two.hnp")));
    assert.equal((await run(shop, ["pack", "hello", "--check-reproducible"])).code, 0);
  });

  it("is told when a package was changed or signed by somebody else", async (t) => {
    const { shop } = await started(t);
    for (const name of ["a.key", "b.key"]) await run(shop, ["keygen", "--no-passphrase", "--out", name]);
    await run(shop, ["pack", "hello", "--key", "a.key", "--out", "p.hnp"]);
    assert.equal((await run(shop, ["verify", "p.hnp", "--key", "b.key.pub", "--json"])).json["reason"], "wrong_key");
    const bytes = readFileSync(join(shop, "p.hnp"));
    bytes[bytes.byteLength - 40] = (bytes[bytes.byteLength - 40] ?? 0) ^ 1;
    writeFileSync(join(shop, "p.hnp"), bytes);
    assert.equal((await run(shop, ["verify", "p.hnp", "--key", "a.key.pub", "--json"])).json["reason"], "damaged");
  });
});

describe("a mistake", () => {
  const MISTAKES: [name: string, change: (dir: string) => void, words: string[], told: RegExp][] = [
    ["no manifest", (dir) => rmSync(join(dir, "hearthnet.plugin.json")), ["validate"], /no_manifest[\s\S]*create/],
    ["broken manifest", (dir) => writeFileSync(join(dir, "hearthnet.plugin.json"), "{"), ["validate"], /manifest_invalid/],
    ["unknown field", (dir) => edit(dir, '"license"', '"licence"'), ["validate"], /manifest_invalid[\s\S]*Correct/],
    ["unknown permission", (dir) => edit(dir, '"storage.kv"', '"storage.kw"'), ["pack"], /manifest_invalid/],
    [
      "missing schema",
      (dir) => rmSync(join(dir, "schemas", "greet.req.json")),
      ["validate"],
      /greet\.req\.json {2}the file is missing/,
    ],
    ["missing right", (dir) => edit(dir, '"bus.provide"', '"notify"'), ["validate"], /manifest_invalid|bus\.provide is missing/],
    ...(
      [
        ["a URL for a host", { hosts: ["https://api.example.org"] }, /is no host: write api\.example\.org:443/],
        ["an endpoint that is no endpoint", { fromConfig: "/greeting" }, /no setting with "x-endpoint": true/],
        ["a secret that is not declared", { names: ["/key"] }, /\/key is none of config\.secrets/],
      ] as const
    ).map(([name, scope, told]): [string, (dir: string) => void, string[], RegExp] => [
      name,
      (dir) => ask(dir, "names" in scope ? "secret.use" : "net.internet", scope),
      ["validate"],
      told,
    ]),
    ["missing source", (dir) => rmSync(join(dir, "src", "index.ts")), ["pack"], /no_source[\s\S]*Write that file/],
    [
      "code that cannot be read",
      (dir) => writeFileSync(join(dir, "src", "index.ts"), "export default {"),
      ["pack"],
      /index\.ts:1[\s\S]*bundle_failed/,
    ],
    [
      "a missing package",
      (dir) => writeFileSync(join(dir, "src", "index.ts"), 'import "no-such-package";'),
      ["pack"],
      /no-such-package[\s\S]*npm install/,
    ],
    ["a handler too few", (dir) => editCode(dir, 'greet@1.0": async', 'greet@2.0": async'), ["test"], /handler|did not start/],
  ];
  for (const [name, change, words, told] of MISTAKES)
    it(`is explained: ${name}`, async (t) => {
      const { dir } = await started(t);
      change(dir);
      const said = await run(dir, words);
      assert.equal(said.code, 1);
      assert.match(`${said.out}${said.err}`, told);
      assert.doesNotMatch(`${said.out}${said.err}`, /\n\s+at .+:\d+:\d+\)/, "no stack of ours");
    });

  it("in what is asked of the network is a warning: every host there is, or none at all where the code calls one", async (t) => {
    const { dir } = await started(t);
    ask(dir, "net.internet", { hosts: ["*:443"] });
    assert.match((await run(dir, ["validate"])).out, /\*:443 is every server there is/);
    const { dir: other } = await started(t);
    editCode(other, "const count", 'await ctx.fetch("http://api.example.org/");\n      const count');
    const said = await run(other, ["validate"]);
    assert.match(said.out, /warning .*calls ctx\.fetch or ctx\.net, but no net\.internet/);
    assert.equal(said.code, 0);
  });

  it("with keys and files is explained and destroys nothing", async (t) => {
    const { shop } = await started(t);
    await run(shop, ["keygen", "--no-passphrase", "--out", "a.key"]);
    const before = readFileSync(join(shop, "a.key"), "utf8");
    assert.match((await run(shop, ["keygen", "--no-passphrase", "--out", "a.key"])).err, /file_exists/);
    assert.equal(readFileSync(join(shop, "a.key"), "utf8"), before);
    assert.match((await run(shop, ["keygen", "--out", "b.key"])).err, /passphrase_missing/);
    assert.match((await run(shop, ["pack", "hello", "--key", "none.key"])).err, /key_missing/);
    chmodSync(join(shop, "a.key"), 0o644);
    assert.match((await run(shop, ["pack", "hello", "--key", "a.key"])).err, /key_permissions[\s\S]*chmod 600/);
    assert.match((await run(shop, ["create", "acme/hello"])).err, /folder_taken/);
    await run(shop, ["keygen", "--out", "c.key", "--passphrase-stdin"], { stdin: "right\n" });
    assert.match(
      (await run(shop, ["pack", "hello", "--key", "c.key"], { env: { HEARTHNET_KEY_PASSPHRASE: "wrong" } })).err,
      /passphrase_wrong/,
    );
  });

  it("in the command itself is wrong usage, with an example", async (t) => {
    const shop = workshop(t);
    for (const words of [
      ["creat"],
      ["create"],
      ["create", "Hello"],
      ["create", "a/b", "c/d"],
      ["create", "acme/hello", "--kind", "daemon"],
      ["create", "acme/hello", "--kind", "isolate"],
      ["create", "acme/hello", "--tier", "thread"],
      ["create", "acme/hello", "--kind", "panel", "--tier", "isolate"],
      ["pack", "--nope"],
      ["sign"],
      ["verify"],
    ]) {
      const said = await run(shop, words);
      assert.equal(said.code, 2, words.join(" "));
      assert.ok(said.err.length > 30, words.join(" "));
    }
    for (const { name } of COMMANDS) assert.match((await run(shop, [...name, "--help"])).out, /Example: .*hearthnet plugin /);
  });
});

function edit(dir: string, from: string, to: string): void {
  const path = join(dir, "hearthnet.plugin.json");
  writeFileSync(path, readFileSync(path, "utf8").replace(from, to));
}

function editCode(dir: string, from: string, to: string): void {
  const path = join(dir, "src", "index.ts");
  writeFileSync(path, readFileSync(path, "utf8").replace(from, to));
}

/** One more permission in the manifest. */
function ask(dir: string, name: string, scope: object): void {
  const reason = { en: "For a test.", de: "Für einen Test." };
  edit(dir, '"permissions": [', `"permissions": [${JSON.stringify({ name, scope, reason })},`);
}
