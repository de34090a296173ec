import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { loadConfig } from "../src/config.ts";
import { HnError } from "../src/foundation/index.ts";

function file(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "hearthnet-config-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "hearthnet.config.ts");
  writeFileSync(path, text);
  return path;
}

it("starts with the defaults when there is no file", async (t) => {
  assert.deepEqual(await loadConfig(join(file(t, ""), "..", "other.ts")), {});
});

it("takes what the file says", async (t) => {
  const path = file(t, 'export default { name: "Küche", port: 0, profile: "anchor", logLevel: "warn" };');
  assert.deepEqual({ ...(await loadConfig(path)) }, { name: "Küche", port: 0, profile: "anchor", logLevel: "warn" });
});

for (const [what, text, words] of [
  ["an unknown setting", "export default { prot: 7080 };", /"prot".*known are name/],
  ["a port out of range", "export default { port: 70000 };", /"port"/],
  ["a port as text", 'export default { port: "7080" };', /"port"/],
  ["an empty name", 'export default { name: "" };', /"name"/],
  ["a name that is too long", `export default { name: "${"x".repeat(65)}" };`, /"name"/],
  ["a profile that a home node cannot have", 'export default { profile: "bridge" };', /"profile"/],
  ["a registry that is none", "export default { registries: [{}] };", /"registries\/0\/name"/],
  ["a discovery setting that is none", "export default { discovery: { mdsn: true } };", /"discovery\/mdsn".*known are enabled/],
  ["a discovery switch that is no switch", 'export default { discovery: { udp: "no" } };', /"discovery\/udp"/],
  ["discovery as a word", 'export default { discovery: "off" };', /"discovery"/],
  ["a DHT setting that is none", "export default { dht: { enable: true } };", /"dht\/enable".*known are enabled/],
  ["a word on adverts that is no switch", "export default { dht: { advertiseCids: 1 } };", /"dht\/advertiseCids"/],
  ["a DHT switch that is no switch", 'export default { dht: { enabled: "yes" } };', /"dht\/enabled"/],
  ["a first contact without a port", 'export default { dht: { bootstrap: ["hearth.example.org"] } };', /"dht\/bootstrap\/0"/],
  [
    "a first contact at a port of old services",
    'export default { dht: { bootstrap: ["192.0.2.1:25"] } };',
    /"dht\/bootstrap\/0"/,
  ],
  ["rules for tokens that are none", "export default { auth: [] };", /"auth"/],
  ["a rule for tokens nobody knows", "export default { auth: { magic: true } };", /auth\/magic.*known are enabled/],
  ["tokens that live for two days", "export default { auth: { maxTtlSeconds: 172800 } };", /auth\/maxTtlSeconds.*86400/],
  ["others who may half ask for tokens", 'export default { auth: { remoteIssue: "some" } };', /auth\/remoteIssue/],
  ["a policy that is none", "export default { policy: true };", /"policy"/],
  ["a policy nobody knows", "export default { policy: { everything: true } };", /policy\/everything/],
  [
    "a publisher that is no key",
    'export default { policy: { nativePublishers: ["acme"] } };',
    /policy\/nativePublishers.*64 digits/,
  ],
  ["a marketplace that is none", "export default { marketplace: true };", /"marketplace"/],
  ["a marketplace as a list", "export default { marketplace: [] };", /"marketplace"/],
  ["a marketplace setting nobody knows", "export default { marketplace: { mode: 1 } };", /marketplace\/mode.*known are askPeers/],
  ["a marketplace switch that is none", 'export default { marketplace: { askPeers: "no" } };', /marketplace\/askPeers.*true or/],
  ["rates that are none", "export default { rates: 5 };", /"rates"/],
  ["a rate of nothing", "export default { rates: { softTotal: 0 } };", /rates\/softTotal.*1 to 1000000/],
  ["a rate that there is none of", "export default { rates: { perHour: 1 } };", /rates\/perHour.*known are softPerCapability/],
  ["rates in the wrong order", "export default { rates: { softTotal: 2000 } };", /rates\/softTotal.*higher than hardTotal/],
  ["telemetry nobody knows", "export default { telemetry: { figuresTo: 1 } };", /telemetry\/figuresTo/],
  [
    "traces that would leave the house",
    'export default { telemetry: { tracesTo: "https://collector.example.org" } };',
    /telemetry\/tracesTo.*this house/,
  ],
  ["no default export", "export const name = 1;", /defineConfig/],
  ["a dev mode that is neither on nor off", 'export default { dev: "on" };', /"dev"/],
  ["broken syntax", "export default {", /cannot be read/],
] as const)
  it(`stops at ${what} and names the place`, async (t) => {
    await assert.rejects(loadConfig(file(t, text)), (error: unknown) => {
      assert.ok(HnError.isHnError(error));
      assert.equal(error.code, "bad_request");
      assert.match(error.message, words);
      assert.match(error.action, /Correct|delete/);
      return true;
    });
  });

it("reads registries from where the file lies, and insists on a file that was asked for", async (t) => {
  const path = file(t, 'export default { registries: [{ name: "stick", path: "r", root: "a.json", namespaces: ["acme/*"] }] };');
  const folder = join(path, "..");
  assert.deepEqual((await loadConfig(path)).registries, [
    { name: "stick", path: join(folder, "r"), root: join(folder, "a.json"), namespaces: ["acme/*"] },
  ]);
  await assert.rejects(loadConfig(join(folder, "other.ts"), { required: true }), /There is no file .*other\.ts/);
});

it("reads how often a neighbour may call (02 T-12)", async (t) => {
  const path = file(t, "export default { rates: { softPerCapability: 50, perAddress: 500 } };");
  assert.deepEqual((await loadConfig(path)).rates, { softPerCapability: 50, perAddress: 500 });
});

it("reads which publishers may be granted machine code (plugin-platform §3.4.4)", async (t) => {
  const key = "0a".repeat(32);
  const path = file(t, `export default { policy: { nativePublishers: ["${key}"] } };`);
  assert.deepEqual((await loadConfig(path)).policy, { nativePublishers: [key] });
});

it("takes the rules for tokens (05 §8)", async (t) => {
  const path = file(t, 'export default { auth: { remoteIssue: "off", maxTtlSeconds: 600, allowBearer: false } };');
  assert.deepEqual({ ...(await loadConfig(path)).auth }, { remoteIssue: "off", maxTtlSeconds: 600, allowBearer: false });
});

it("reads where traces go, and nowhere unless it is said (33 §5.5)", async (t) => {
  const path = file(t, 'export default { telemetry: { tracesTo: "http://127.0.0.1:4318" } };');
  assert.deepEqual((await loadConfig(path)).telemetry, { tracesTo: "http://127.0.0.1:4318" });
  assert.equal((await loadConfig(file(t, "export default {};"))).telemetry, undefined);
});
