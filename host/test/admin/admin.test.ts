import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { WebSocket } from "ws";
import { Readable } from "node:stream";
import type { JsonObject, LedgerRow, RouteAnswer, RouteAuth, RouteRequest } from "../../src/contract/index.ts";
import { checkLedgerLines } from "../../src/format/index.ts";
import { send } from "./send.ts";
import type { MountTable } from "../../src/transport/index.ts";
import { house, PASSWORD, type House } from "./house.ts";

/** What a test can compare of a request: without the means to follow it. */
function plain(request: object): JsonObject {
  return JSON.parse(JSON.stringify({ ...request, signal: undefined })) as JsonObject;
}

describe("first run (admin-ui §4)", () => {
  it("sets up once with the link's token and signs in", async (t) => {
    const h = await house(t);
    assert.equal((await h.ask("GET", "/node")).body["reason"], "signed_out");
    const cookie = await h.setUp();
    assert.equal((await h.ask("GET", "/node", { cookie })).body["display_name"], "Garage");
    assert.equal(h.admin.setupLink(), null);
    assert.equal((await h.ask("POST", "/setup/claim", { body: { token: "x" } })).body["reason"], "already_set_up");
  });

  it("tells a browser of its own session with the state of the set-up, and a stranger of none", async (t) => {
    const h = await house(t);
    const stateFor = async (cookie?: string) =>
      (await h.ask("GET", "/setup/state", cookie === undefined ? {} : { cookie })).body["session"];
    assert.equal(await stateFor(), null);
    const cookie = await h.setUp();
    assert.deepEqual(await stateFor(cookie), (await h.ask("GET", "/session", { cookie })).body);
    assert.equal(await stateFor(), null);
    assert.equal(await stateFor("hn_session=someone"), null);
    await h.ask("DELETE", "/session", { cookie });
    assert.equal(await stateFor(cookie), null);
  });

  it("lets nobody sign in before", async (t) => {
    const h = await house(t);
    const { status, body } = await h.ask("POST", "/login/password", { body: { password: PASSWORD } });
    assert.deepEqual([status, body["reason"]], [401, "not_set_up"]);
  });

  it("burns the token after one claim, five wrong tries or fifteen minutes", async (t) => {
    const h = await house(t);
    const claim = (token: unknown) => h.ask("POST", "/setup/claim", { body: { token } });
    const first = h.admin.setupLink()?.split("#")[1];
    assert.equal((await claim(first)).status, 200);
    assert.equal((await claim(first)).body["reason"], "setup_token");
    const second = h.admin.setupLink()?.split("#")[1];
    for (let i = 0; i < 5; i++) assert.equal((await claim("wrong")).status, 410);
    assert.equal((await claim(second)).status, 410);
    const third = h.admin.setupLink()?.split("#")[1];
    h.clock.advance(15 * 60_000 + 1);
    assert.equal((await claim(third)).status, 410);
  });

  it("keeps the wizard open when the chosen community fails, and refuses finishing without the claim", async (t) => {
    const h = await house(t);
    const token = h.admin.setupLink()?.split("#")[1];
    const { cookie } = await h.ask("POST", "/setup/claim", { body: { token } });
    const body = { password: PASSWORD, display_name: "Garage", community: { kind: "join", invite: "hearthnet://v1/AAAA" } };
    assert.equal((await h.ask("POST", "/setup/finish", { body })).status, 410);
    assert.equal((await h.ask("POST", "/setup/finish", { cookie, body })).body["reason"], "invite_invalid");
    assert.equal(
      (await h.ask("POST", "/setup/finish", { cookie, body: { ...body, password: "short", community: { kind: "later" } } })).body[
        "reason"
      ],
      "password_weak",
    );
    const made = await h.ask("POST", "/setup/finish", {
      cookie,
      body: { ...body, community: { kind: "create", name: "Dorf", root_passphrase: PASSWORD } },
    });
    assert.match(made.body["root_key_file"] as string, /^HearthNet community root key/);
  });
});

describe("guards (admin-ui §4)", () => {
  it("refuses foreign names, foreign sites and plain forms", async (t) => {
    const h = await house(t);
    const cookie = await h.setUp();
    assert.equal((await h.ask("GET", "/node", { cookie, headers: { host: "evil.example" } })).body["reason"], "wrong_host");
    assert.equal((await h.ask("GET", "/node", { cookie, headers: { host: "hearth.localhost:1" } })).body["reason"], "wrong_host");
    const patch = (headers: Record<string, string>) => h.ask("PATCH", "/node", { cookie, body: { display_name: "x" }, headers });
    assert.equal((await patch({ "sec-fetch-site": "cross-site" })).body["reason"], "cross_site");
    assert.equal((await patch({ "content-type": "application/x-www-form-urlencoded" })).status, 400);
    assert.equal((await patch({})).status, 200);
  });

  it("asks for the password once more before heavy acts, and only lets the terminal do without", async (t) => {
    const h = await house(t);
    const cookie = await h.setUp();
    h.clock.advance(5 * 60_000 + 1);
    const create = (c: string) =>
      h.ask("POST", "/community/create", { cookie: c, body: { name: "Dorf", root_passphrase: PASSWORD } });
    assert.equal((await create(cookie)).body["reason"], "step_up_required");
    const stepped = await h.ask("POST", "/step-up", { cookie, body: { password: PASSWORD } });
    assert.equal((await h.ask("GET", "/session", { cookie })).status, 401, "the old id is dead");
    assert.equal((await create(stepped.cookie)).status, 200);
    assert.equal((await h.terminal("POST", "/community/leave", {})).status, 200);
    assert.equal((await h.ask("POST", "/setup/reset", { cookie: stepped.cookie, body: {} })).status, 404);
  });

  it("asks the same where a heavy act is called as a capability", async (t) => {
    const h = await house(t);
    const cookie = await h.setUp();
    h.clock.advance(5 * 60_000 + 1);
    const body = (capability: string) => ({ capability, params: {}, input: {} });
    for (const path of ["/call", "/try"])
      assert.equal((await h.ask("POST", path, { cookie, body: body("community.leave") })).body["reason"], "step_up_required");
    assert.equal((await h.ask("POST", "/call", { cookie, body: body("ext.demo.echo") })).status, 200);
    assert.equal((await h.terminal("POST", "/call", body("community.leave"))).status, 200);
  });

  it("slows down whoever guesses the password", async (t) => {
    const h = await house(t);
    await h.setUp();
    const login = (password: string) => h.ask("POST", "/login/password", { body: { password } });
    for (let i = 0; i < 5; i++) assert.equal((await login("wrong wrong wrong")).body["reason"], "password_wrong");
    const blocked = await login(PASSWORD);
    assert.equal(blocked.status, 429);
    assert.ok(Number(blocked.body["retry_after_ms"]) > 0);
    h.clock.advance(60_001);
    assert.equal((await login(PASSWORD)).status, 200);
  });

  it("sends the page with a policy that allows exactly its own inline scripts", async (t) => {
    const h = await house(t);
    const page = await h.ask("GET", "/try/ocr.image", { headers: { raw: "1" } });
    assert.equal(page.status, 200);
    assert.match(String(page.headers["content-security-policy"]), /script-src 'self' 'sha256-[A-Za-z0-9+/=]+'/);
    const moved = await h.ask("GET", "/try", {
      headers: { raw: "1", host: `127.0.0.1:${h.port}`, "sec-fetch-mode": "navigate" },
    });
    assert.equal(moved.headers["location"], `http://hearth.localhost:${h.port}/try`);
  });
});

describe("answers", () => {
  it("explains bad input with the field at fault, for both doors", async (t) => {
    const h = await house(t);
    const cookie = await h.setUp();
    for (const body of ["{", '{"a":1,"a":2}', '{"display_name":5}', '{"unknown":1}']) {
      const answer = await h.ask("PATCH", "/node", { cookie, body });
      assert.equal(answer.status, 400, body);
      assert.ok(answer.body["message"] && answer.body["action"] && answer.body["trace_id"], body);
    }
    assert.deepEqual((await h.ask("PATCH", "/node", { cookie, body: { display_name: 5 } })).body["paths"], ["/display_name"]);
    assert.equal((await h.terminal("GET", "/nothing")).body["error"], "not_found");
    assert.equal((await h.terminal("GET", "/plugins/a/b")).body["error"], "not_found");
  });

  it("takes no change to settings or rights that somebody else has changed meanwhile", async (t) => {
    const h = await house(t);
    const cookie = await h.setUp();
    Object.assign(h.services.runtime, { get: () => ({ id: "acme/echo" }), config: () => ({ etag: "second" }) });
    for (const [method, path, body] of [
      ["PUT", "/plugins/acme/echo/config", { value: {}, etag: "first" }],
      ["PUT", "/plugins/acme/echo/grants", { grants: [], etag: "first" }],
    ] as const) {
      const answer = await h.ask(method, path, { cookie, body });
      assert.deepEqual([answer.status, answer.body["reason"]], [410, "etag_stale"], path);
    }
  });

  it("leads a plugin to another version and back, without new rights unless a review showed them, and writes it down", async (t) => {
    const h = await house(t);
    const cookie = await h.setUp();
    const asked: JsonObject[] = [];
    const done = (verb: string) => async (request: object) => void asked.push({ verb, ...plain(request) });
    const release = { id: "acme/echo", version: "1.0.0", sha256: "aa" };
    Object.assign(h.services.runtime, {
      get: (id: string) => (id === "acme/echo" ? { id } : undefined),
      kept: () => [
        {
          release,
          keptSince: 5,
          grants: [
            { permission: "notify", mode: "allow" },
            { permission: "schedule", mode: "deny" },
          ],
        },
      ],
    });
    Object.assign(h.services.marketplace, { update: done("update"), rollback: done("rollback") });
    const post = (path: string, body: object) =>
      h.ask("POST", `/plugins/acme/${path}`, { cookie, body: { client_id: path + String(asked.length), ...body } });
    assert.deepEqual((await h.ask("GET", "/plugins/acme/echo/versions", { cookie })).body["items"], [
      { version: "1.0.0", sha256: "aa", kept_since: 5, permissions: ["notify"] },
    ]);
    assert.equal((await post("echo/update", { version: "1.1.0" })).status, 202);
    assert.equal((await post("echo/update", { grants: "all" })).status, 400, "not from the page");
    assert.equal(
      (
        await post("echo/update", {
          grants: [
            { permission: "notify", mode: "allow" },
            { permission: "x", mode: "deny" },
          ],
          review_digest: "d",
        })
      ).status,
      202,
    );
    assert.equal((await h.terminal("POST", "/plugins/acme/echo/update", { grants: "all", client_id: "t" })).status, 202);
    assert.equal((await post("echo/rollback", { version: "1.0.0" })).status, 202);
    assert.equal((await post("other/rollback", {})).status, 404);
    const common = { id: "acme/echo", grantedBy: "operator", useOldCatalogue: false };
    assert.deepEqual(asked, [
      { verb: "update", ...common, version: "1.1.0", grants: "keep" },
      {
        verb: "update",
        ...common,
        grants: [
          { permission: "notify", mode: "allow" },
          { permission: "x", mode: "deny" },
        ],
        reviewDigest: "d",
      },
      { verb: "update", ...common, grants: "all" },
      { verb: "rollback", id: "acme/echo", version: "1.0.0" },
    ]);
    const rows = (await h.ask("GET", "/audit?limit=6", { cookie })).body["items"] as JsonObject[];
    assert.deepEqual(
      rows.map((row) => [row["action"], row["target"], row["result"]]),
      [
        ["plugin.rollback", "acme/other", "not_found"],
        ["plugin.rollback", "acme/echo", "ok"],
        ["plugin.update", "acme/echo", "ok"],
        ["plugin.update", "acme/echo", "ok"],
        ["plugin.update", "acme/echo", "bad_request"],
        ["plugin.update", "acme/echo", "ok"],
      ],
    );
  });

  it("keeps a chained audit of who did what, and notices an edit", async (t) => {
    const h = await house(t);
    const cookie = await h.setUp();
    await h.ask("PATCH", "/node", { cookie, body: { display_name: "x" } });
    const audit = await h.ask("GET", "/audit", { cookie });
    assert.equal(audit.body["chain_ok"], true);
    assert.deepEqual(
      (audit.body["items"] as JsonObject[]).map((r) => [r["actor"], r["action"]]),
      [
        ["owner", "node.rename"],
        ["browser", "setup.finish"],
        ["browser", "setup.claim"],
      ],
    );
    await h.ask("POST", "/try", { cookie, body: { capability: "ocr.image", params: {}, input: {} } });
    const [called] = (await h.ask("GET", "/audit?limit=1", { cookie })).body["items"] as JsonObject[];
    assert.deepEqual([called?.["action"], called?.["target"]], ["call", "ocr.image"]);
    const { DatabaseSync } = await import("node:sqlite");
    const db = new DatabaseSync(join(h.dataDir, "admin.db"));
    db.exec("UPDATE audit SET target = 'forged' WHERE seq = 2");
    db.close();
    assert.equal((await h.ask("GET", "/audit", { cookie })).body["chain_ok"], false);
  });

  it("encodes bytes in results and shows local codes to the operator", async (t) => {
    const h = await house(t);
    const call = (input: JsonObject) => h.terminal("POST", "/call", { capability: "x.y", params: {}, input });
    assert.deepEqual((await call({})).body["output"], { bytes: "AQID", text: "hello" });
    const denied = await call({ fail: true });
    assert.equal(denied.status, 403);
    assert.equal(denied.body["error"], "permission_denied");
  });
});

describe("the live socket (admin-ui §3)", () => {
  const open = (h: House, headers: Record<string, string>) =>
    new WebSocket(`ws://127.0.0.1:${h.port}/api/v1/live`, "hearthnet-admin.v1", {
      headers: { host: `hearth.localhost:${h.port}`, ...headers },
    });

  it("refuses foreign origins and strangers, and closes with 4401 on sign-out", async (t) => {
    const h = await house(t);
    const cookie = await h.setUp();
    const own = `http://hearth.localhost:${h.port}`;
    for (const headers of [{ cookie, origin: "http://evil.example" }, { origin: own }])
      await assert.rejects(
        new Promise((resolve, reject) => open(h, headers).once("open", resolve).once("error", reject)),
        /40[01]/,
      );
    const socket = open(h, { cookie, origin: own });
    await new Promise((resolve) => socket.once("open", resolve));
    const messages: JsonObject[] = [];
    const first = new Promise<void>((resolve) =>
      socket.on("message", (m) => {
        messages.push(JSON.parse((m as Buffer).toString()) as JsonObject);
        if (messages.length === 2) resolve();
      }),
    );
    socket.send(JSON.stringify({ op: "sub", topic: "plugins" }));
    socket.send(JSON.stringify({ op: "sub", topic: "no-such" }));
    await first;
    assert.equal(messages[0]?.["kind"], "snapshot");
    assert.equal(messages[1]?.["op"], "refused");
    const closed = new Promise<string>((resolve) =>
      socket.once("close", (code: number, why: Buffer) => resolve(`${code} ${why.toString()}`)),
    );
    const { cookie: renewed } = await h.ask("POST", "/step-up", { cookie, body: { password: PASSWORD } });
    h.clock.advance(60_001);
    assert.equal(socket.readyState, WebSocket.OPEN, "who has proved the password again stays");
    await h.ask("DELETE", "/session", { cookie: renewed });
    assert.equal(await closed, "4401 signed_out");
  });

  it("delivers a tried call's result on its own topic, also when the page subscribes late", async (t) => {
    const h = await house(t);
    const cookie = await h.setUp();
    const { body } = await h.ask("POST", "/try", { cookie, body: { capability: "x.y", params: {}, input: {} } });
    const socket = open(h, { cookie, origin: `http://hearth.localhost:${h.port}` });
    await new Promise((resolve) => socket.once("open", resolve));
    const message = new Promise<JsonObject>((resolve) =>
      socket.once("message", (m) => resolve(JSON.parse((m as Buffer).toString()) as JsonObject)),
    );
    socket.send(JSON.stringify({ op: "sub", topic: `try:${body["call_id"] as string}`, since: 0 }));
    const got = await message;
    assert.equal(got["kind"], "end");
    assert.equal((got["data"] as JsonObject)["kind"], "result");
    socket.close();
  });
});

describe("ledger (§8)", () => {
  it("has a row for every operator's act, allowed or refused, with who did it and the request it came by", async (t) => {
    const h = await house(t);
    const cookie = await h.setUp();
    await h.ask("PATCH", "/node", { cookie, body: { display_name: "Attic" } });
    await h.ask("DELETE", "/plugins/acme/echo", { cookie });
    await h.terminal("POST", "/plugins/acme/echo/restart", {});
    const { body } = await h.ask("GET", "/ledger?limit=100", { cookie });
    const items = body["items"] as unknown as LedgerRow[];
    const row = (op: string): string => {
      const { plugin, target, verdict } = items.find((one) => one.op === op) as LedgerRow;
      return [plugin, target, verdict].join("|");
    };
    assert.equal(row("operator.node.rename"), "|by owner|allow");
    assert.match(row("operator.plugin.remove"), /^acme\/echo\|by owner (step_up_required|not_found)\|deny$/);
    assert.equal(row("operator.plugin.restart"), "acme/echo|by terminal not_found|deny");
    assert.ok(items.every(({ op, trace }) => !op.startsWith("operator.") || trace.length > 10));
  });

  it("is filtered, checked and exported over the API, and refuses filters that mean nothing", async (t) => {
    const h = await house(t);
    await h.setUp();
    const found = await h.terminal("GET", "/ledger?verdict=deny&op=operator.login");
    assert.deepEqual(found.body["items"], []);
    assert.equal((await h.terminal("GET", "/ledger?verdict=perhaps")).status, 400);
    assert.equal((await h.terminal("GET", "/ledger?since=yesterday")).status, 400);
    assert.equal((await h.terminal("GET", "/ledger/check")).body["ok"], true);
    const text = (await h.terminal("GET", "/ledger/export")).body["text"] as string;
    const { check } = await checkLedgerLines(Readable.from(text.split("\n")), {});
    assert.ok(check?.ok);
    assert.ok((check?.rows ?? 0) > 0);
  });
});

describe("a plugin's route for the operator (02 T-7)", () => {
  const answerOf = (asked: RouteRequest): RouteAnswer => ({
    status: 201,
    headers: { etag: '"1"', "set-cookie": "a=b" },
    body: {
      json: {
        path: asked.path,
        params: asked.params,
        query: asked.query,
        body: asked.body.json ?? {},
        who: asked.caller?.kind ?? "",
      },
    },
  });
  const mounted = (h: House, auth: RouteAuth, maxBodyBytes = 100): void => {
    const route = {
      method: "POST",
      path: "/ext/demo/keys/:id",
      auth,
      maxBodyBytes,
      serve: async (asked: RouteRequest) => answerOf(asked),
    };
    (h.services.mounts as MountTable).prepare("ext/demo", [route])();
  };

  it("is reached in the terminal, as the operator", async (t) => {
    const h = await house(t);
    mounted(h, "operator");
    const answer = await h.terminal("POST", "/ext/demo/keys/a%20b?n=1", { word: "moin" });
    assert.deepEqual(
      [answer.status, answer.body],
      [201, { path: "/ext/demo/keys/a%20b", params: { id: "a b" }, query: { n: "1" }, body: { word: "moin" }, who: "self" }],
    );
    assert.deepEqual([answer.headers["etag"], answer.headers["set-cookie"]], ['"1"', undefined]);
    assert.match(String(answer.headers["content-security-policy"]), /sandbox/);
    const long = await h.terminal("POST", "/ext/demo/keys/a", { word: "x".repeat(200) });
    assert.deepEqual([long.status, long.body["reason"]], [400, "too_large"]);
    assert.equal((await h.terminal("POST", "/ext/demo/keys/a?n=1&n=2", {})).status, 400);
    assert.equal((await h.terminal("GET", "/ext/demo/keys/a")).status, 404);
  });

  it("is not at the page's door, and what is for others is not at the socket", async (t) => {
    const h = await house(t);
    mounted(h, "operator");
    const cookie = await h.setUp();
    const atPage = await h.ask("POST", "/ext/demo/keys/a", { cookie, body: {}, headers: { raw: "" } });
    assert.equal(atPage.status, 405);
    for (const auth of ["public", "member", "bearer", "signed"] as const) {
      mounted(h, auth);
      assert.equal((await h.terminal("POST", "/ext/demo/keys/a", {})).status, 404, auth);
    }
  });
});

it("shows metrics to whoever is signed in and to the terminal, at the address where collectors look (plugin-platform §7)", async (t) => {
  const h = await house(t);
  const cookie = await h.setUp();
  const place = { host: "127.0.0.1", port: h.port, path: "/metrics" };
  const host = `hearth.localhost:${h.port}`;
  assert.equal((await send({ ...place, headers: { host } }, undefined)).status, 401);
  const { status, headers } = await send({ ...place, headers: { host, cookie } }, undefined);
  assert.deepEqual([status, headers["content-type"]], [200, "text/plain; version=0.0.4; charset=utf-8"]);
  assert.equal((await h.terminal("GET", "/metrics")).status, 200);
});
