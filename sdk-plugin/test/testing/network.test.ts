/** The guide's own example, as its reader has it: code and manifest are taken out of docs/guide/write-a-plugin.md. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { PluginManifest } from "../../../host/src/contract/index.ts";
import { createAuthority } from "../../../host/test/runtime/net/authority.ts";
import { hear } from "../../../host/test/support/said.ts";
import { runAuthorTool } from "../../src/commands/run.ts";
import { createTestHost, modes, type TestHostOptions } from "../../src/testing/index.ts";

const GUIDE = join(import.meta.dirname, "..", "..", "..", "docs", "guide", "write-a-plugin.md");
const GREET = "ext.acme.hello.greet@1.0";
let shop: string;
let dir: string;
let servers: Server[];
let ca: string;
let seen: IncomingHttpHeaders[] = [];
before(async () => {
  shop = mkdtempSync(join(tmpdir(), "hearthnet-network-"));
  dir = join(shop, "hello");
  const output = await hear((print) =>
    runAuthorTool(["create", "acme/hello"], print, { cwd: shop, env: {}, stdin: async () => Buffer.alloc(0) }),
  );
  assert.equal(output.code, 0, output.err);
  const [, section = ""] = readFileSync(GUIDE, "utf8").split("## Calling servers, and their keys");
  const block = (language: string): string =>
    new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(section)?.[1] ?? assert.fail(language);
  writeFileSync(join(dir, "src", "index.ts"), block("ts"));
  const path = join(dir, "hearthnet.plugin.json");
  const manifest = JSON.parse(readFileSync(path, "utf8")) as PluginManifest;
  const more = JSON.parse(block("json")) as Pick<PluginManifest, "permissions" | "config">;
  writeFileSync(path, JSON.stringify({ ...manifest, ...more, permissions: [...manifest.permissions, ...more.permissions] }));
  const authority = await createAuthority();
  ({ ca } = authority);
  servers = [createServer(), createHttps(await authority.issue("greetings.example.org"))];
  for (const server of servers) {
    server.on("request", (request, response) => {
      seen.push(request.headers);
      void request.toArray().then((parts) => {
        const { name } = JSON.parse(Buffer.concat(parts as Buffer[]).toString()) as { name: string };
        response.writeHead(name === "nobody" ? 404 : 200).end(JSON.stringify({ text: `Good day, ${name}` }));
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
});
after(() => {
  for (const server of servers) server.close();
  rmSync(shop, { recursive: true, force: true });
});

const portOf = (server: Server = assert.fail()): number => (server.address() as AddressInfo).port;

for (const { mode, skip } of modes())
  describe(`the guide's plugin that asks a server, ${mode}`, { skip }, () => {
    const open = (more: TestHostOptions) =>
      createTestHost({
        dir,
        mode,
        config: { url: "https://greetings.example.org" },
        secrets: { "/key": "a key of the owner's" },
        network: { servers: { "greetings.example.org:443": { port: portOf(servers[1]) } }, ca },
        ...more,
      });

    it("gets an answer from the server in its settings, with the owner's key", async () => {
      seen = [];
      const host = await open({});
      const { output } = await host.call(GREET, { input: { name: "Ada" } });
      assert.equal(output["text"], "Good day, Ada");
      assert.equal(seen[0]?.authorization, "Bearer a key of the owner's");
      await assert.rejects(host.call(GREET, { input: { name: "nobody" } }), { code: "partition", message: /answered 404/ });
      await host.revoke("secret.use");
      await assert.rejects(host.call(GREET, { input: { name: "Ada" } }), { code: "permission_denied" });
      await host.close();
    });

    it("is refused a server at home, and finds none that its test has not started", async () => {
      const home = await open({
        network: { servers: { "greetings.example.org:443": { port: portOf(servers[1]), address: "192.168.1.9" } }, ca },
      });
      await assert.rejects(home.call(GREET, { input: { name: "Ada" } }), { code: "permission_denied" });
      await home.close();
      const alone = await open({ network: { servers: {} } });
      await assert.rejects(alone.call(GREET, { input: { name: "Ada" } }), { code: "partition", reason: "host_unreachable" });
      await alone.close();
    });
  });
