import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { openAdmin, type Admin, type AdminServices } from "../../src/admin/index.ts";
import type { Bus, DevDesk, JsonObject, Marketplace, Peers, Runtime, TokenRoom } from "../../src/contract/index.ts";
import { createUlidFactory, HnError, type ManualClock, silentLog } from "../../src/foundation/index.ts";
import { createFreshDeviceId, readFreshDeviceId, sameShortId, shortId } from "../../src/identity/index.ts";
import { send, type Answer } from "./send.ts";
import { LedgerFolder } from "../runtime/ledger/support.ts";
import { MountTable } from "../../src/transport/index.ts";
import { seededRandom, Village } from "../support/people.ts";

/** Of the owner of each. */
export const PASSWORD = "a password of some length";

export interface House {
  admin: Admin;
  clock: ManualClock;
  services: AdminServices;
  dataDir: string;
  port: number;
  /** One request at the page's door, as its own page would send it unless told otherwise. */
  ask(method: string, path: string, o?: { body?: unknown; cookie?: string; headers?: Record<string, string> }): Promise<Answer>;
  /** One request at the operator socket. */
  terminal(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Walks set-up; returns the session cookie. */
  setUp(): Promise<string>;
}

/** A node with its doors open to the operator, and nothing behind them but a community and a ledger. */
export async function house(t: TestContext): Promise<House> {
  const village = new Village(t);
  const book = new LedgerFolder();
  t.after(() => book.close());
  const anna = village.person("Anna");
  const { clock } = village;
  const dataDir = mkdtempSync(join(tmpdir(), "hn-admin-"));
  const uiDir = join(dataDir, "ui");
  mkdirSync(uiDir);
  writeFileSync(join(uiDir, "200.html"), "<!doctype html><title>HearthNet</title><script>let themed = 1</script>");
  const random = seededRandom(7);
  let name = "Küche";
  const silent = {
    list: () => [],
    release: () => undefined,
    grants: () => [],
    onChange: () => () => {},
    get: () => undefined,
    ledgerView: book.ledger,
    rights: { questions: () => [], onQuestions: () => () => {} },
  } as unknown;
  const services: AdminServices = {
    bus: {
      entries: () => [],
      recentCalls: () => [],
      onCall: () => () => {},
      onChange: () => () => {},
      limitsOf: () => undefined,
      call: async (r: { body: { input: JsonObject } }) => {
        if (r.body.input["fail"] === true) throw new HnError("permission_denied", { message: "no" });
        return {
          output: { bytes: new Uint8Array([1, 2, 3]) as never, text: "hello" },
          meta: { ms: 1 },
          provider: anna.signer.nodeId,
        };
      },
    } as unknown as Bus,
    community: anna.community,
    tokens: { calls: () => [] } as unknown as TokenRoom,
    runtime: silent as Runtime,
    mounts: new MountTable(),
    metrics: { text: async () => "# HELP hearthnet_up Up.\n" },
    marketplace: {} as Marketplace,
    dev: {} as DevDesk,
    peers: silent as Peers,
    dht: {
      status: () => ({ enabled: false, contacts: 0, values: 0, bootstrapped: false, own: [] }),
      find: async () => [],
      offer: async () => 0,
      withdraw: () => undefined,
    },
    gossip: { rows: () => [], meetAll: () => Promise.resolve([]) },
    link: village.link(anna),
    clock,
    log: silentLog,
    random,
    newUlid: createUlidFactory(clock, random),
    facts: () => ({
      node_id: anna.signer.nodeId,
      short_id: shortId(anna.signer.nodeId),
      display_name: name,
      profile: "hearth",
      version: "0",
      started_at: "2026-07-01T12:00:00Z",
      bus: "",
      admin: "http://hearth.localhost",
      data_dir: "",
      community: null,
      as_root: false,
      dev_root: true,
      dev_mode: false,
    }),
    setDisplayName: (n) => (name = n),
    endpoints: () => [anna.endpoint],
    freshDeviceId: () => createFreshDeviceId({ nodeId: anna.signer.nodeId, displayName: name }),
    invitedBy: () => [],
    readFreshDeviceId,
    shortId,
    sameShortId,
    health: async () => [],
    confinement: () => ({ label: "os", probes: [], repairs: [], asRoot: false, bwrapVersion: null }),
    operator: () => ({ kind: "self", node_id: anna.signer.nodeId, community_id: null, level: "anchor" }),
  };
  const admin = await openAdmin({ services, dataDir, port: 0, uiDir });
  const port = Number(new URL(admin.url).port);
  const host = `hearth.localhost:${port}`;
  t.after(async () => {
    await admin.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const api: House = {
    admin,
    clock,
    services,
    dataDir,
    port,
    ask: (method, path, o = {}) => {
      const body = o.body === undefined ? undefined : typeof o.body === "string" ? o.body : JSON.stringify(o.body);
      const headers = {
        host,
        "sec-fetch-site": "same-origin",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(o.cookie === undefined ? {} : { cookie: o.cookie }),
        ...o.headers,
      };
      return send(
        {
          host: "127.0.0.1",
          port,
          method,
          path: path.startsWith("/api") || o.headers?.["raw"] !== undefined ? path : `/api/v1${path}`,
          headers,
        },
        body,
      );
    },
    terminal: (method, path, body) =>
      send(
        {
          socketPath: join(dataDir, "admin.sock"),
          method,
          path: path.startsWith("/ext/") ? path : `/api/v1${path}`,
          headers: { host: "localhost", ...(body === undefined ? {} : { "content-type": "application/json" }) },
        },
        body === undefined ? undefined : JSON.stringify(body),
      ),
    setUp: async () => {
      const token = admin.setupLink()?.split("#")[1];
      const claim = await api.ask("POST", "/setup/claim", { body: { token } });
      const done = await api.ask("POST", "/setup/finish", {
        cookie: claim.cookie,
        body: { password: PASSWORD, display_name: "Garage", community: { kind: "later" } },
      });
      assert.equal(done.status, 200, JSON.stringify(done.body));
      return done.cookie.split("; ").find((c) => c.startsWith("hn_session=")) ?? "";
    },
  };
  return api;
}
