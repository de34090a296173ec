import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { PluginManifest } from "../../../src/contract/index.ts";
import { checkManifest, requireManifest } from "../../../src/format/index.ts";
import { refusal } from "../../support/people.ts";

type Draft = Record<string, unknown>;

const TEXT = { en: "Echo", de: "Echo" };
const OFFER = {
  name: "ext.acme.echo",
  version: "1.0",
  request: "schemas/echo.req.json",
  response: "schemas/echo.res.json",
  stream: null,
  trust: "member",
  idempotent: true,
  maxConcurrent: 4,
  timeoutSeconds: 30,
};
const PROVIDE = { name: "bus.provide", scope: { prefixes: ["ext.acme."] }, reason: TEXT };
const GOOD: Draft = {
  manifestVersion: 1,
  id: "acme/echo",
  version: "1.2.3",
  kind: "service",
  tier: { min: "process" },
  displayName: TEXT,
  description: TEXT,
  license: "MIT",
  engines: { hearthnet: ">=0.1.0 <2" },
  platforms: ["any"],
  entry: { main: "dist/main.mjs" },
  contributes: { capabilities: [OFFER] },
  permissions: [PROVIDE],
};
const ASSET_FILE = {
  path: "a.bin",
  cid: `blake3:${"0".repeat(64)}`,
  sha256: "0".repeat(64),
  sizeBytes: 1,
  sources: ["https://example.org/a.bin"],
};

/** Paths at fault of the good manifest with this change; empty: it is taken. */
function faults(change: Draft): string[] {
  const verdict = checkManifest({ ...GOOD, ...change });
  return verdict.ok ? [] : verdict.errors.map(({ path }) => path);
}
const offering = (change: Draft): Draft => ({ contributes: { capabilities: [{ ...OFFER, ...change }] } });
const asking = (...permissions: Draft[]): Draft => ({ permissions: [PROVIDE, ...permissions] });

/** A worker, asked for with `native` in this mode. */
function tool(worker: object, mode: string[] = ["exec"]): Record<string, unknown> {
  const asked = asking(
    { name: "proc.worker", scope: { workers: ["tool"] }, reason: TEXT },
    { name: "native", scope: { mode }, reason: TEXT },
  );
  return {
    tier: { min: "process", native: true },
    platforms: ["linux-x64"],
    contributes: { capabilities: [OFFER], workers: [{ name: "tool", limits: { memoryMb: 64, wallMs: 1000 }, ...worker }] },
    ...asked,
  };
}

/** As `tool`, for two kinds of machine, its program coming as the assets named here. */
function assetTool(exec: object, assets: { name: string; platforms?: string[]; paths?: string[] }[]): Draft {
  return {
    ...tool({ exec: { path: "bin/tool", ...exec } }),
    platforms: ["linux-x64", "linux-arm64"],
    assets: assets.map(({ paths = ["bin/tool"], ...asset }) => ({
      ...asset,
      license: "MIT",
      files: paths.map((path) => ({ ...ASSET_FILE, path })),
    })),
  };
}
const X64 = { name: "x64", platforms: ["linux-x64"] };
const ARM64 = { name: "arm64", platforms: ["linux-arm64"] };

describe("a manifest is taken (plugin-platform §2.1)", () => {
  const variants: Record<string, Draft> = {
    "as small as it can be": {},
    "with a pre-release version": { version: "1.0.0-rc.1" },
    "for two platforms": { platforms: ["linux-x64", "linux-arm64"] },
    "with another language and a country": { displayName: { en: "Echo", "pt-BR": "Eco" } },
    "as a bundle of assets": {
      kind: "assets",
      entry: {},
      contributes: {},
      permissions: [],
      assets: [{ name: "data", license: "CC0-1.0", files: [ASSET_FILE] }],
    },
    "with a worker and the right to it": {
      contributes: {
        capabilities: [OFFER],
        workers: [{ name: "decode", entry: "dist/decode.mjs", limits: { memoryMb: 128, wallMs: 1000 } }],
      },
      ...asking({ name: "proc.worker", scope: { workers: ["decode"] }, reason: TEXT }),
    },
    "with a program and the right to it": tool({ exec: { path: "bin/tool", args: ["-q"] } }),
    "with a program that comes as an asset": assetTool({ asset: "any" }, [{ name: "any" }]),
    "with a program for each kind of machine": assetTool({ asset: ["x64", "arm64"] }, [X64, ARM64]),
    "with a schedule": {
      contributes: { capabilities: [OFFER], schedules: [{ id: "tidy", every: "10s" }] },
      ...asking({ name: "schedule", reason: TEXT }),
    },
    "with a schedule by the calendar": {
      contributes: { capabilities: [OFFER], schedules: [{ id: "tidy", cron: "30 3 * * 1-5", catchUp: true }] },
      ...asking({ name: "schedule", reason: TEXT }),
    },
    "with a view, topics and a role": {
      contributes: {
        capabilities: [OFFER],
        views: [{ name: "board", types: ["chat.message.sent", "note.written"], snapshot: true }],
        topics: { publish: ["note.news"], subscribe: ["chat.message.<recipient>"] },
      },
      roles: ["blob-store"],
      ...asking(
        { name: "events.read", scope: { types: ["chat.*", "note.written"] }, reason: TEXT },
        { name: "pubsub.publish", scope: { topics: ["note.news"] }, reason: TEXT },
        { name: "pubsub.subscribe", scope: { topics: ["chat.message.<recipient>"] }, reason: TEXT },
      ),
    },
    "with native code for named platforms": {
      tier: { min: "process", native: true },
      platforms: ["linux-x64"],
      ...asking({ name: "native", scope: { mode: ["addon"] }, reason: TEXT }),
    },
    "for an isolate, with a store": {
      tier: { min: "isolate" },
      ...asking({ name: "storage.kv", scope: { quotaMb: 1 }, reason: TEXT }),
    },
    "with hosts from its settings": asking({ name: "net.internet", scope: { fromConfig: "/server" }, reason: TEXT }),
  };
  for (const [name, change] of Object.entries(variants)) it(name, () => assert.deepEqual(faults(change), []));

  it("as the first-party plugins have it", () => {
    const bytes = readFileSync(join(import.meta.dirname, "../../../../plugins/ocr/hearthnet.plugin.json"));
    assert.equal(requireManifest(bytes).id, "hearthnet/ocr");
  });
});

describe("a manifest is refused, and the field is named (plugin-platform §2.2)", () => {
  const variants: [string, Draft, string][] = [
    ["of a later version", { manifestVersion: 2 }, "/manifestVersion"],
    ["with a field nobody knows", { autostart: true }, "/autostart"],
    ["with a field nobody knows, further in", { tier: { min: "process", max: "isolate" } }, "/tier/max"],
    [
      "for an isolate that wants files",
      { tier: { min: "isolate" }, ...asking({ name: "fs.data", scope: { quotaMb: 1 }, reason: TEXT }) },
      "/tier/min",
    ],
    [
      "for an isolate with assets",
      { tier: { min: "isolate" }, assets: [{ name: "a", license: "MIT", files: [ASSET_FILE] }] },
      "/tier/min",
    ],
    ["without a name", { id: undefined }, "/id"],
    ["with capitals in its name", { id: "Acme/echo" }, "/id"],
    ["with three parts in its name", { id: "acme/echo/x" }, "/id"],
    ["with a name of one letter", { id: "a/echo" }, "/id"],
    ["in a reserved namespace", { id: "system/echo" }, "/id"],
    ["with half a version", { version: "1.2" }, "/version"],
    ["with a version that begins with zero", { version: "01.2.3" }, "/version"],
    ["of an unknown kind", { kind: "daemon" }, "/kind"],
    ["without English", { displayName: { de: "Echo" } }, "/displayName/en"],
    ["with an empty text", { description: { en: "" } }, "/description/en"],
    ["with a text that turns around", { displayName: { en: "gnp.\u202eexe" } }, "/displayName/en"],
    ["with a line end in its name", { displayName: { en: "a\nb" } }, "/displayName/en"],
    ["with plain http", { homepage: "http://example.org" }, "/homepage"],
    ["for no platform", { platforms: [] }, "/platforms"],
    ["for any platform and one more", { platforms: ["any", "linux-x64"] }, "/platforms"],
    ["as a service without a bundle", { entry: {} }, "/entry/main"],
    ["with a bundle outside of the package", { entry: { main: "../main.mjs" } }, "/entry/main"],
    ["with an absolute bundle", { entry: { main: "/etc/passwd" } }, "/entry/main"],
    [
      "as assets with a bundle",
      { kind: "assets", contributes: {}, permissions: [], assets: [{ name: "a", license: "MIT", files: [ASSET_FILE] }] },
      "/entry/main",
    ],
    ["as assets without any", { kind: "assets", entry: {}, contributes: {}, permissions: [] }, "/assets"],
    ["with an asset that has no file", { assets: [{ name: "a", license: "MIT", files: [] }] }, "/assets/0/files"],
    [
      "with one asset twice",
      {
        assets: [
          { name: "a", license: "MIT", files: [ASSET_FILE] },
          { name: "a", license: "MIT", files: [ASSET_FILE] },
        ],
      },
      "/assets",
    ],
    ["offering under no prefix of its own", offering({ name: "ext.other.echo" }), "/contributes/capabilities/0/name"],
    [
      "offering what is the host's",
      { ...offering({ name: "auth.token.issue" }), permissions: [{ ...PROVIDE, scope: { prefixes: ["auth."] } }] },
      "/contributes/capabilities/0/name",
    ],
    ["offering a web route as a capability", offering({ name: "ext.acme.http.x" }), "/contributes/capabilities/0/name"],
    ["offering what neither answers nor streams", offering({ response: null }), "/contributes/capabilities/0"],
    ["offering one thing twice", { contributes: { capabilities: [OFFER, OFFER] } }, "/contributes/capabilities/1"],
    ["offering with no time", offering({ timeoutSeconds: 0 }), "/contributes/capabilities/0/timeoutSeconds"],
    ["offering to nobody known", offering({ trust: "friends" }), "/contributes/capabilities/0/trust"],
    ["with a body beyond 16 MiB", offering({ maxBodyBytes: 16_777_217 }), "/contributes/capabilities/0/maxBodyBytes"],
    [
      "with a worker it has no right to",
      {
        contributes: { capabilities: [OFFER], workers: [{ name: "w", entry: "w.mjs", limits: { memoryMb: 128, wallMs: 100 } }] },
      },
      "/contributes/workers/0/name",
    ],
    [
      "with a program and no right to machine code",
      tool({ exec: { path: "bin/tool" } }, ["addon"]),
      "/contributes/workers/0/exec",
    ],
    ["with a worker that is both", tool({ entry: "w.mjs", exec: { path: "bin/tool" } }), "/contributes/workers/0"],
    ["with a worker that is neither", tool({}), "/contributes/workers/0"],
    ["with a program that waits warm", tool({ exec: { path: "bin/tool" }, warm: 1 }), "/contributes/workers/0/warm"],
    ["with a program outside", tool({ exec: { path: "../tool" } }), "/contributes/workers/0/exec/path"],
    [
      "with a schedule of both kinds",
      {
        contributes: { capabilities: [OFFER], schedules: [{ id: "a", every: "1m", cron: "* * * * *" }] },
        ...asking({ name: "schedule", reason: TEXT }),
      },
      "/contributes/schedules/0",
    ],
    [
      "with a schedule more often than every 10 s",
      {
        contributes: { capabilities: [OFFER], schedules: [{ id: "a", every: "9s" }] },
        ...asking({ name: "schedule", reason: TEXT }),
      },
      "/contributes/schedules/0/every",
    ],
    [
      "with a schedule it has no right to",
      { contributes: { capabilities: [OFFER], schedules: [{ id: "a", every: "1m" }] } },
      "/contributes/schedules",
    ],
    ...["61 * * * *", "* * * * * *", "0 0 30 2 *"].map((cron): [string, Draft, string] => [
      `with a schedule at ${cron}`,
      { contributes: { capabilities: [OFFER], schedules: [{ id: "a", cron }] }, ...asking({ name: "schedule", reason: TEXT }) },
      "/contributes/schedules/0/cron",
    ]),
    [
      "with a view of events it has no right to",
      {
        contributes: { capabilities: [OFFER], views: [{ name: "v", types: ["note.written", "chat.read"], snapshot: false }] },
        ...asking({ name: "events.read", scope: { types: ["note.*"] }, reason: TEXT }),
      },
      "/contributes/views/0/types",
    ],
    [
      "with a view that is named twice",
      {
        contributes: { capabilities: [OFFER], views: [0, 1].map(() => ({ name: "v", types: [], snapshot: false })) },
      },
      "/contributes/views/1/name",
    ],
    ...["note.<id>.more", "<id>", "Note.news", "note"].map((topic): [string, Draft, string] => [
      `with the topic ${topic}`,
      {
        contributes: { capabilities: [OFFER], topics: { publish: [topic] } },
        ...asking({ name: "pubsub.publish", scope: { topics: [topic] }, reason: TEXT }),
      },
      "/contributes/topics/publish/0",
    ]),
    [
      "with a topic it has no right to",
      {
        contributes: { capabilities: [OFFER], topics: { subscribe: ["note.news"] } },
        ...asking({ name: "pubsub.subscribe", scope: { topics: ["note.other"] }, reason: TEXT }),
      },
      "/contributes/topics/subscribe/0",
    ],
    [
      "asking to write an event of the host's own",
      asking({ name: "events.append", scope: { types: ["community.member.revoked"] }, reason: TEXT }),
      "/permissions/1/scope/types",
    ],
    [
      "with a panel it has no right to",
      { contributes: { capabilities: [OFFER], panels: [{ id: "p", title: TEXT, entry: "p.html" }] } },
      "/contributes/panels",
    ],
    ["asking for what nobody can give", asking({ name: "fs.root", reason: TEXT }), "/permissions/1/name"],
    ["asking without a reason", asking({ name: "storage.kv" }), "/permissions/1/reason"],
    ["asking for one thing twice", asking(PROVIDE), "/permissions"],
    [
      "asking for a scope of another shape",
      asking({ name: "net.internet", scope: { hosts: ["a"], ports: [1] }, reason: TEXT }),
      "/permissions/1/scope",
    ],
    [
      "asking for a scope where there is none",
      asking({ name: "notify", scope: { all: true }, reason: TEXT }),
      "/permissions/1/scope/all",
    ],
    [
      "asking to write where it may mount",
      asking({ name: "fs.mount", scope: { name: "photos", mode: "rwx" }, reason: TEXT }),
      "/permissions/1/scope/mode",
    ],
    ["with native code and no right to it", { tier: { min: "process", native: true }, platforms: ["linux-x64"] }, "/tier/native"],
    [
      "with the right to native code and none",
      { platforms: ["linux-x64"], ...asking({ name: "native", scope: { mode: ["addon"] }, reason: TEXT }) },
      "/tier/native",
    ],
    [
      "with native code for any platform",
      { tier: { min: "process", native: true }, ...asking({ name: "native", scope: { mode: ["addon"] }, reason: TEXT }) },
      "/platforms",
    ],
    [
      "with a program in an asset that it does not have",
      assetTool({ asset: "none" }, [X64]),
      "/contributes/workers/0/exec/asset",
    ],
    [
      "with a program that is no file of its asset",
      assetTool({ asset: "any", path: "bin/other" }, [{ name: "any" }]),
      "/contributes/workers/0/exec/path",
    ],
    [
      "with a program that lies outside of its asset",
      assetTool({ asset: "any", path: "../tool" }, [{ name: "any" }]),
      "/contributes/workers/0/exec/path",
    ],
    ["with a program for one of two machines", assetTool({ asset: ["x64"] }, [X64]), "/contributes/workers/0/exec/asset"],
    [
      "with two programs for one machine",
      assetTool({ asset: ["x64", "any"] }, [X64, { name: "any" }]),
      "/contributes/workers/0/exec/asset",
    ],
    [
      "with a program as an asset and no right to machine code",
      { ...assetTool({ asset: "any" }, [{ name: "any" }]), tier: { min: "process" }, ...asking() },
      "/contributes/workers/0/exec",
    ],
    [
      "with an asset's file twice",
      assetTool({ asset: "any" }, [{ name: "any", paths: ["bin/tool", "bin/tool"] }]),
      "/assets/0/files/1/path",
    ],
    [
      "with a file where another has its folder",
      assetTool({ asset: "any" }, [{ name: "any", paths: ["bin/tool", "bin"] }]),
      "/assets/0/files/1/path",
    ],
    [
      "with an asset's file outside",
      assetTool({ asset: "any" }, [{ name: "any", paths: ["bin/tool", "../../a"] }]),
      "/assets/0/files/1/path",
    ],
    ["depending on itself", { dependencies: { "acme/echo": ">=1" } }, "/dependencies"],
    ["with more memory than any machine", { limits: { memoryMb: 1_000_000 } }, "/limits/memoryMb"],
    ["with a role nobody gives", { roles: ["root"] }, "/roles/0"],
  ];
  for (const [name, change, path] of variants)
    it(name, () =>
      assert.ok(
        faults(change).some((found) => found === path || found.startsWith(`${path}/`)),
        `${path} in ${JSON.stringify(faults(change))}`,
      ),
    );

  it("when it is no JSON, not strict JSON, or too large", () => {
    for (const text of [
      "",
      "{",
      "[]",
      "null",
      '{"id":1,"id":2}',
      `{"x":"${"x".repeat(300_000)}"}`,
      "[".repeat(20) + "]".repeat(20),
    ]) {
      const verdict = checkManifest(Buffer.from(text));
      assert.equal(verdict.ok, false, text.slice(0, 20));
    }
  });

  it("as an error that names the first three fields and carries all", () => {
    const broken = { ...GOOD, id: "X", version: "1", kind: "daemon", license: "" };
    assert.throws(
      () => requireManifest(broken),
      (error: unknown) => {
        refusal("bad_request", "manifest_invalid")(error);
        const { message, paths } = error as { message: string; paths: string[] };
        assert.match(message, /\/id .*; .*; /);
        return ["/id", "/version", "/kind", "/license"].every((path) => paths.includes(path));
      },
    );
  });
});

it("each required field of the smallest manifest is missed when it is gone", () => {
  for (const name of Object.keys(GOOD) as (keyof PluginManifest)[]) {
    const { [name]: _gone, ...rest } = GOOD;
    const verdict = checkManifest(rest);
    assert.ok(!verdict.ok && verdict.errors.some(({ path }) => path === `/${name}`), name);
  }
});
