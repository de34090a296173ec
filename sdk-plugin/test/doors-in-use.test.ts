/** Doors while releases follow each other, rights go and callers leave. @source plugin-platform §3.4.3, §5.3, §6.4.4 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync, chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Grant, PluginManifest, RouteAnswer, StoredRelease } from "@hearthnet/host/contract";
import { openPluginHost, type PluginHost } from "@hearthnet/host/plugin-host";
import { hasBubblewrap } from "../../host/test/runtime/fixtures/world.ts";
import { until } from "../../host/test/support/until.ts";
import { openProject } from "../src/commands/project.ts";
import { askRoute } from "../src/testing/doors.ts";
import { findRunner } from "../src/testing/runner-path.ts";
import { stagedRelease } from "../src/testing/staged-release.ts";

const CODE = (version: string): string => `
import { definePlugin } from "@hearthnet/sdk-plugin";
const ended = [];
export default definePlugin({
  http: {
    "GET /ext/dev/use/version": async () => ({ status: 200, json: { version: "${version}" } }),
    "GET /ext/dev/use/wait": (request) => new Promise((resolve, reject) => {
      request.signal.addEventListener("abort", () => { ended.push("wait"); reject(request.signal.reason); });
    }),
    "POST /ext/dev/use/as-caller": async (request) => ({ status: 200, json: (await request.call("ext.other.look@1", { input: {} })).output }),
    "POST /ext/dev/use/odd": async ({ body }) => body.answer,
    "POST /ext/dev/use/size": async ({ body, bytes }) => ({ status: 200, bytes: new Uint8Array(bytes?.size ?? body.text.length) }),
  },
  panel: { methods: {
    ended: () => ended,
    much: () => "x".repeat(70_000),
    count: (_input, ctx) => ctx.kv.increment("count"),
    wait: (_input, _ctx, call) => new Promise((resolve, reject) => call.signal.addEventListener("abort", () => { ended.push("panel"); reject(call.signal.reason); })),
  } },
});`;

const manifest = (version: string, change: Partial<PluginManifest> = {}): PluginManifest => ({
  manifestVersion: 1,
  id: "dev/use",
  version,
  kind: "service",
  tier: { min: "process" },
  displayName: { en: "Use" },
  description: { en: "Use" },
  license: "Apache-2.0",
  engines: { hearthnet: "*" },
  platforms: ["any"],
  entry: { main: "dist/main.mjs" },
  contributes: {
    http: [
      {
        prefix: "ext.dev.use",
        routes: [
          { method: "GET", path: "/ext/dev/use/version", auth: "public" },
          { method: "GET", path: "/ext/dev/use/wait", auth: "public" },
          { method: "POST", path: "/ext/dev/use/as-caller", auth: "public" },
          { method: "POST", path: "/ext/dev/use/odd", auth: "member", pseudo: "ext.dev.use.http.odd" },
          { method: "POST", path: "/ext/dev/use/size", auth: "member", pseudo: "ext.dev.use.http.size", maxBodyBytes: 4_000_000 },
        ],
      },
    ],
    panels: [{ id: "own", title: { en: "Own" }, entry: "panel/index.html" }],
  },
  permissions: [
    { name: "http.mount", scope: { prefix: "ext.dev.use", auth: ["public", "member"] }, reason: { en: "x" } },
    { name: "bus.call", scope: { capabilities: ["ext.other.look@1"] }, reason: { en: "x" } },
    { name: "storage.kv", reason: { en: "x" } },
    { name: "ui.panel", reason: { en: "x" } },
  ],
  limits: { callsPerMinute: 1_000_000 },
  ...change,
});

const granted = ({ permissions }: PluginManifest, without: string[] = []): Grant[] =>
  permissions
    .filter(({ name }) => !without.includes(name))
    .map(({ name, scope }) => ({ permission: name, scope: scope ?? {}, mode: "allow", grantedBy: "operator", at: 0 }));

describe("a plugin's doors in use", { skip: hasBubblewrap() ? false : "needs bubblewrap" }, () => {
  const root = mkdtempSync(join(tmpdir(), "hn-doors-"));
  chmodSync(root, 0o755);
  let host: PluginHost;
  let count = 0;
  before(async () => {
    host = await openPluginHost({ dataDir: join(root, "data"), runnerPath: findRunner() });
  });
  after(async () => {
    await host.close();
    rmSync(root, { recursive: true, force: true });
  });

  async function release(version: string, change: Partial<PluginManifest> = {}): Promise<StoredRelease> {
    const dir = join(root, `source-${(count += 1)}`);
    mkdirSync(join(dir, "src"), { recursive: true });
    mkdirSync(join(dir, "panel"));
    writeFileSync(join(dir, "panel", "index.html"), "<!doctype html><title>x</title>");
    writeFileSync(join(dir, "src", "index.ts"), CODE(version));
    writeFileSync(join(dir, "hearthnet.plugin.json"), JSON.stringify(manifest(version, change)));
    const at = join(root, `release-${count}`);
    mkdirSync(at, { mode: 0o755 });
    const made = await stagedRelease(openProject({ args: [dir], cwd: root }), { root: at, place: 0, sourceMaps: false });
    return { ...made, sha256: String(count).padStart(64, "0") };
  }

  const ask = (address: string, o: Parameters<typeof askRoute>[2] = {}): Promise<RouteAnswer> => askRoute(host, address, o);
  const panel = (
    method: string,
    signal: AbortSignal = new AbortController().signal,
  ): ReturnType<PluginHost["runtime"]["panel"]> =>
    host.runtime.panel("dev/use", { panel: "own", method, input: null }, { requestId: "panel-request", signal });

  it("the address answers at every moment while one release follows another (§6.4.4)", async () => {
    const first = await release("1.0.0");
    await host.runtime.stage(first, granted(first.manifest));
    const second = await release("1.1.0");
    // More than enough for a trial, did calls of this kind count for it.
    for (let n = 0; n < 250; n += 1) await ask("GET /ext/dev/use/version");
    const seen = new Set<unknown>();
    let over = false;
    const asking = (async () => {
      while (!over || seen.size < 2) {
        const { status, body } = await ask("GET /ext/dev/use/version");
        assert.equal(status, 200);
        seen.add(body.json?.["version"]);
      }
    })();
    await host.runtime.stage(second, granted(second.manifest));
    over = true;
    await asking;
    assert.deepEqual([...seen], ["1.0.0", "1.1.0"]);
    assert.equal((await ask("GET /ext/dev/use/version")).body.json?.["version"], "1.1.0");
    const lines = host.runtime.logs("dev/use", { limit: 50 }).map(({ message }) => message);
    assert.ok(
      !lines.some((line) => line.includes("a tenth of the calls")),
      "nobody waits for a trial that sees nothing (§6.4.3)",
    );
  });

  it("another plugin cannot be installed at an address that is taken", async () => {
    const thief = await release("1.0.0", {
      id: "dev/thief",
      contributes: { http: [{ prefix: "ext.dev.use", routes: [{ method: "GET", path: "/ext/dev/use/:any", auth: "public" }] }] },
    });
    await assert.rejects(host.runtime.stage(thief, granted(thief.manifest)), { code: "bad_request", reason: "route_taken" });
    assert.equal(host.runtime.get("dev/thief"), undefined);
  });

  it("a caller that leaves ends the plugin's work, on a route and in a panel (§5.3.2)", async () => {
    for (const [what, wait] of [
      ["wait", (signal: AbortSignal) => ask("GET /ext/dev/use/wait", { signal })],
      ["panel", (signal: AbortSignal) => panel("wait", signal)],
    ] as const) {
      const left = new AbortController();
      const waiting = wait(left.signal);
      await until("it works", () => host.runtime.inFlight("dev/use") === 1);
      left.abort(new Error("gone"));
      await assert.rejects(waiting, { message: "gone" });
      assert.ok(((await panel("ended")) as string[]).includes(what), what);
    }
  });

  it("nobody waits longer than they wish, nor than the manifest says", async () => {
    await assert.rejects(ask("GET /ext/dev/use/wait", { timeoutMs: 100 }), { code: "timeout" });
    const hasty = await release("1.2.0", { limits: { callsPerMinute: 1_000_000, callTimeoutMs: 100 } });
    await host.runtime.stage(hasty, granted(hasty.manifest));
    await assert.rejects(ask("GET /ext/dev/use/wait"), { code: "timeout" });
    await assert.rejects(panel("wait"), { code: "timeout" });
    const patient = await release("1.3.0");
    await host.runtime.stage(patient, granted(patient.manifest));
  });

  it("what runs on a right that is taken away ends within 200 ms (§3.4.3)", async () => {
    const waiting = ask("GET /ext/dev/use/wait");
    const refused = assert.rejects(waiting, { code: "permission_denied" });
    await until("it works", () => host.runtime.inFlight("dev/use") === 1);
    const { manifest: asked } = host.runtime.release("dev/use") as StoredRelease;
    const start = performance.now();
    await host.runtime.setGrants("dev/use", granted(asked, ["http.mount"]));
    await assert.rejects(ask("GET /ext/dev/use/version"), { code: "not_found" });
    await refused;
    assert.ok(performance.now() - start < 1000);
    const narrow = granted(asked).map((grant) =>
      grant.permission === "http.mount" ? { ...grant, scope: { prefix: "ext.dev.use", auth: ["member"] } } : grant,
    );
    await host.runtime.setGrants("dev/use", narrow);
    await assert.rejects(ask("GET /ext/dev/use/version"), { code: "not_found" }, "public was not granted");
    assert.equal((await ask("POST /ext/dev/use/size", { bytes: new Uint8Array(3) })).status, 200);
    await host.runtime.setGrants("dev/use", granted(asked));
    assert.equal((await ask("GET /ext/dev/use/version")).status, 200);
  });

  it("a route under a foreign prefix is never open, whatever the manifest says (A21)", async () => {
    const { manifest: asked } = host.runtime.release("dev/use") as StoredRelease;
    const elsewhere = granted(asked).map((grant) =>
      grant.permission === "http.mount" ? { ...grant, scope: { prefix: "ext.dev.us", auth: ["public", "member"] } } : grant,
    );
    await host.runtime.setGrants("dev/use", elsewhere);
    await assert.rejects(ask("GET /ext/dev/use/version"), { code: "not_found" });
    await host.runtime.setGrants("dev/use", granted(asked));
  });

  it("where nobody has proven who they are, nobody's rights are lent to the plugin (A21)", async () => {
    await assert.rejects(ask("POST /ext/dev/use/as-caller", { json: {} }), { code: "unauthorized" });
  });

  it("an answer that is none is the plugin's fault, and only its author reads why", async () => {
    const wrong: [object, RegExp][] = [
      [{ status: 302, headers: { location: "https://evil.example" } }, /status must be/],
      [{ status: 101 }, /status must be/],
      [{ status: 200, json: [1] }, /json must be an object/],
      [{ status: 200, json: {}, text: "" }, /one of json, text and bytes/],
      [{ status: 204, text: "x" }, /has no body/],
      [{ status: 200, headers: { a: 1 } }, /must be a text/],
    ];
    for (const [answer, why] of wrong) {
      await assert.rejects(ask("POST /ext/dev/use/odd", { json: { answer: answer as never } }), {
        code: "internal_error",
        message: "The plugin gave no proper answer. Report it to its author.",
      });
      assert.ok(
        host.runtime.logs("dev/use", { limit: 5 }).some(({ message }) => why.test(message)),
        String(why),
      );
    }
  });

  it("bodies that crowd a frame's header go beside it, both ways", async () => {
    const bytes = await ask("POST /ext/dev/use/size", { bytes: new Uint8Array(3_000_000) });
    assert.equal(bytes.body.bytes?.byteLength, 3_000_000);
    const json = await ask("POST /ext/dev/use/size", { json: { text: "ä".repeat(1_500_000) } });
    assert.equal(json.body.bytes?.byteLength, 1_500_000);
  });

  it("the ledger says what came by the panel, and an answer to one is at most 64 KiB (§4.6)", async () => {
    await assert.rejects(panel("much"), { code: "internal_error", message: /64 KiB/ });
    assert.equal(await panel("count"), 1);
    const { rows, chainOk } = host.runtime.ledger(50);
    assert.ok(chainOk);
    const found = (op: string, via: string): boolean =>
      rows.some((row) => row.op === op && row.via === via && row.verdict === "allow");
    assert.ok(found("panel.call", "panel") && found("kv.increment", "panel"));
  });
});
