/** Workers that a plugin holds open for itself. @source plugin-platform §4.3 `workers.open`, §4.4 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { until } from "../../host/test/support/until.ts";
import { createTestHost, modes, type TestHost } from "../src/testing/index.ts";

const DO = "ext.acme.keeper.do@1.0";
const reason = { en: "Keeps words." };

const MAIN = `
import { definePlugin } from "@hearthnet/sdk-plugin";
const held = new Map();
let busy = null;
export default definePlugin({
  setup: async (ctx) => void (await ctx.capabilities.register("${DO}")),
  capabilities: {
    "${DO}": async (req, ctx) => {
      const { op, name, worker = "memory", msg = {}, bytes = 0 } = req.input;
      const told = (error) => ({ output: { code: error.code ?? error.name, reason: error.reason ?? null } });
      try {
        if (op === "open") held.set(name, await ctx.workers.open(worker));
        if (op === "close") held.get(name).close();
        if (op === "busy") return { output: { busy } };
        if (op === "ended") return { output: { ended: held.get(name).ended.aborted } };
        if (op === "loose") return { output: { ...(await ctx.workers.run(worker, msg)).json } };
        if (op === "say") {
          const seen = [];
          const options = { bytes: [new Uint8Array(bytes)], signal: req.signal, onProgress: (data) => (busy = name, seen.push(data.stage)) };
          const { json, bytes: [back] } = await held.get(name).run(msg, options);
          return { output: { ...json, seen, back: (await back?.bytes(8000000))?.byteLength ?? 0 } };
        }
        return { output: {} };
      } catch (error) {
        return told(error);
      }
    },
  },
});`;

const WORKER = `
import { defineWorker } from "@hearthnet/sdk-plugin";
const words = [];
export default defineWorker({
  async message(message, { bytes, progress }) {
    progress({ stage: "got it" });
    if (message.word !== undefined) words.push(message.word);
    if (message.hang) {
      // What it has said goes out first.
      for (let turns = 0; turns < 3; turns += 1) await new Promise(setImmediate);
      for (;;);
    }
    if (message.leave) process.exit(3);
    return { json: { words: words.join(" "), pid: process.pid }, bytes };
  },
});`;

function project(): string {
  const dir = mkdtempSync(join(tmpdir(), "hn-keeper-"));
  for (const folder of ["schemas", "src"]) mkdirSync(join(dir, folder));
  writeFileSync(join(dir, "schemas", "any.json"), '{"type":"object"}');
  writeFileSync(join(dir, "src", "index.ts"), MAIN);
  writeFileSync(join(dir, "src", "memory.ts"), WORKER);
  const any = "schemas/any.json";
  const manifest = {
    manifestVersion: 1,
    id: "acme/keeper",
    version: "1.0.0",
    kind: "service",
    tier: { min: "process" },
    displayName: { en: "Keeper" },
    description: reason,
    license: "MIT",
    engines: { hearthnet: "*" },
    platforms: ["any"],
    entry: { main: "dist/index.mjs" },
    contributes: {
      capabilities: [
        {
          name: "ext.acme.keeper.do",
          version: "1.0",
          request: any,
          response: any,
          stream: null,
          trust: "member",
          idempotent: true,
          maxConcurrent: 8,
          timeoutSeconds: 60,
        },
      ],
      workers: [{ name: "memory", entry: "dist/memory.mjs", max: 2, limits: { memoryMb: 128, pids: 32, wallMs: 4000 } }],
    },
    permissions: [
      { name: "bus.provide", scope: { prefixes: ["ext.acme.keeper."] }, reason },
      { name: "proc.worker", scope: { workers: ["memory"] }, reason },
    ],
  };
  writeFileSync(join(dir, "hearthnet.plugin.json"), JSON.stringify(manifest));
  return dir;
}

for (const { mode, skip } of modes()) {
  describe(`workers held open (${mode})`, { skip }, () => {
    let dir: string;
    let host: TestHost;
    before(async () => {
      dir = project();
      host = await createTestHost({ dir, mode, grants: "manifest" });
    });
    after(async () => {
      await host.close();
      rmSync(dir, { recursive: true, force: true });
    });
    const ask = async (input: object): Promise<Record<string, unknown>> =>
      structuredClone((await host.call(DO, { input })).output);
    const pids = (): number[] => host.workers().map(({ pid }) => pid);

    it("answer one message after the other in one process, which keeps what it knows, and end when closed", async () => {
      await ask({ op: "open", name: "a" });
      const first = await ask({ op: "say", name: "a", msg: { word: "one" } });
      const [second, third] = await Promise.all([
        ask({ op: "say", name: "a", msg: { word: "two" }, bytes: 600_000 }),
        ask({ op: "say", name: "a", msg: { word: "three" } }),
      ]);
      assert.deepEqual([first["words"], second["words"], third["words"]], ["one", "one two", "one two three"]);
      assert.deepEqual(second["seen"], ["got it"]);
      assert.equal(second["back"], 600_000);
      assert.equal(new Set([first["pid"], second["pid"], third["pid"]]).size, 1);
      const loose = await ask({ op: "loose", msg: { word: "x" } });
      assert.equal(loose["words"], "x", "a message of anybody goes to another process");
      assert.equal((await ask({ op: "ended", name: "a" }))["ended"], false);
      const [held] = pids();
      await ask({ op: "close", name: "a" });
      await until("its process is gone", () => !pids().includes(held ?? 0));
      assert.equal((await ask({ op: "ended", name: "a" }))["ended"], true);
      assert.deepEqual(await ask({ op: "say", name: "a" }), { code: "plugin_gone", reason: "worker_closed" });
    });

    it("count among the most that run", async () => {
      await ask({ op: "open", name: "b" });
      assert.deepEqual(await ask({ op: "open", name: "c" }), {});
      assert.deepEqual(await ask({ op: "open", name: "d" }), { code: "capacity_exceeded", reason: "slots_full" });
      assert.equal(pids().length, 2);
      for (const name of ["b", "c"]) await ask({ op: "close", name });
      await until("both are gone", () => pids().length === 0);
      assert.equal((await ask({ op: "loose", msg: { word: "y" } }))["words"], "y");
    });

    it("end with the message that passes a limit, is cancelled or leaves, and say so afterwards", async () => {
      await ask({ op: "open", name: "e" });
      assert.deepEqual(await ask({ op: "say", name: "e", msg: { hang: true } }), { code: "timeout", reason: null });
      assert.equal((await ask({ op: "say", name: "e" }))["reason"], "worker_closed");
      await ask({ op: "open", name: "f" });
      assert.equal((await ask({ op: "say", name: "f", msg: { leave: true } }))["reason"], "worker_crashed");
      assert.equal((await ask({ op: "say", name: "f" }))["reason"], "worker_closed");
      await ask({ op: "open", name: "g" });
      const left = new AbortController();
      const call = host.call(DO, { input: { op: "say", name: "g", msg: { hang: true } } }, { signal: left.signal });
      await until("its worker works", async () => (await ask({ op: "busy" }))["busy"] === "g");
      left.abort();
      await assert.rejects(call);
      await until("the worker is gone", async () => (await ask({ op: "ended", name: "g" }))["ended"] === true);
    });

    it("go with the right to them", async () => {
      await ask({ op: "open", name: "h" });
      assert.ok(pids().length > 0);
      await host.revoke("proc.worker");
      await until("no worker is left", () => pids().length === 0);
      assert.equal((await ask({ op: "open", name: "i" }))["code"], "permission_denied");
    });
  });
}
