/** What the test host offers beyond calls, in both modes. @source plugin-platform §4.7 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import type { Grant, PluginManifest } from "../../../host/src/contract/index.ts";
import { until } from "../../../host/test/support/until.ts";
import {
  createTestHost,
  fakeClock,
  MODE_VARIABLE,
  modes,
  runContract,
  type TestHost,
  type TestHostOptions,
} from "../../src/testing/index.ts";

const PARROT = join(import.meta.dirname, "..", "fixtures", "parrot");
const SHELF = join(import.meta.dirname, "../../../test/fixtures/plugins/shelf");
const SAY = "ext.acme.parrot.say@1.0";
const COUNT = "ext.acme.parrot.count@1.0";
const OTHER = "ext.other.thing@1.0";
const mayCallOther: Grant = {
  permission: "bus.call",
  scope: { capabilities: ["ext.other.thing@1"], own: true },
  mode: "allow",
  grantedBy: "operator",
  at: 0,
};
const mayOffer: Grant = { ...mayCallOther, permission: "bus.provide", scope: { prefixes: ["ext.acme.parrot."] } };

for (const { mode, skip } of modes())
  describe(`a test host, ${mode}`, { skip }, () => {
    const open = async (t: TestContext, options: TestHostOptions = {}): Promise<TestHost> => {
      const host = await createTestHost({ dir: PARROT, mode, ...options });
      t.after(() => host.close());
      return host;
    };
    let shared: TestHost;
    before(async () => {
      shared = await createTestHost({ dir: PARROT, mode });
    });
    after(() => shared.close());

    it("says what the plugin really runs under", () => {
      assert.equal(shared.label(), mode === "inproc" ? "none" : "os");
      assert.equal(shared.status().evidence?.pid === process.pid, false);
    });

    it("lets a caller of any standing in, and no lower one than the capability asks for", async () => {
      await shared.call(SAY, { input: {} }, { as: "trusted" });
      await assert.rejects(shared.call(SAY, { input: {} }, { as: "unknown" }), { code: "unauthorized" });
    });

    // The worker's own limit would end it after ten seconds.
    it("cancels a stream: the worker that would never have ended is gone with it", { timeout: 8000 }, async () => {
      const stream = shared.stream(COUNT, { input: { to: 3, ponder: 1 } }, { as: "trusted" });
      assert.equal((await stream.next()).done, false);
      const stuck = stream.next();
      stuck.catch(() => {});
      await until("the worker is at work", () => shared.logs().some(({ message }) => message === "the parrot ponders"));
      const [worker] = shared.workers();
      assert.equal(worker?.name, "think");
      await stream.cancel();
      assert.deepEqual(shared.workers(), []);
      await assert.rejects(stuck);
      await until("its process is gone", () => !existsSync(`/proc/${worker?.pid ?? 0}/task`));
    });

    it("keeps what lies in a full store readable and refuses the rest", async () => {
      await shared.call(SAY, { input: { op: "remember", word: "Lora" } });
      await shared.fillDisk();
      await assert.rejects(shared.call(SAY, { input: { op: "remember", word: "L" } }), { code: "quota_exceeded" });
      const { output } = await shared.call(SAY, { input: { op: "recall" } });
      assert.equal((output["stored"] as { value: string }).value, '"Lora"');
    });

    it("answers the plugin's own calls with a stand-in, if the plugin may make them", async (t) => {
      const callers: string[] = [];
      const capabilities: TestHostOptions["capabilities"] = {
        [OTHER]: async ({ caller }) => {
          callers.push(caller.kind);
          return { output: { heard: true } };
        },
      };
      const host = await open(t, { capabilities, grants: [mayOffer, mayCallOther] });
      const { output } = await host.call(SAY, { input: { op: "call-other" } });
      assert.equal(output["heard"], true);
      await host.revoke("bus.call");
      await assert.rejects(host.call(SAY, { input: { op: "call-other" } }), { code: "permission_denied" });
      assert.deepEqual(callers, ["plugin"]);
    });

    it("cuts the plugin off from everybody else, and back (§4.7 offline)", async (t) => {
      const capabilities: TestHostOptions["capabilities"] = { [OTHER]: async () => ({ output: { heard: true } }) };
      const host = await open(t, { capabilities, grants: [mayOffer, mayCallOther] });
      const back = host.offline();
      await assert.rejects(host.call(SAY, { input: { op: "call-other" } }), { code: "partition" });
      await host.call(SAY, { input: {} });
      back();
      assert.equal((await host.call(SAY, { input: { op: "call-other" } })).output["heard"], true);
    });

    it("runs other plugins of the node beside it, each under its own rights", async (t) => {
      const host = await open(t, { beside: [SHELF] });
      assert.equal(host.manifest.id, "acme/parrot");
      const data = new TextEncoder().encode("on the shelf");
      const { output } = await host.call("ext.dev.shelf.put@1.0", { input: { data, visibility: "private" } });
      const got = await host.call("ext.dev.shelf.get@1.0", { input: { cid: output["cid"] } });
      assert.equal(Buffer.from(got.output["data"] as unknown as Uint8Array).toString(), "on the shelf");
      await host.kill9();
      await until("the plugin under test is back", () => host.status().state === "active");
      const still = await host.call("ext.dev.shelf.get@1.0", { input: { cid: output["cid"] } });
      assert.equal(still.output["files"], 1, "the one beside it was not touched");
      await assert.rejects(open(t, { beside: [join(SHELF, "src")] }), /hearthnet\.plugin\.json/);
    });

    it("gives back what was revoked, and says what is granted", async () => {
      await shared.revoke("storage.kv");
      assert.ok(!shared.grants().some(({ permission }) => permission === "storage.kv"));
      await assert.rejects(shared.call(SAY, { input: { op: "remember", word: "L" } }), { code: "permission_denied" });
      await shared.grant("storage.kv");
      await shared.call(SAY, { input: { op: "recall" } });
    });

    it("lets another version follow, and goes on with the former one when that cannot start", async (t) => {
      const host = await open(t);
      const next = (version: string, edit: (code: string) => string): string => {
        const dir = mkdtempSync(join(tmpdir(), "hn-next-"));
        t.after(() => rmSync(dir, { recursive: true, force: true }));
        cpSync(PARROT, dir, { recursive: true });
        const [manifest, code] = [join(dir, "hearthnet.plugin.json"), join(dir, "src", "index.ts")];
        writeFileSync(manifest, readFileSync(manifest, "utf8").replace('"version": "1.0.0"', `"version": "${version}"`));
        writeFileSync(code, edit(readFileSync(code, "utf8")));
        return dir;
      };
      await host.call(SAY, { input: { op: "remember", word: "Lora" } });
      const broken = next("1.1.0", (code) =>
        code.replace("async setup(ctx) {", 'async setup(ctx) {\n    throw new Error("not today");'),
      );
      await assert.rejects(host.update({ dir: broken }), { reason: "start_failed" });
      assert.equal(host.manifest.version, "1.0.0");
      await host.kill9();
      await until("the former one is back", () => host.status().state === "active");
      const good = next("1.2.0", (code) => code.replace("{ stored: await", '{ by: "1.2.0", stored: await'));
      assert.equal((await host.update({ dir: good })).version, "1.2.0");
      assert.equal(host.manifest.version, "1.2.0");
      const { output } = await host.call(SAY, { input: { op: "remember", word: "Coco" } });
      assert.equal(output["by"], "1.2.0");
      await assert.rejects(
        host.update({ dir: join(PARROT, "..", "..", "..", "..", "test", "fixtures", "plugins", "house-rules") }),
        /is no version of acme\/parrot/,
      );
    });

    it("says plainly what it cannot do to a plugin", async (t) => {
      const host = await open(t, { grants: [mayOffer] });
      await assert.rejects(host.fillDisk(), /has no storage\.kv/);
    });

    it("takes another manifest than the folder's", async (t) => {
      const manifest = JSON.parse(readFileSync(join(PARROT, "hearthnet.plugin.json"), "utf8")) as PluginManifest;
      manifest.limits = { ...manifest.limits, callsPerMinute: 1 };
      const host = await open(t, { manifest });
      await host.call(SAY, { input: {} });
      await assert.rejects(host.call(SAY, { input: {} }), { code: "rate_limited" });
    });

    it("stalls fd 3 on a clock of the test's own: shorter, nothing is lost; longer, the plugin counts as hung", async (t) => {
      const clock = fakeClock();
      const host = await open(t, { clock });
      // Each answer comes behind the pong of the second before it.
      for (let second = 0; second < 8; second += 1) {
        clock.advance(1000);
        await host.call(SAY, { input: {} });
      }
      host.stallFd3(2000);
      let answered = false;
      const call = host.call(SAY, { input: {} }).then(() => (answered = true));
      clock.advance(1999);
      await new Promise(setImmediate);
      assert.equal(answered, false);
      clock.advance(1);
      await call;
      host.stallFd3(60_000);
      clock.advance(6000);
      await until("the host has ended it", () => host.status().state === "backoff");
      assert.match(host.status().reason?.reason ?? "", /hung/);
    });

    it("ends the plugin without warning, and it is started again", async () => {
      const waiting = assert.rejects(shared.call(SAY, { input: { op: "wait" } }), { code: "plugin_gone" });
      await until("the call is under way", () => shared.status().resources?.calls !== 0);
      await shared.kill9();
      await waiting;
      await until("it is back", () => shared.status().state === "active", 15_000);
      await shared.call(SAY, { input: {} });
    });

    it("finds every promise kept, and says how", async () => {
      assert.deepEqual(
        (await runContract(shared)).filter(({ kept }) => !kept),
        [],
      );
    });
  });

/** A plugin that breaks one promise, made from the parrot. */
const BREAKERS: [name: string, from: string, to: string, broken: [promise: RegExp, detail: RegExp][]][] = [
  [
    "fails at what it was asked",
    "switch (op) {",
    'if (op === undefined) throw new TypeError("not today");\n      switch (op) {',
    [
      [/answers rubbish with a code/, /^internal_error/],
      [/lets running calls end/, /say@1\.0: internal_error/],
      [/goes on without a right/, /^without bus\.call: internal_error/],
    ],
  ],
  [
    "breaks when a right is taken",
    "switch (op) {",
    'if (op === undefined && !ctx.grants.has("storage.kv")) throw new TypeError("no store");\n      switch (op) {',
    [[/goes on without a right/, /^without storage\.kv: internal_error/]],
  ],
];

describe("the promises", () => {
  it("show a plugin that does not hear a cancel", async (t) => {
    const host = await createTestHost({ dir: PARROT, mode: "inproc", config: { accent: "deaf" } });
    t.after(() => host.close());
    const broken = (await runContract(host)).filter(({ kept }) => !kept);
    assert.deepEqual(
      broken.map(({ detail }) => detail),
      [`${SAY} did not end in time`],
    );
  });

  for (const [name, from, to, broken] of BREAKERS)
    it(`show a plugin that ${name}`, async (t) => {
      const dir = mkdtempSync(join(tmpdir(), "hn-breaker-"));
      t.after(() => rmSync(dir, { recursive: true, force: true }));
      cpSync(PARROT, dir, { recursive: true });
      const code = join(dir, "src", "index.ts");
      writeFileSync(code, readFileSync(code, "utf8").replace(from, to));
      const host = await createTestHost({ dir, mode: "inproc" });
      t.after(() => host.close());
      const found = (await runContract(host)).filter(({ kept }) => !kept);
      assert.equal(found.length, broken.length, JSON.stringify(found));
      for (const [n, [promise, detail]] of broken.entries()) {
        assert.match(found[n]?.promise ?? "", promise);
        assert.match(found[n]?.detail ?? "", detail);
      }
    });
});

describe("the mode of a test", () => {
  it("is both, or the one asked for, which outweighs what the test names", async (t) => {
    delete process.env[MODE_VARIABLE];
    assert.deepEqual(
      modes().map(({ mode }) => mode),
      ["inproc", "confined"],
    );
    t.after(() => delete process.env[MODE_VARIABLE]);
    process.env[MODE_VARIABLE] = "inproc";
    assert.deepEqual(modes(), [{ mode: "inproc", skip: false }]);
    const host = await createTestHost({ dir: PARROT, mode: "confined" });
    t.after(() => host.close());
    assert.deepEqual([host.mode, host.label()], ["inproc", "none"]);
  });

  it("inproc does not let a plugin that ends the process end its test as if it had passed", (t) => {
    // Neither run gets to clean up.
    const temporary = mkdtempSync(join(tmpdir(), "hn-ended-"));
    t.after(() => rmSync(temporary, { recursive: true, force: true }));
    const script = `
      import { createTestHost } from ${JSON.stringify(join(import.meta.dirname, "../../src/testing/index.ts"))};
      const host = await createTestHost({ dir: ${JSON.stringify(PARROT)}, mode: "inproc" });
      const exits = process.argv.includes("exits");
      await host.call(${JSON.stringify(SAY)}, { input: exits ? { op: "exit", with: 0 } : {} });`;
    const run = (...words: string[]): { status: number | null; stderr: string } =>
      spawnSync(
        process.execPath,
        ["--no-warnings", "--conditions=hearthnet-source", "--input-type=module", "-e", script, "--", ...words],
        { encoding: "utf8", env: { ...process.env, TMPDIR: temporary } },
      );
    const left = run();
    assert.deepEqual([left.status, left.stderr], [0, ""]);
    const ended = run("exits");
    assert.equal(ended.status, 1);
    assert.match(ended.stderr, /process\.exit was called/);
  });

  it("inproc shows the author's own lines in the plugin's log", async (t) => {
    process.setSourceMapsEnabled(true);
    t.after(() => process.setSourceMapsEnabled(false));
    const host = await createTestHost({ dir: PARROT, mode: "inproc" });
    t.after(() => host.close());
    await assert.rejects(host.call(SAY, { input: { op: "break" } }), { code: "internal_error" });
    await until("the stack is in the log", () =>
      host.logs().some(({ message }) => /a fault nobody foresaw[\s\S]*parrot\/src\/index\.ts:\d+/.test(message)),
    );
  });
});
