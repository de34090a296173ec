import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import type { ConfinementReport, HealthCheck, PluginStatus } from "../src/contract/index.ts";
import { checkMachine, checkNode, type RunningFacts } from "../src/health.ts";

const CONFINED: ConfinementReport = {
  label: "os",
  probes: [{ id: "A01", ok: true, outcome: "ENOENT,ENOENT" }],
  repairs: [],
  asRoot: false,
  bwrapVersion: "0.8.0",
};
const BUILD = { time: Date.UTC(2026, 6, 1), profile: "development" as const };

function machine(t: TestContext, change: Partial<Parameters<typeof checkMachine>[0]> = {}): Map<string, HealthCheck> {
  const dataDir = mkdtempSync(join(tmpdir(), "hearthnet-health-"));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const items = checkMachine({ dataDir, build: BUILD, now: Date.UTC(2026, 7, 1), report: CONFINED, ...change });
  return new Map(items.map((item) => [item.id, item]));
}

function node(change: Partial<RunningFacts> = {}): Map<string, HealthCheck> {
  const items = checkNode({
    bus: "https://127.0.0.1:1",
    page: "http://hearth.localhost:2",
    plugins: [],
    peers: [],
    hasCommunity: true,
    catalogue: { ageSeconds: 0, silent: [] },
    devRoot: false,
    registries: [],
    givers: [],
    keyConflicts: [],
    ...change,
  });
  return new Map(items.map((item) => [item.id, item]));
}

it("finds a sound machine sound", (t) => {
  for (const check of machine(t).values()) if (check.id !== "disk") assert.equal(check.state, "ok", check.id);
});

it("tells a clock that stands before the build, and what to do", (t) => {
  const check = machine(t, { now: Date.UTC(2020, 0, 1) }).get("clock");
  assert.equal(check?.state, "bad");
  assert.match(check?.detail ?? "", /2020-01-01.*2026-07-01/);
  assert.match(check?.fix ?? "", /Set the date/);
});

it("tells a data folder that others can read", (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), "hearthnet-health-"));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  chmodSync(dataDir, 0o755);
  const check = machine(t, { dataDir }).get("data");
  assert.equal(check?.state, "warn");
  assert.match(check?.fix ?? "", /chmod 700/);
});

it("does not fail on a data folder that is not there yet", (t) => {
  const checks = machine(t, { dataDir: join(tmpdir(), "hearthnet-none", "deeper", "data") });
  assert.equal(checks.get("data")?.state, "ok");
  assert.ok(checks.has("disk"));
});

it("names what is missing for confinement, and its repair", (t) => {
  const report: ConfinementReport = {
    ...CONFINED,
    label: "seat-belt",
    repairs: [{ id: "bwrap", found: "" }],
  };
  const checks = machine(t, { report });
  assert.equal(checks.get("confinement")?.state, "warn");
  assert.match(checks.get("confinement")?.fix ?? "", /apt install bubblewrap/);
  assert.equal(checks.get("confinement.bwrap")?.state, "warn");
});

it("shows a plugin in trouble with its reason and remedy, and a disabled one not", () => {
  const broken = {
    id: "acme/broken",
    state: "crash_looped",
    desired: "enabled",
    displayName: { en: "Broken" },
    reason: { error: "plugin_gone", message: "It crashed five times.", action: "Look at its log." },
    data: null,
  } as PluginStatus;
  assert.deepEqual(node({ plugins: [broken] }).get("plugin.acme/broken"), {
    id: "plugin.acme/broken",
    state: "bad",
    title: "Broken",
    detail: "crash_looped: It crashed five times.",
    fix: "Look at its log.",
    finding: {
      code: "plugin",
      values: { id: "acme/broken", name: { en: "Broken" }, state: "crash_looped", error: broken.reason },
    },
  });
  assert.ok(!node({ plugins: [{ ...broken, desired: "disabled" }] }).has("plugin.acme/broken"));
});

it("says how old the catalogue is and which registry is silent", () => {
  assert.match(node({ catalogue: { ageSeconds: 12 * 86_400, silent: [] } }).get("catalogue")?.detail ?? "", /12 days old/);
  assert.equal(node({ catalogue: { ageSeconds: 40 * 86_400, silent: [] } }).get("catalogue")?.state, "warn");
  const error = { error: "partition", reason: "unreachable", message: "It does not answer." } as const;
  const silent = node({ catalogue: { ageSeconds: 0, silent: [{ id: "village", error }] } }).get("catalogue");
  assert.equal(silent?.state, "warn");
  assert.match(silent?.detail ?? "", /village: It does not answer\./);
  assert.equal(node({ catalogue: null }).get("catalogue")?.state, "ok");
});

it("says of each added registry where it lies, for whom it speaks, and that it was never read", () => {
  const own = { id: "hearthnet", source: "/embedded", namespaces: ["*"], embedded: true, ageSeconds: 0 };
  const village = { id: "village", source: "https://village.example/", namespaces: ["village/*"], embedded: false };
  const checks = (ageSeconds: number | null): Map<string, HealthCheck> => node({ registries: [{ ...village, ageSeconds }, own] });
  const { state, detail } = checks(3 * 86_400).get("registry.village") ?? {};
  assert.deepEqual([state, detail], ["ok", "https://village.example/ speaks for village/*. 3 days old."]);
  const never = checks(null).get("registry.village");
  assert.equal(never?.state, "warn");
  assert.match(never?.fix ?? "", /"root" of village/);
  assert.equal(checks(0).has("registry.hearthnet"), false, "the host's own is the catalogue");
});

it("tells of a key that two processes use, and whose it is (network.md §7 scenario 17)", () => {
  const items = node({
    keyConflicts: [
      { node: "ed25519:AAAA", own: true },
      { node: "ed25519:BBBB", own: false },
    ],
  });
  assert.equal(items.get("key.ed25519:AAAA")?.state, "bad");
  assert.match(items.get("key.ed25519:AAAA")?.fix ?? "", /Stop one of them/);
  assert.equal(items.get("key.ed25519:BBBB")?.state, "warn");
  assert.match(items.get("key.ed25519:BBBB")?.fix ?? "", /revoke it/);
});

it("names the neighbours whose nodes are asked for plugins, or says that nobody is", () => {
  const detail = (givers: string[] | null): string | undefined => node({ givers }).get("givers")?.detail;
  assert.equal(detail(["Anna", "Ben"]), "Asked where a registry is out of reach: Anna, Ben.");
  assert.equal(detail([]), "No node in reach gives any.");
  assert.match(detail(null) ?? "", /askPeers/);
  assert.equal(node({ hasCommunity: false }).has("givers"), false);
});
