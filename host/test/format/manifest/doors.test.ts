/** What a manifest may say about routes and panels. @source plugin-platform §2.1, 02 T-4 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkManifest } from "../../../src/format/index.ts";

type Draft = Record<string, unknown>;

const TEXT = { en: "Board", de: "Brett" };
const PUBLIC = { method: "GET", path: "/ext/acme/board/notes", auth: "public" };
const MEMBER = { method: "POST", path: "/ext/acme/board/notes/:id", auth: "member", pseudo: "ext.acme.board.http.add" };
const MOUNT = { name: "http.mount", scope: { prefix: "ext.acme.board", auth: ["public", "member"] }, reason: TEXT };
const PANEL = { id: "own", title: TEXT, entry: "panel/index.html" };
const SHOW = { name: "ui.panel", reason: TEXT };

function faults(o: { prefix?: string; routes?: Draft[]; panels?: Draft[]; permissions?: Draft[]; change?: Draft }): string[] {
  const { prefix = "ext.acme.board", routes = [PUBLIC, MEMBER], panels = [PANEL], permissions = [MOUNT, SHOW] } = o;
  const verdict = checkManifest({
    manifestVersion: 1,
    id: "acme/board",
    version: "1.0.0",
    kind: "service",
    tier: { min: "process" },
    displayName: TEXT,
    description: TEXT,
    license: "MIT",
    engines: { hearthnet: "*" },
    platforms: ["any"],
    entry: { main: "dist/main.mjs" },
    contributes: { ...(routes.length === 0 ? {} : { http: [{ prefix, routes }] }), panels },
    permissions,
    ...o.change,
  });
  return verdict.ok ? [] : verdict.errors.map(({ path }) => path);
}

describe("doors in a manifest (§2.1)", () => {
  it("routes below a prefix and panels are taken", () => {
    assert.deepEqual(faults({}), []);
    assert.deepEqual(
      faults({ routes: [], permissions: [SHOW], change: { kind: "panel", entry: { panel: "panel/index.html" } } }),
      [],
    );
    assert.deepEqual(faults({ routes: [{ ...PUBLIC, ws: true, protocols: ["relay.v1", "relay.v2"] }, MEMBER] }), []);
    const relay = { method: "POST", path: "/relay/v1/register", auth: "signed", pseudo: "relay.http.register" };
    const right = { ...MOUNT, scope: { prefix: "relay", auth: ["signed"] } };
    assert.deepEqual(faults({ prefix: "relay", routes: [relay], permissions: [right, SHOW] }), []);
  });

  const at = "/contributes/http/0";
  const routes: Record<string, [Draft[], string]> = {
    "outside their prefix": [[{ ...PUBLIC, path: "/ext/acme/other" }], `${at}/routes/0/path`],
    "beside their prefix": [[{ ...PUBLIC, path: "/ext/acme/boards" }], `${at}/routes/0/path`],
    "that climb": [[{ ...PUBLIC, path: "/ext/acme/board/../x" }], `${at}/routes/0/path`],
    "with an empty part": [[{ ...PUBLIC, path: "/ext/acme/board//x" }], `${at}/routes/0/path`],
    "with one parameter twice": [[{ ...PUBLIC, path: "/ext/acme/board/:a/:a" }], `${at}/routes/0/path`],
    "of members without a name to sign": [[{ ...MEMBER, pseudo: undefined }], `${at}/routes/0/pseudo`],
    "signed as somebody else's": [[{ ...MEMBER, pseudo: "ext.acme.other.http.add" }], `${at}/routes/0/pseudo`],
    "signed as a capability": [[{ ...MEMBER, pseudo: "ext.acme.board.add" }], `${at}/routes/0/pseudo`],
    "with a name that nobody signs": [[{ ...PUBLIC, pseudo: "ext.acme.board.http.notes" }], `${at}/routes/0/pseudo`],
    "whose signed requests fit another": [[MEMBER, { ...MEMBER, path: "/ext/acme/board/other" }], `${at}/routes/1/pseudo`],
    "that mean the same request": [[PUBLIC, { ...PUBLIC, path: "/ext/acme/board/:any" }], `${at}/routes/1`],
    "open to more than is asked for": [[{ ...PUBLIC, auth: "bearer" }], `${at}/routes/0/auth`],
    "over WebSocket with another method": [[{ ...MEMBER, ws: true }], `${at}/routes/0/method`],
    "with protocols that nobody speaks": [[{ ...PUBLIC, protocols: ["relay.v1"] }], `${at}/routes/0/protocols`],
    "with one protocol twice": [[{ ...PUBLIC, ws: true, protocols: ["v1", "v1"] }], `${at}/routes/0/protocols`],
    "over WebSocket at the operator's terminal": [[{ ...PUBLIC, auth: "operator", ws: true }], `${at}/routes/0/ws`],
  };
  for (const [what, [given, path]] of Object.entries(routes))
    it(`routes ${what} are refused`, () => {
      const plain = given.map((route) => Object.fromEntries(Object.entries(route).filter(([, value]) => value !== undefined)));
      assert.ok(faults({ routes: plain }).includes(path), faults({ routes: plain }).join());
    });

  it("a prefix is the publisher's own, never the host's, and what the permission covers", () => {
    for (const prefix of ["sync", "bus", "community.x", "ext.other.board", "ext.acme.board.", "ext.acme", "ext.acme.boards"])
      assert.ok(faults({ prefix }).includes(`${at}/prefix`), prefix);
    assert.ok(faults({ permissions: [SHOW] }).includes(`${at}/prefix`));
    assert.ok(faults({ change: { kind: "panel", entry: {} } }).includes("/contributes/http"));
  });

  it("a panel is a page in its own folder, and asked for", () => {
    for (const entry of ["index.html", "dist/index.html", "panel/index.js"])
      assert.ok(faults({ panels: [{ ...PANEL, entry }] }).includes("/contributes/panels/0/entry"), entry);
    assert.ok(faults({ panels: [PANEL, PANEL] }).includes("/contributes/panels"));
    assert.ok(faults({ permissions: [MOUNT] }).includes("/contributes/panels"));
    const change = { kind: "panel", entry: {} };
    assert.ok(faults({ routes: [], panels: [], permissions: [], change }).includes("/contributes/panels"));
  });
});
