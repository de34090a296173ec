/** Routes that plugins mount on the public port. @source plugin-platform §2.4, 02 T-4 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";
import { after, before, describe, it } from "node:test";
import type { MountedRoute, RouteAnswer, RouteAuth, RouteRequest } from "../../../src/contract/index.ts";
import { HnError } from "../../../src/foundation/index.ts";
import { verifyTyped } from "../../../src/identity/index.ts";
import { MountTable } from "../../../src/transport/index.ts";
import { until } from "../../support/until.ts";
import { get, letter, post, refusalOf, type Answer, type LetterFacts } from "../support/letters.ts";
import { Endings, Street, type House } from "../support/street.ts";

const PSEUDO = "ext.demo.http.note";

/** What was parsed strictly has no prototype, which a comparison would hold against it. */
const plain = <T>(value: T): T => structuredClone(value);

function route(o: { method?: string; path: string; auth: RouteAuth; answer?: Partial<RouteAnswer>; maxBodyBytes?: number }): {
  route: MountedRoute;
  seen: RouteRequest[];
} {
  const seen: RouteRequest[] = [];
  const { method = "POST", path, auth, answer = {}, maxBodyBytes = 1000 } = o;
  const signed = auth === "member" || auth === "signed" || auth === "federated";
  return {
    seen,
    route: {
      method,
      path,
      auth,
      ...(signed ? { pseudo: PSEUDO } : {}),
      maxBodyBytes,
      serve: async (asked) => {
        seen.push(asked);
        return { status: 200, headers: {}, body: { json: { here: asked.caller?.kind ?? "nobody" } }, ...answer };
      },
    },
  };
}

describe("a plugin's routes on the public port (§2.4)", () => {
  const endings = new Endings();
  const table = new MountTable();
  let street: Street;
  let anna: House;
  let ben: House;
  let carl: House;
  before(async () => {
    street = new Street(endings);
    const listener = { mounts: table, rates: { perAddress: 1000 } };
    [anna, ben] = await street.neighbours({ anna: { listener } });
    carl = await street.house("Carl");
  });
  after(() => endings.run());

  const mount = (...routes: MountedRoute[]): void => void table.prepare("ext/demo", routes)();
  const ask = (house: House, o: LetterFacts = {}): Promise<Answer & { text: string }> =>
    post(anna, letter(house.signer, anna, { capability: PSEUDO, path: "/ext/demo/note", body: { word: "moin" }, ...o }));

  it("a member's request passes the pipeline and comes with who sent it; the answer is signed (02 §3, T-10)", async () => {
    const { route: note, seen } = route({ path: "/ext/demo/note", auth: "member" });
    mount(note);
    const answer = await ask(ben, { requestId: "note-request-1" });
    assert.deepEqual([answer.status, answer.body], [200, { here: "member" }]);
    assert.deepEqual(plain([seen[0]?.caller?.node_id, seen[0]?.body, seen[0]?.query]), [
      ben.nodeId,
      { json: { word: "moin" } },
      {},
    ]);
    const field = (name: string): string => String(answer.headers[`x-hearthnet-${name}`]);
    const envelope = {
      request_id: field("request-id"),
      from: anna.nodeId,
      to: ben.nodeId,
      timestamp: field("timestamp"),
      status: 200,
      body: answer.body,
    };
    assert.ok(verifyTyped("response", envelope, { by: anna.nodeId, signature: field("signature") }));
    assert.equal(
      refusalOf(await ask(ben, { requestId: "note-request-1" }), anna, { from: ben.nodeId }),
      "401 invalid_signature replayed",
    );
    assert.equal(seen.length, 1);
  });

  it("what is signed for another route is no key to this one (T-4)", async () => {
    const { route: note, seen } = route({ path: "/ext/demo/note", auth: "member" });
    mount(note);
    assert.equal(
      refusalOf(await ask(ben, { capability: "ext.demo.http.other" }), anna, { from: ben.nodeId }),
      "400 bad_request header_missing",
    );
    assert.equal(refusalOf(await ask(ben, { to: null }), anna, { from: ben.nodeId }), "401 invalid_signature recipient_unbound");
    assert.equal(refusalOf(await get(anna, "/ext/demo/note"), anna), "404 not_found");
    assert.equal(refusalOf(await ask(carl), anna, { from: carl.nodeId }), "401 unauthorized");
    assert.equal(seen.length, 0);
  });

  it("a signed route knows the key and asks for no membership (02 §2, class S)", async () => {
    const { route: note, seen } = route({ path: "/ext/demo/note", auth: "signed" });
    mount(note);
    assert.deepEqual((await ask(carl, { community: ben.nodeId })).body, { here: "stranger" });
    assert.equal(seen[0]?.caller?.node_id, carl.nodeId);
    const forged = letter(carl.signer, anna, { capability: PSEUDO, path: "/ext/demo/note", body: { word: "moin" } });
    forged.body = JSON.stringify({ word: "tschüss" });
    assert.equal(refusalOf(await post(anna, forged), anna, { from: carl.nodeId }), "401 invalid_signature");
    assert.equal(seen.length, 1);
  });

  it("parameters of the path are signed with the rest (T-4)", async () => {
    const { route: note, seen } = route({ path: "/ext/demo/note/:id", auth: "member" });
    mount(note);
    const path = "/ext/demo/note/a%20b";
    const one = letter(ben.signer, anna, { capability: PSEUDO, path, body: { n: 1, _path: { id: "a b" } } });
    one.body = JSON.stringify({ n: 1 });
    assert.equal((await post(anna, one)).status, 200);
    assert.deepEqual(plain([seen[0]?.params, seen[0]?.body.json]), [{ id: "a b" }, { n: 1 }]);
    const moved = letter(ben.signer, anna, {
      capability: PSEUDO,
      path: "/ext/demo/note/c",
      body: { n: 1, _path: { id: "a b" } },
    });
    moved.body = JSON.stringify({ n: 1 });
    assert.equal(refusalOf(await post(anna, moved), anna, { from: ben.nodeId }), "401 invalid_signature");
    const doubled = letter(ben.signer, anna, { capability: PSEUDO, path, body: { n: 1, _path: { id: "a b" } } });
    assert.equal(refusalOf(await post(anna, doubled), anna, { from: ben.nodeId }), "400 bad_request");
    assert.equal(seen.length, 1);
  });

  it("a GET signs its query and its path as one", async () => {
    const { route: note, seen } = route({ method: "GET", path: "/ext/demo/note/:id", auth: "member" });
    mount(note);
    const facts = { method: "GET", capability: PSEUDO, body: { q: "ä", id: "7" } } as const;
    assert.equal((await ask(ben, { ...facts, path: "/ext/demo/note/7?q=%C3%A4" })).status, 200);
    assert.deepEqual(plain([seen[0]?.params, seen[0]?.query, seen[0]?.body]), [{ id: "7" }, { q: "ä" }, {}]);
    assert.equal(
      refusalOf(await ask(ben, { ...facts, path: "/ext/demo/note/7?q=%C3%A4&id=7" }), anna, { from: ben.nodeId }),
      "400 bad_request",
    );
    assert.equal(
      refusalOf(await ask(ben, { ...facts, path: "/ext/demo/note/8?q=%C3%A4" }), anna, { from: ben.nodeId }),
      "401 invalid_signature",
    );
  });

  it("a public route takes what comes, in bounds, and says nothing of who it is", async () => {
    const { route: note, seen } = route({ path: "/ext/demo/note", auth: "public", maxBodyBytes: 20 });
    mount(note);
    const send = (headers: Record<string, string>, body: string): Promise<Answer & { text: string }> =>
      post(anna, { method: "POST", path: "/ext/demo/note?a=1", headers, body });
    const json = { "content-type": "application/json" };
    assert.deepEqual(
      (await send({ ...json, cookie: "hn_session=x", authorization: "Bearer y", "x-other": "z" }, '{"a":2}')).body,
      {
        here: "nobody",
      },
    );
    const { caller, body, query, headers } = seen[0] ?? {};
    assert.deepEqual(plain([caller, body, query, headers]), [null, { json: { a: 2 } }, { a: "1" }, json]);
    assert.equal((await send({ "content-type": "text/plain" }, "moin")).status, 200);
    assert.equal(Buffer.from(seen[1]?.body.bytes ?? []).toString(), "moin");
    assert.equal(refusalOf(await send(json, '{"a":1,"a":2}'), anna), "400 bad_request json_duplicate_key");
    assert.equal(refusalOf(await send(json, `"${"x".repeat(30)}"`), anna), "400 bad_request too_large");
    assert.equal(refusalOf(await send({ ...json, "content-encoding": "gzip" }, "{}"), anna), "400 bad_request");
    assert.equal(
      refusalOf(await post(anna, { method: "POST", path: "/ext/demo/note?a=1&a=2", headers: json, body: "{}" }), anna),
      "400 bad_request",
    );
    assert.equal(seen.length, 2);
  });

  it("only a bearer route sees what its plugin judges by", async () => {
    const { route: note, seen } = route({ path: "/ext/demo/note", auth: "bearer" });
    mount(note);
    await post(anna, { method: "POST", path: "/ext/demo/note", headers: { authorization: "Bearer y", cookie: "a=b" }, body: "" });
    assert.deepEqual(seen[0]?.headers, { authorization: "Bearer y" });
  });

  it("no header of a plugin reaches a browser that could harm it (§2.4)", async () => {
    const headers = {
      "Set-Cookie": "hn=1",
      "Content-Security-Policy": "default-src *",
      "Access-Control-Allow-Origin": "*",
      "Transfer-Encoding": "chunked",
      "X-HearthNet-Signature": "mine",
      Location: "https://evil.example",
      Refresh: "0;url=https://evil.example",
      ETag: '"1"',
      "Cache-Control": "max-age=5",
      "Content-Type": "text/html",
    };
    for (const body of [{ text: "<script>1</script>" }, { json: { a: 1 } }, { bytes: Buffer.from("x") }]) {
      mount(route({ method: "GET", path: "/ext/demo/page", auth: "public", answer: { headers, body } }).route);
      const answer = await get(anna, "/ext/demo/page");
      assert.equal(answer.status, 200);
      for (const name of ["set-cookie", "access-control-allow-origin", "location", "refresh", "transfer-encoding"])
        assert.equal(answer.headers[name], undefined, name);
      assert.equal(answer.headers["x-content-type-options"], "nosniff");
      assert.deepEqual([answer.headers["etag"], answer.headers["cache-control"]], ['"1"', "max-age=5"]);
      if ("json" in body) {
        assert.equal(answer.headers["content-type"], "application/json");
        assert.notEqual(answer.headers["x-hearthnet-signature"], "mine");
      } else {
        assert.equal(answer.headers["content-type"], "text/html");
        assert.match(String(answer.headers["content-security-policy"]), /default-src 'none'; sandbox/);
        assert.equal(answer.headers["x-hearthnet-signature"], undefined);
      }
    }
  });

  it("says what the plugin throws in the words of the table, and an operator's route is not here at all", async () => {
    const gone = route({ path: "/ext/demo/note", auth: "public" }).route;
    mount(
      {
        ...gone,
        serve: async () => {
          throw new HnError("plugin_gone");
        },
      },
      route({ path: "/ext/demo/keys", auth: "operator" }).route,
    );
    assert.equal(
      refusalOf(await post(anna, { method: "POST", path: "/ext/demo/note", headers: {}, body: "" }), anna),
      "500 internal_error",
    );
    assert.equal(
      refusalOf(await post(anna, { method: "POST", path: "/ext/demo/keys", headers: {}, body: "" }), anna),
      "404 not_found",
    );
  });

  it("tells the plugin when the caller has left", async () => {
    const waiting = Promise.withResolvers<RouteRequest>();
    const { route: note } = route({ path: "/ext/demo/note", auth: "public" });
    mount({
      ...note,
      serve: (asked) => {
        waiting.resolve(asked);
        return new Promise(() => {});
      },
    });
    const call = request(`${anna.listener.url}/ext/demo/note`, { method: "POST", rejectUnauthorized: false, agent: false });
    call.on("error", () => {});
    call.end();
    const { signal } = await waiting.promise;
    call.destroy();
    if (!signal.aborted) await once(signal, "abort");
  });

  it("one release follows another without an address ever missing, and the former cannot take it away (§6.4.4)", async () => {
    const version = (n: number): MountedRoute =>
      route({ method: "GET", path: "/ext/demo/version", auth: "public", answer: { body: { json: { n } } } }).route;
    const first = table.prepare("ext/demo", [version(1)])();
    const flip = table.prepare("ext/demo", [version(2)]);
    assert.deepEqual((await get(anna, "/ext/demo/version")).body, { n: 1 });
    const second = flip();
    first.withdraw();
    assert.deepEqual((await get(anna, "/ext/demo/version")).body, { n: 2 });
    second.withdraw();
    assert.equal((await get(anna, "/ext/demo/version")).status, 404);
  });

  it("no plugin takes another's address, however it writes it", () => {
    const flip = table.prepare("ext/demo", [route({ path: "/ext/demo/:id", auth: "public" }).route]);
    const mounted = flip();
    const taken = { code: "bad_request", reason: "route_taken" };
    for (const path of ["/ext/demo/:other", "/ext/demo/x"])
      assert.throws(() => table.prepare("ext/thief", [route({ path, auth: "public" }).route]), taken, path);
    assert.doesNotThrow(() => table.prepare("ext/thief", [route({ path: "/ext/demo/x/y", auth: "public" }).route]));
    mounted.withdraw();
    assert.doesNotThrow(() => table.prepare("ext/thief", [route({ path: "/ext/demo/x", auth: "public" }).route]));
  });

  it("the host's own addresses stay its own", async () => {
    const { route: health, seen } = route({ method: "GET", path: "/health", auth: "public" });
    mount(health);
    assert.equal((await get(anna, "/health")).body["status"], "ok");
    await until("nothing was asked of the plugin", () => seen.length === 0);
  });
});
