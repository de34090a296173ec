/** Manifests, good and bad: one that holds every kind of field, and each way to spoil it. @source plugin-platform §2.2 */
import type { JsonObject, JsonValue } from "@hearthnet/host/contract";

export interface Draft {
  name: string;
  bytes: Uint8Array;
  good: boolean;
  /** Why a package with it is refused already before anybody reads it. */
  packaged?: string;
}

const TEXT = { en: "Echo", de: "Echo" };
const HASH = "0".repeat(64);
/** Its files are those of {@link FILES}. */
export const WHOLE: JsonObject = {
  manifestVersion: 1,
  id: "hearthnet/echo",
  version: "1.2.3",
  kind: "service",
  tier: { min: "process" },
  displayName: TEXT,
  description: TEXT,
  license: "Apache-2.0",
  homepage: "https://example.org",
  repository: "https://example.org/r",
  icon: "icon.png",
  engines: { hearthnet: ">=0.1.0 <2" },
  platforms: ["linux-x64", "linux-arm64"],
  entry: { main: "dist/main.mjs", panel: "panel/index.html" },
  contributes: {
    capabilities: [
      {
        name: "ext.acme.echo",
        version: "1.0",
        request: "schemas/req.json",
        response: "schemas/res.json",
        stream: null,
        binary: ["/input/picture"],
        maxBodyBytes: 1024,
        trust: "member",
        idempotent: true,
        maxConcurrent: 4,
        timeoutSeconds: 30,
        multi: true,
        announceMissing: false,
      },
    ],
    workers: [
      {
        name: "decode",
        entry: "dist/decode.mjs",
        warm: 1,
        max: 2,
        limits: { memoryMb: 64, pids: 8, cpuSeconds: 5, wallMs: 1000 },
      },
    ],
    panels: [{ id: "main", title: TEXT, entry: "panel/index.html", height: 200 }],
    schedules: [{ id: "tidy", every: "30s", jitter: 0.5, catchUp: false }],
  },
  permissions: [
    { name: "bus.provide", scope: { prefixes: ["ext.acme."] }, reason: TEXT },
    { name: "proc.worker", scope: { workers: ["decode"] }, reason: TEXT },
    { name: "ui.panel", reason: TEXT },
    { name: "schedule", reason: TEXT },
  ],
  optionalPermissions: [{ name: "storage.kv", scope: { quotaMb: 1 }, reason: TEXT }],
  limits: {
    memoryMb: 128,
    cpu: 1,
    pids: 16,
    diskMb: 8,
    callsPerMinute: 60,
    callTimeoutMs: 1000,
    startTimeoutMs: 1000,
    shutdownMs: 100,
  },
  config: { schema: { type: "object" }, order: ["a"], secrets: ["/a"] },
  assets: [
    {
      name: "words",
      license: "CC0-1.0",
      optional: true,
      files: [{ path: "w.txt", cid: `blake3:${HASH}`, sha256: HASH, sizeBytes: 1, sources: [] }],
    },
  ],
  data: { schemaVersion: 1, downgradable: true, shared: true, migrations: [] },
  update: { strategy: "overlap" },
  dependencies: { "acme/words": ">=1.0.0 <2" },
};
export const FILES: readonly string[] = [
  "dist/main.mjs",
  "dist/decode.mjs",
  "icon.png",
  "panel/index.html",
  "schemas/req.json",
  "schemas/res.json",
];

/** What may go without anything else having to change. */
const OPTIONAL = [
  ["homepage"],
  ["repository"],
  ["icon"],
  ["entry", "panel"],
  ["contributes", "capabilities", 0, "binary"],
  ["contributes", "capabilities", 0, "maxBodyBytes"],
  ["contributes", "capabilities", 0, "multi"],
  ["contributes", "capabilities", 0, "announceMissing"],
  ["contributes", "workers", 0, "warm"],
  ["contributes", "workers", 0, "max"],
  ["contributes", "workers", 0, "limits", "pids"],
  ["contributes", "workers", 0, "limits", "cpuSeconds"],
  ["contributes", "panels", 0, "height"],
  ["contributes", "schedules", 0, "jitter"],
  ["contributes", "schedules", 0, "catchUp"],
  ["contributes", "capabilities"],
  ["contributes", "panels"],
  ["contributes", "schedules"],
  ["contributes", "workers"],
  ["optionalPermissions"],
  ["optionalPermissions", 0, "scope", "quotaMb"],
  ["limits"],
  ["limits", "cpu"],
  ["limits", "shutdownMs"],
  ["config"],
  ["config", "order"],
  ["config", "secrets"],
  ["assets"],
  ["assets", 0, "optional"],
  ["data"],
  ["data", "shared"],
  ["data", "migrations"],
  ["update"],
  ["dependencies"],
  ["displayName", "de"],
] as const;
const GOOD_VALUES: [path: Path, value: JsonValue][] = [
  [["version"], "0.0.0"],
  [["version"], "1.0.0-rc.1"],
  [["platforms"], ["any"]],
  [["displayName"], { en: "E", "pt-BR": "Eco" }],
  [["description", "en"], "x".repeat(400)],
  [["displayName", "en"], "x".repeat(80)],
  [["contributes", "capabilities", 0, "maxBodyBytes"], 16_777_216],
  [["contributes", "capabilities", 0, "timeoutSeconds"], 86_400],
  [["contributes", "capabilities", 0, "trust"], "unknown"],
  [["contributes", "schedules", 0, "every"], "10s"],
  [["limits", "memoryMb"], 16],
  [["update", "strategy"], "stop-first"],
  [["engines", "hearthnet"], ">=0.1.0"],
  [["license"], "MIT OR Apache-2.0"],
];
const BAD_VALUES: [path: Path, value: JsonValue][] = [
  [["manifestVersion"], 2],
  [["id"], "Hearthnet/echo"],
  [["id"], "hearthnet"],
  [["id"], "system/echo"],
  [["id"], `hearthnet/${"x".repeat(40)}`],
  [["version"], "1.2"],
  [["version"], "01.2.3"],
  [["version"], "1.2.3+build"],
  [["kind"], "daemon"],
  [["kind"], "panel"],
  [["tier", "min"], "thread"],
  [["tier", "min"], "isolate"],
  [["tier"], { min: "process", native: true }],
  [["displayName", "en"], "x".repeat(81)],
  [["displayName", "en"], "gnp.\u202eexe"],
  [["displayName", "de"], "a\nb"],
  [["description", "en"], "x".repeat(401)],
  [["homepage"], "http://example.org"],
  [["icon"], "../icon.png"],
  [["platforms"], []],
  [["platforms"], ["any", "linux-x64"]],
  [["platforms"], ["linux-x64", "linux-x64"]],
  [["entry", "main"], "/etc/passwd"],
  [["entry", "main"], "dist/../main.mjs"],
  [["contributes", "capabilities", 0, "name"], "ext.other.echo"],
  [["contributes", "capabilities", 0, "name"], "ext.acme.http.echo"],
  [["contributes", "capabilities", 0, "version"], "1"],
  [["contributes", "capabilities", 0, "response"], null],
  [["contributes", "capabilities", 0, "maxBodyBytes"], 16_777_217],
  [["contributes", "capabilities", 0, "maxConcurrent"], 0],
  [["contributes", "capabilities", 0, "timeoutSeconds"], 86_401],
  [["contributes", "capabilities", 0, "trust"], "friends"],
  [["contributes", "workers", 0, "name"], "other"],
  [["contributes", "workers", 0, "limits", "memoryMb"], 15],
  [["contributes", "schedules", 0, "every"], "9s"],
  [["contributes", "schedules", 0, "cron"], "* * * * *"],
  [["contributes", "schedules", 0, "jitter"], 2],
  [["contributes", "panels", 0, "height"], 39],
  [["permissions", 0, "name"], "fs.root"],
  [["permissions", 3, "name"], "ui.panel"],
  [["permissions", 0, "scope"], { prefixes: "ext.acme." }],
  [["limits", "pids"], 0],
  [["limits", "cpu"], 0.01],
  [["assets", 0, "files"], []],
  [["assets", 0, "files", 0, "sha256"], "0"],
  [["assets", 0, "files", 0, "cid"], `sha256:${HASH}`],
  [["assets", 0, "files", 0, "path"], "a/../b"],
  [["data", "schemaVersion"], 0],
  [["update", "strategy"], "never"],
  [["dependencies"], { words: "1" }],
  [["dependencies"], { "hearthnet/echo": ">=1.0.0" }],
];

type Path = readonly (string | number)[];

/** More than 200: each required field taken away, each value of another type, each object with a field too many, each bound crossed. */
export function manifestCorpus(): Draft[] {
  const draft = (name: string, value: JsonObject, good: boolean): Draft => ({
    name,
    bytes: Buffer.from(JSON.stringify(value)),
    good,
  });
  const drafts = [draft("whole", WHOLE, true)];
  const optional = new Set(OPTIONAL.map((path) => JSON.stringify(path)));
  for (const path of OPTIONAL) drafts.push(draft(`without ${path.join("/")}`, changed(path, undefined), true));
  for (const [path, value] of GOOD_VALUES) drafts.push(draft(`${path.join("/")} = ${shown(value)}`, changed(path, value), true));
  for (const [path, value] of BAD_VALUES) drafts.push(draft(`${path.join("/")} = ${shown(value)}`, changed(path, value), false));
  for (const { path, value } of walk(WHOLE, [])) {
    // A setting's own schema and texts in any language are the author's.
    if (path[0] === "config" && path[1] === "schema") continue;
    const at = path.join("/");
    const required = typeof path.at(-1) === "string" && !optional.has(JSON.stringify(path)) && !GOES.test(at);
    if (required) drafts.push(draft(`without ${at}`, changed(path, undefined), false));
    if (path.length > 0) drafts.push(draft(`${at} of another type`, changed(path, otherType(value)), false));
    if (isObject(value) && !open(path))
      drafts.push(draft(`${at || "the whole"} with a field too many`, changed([...path, "more"], 1), false));
  }
  return [...drafts, ...spellings()];
}

/** May go, as nothing else needs it: any language but English, any limit, the scope of a right that has none by itself. */
const GOES = /\/de$|^limits\/|^dependencies\/|^optionalPermissions\/0\/scope$/;

/** Objects whose keys are languages, ids or scopes of permissions have rules of their own. */
function open(path: Path): boolean {
  return /(displayName|description|reason|title|scope|dependencies)$/.test(path.join("/"));
}

/** What JSON itself allows and the strict parser does not. */
function spellings(): Draft[] {
  const text = JSON.stringify(WHOLE);
  const raw = (name: string, source: string, good = false): Draft => ({ name, bytes: Buffer.from(source), good });
  return [
    raw("spread over lines", JSON.stringify(WHOLE, null, 2), true),
    raw("with an escaped letter", text.replace('"Apache-2.0"', '"\\u0041pache-2.0"'), true),
    raw("empty", ""),
    raw("no object", "[]"),
    raw("cut off", text.slice(0, -1)),
    raw("with a comma too many", text.replace(/}$/, ",}")),
    raw("with a comment", `/* mine */${text}`),
    raw("with something behind it", `${text} {}`),
    raw("naming a key twice", text.replace('"manifestVersion":1', '"manifestVersion":1,"manifestVersion":1')),
    raw("naming a key twice, once escaped", text.replace('"kind":"service"', '"kind":"service","\\u006bind":"service"')),
    raw("with half a character", text.replace('"Echo"', '"\\ud800"')),
    raw("with a key that is the language's own", text.replace('"kind"', '"__proto__":{},"kind"')),
    raw("with a byte order mark", `\ufeff${text}`),
    raw("nested too deeply", text.replace('"schema":{"type":"object"}', `"schema":${'{"a":'.repeat(20)}1${"}".repeat(20)}`)),
    { ...raw("larger than 256 KiB", `${text.slice(0, -1)}${" ".repeat(262_144)}}`), packaged: "archive_limits" },
    { name: "with bytes that are no UTF-8", bytes: Buffer.from(text.replace('"Echo"', '"Ech\xff"'), "latin1"), good: false },
  ];
}

function* walk(value: JsonValue, path: Path): Generator<{ path: Path; value: JsonValue }> {
  yield { path, value };
  if (Array.isArray(value)) for (const [n, item] of value.entries()) yield* walk(item, [...path, n]);
  else if (isObject(value)) for (const [key, item] of Object.entries(value)) yield* walk(item, [...path, key]);
}

/** A copy in which the value at that place is another, or gone. */
function changed(path: Path, value: JsonValue | undefined): JsonObject {
  // Not `structuredClone`: there, texts that stand in several places would stay one.
  const copy = JSON.parse(JSON.stringify(WHOLE)) as JsonObject;
  let at: JsonValue = copy;
  for (const step of path.slice(0, -1)) at = (at as Record<string | number, JsonValue>)[step] as JsonValue;
  const last = path.at(-1) as string;
  if (value === undefined) delete (at as JsonObject)[last];
  else (at as JsonObject)[last] = value;
  return copy;
}

function otherType(value: JsonValue): JsonValue {
  return typeof value === "string" || value === null ? 7 : "seven";
}

function shown(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 30)}… (${text.length})` : text;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
