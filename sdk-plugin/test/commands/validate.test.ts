/** What `validate` finds in a plugin that was whole before, one change each. @source plugin-platform §9 `validate` */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { JsonObject, PluginManifest } from "@hearthnet/host/contract";
import { run } from "./author-tool.ts";

interface Finding {
  level: string;
  where: string;
  message: string;
}
interface Bench {
  dir: string;
  manifest(change: (manifest: PluginManifest) => void): void;
  code(from: string, to: string): void;
  write(path: string, text: string | Uint8Array): void;
  texts(language: string, change: Record<string, string | undefined>): void;
}

const KV = { name: "storage.kv", scope: { quotaMb: 1 }, reason: { en: "x", de: "x" } } as const;
const without = (manifest: PluginManifest, name: string): void =>
  void (manifest.permissions = manifest.permissions.filter((p) => p.name !== name));
const settings = (manifest: PluginManifest): Record<string, JsonObject> =>
  manifest.config?.schema["properties"] as Record<string, JsonObject>;

const CASES: [what: string, change: (bench: Bench) => void, level: "error" | "warning", where: RegExp, message: RegExp][] = [
  [
    "a store without the right",
    (b) => b.manifest((m) => without(m, "storage.kv")),
    "error",
    /src\/index\.ts/,
    /uses ctx\.kv, but the manifest does not ask for storage\.kv/,
  ],
  [
    "a right that no line uses",
    (b) => b.code('await ctx.kv.increment("greeted")', "1 /* ctx.kv.increment() was here */"),
    "warning",
    /\/permissions/,
    /dead permission: storage\.kv/,
  ],
  [
    "a call to others without the right",
    (b) => b.code("const count", 'await req.call("ext.other.thing@1", { input: {} });\n      const count'),
    "error",
    /src\/index\.ts/,
    /uses ctx\.call or req\.call.*bus\.call/,
  ],
  [
    "a notice without the right",
    (b) => b.code("const count", 'await ctx.notify({ title: "x", body: "y" });\n      const count'),
    "error",
    /src\/index\.ts/,
    /notify/,
  ],
  [
    "a right to run schedules, and no schedule",
    (b) => b.manifest((m) => m.permissions.push({ name: "schedule", reason: { en: "x", de: "x" } })),
    "warning",
    /\/permissions/,
    /dead permission: schedule/,
  ],
  [
    "a right to a panel, and no panel",
    (b) => b.manifest((m) => m.permissions.push({ name: "ui.panel", reason: { en: "x", de: "x" } })),
    "warning",
    /\/permissions/,
    /dead permission: ui\.panel/,
  ],
  [
    "a module that has nothing to work with",
    (b) => b.code("import { greeting", 'import { connect } from "node:net";\nexport const open = connect;\nimport { greeting'),
    "warning",
    /dist\/main\.mjs/,
    /imports node:net/,
  ],
  [
    "a name without German",
    (b) => b.manifest((m) => void (m.displayName = { en: "Hello" })),
    "warning",
    /\/displayName/,
    /has no text in de/,
  ],
  [
    "a language that is spoken in part",
    (b) => b.manifest((m) => void (m.description = { ...m.description, fr: "Salue." })),
    "warning",
    /reason of storage\.kv/,
    /has no text in fr/,
  ],
  [
    "a setting without a German label",
    (b) => b.texts("de", { "config.greeting.title": undefined }),
    "warning",
    /locales\/de\.json/,
    /config\.greeting\.title; the settings form shows English/,
  ],
  [
    "a setting without any label",
    (b) => {
      b.manifest((m) => delete settings(m)["greeting"]?.["title"]);
      b.texts("en", { "config.greeting.title": undefined });
    },
    "warning",
    /locales\/en\.json/,
    /the field's own name/,
  ],
  [
    "a label for a setting that is not there",
    (b) => b.texts("en", { "config.greetings.title": "Greetings" }),
    "warning",
    /locales\/en\.json/,
    /labels no setting: config\.greetings\.title/,
  ],
  [
    "a choice that is labelled in one language alone",
    (b) => {
      b.manifest((m) => void (settings(m)["mood"] = { enum: ["warm", "cool"], title: "Mood", default: "warm" }));
      b.texts("de", { "config.mood.title": "Stimmung", "config.mood.enum.warm": "herzlich", "config.mood.enum.cool": "kühl" });
      b.texts("en", { "config.mood.title": "Mood" });
    },
    "warning",
    /locales\/en\.json/,
    /config\.mood\.enum\.warm, config\.mood\.enum\.cool/,
  ],
  [
    "a field within a list without a label",
    (b) =>
      b.manifest((m) => {
        const url = { type: "string" };
        settings(m)["servers"] = { type: "array", title: "Servers", items: { type: "object", properties: { url } }, default: [] };
      }),
    "warning",
    /locales\/de\.json/,
    /config\.servers\.url\.title/,
  ],
  ["a table of texts that is none", (b) => b.write("src/locales/de.json", "[1]"), "error", /locales\/de\.json/, /flat table/],
  ["a readme that nobody sees", (b) => b.write("README.md", "x".repeat(70_000)), "warning", /README\.md/, /larger than 64 KiB/],
  ["no readme", (b) => rmSync(join(b.dir, "README.md")), "warning", /README\.md/, /is missing/],
  [
    "an icon that is no picture",
    (b) => {
      b.manifest((m) => void (m.icon = "icon.png"));
      b.write("icon.png", "<svg/>");
    },
    "error",
    /\/icon/,
    /neither PNG nor WebP/,
  ],
  ["an icon that is not there", (b) => b.manifest((m) => void (m.icon = "icon.png")), "error", /\/icon/, /does not exist/],
  ["a licence nobody knows", (b) => b.manifest((m) => void (m.license = "Do what you like")), "error", /\/license/, /SPDX/],
  [
    "a package without a licence",
    (b) => {
      b.write("node_modules/scraps/package.json", '{"name":"scraps","version":"1.2.3","main":"index.js"}');
      b.write("node_modules/scraps/index.js", "module.exports = 1;");
      b.code("import { greeting", 'import scraps from "scraps";\nexport const kept = scraps;\nimport { greeting');
    },
    "warning",
    /scraps 1\.2\.3/,
    /names no licence/,
  ],
  [
    "a package whose licence binds the whole",
    (b) => {
      b.write(
        "node_modules/strict/package.json",
        '{"name":"strict","version":"2.0.0","main":"index.js","license":"GPL-3.0-only"}',
      );
      b.write("node_modules/strict/index.js", "module.exports = 1;");
      b.code("import { greeting", 'import strict from "strict";\nexport const kept = strict;\nimport { greeting');
    },
    "warning",
    /strict 2\.0\.0/,
    /under GPL-3\.0-only; the plugin says Apache-2\.0/,
  ],
  [
    "a schema that reaches into another file",
    (b) => b.write("schemas/greet.res.json", '{"$ref":"other.json"}'),
    "error",
    /greet\.res\.json/,
    /another file/,
  ],
  [
    "a stream that can never end",
    (b) => {
      b.write("schemas/greet.frames.json", '{"type":"object","properties":{"event":{"const":"word"}}}');
      b.manifest((m) => m.contributes.capabilities?.forEach((offer) => (offer.stream = "schemas/greet.frames.json")));
    },
    "error",
    /greet\.frames\.json/,
    /knows no event "done"/,
  ],
  [
    "an answer that is not what the schema says",
    (b) => b.code("count } };", "count: String(count) } };"),
    "error",
    /^src\/index\.ts:\d+:\d+$/,
    /'string' is not assignable to type 'number'.*TS\d+/,
  ],
  [
    "a field that the request does not have",
    (b) => b.code("req.input.name", "req.input.nmae"),
    "error",
    /^src\/index\.ts:\d+:\d+$/,
    /nmae/,
  ],
  [
    "a schema that is too large",
    (b) => b.write("schemas/greet.res.json", " ".repeat(2_000_000)),
    "error",
    /greet\.res/,
    /larger/,
  ],
];

describe("validate finds", () => {
  for (const [what, change, level, where, message] of CASES)
    it(what, async (t) => {
      const shop = mkdtempSync(join(tmpdir(), "hearthnet-validate-"));
      t.after(() => rmSync(shop, { recursive: true, force: true }));
      assert.equal((await run(shop, ["create", "acme/hello"])).code, 0);
      change(bench(join(shop, "hello")));
      const said = await run(shop, ["validate", "hello", "--json"]);
      const findings = said.json["findings"] as Finding[] | undefined;
      assert.ok(findings !== undefined, said.out);
      const found = findings.filter((one) => where.test(one.where) && message.test(one.message));
      assert.deepEqual([found.length, found[0]?.level], [1, level], said.out);
      assert.equal(said.code, findings.some((one) => one.level === "error") ? 1 : 0);
    });

  it("nothing where a word only looks like a use", async (t) => {
    const shop = mkdtempSync(join(tmpdir(), "hearthnet-validate-"));
    t.after(() => rmSync(shop, { recursive: true, force: true }));
    await run(shop, ["create", "acme/hello"]);
    const { code, manifest } = bench(join(shop, "hello"));
    code("const count", "Math.max.call(null, 1); [1].push(2); // ctx.notify() and ctx.call()\n      const count");
    manifest((m) => void m.permissions.splice(1, 1, KV));
    assert.deepEqual((await run(shop, ["validate", "hello", "--json"])).json["findings"], []);
  });
});

function bench(dir: string): Bench {
  const at = (path: string): string => join(dir, path);
  const json = (path: string): unknown => JSON.parse(readFileSync(at(path), "utf8"));
  const write = (path: string, text: string | Uint8Array): void => {
    mkdirSync(join(at(path), ".."), { recursive: true });
    writeFileSync(at(path), text);
  };
  return {
    dir,
    write,
    manifest(change) {
      const manifest = json("hearthnet.plugin.json") as PluginManifest;
      change(manifest);
      write("hearthnet.plugin.json", JSON.stringify(manifest));
    },
    code(from, to) {
      const code = readFileSync(at("src/index.ts"), "utf8");
      assert.ok(code.includes(from));
      write("src/index.ts", code.replace(from, to));
    },
    texts(language, change) {
      const path = `src/locales/${language}.json`;
      write(path, JSON.stringify({ ...(json(path) as object), ...change }));
    },
  };
}
