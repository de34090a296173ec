import assert from "node:assert/strict";
import { request } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { startNode, type LiveNode } from "../support/live-node.ts";
import { askPage, PASSWORD, setUp } from "./support/api.ts";
import { openBrowser } from "./support/browser.ts";
import { Opened } from "./support/closing.ts";
import { Visitor } from "./support/visitor.ts";

describe("guards of the page's door (admin-ui §4, E3)", () => {
  const opened = new Opened();
  let node: LiveNode;
  let cookie: string;
  let session: string;
  after(() => opened.close());

  before(async () => {
    node = await startNode(opened);
    const link = new URL(await node.setupLink()).hash.slice(1);
    session = await setUp(node, { name: "Küche", community: { kind: "later" } });
    cookie = `hn_session=${session}`;
    const again = await askPage(node, "/setup/claim", { body: { token: link } });
    assert.equal(again.body["reason"], "already_set_up", "a second claim is refused");
  });

  const rename = (headers: Record<string, string>, body: unknown = { display_name: "Küche" }) =>
    askPage(node, "/node", { method: "PATCH", body, cookie, headers });

  it("answers its own page, and nobody who comes under another name", async () => {
    assert.equal((await rename({})).status, 200, "the control works");
    for (const host of ["evil.example", "hearth.localhost.evil.example", "hearth.localhost:1", "192.168.1.5"]) {
      const refused = await rename({ host });
      assert.equal(refused.body["reason"], "wrong_host", host);
    }
  });

  it("refuses steps that another site's page has started", async () => {
    for (const headers of [
      { "sec-fetch-site": "cross-site", origin: "http://evil.example" },
      { "sec-fetch-site": "same-site", origin: "http://localhost:3000" },
      { "sec-fetch-site": "none" },
    ] as Record<string, string>[])
      assert.equal((await rename(headers)).body["reason"], "cross_site", JSON.stringify(headers));
  });

  it("refuses a plain form and other kinds of bodies", async () => {
    for (const type of ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"]) {
      const refused = await rename({ "content-type": type }, "display_name=Owned");
      assert.equal(refused.status, 400, type);
    }
    assert.equal((await askPage(node, "/node", { cookie })).body["display_name"], "Küche");
  });

  it("refuses strangers everywhere but where set-up and sign-in begin", async () => {
    for (const path of ["/node", "/plugins", "/catalog", "/members", "/audit", "/capabilities", "/peers", "/jobs", "/health"])
      assert.equal((await askPage(node, path)).body["reason"], "signed_out", path);
    assert.equal((await askPage(node, "/setup/state")).status, 200);
    assert.equal((await askPage(node, "/setup/reset", { body: {}, cookie })).status, 404, "the terminal's own step is not here");
  });

  it("opens no live socket for another site", async () => {
    const { host, port } = new URL(node.ready.admin);
    const upgrade = (headers: Record<string, string>): Promise<number> =>
      new Promise((resolve, reject) => {
        const call = request({
          host: "127.0.0.1",
          port,
          path: "/api/v1/live",
          agent: false,
          headers: {
            host,
            connection: "Upgrade",
            upgrade: "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
            "sec-websocket-protocol": "hearthnet-admin.v1",
            ...headers,
          },
        });
        call.on("upgrade", (response, socket) => {
          // The server's frames that were under way meet a closed door.
          socket.on("error", () => {});
          socket.destroy();
          resolve(response.statusCode ?? 0);
        });
        call.on("response", (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        call.on("error", reject);
        call.end();
      });
    const own = `http://${host}`;
    assert.equal(await upgrade({ cookie, origin: own }), 101, "the control works");
    assert.equal(await upgrade({ cookie, origin: "http://evil.example" }), 401);
    assert.equal(await upgrade({ cookie }), 401);
    assert.equal(await upgrade({ origin: own }), 401);
  });

  it("asks for the password once more before a heavy step, and then goes on without lost input", async () => {
    // The five minutes after sign-in are taken away where they are kept.
    const forget = (): void => {
      const db = new DatabaseSync(join(node.dataDir, "admin.db"));
      db.exec("PRAGMA busy_timeout = 5000; UPDATE session SET step_up_until = 0");
      db.close();
    };
    forget();
    const heavy = { name: "Dorf", root_passphrase: PASSWORD };
    const refused = await askPage(node, "/community/create", { body: heavy, cookie });
    assert.equal(refused.body["reason"], "step_up_required");
    const me = await Visitor.arrive(opened, {
      browser: await openBrowser(opened),
      admin: node.ready.admin,
      name: "step-up",
      language: "de",
      theme: "light",
      width: 390,
      session,
    });
    await me.visit("/people/create");
    await me.page.getByLabel(me.say("community.name")).fill("Dorf");
    await me.page.getByLabel(me.say("community.passphrase"), { exact: true }).fill(PASSWORD);
    me.allow(/401/);
    await me.press("setup.create");
    const dialog = me.page.getByRole("dialog", { name: me.say("stepUp.title") });
    await dialog.getByLabel(me.say("password.label"), { exact: true }).fill("nicht das richtige");
    await me.press("act.confirm", { within: dialog });
    await dialog.getByText(me.say("errors.reasons.password_wrong.0")).waitFor();
    await me.look("wrong", { whole: false });
    await dialog.getByLabel(me.say("password.label"), { exact: true }).fill(PASSWORD);
    await me.press("act.confirm", { within: dialog });
    await me.get("heading", "community.created", { values: { name: "Dorf" } }).waitFor();
    await me.look("created");
    const [fresh] = (await me.context.cookies()).filter((c) => c.name === "hn_session");
    assert.notEqual(fresh?.value, session, "the former session id is dead");
    assert.equal((await askPage(node, "/node", { cookie })).body["reason"], "signed_out");
    me.assertClean();
  });

  it("lets nobody guess: the sixth try waits, the right password too", async () => {
    const login = (password: string) => askPage(node, "/login/password", { body: { password } });
    for (let i = 0; i < 5; i++) assert.equal((await login("wrong wrong wrong")).body["reason"], "password_wrong");
    const blocked = await login(PASSWORD);
    assert.equal(blocked.status, 429);
    assert.ok(Number(blocked.body["retry_after_ms"]) > 0);
    const me = await Visitor.arrive(opened, {
      browser: await openBrowser(opened),
      admin: node.ready.admin,
      name: "sixth-try",
      language: "en",
      theme: "dark",
      width: 390,
    });
    await me.visit("/login");
    me.allow(/429/);
    await me.page.getByLabel(me.say("password.label"), { exact: true }).fill(PASSWORD);
    await me.press("login.submit");
    await me.page.getByText(me.say("errors.codes.rate_limited.0")).waitFor();
    await me.look("blocked");
    me.assertClean();
  });

  it("wrote every refusal into the audit", async () => {
    const { items } = await node.ask<{ items: { action: string; result: string }[] }>(["audit"]);
    for (const [action, result] of [
      ["setup.claim", "already_set_up"],
      ["node.rename", "wrong_host"],
      ["node.rename", "cross_site"],
      ["community.create", "step_up_required"],
      ["login", "password_wrong"],
      ["login", "rate_limited"],
    ])
      assert.ok(
        items.some((row) => row.action === action && row.result === result),
        `${action}: ${result}`,
      );
  });
});
