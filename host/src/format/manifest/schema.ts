import { PERMISSIONS, ROLES } from "../../contract/index.ts";
import {
  CAPABILITY,
  closed,
  COUNT,
  FLAG,
  HEX64,
  HTTPS,
  i18n,
  LIST,
  PATH,
  PLUGIN_ID,
  POINTER,
  RANGE,
  type Schema,
  SEMVER,
  SLUG,
  TEXT,
  VERSION,
} from "./parts.ts";

const NAMES = Object.keys(PERMISSIONS);
const PERMISSION = closed({ name: { enum: NAMES }, "scope?": { type: "object", maxProperties: 16 }, reason: i18n(400) });

const CONTRIBUTION = closed({
  name: CAPABILITY,
  version: VERSION,
  request: PATH,
  response: { oneOf: [PATH, { type: "null" }] },
  stream: { oneOf: [PATH, { type: "null" }] },
  "params?": PATH,
  "binary?": LIST(POINTER, 16),
  "maxBodyBytes?": COUNT(1, 16_777_216),
  trust: { enum: ["unknown", "member", "trusted", "anchor", "self", "federated"] },
  idempotent: FLAG,
  maxConcurrent: COUNT(1, 1024),
  timeoutSeconds: COUNT(1, 86_400),
  "multi?": FLAG,
  "announceMissing?": FLAG,
});

const ROUTE = closed({
  method: { enum: ["GET", "POST", "PUT", "DELETE"] },
  path: { type: "string", pattern: "^/[a-zA-Z0-9_/:.-]{1,200}$" },
  auth: { enum: ["public", "member", "federated", "operator", "signed", "bearer"] },
  "pseudo?": CAPABILITY,
  "maxBodyBytes?": COUNT(1, 16_777_216),
  "ws?": FLAG,
  "protocols?": LIST({ type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" }, 8),
});

const CONTRIBUTES = closed({
  "capabilities?": LIST(CONTRIBUTION, 64),
  "workers?": LIST(
    closed({
      name: SLUG,
      "entry?": PATH,
      "exec?": closed({
        path: PATH,
        "asset?": { oneOf: [SLUG, { ...LIST(SLUG, 8), minItems: 1, uniqueItems: true }] },
        "args?": LIST(TEXT(1024), 32),
      }),
      "warm?": COUNT(0, 16),
      "max?": COUNT(1, 64),
      limits: closed({
        memoryMb: COUNT(16, 65_536),
        "pids?": COUNT(1, 1024),
        "cpuSeconds?": COUNT(1, 86_400),
        wallMs: COUNT(10, 86_400_000),
      }),
    }),
    16,
  ),
  "panels?": LIST(closed({ id: SLUG, title: i18n(80), entry: PATH, "height?": COUNT(40, 4000) }), 8),
  "schedules?": LIST(
    closed({
      id: SLUG,
      "every?": { type: "string", pattern: "^[1-9]\\d{0,5}[smhd]$" },
      "cron?": TEXT(64),
      "jitter?": { type: "number", minimum: 0, maximum: 1 },
      "catchUp?": FLAG,
    }),
    16,
  ),
  "http?": LIST(closed({ prefix: { type: "string", pattern: "^[a-z][a-z0-9_.]{1,38}$" }, routes: LIST(ROUTE, 64) }), 4),
  "views?": LIST(closed({ name: SLUG, types: LIST(CAPABILITY, 64), snapshot: FLAG }), 16),
  "topics?": closed({ "publish?": LIST(TEXT(80), 32), "subscribe?": LIST(TEXT(80), 32) }),
});

const ASSET = closed({
  name: SLUG,
  license: TEXT(64),
  "licenseUrl?": HTTPS,
  "attribution?": TEXT(400),
  "nonCommercial?": FLAG,
  "minRamMb?": COUNT(1, 1_048_576),
  "platforms?": LIST(SLUG, 16),
  "optional?": FLAG,
  "usedBy?": LIST(CAPABILITY, 16),
  files: {
    ...LIST(
      closed({
        path: PATH,
        cid: { type: "string", pattern: "^blake3:[0-9a-f]{64}$" },
        sha256: HEX64,
        sizeBytes: COUNT(0, 68_719_476_736),
        sources: LIST(HTTPS, 16),
      }),
      256,
    ),
    minItems: 1,
  },
});

/** JSON Schema of `hearthnet.plugin.json`, version 1. */
export const MANIFEST_SCHEMA: Schema = closed({
  "$schema?": TEXT(200),
  manifestVersion: { const: 1 },
  id: PLUGIN_ID,
  version: SEMVER,
  kind: { enum: ["service", "panel", "assets"] },
  tier: closed({ min: { enum: ["process", "isolate"] }, "native?": FLAG }),
  displayName: i18n(80),
  description: i18n(400),
  license: TEXT(64),
  "homepage?": HTTPS,
  "repository?": HTTPS,
  "icon?": PATH,
  engines: closed({ hearthnet: RANGE }),
  platforms: {
    ...LIST({ enum: ["any", "linux-x64", "linux-arm64", "darwin-arm64", "darwin-x64", "win32-x64", "win32-arm64"] }, 8),
    minItems: 1,
    uniqueItems: true,
  },
  entry: closed({ "main?": PATH, "panel?": PATH }),
  contributes: CONTRIBUTES,
  permissions: LIST(PERMISSION, 64),
  "optionalPermissions?": LIST(PERMISSION, 64),
  "limits?": closed({
    "memoryMb?": COUNT(16, 65_536),
    "cpu?": { type: "number", minimum: 0.1, maximum: 256 },
    "pids?": COUNT(1, 1024),
    "diskMb?": COUNT(0, 1_048_576),
    "egressMbPerHour?": COUNT(0, 1_048_576),
    "callsPerMinute?": COUNT(1, 1_000_000),
    "callTimeoutMs?": COUNT(10, 86_400_000),
    "startTimeoutMs?": COUNT(100, 120_000),
    "shutdownMs?": COUNT(0, 30_000),
    "maxBlockMs?": COUNT(100, 30_000),
  }),
  "config?": closed({
    schema: { type: "object" },
    "order?": LIST(TEXT(64), 64),
    "secrets?": LIST(POINTER, 32),
    "migrations?": LIST({ type: "object" }, 64),
  }),
  "assets?": LIST(ASSET, 64),
  "data?": closed({
    schemaVersion: COUNT(1, 1_000_000),
    downgradable: FLAG,
    "shared?": FLAG,
    "migrations?": LIST({ type: "object" }, 256),
  }),
  "update?": closed({ strategy: { enum: ["overlap", "stop-first"] } }),
  "dependencies?": { type: "object", propertyNames: PLUGIN_ID, additionalProperties: RANGE, maxProperties: 16 },
  "roles?": LIST({ enum: [...ROLES] }, 6),
});
