/** Programs of the machine's own in a plugin's package, run as workers. @source plugin-platform §4.4, §3.1 native */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { until } from "../../host/test/support/until.ts";
import { createTestHost, modes, type TestHost } from "../src/testing/index.ts";

/** Programs that need the C library alone. */
const PROGRAMS = ["base64", "cat", "env", "sleep", "yes"];
const FROM = "/usr/bin";
const RUN = "ext.acme.tools.run@1.0";
const reason = { en: "Runs tools." };

const CODE = `
import { definePlugin } from "@hearthnet/sdk-plugin";
export default definePlugin({
  setup: async (ctx) => void (await ctx.capabilities.register("${RUN}")),
  capabilities: {
    "${RUN}": async (req, ctx) => {
      const { name, text, ...message } = req.input;
      const bytes = typeof text === "string" ? [new TextEncoder().encode(text)] : [];
      const { json, bytes: [out] } = await ctx.workers.run(name, message, { bytes, signal: req.signal });
      return { output: { ...json, text: (await out.text()).slice(0, 1000) } };
    },
  },
});`;

function project(): string {
  const dir = mkdtempSync(join(tmpdir(), "hn-tools-"));
  for (const folder of ["bin", "schemas", "src"]) mkdirSync(join(dir, folder));
  for (const name of PROGRAMS) copyFileSync(join(FROM, name), join(dir, "bin", name));
  writeFileSync(join(dir, "schemas", "any.json"), '{"type":"object"}');
  writeFileSync(join(dir, "src", "index.ts"), CODE);
  const any = "schemas/any.json";
  const manifest = {
    manifestVersion: 1,
    id: "acme/tools",
    version: "1.0.0",
    kind: "service",
    tier: { min: "process", native: true },
    displayName: { en: "Tools" },
    description: reason,
    license: "MIT",
    engines: { hearthnet: "*" },
    platforms: ["linux-x64", "linux-arm64"],
    entry: { main: "dist/main.mjs" },
    contributes: {
      capabilities: [
        {
          name: "ext.acme.tools.run",
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
      workers: PROGRAMS.map((name) => ({
        name,
        exec: { path: `bin/${name}`, ...(name === "base64" ? { args: ["-w", "0"] } : {}) },
        max: 2,
        limits: { memoryMb: 64, pids: 16, wallMs: name === "sleep" ? 60_000 : 20_000 },
      })),
    },
    permissions: [
      { name: "bus.provide", scope: { prefixes: ["ext.acme.tools."] }, reason },
      { name: "proc.worker", scope: { workers: PROGRAMS }, reason },
      { name: "native", scope: { mode: ["exec"] }, reason },
    ],
  };
  writeFileSync(join(dir, "hearthnet.plugin.json"), JSON.stringify(manifest));
  return dir;
}

const absent = PROGRAMS.some((name) => !existsSync(join(FROM, name))) ? "needs coreutils" : false;

for (const { mode, skip } of modes())
  describe(`programs of a plugin, ${mode}`, { skip: skip || absent }, () => {
    let dir: string;
    let host: TestHost;
    before(async () => {
      dir = project();
      host = await createTestHost({ dir, mode });
    });
    after(async () => {
      await host.close();
      rmSync(dir, { recursive: true, force: true });
    });
    const run = async (input: object, signal?: AbortSignal): Promise<Record<string, unknown>> => {
      const { output } = await host.call(RUN, { input }, signal === undefined ? {} : { signal });
      return structuredClone(output);
    };

    it("read bytes and answer with bytes and a code", async () => {
      assert.deepEqual(await run({ name: "base64", text: "Moin" }), { code: 0, text: "TW9pbg==" });
      assert.equal((await run({ name: "base64", args: ["-d"], text: "!" }))["code"], 1);
      assert.deepEqual(host.workers(), []);
    });

    // Outside a sandbox there is nothing to hide it.
    if (mode === "confined")
      it("see nothing of the machine", async () => {
        assert.deepEqual(await run({ name: "cat", args: ["/etc/hostname"] }), { code: 1, text: "" });
        assert.deepEqual(
          String((await run({ name: "env" }))["text"])
            .trim()
            .split("\n")
            .map((line) => line.split("=")[0])
            .join(),
          "HOME,PWD",
        );
      });

    it("are ended with whoever has asked, and with the plugin", async () => {
      for (const end of ["cancel", "revoke", "restart"] as const) {
        const left = new AbortController();
        const call = run({ name: "sleep", args: ["50"] }, left.signal);
        const refused = assert.rejects(call);
        const { pid } = await until("it runs", () => host.workers()[0]);
        if (end === "cancel") left.abort();
        else if (end === "revoke") await host.revoke("native");
        else await host.restart();
        await refused;
        await until("it is gone", () => !existsSync(`/proc/${pid}`));
        if (end === "revoke") {
          await assert.rejects(run({ name: "cat", text: "x" }));
          await host.grant("native");
          await until("it is back", () => host.status().state === "active");
        }
      }
    });

    it("that write without end are ended", async () => {
      await assert.rejects(run({ name: "yes" }), { code: "capacity_exceeded", reason: "over_quota" });
    });

    it("take arguments and nothing else", async () => {
      await assert.rejects(run({ name: "cat", op: "x" }), { code: "bad_request" });
      await assert.rejects(run({ name: "cat", args: ["a\0b"] }), { code: "bad_request" });
      await assert.rejects(run({ name: "cat", args: Array.from({ length: 65 }, () => "a") }), { code: "bad_request" });
    });

    it("wait for each other beyond their number", async () => {
      const all = await Promise.all(["a", "b", "c", "d", "e"].map((text) => run({ name: "cat", text })));
      assert.deepEqual(
        all.map(({ text }) => text),
        ["a", "b", "c", "d", "e"],
      );
    });
  });
