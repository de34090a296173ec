import assert from "node:assert/strict";
import { it } from "node:test";
import { PERMISSIONS, type JsonObject, type PermissionName } from "../../../src/contract/index.ts";
import { checkScope } from "../../../src/format/index.ts";

const AT = "/permissions/0/scope";
const HOSTS: Table = {
  good: [{ hosts: ["a.example:443"] }, { fromConfig: "/server" }],
  bad: [
    [{ hosts: "a" }, "/hosts"],
    [{}, ""],
  ],
};
const NOTHING: Table = { good: [{}], bad: [[{ all: true }, "/all"]] };
const DEVICES: Table = {
  good: [{}, { devices: ["/dev/x"] }],
  bad: [
    [{ devices: "/dev/x" }, "/devices"],
    [{ any: true }, "/any"],
  ],
};
const QUOTA: Table = {
  good: [{}, { quotaMb: 8 }],
  bad: [
    [{ quotaMb: 0 }, "/quotaMb"],
    [{ quotaMb: "8" }, "/quotaMb"],
  ],
};

interface Table {
  good: JsonObject[];
  /** Scope → pointer at fault, below the scope. */
  bad: [scope: JsonObject, at: string][];
}

const ROWS: Record<PermissionName, Table> = {
  "bus.provide": {
    good: [{ prefixes: ["ocr."] }, { prefixes: ["ext.acme.", "ext.acme.more."] }],
    bad: [
      [{}, "/prefixes"],
      [{ prefixes: [] }, "/prefixes"],
      [{ prefixes: ["ocr"] }, "/prefixes/0"],
      [{ prefixes: ["ocr."], trust: ["unknown"] }, "/trust"],
    ],
  },
  "bus.call": {
    good: [{ capabilities: ["img.describe@1"], own: true, tokensPerMin: 100 }, { capabilities: ["*"] }],
    bad: [
      [{}, "/capabilities"],
      [{ capabilities: ["img.describe"] }, "/capabilities/0"],
      [{ capabilities: ["img.*@1"] }, "/capabilities/0"],
      [{ capabilities: ["a.b@1"], own: "yes" }, "/own"],
      [{ capabilities: ["a.b@1"], tokensPerMin: 0 }, "/tokensPerMin"],
      [{ capabilities: ["*"], own: true }, "/own"],
    ],
  },
  "events.append": {
    good: [{ types: ["ocr.document.indexed"] }],
    bad: [
      [{ types: ["*"] }, "/types/0"],
      [{}, "/types"],
    ],
  },
  "events.read": {
    good: [{ types: ["chat.message"] }],
    bad: [
      [{ types: [7] }, "/types/0"],
      [{}, "/types"],
    ],
  },
  "events.push": NOTHING,
  "pubsub.publish": {
    good: [{ topics: ["ocr.progress"] }],
    bad: [
      [{ topic: "x" }, "/topic"],
      [{}, "/topics"],
    ],
  },
  "pubsub.subscribe": { good: [{ topics: ["ocr.progress"] }], bad: [[{ topics: [""] }, "/topics/0"]] },
  "http.mount": {
    good: [{ prefix: "market", auth: ["member", "public"] }],
    bad: [
      [{ prefix: "market" }, "/auth"],
      [{ prefix: "market", auth: "public" }, "/auth"],
    ],
  },
  "blobs.read": {
    good: [{ visibility: "private", own: true }],
    bad: [
      [{ visibility: "all" }, "/visibility"],
      [{ visibility: "public", quotaMb: 1 }, "/quotaMb"],
    ],
  },
  "blobs.write": { good: [{ visibility: "public", quotaMb: 1 }], bad: [[{ quotaMb: 1 }, "/visibility"]] },
  "dht.find": NOTHING,
  "dht.advertise": NOTHING,
  "community.read": NOTHING,
  "identity.sign": { good: [{ docs: ["plugin-sig", "cosign"] }], bad: [[{ docs: ["anything"] }, "/docs/0"]] },
  "identity.dh": NOTHING,
  "availability.set": { good: [{ flags: ["offline"] }], bad: [[{ flags: [true] }, "/flags/0"]] },
  "transport.relay": NOTHING,
  "federation.decide": NOTHING,
  "net.internet": HOSTS,
  "net.lan": HOSTS,
  "net.loopback": { good: [{ ports: [8080] }, { fromConfig: "/url" }], bad: [[{ ports: [0] }, "/ports/0"]] },
  "net.udp": { good: [{ hosts: ["a:53"] }, { multicast: "224.0.0.1:5353" }], bad: [[{ hosts: ["a:53"], multicast: "x" }, ""]] },
  "storage.kv": QUOTA,
  "fs.data": QUOTA,
  "storage.sqlite": NOTHING,
  "fs.mount": {
    good: [{ name: "photos", mode: "ro" }],
    bad: [
      [{ name: "photos", mode: "rwx" }, "/mode"],
      [{ name: "photos", mode: "ro", path: "/home" }, "/path"],
    ],
  },
  "secret.derive": { good: [{ labels: ["backup"] }], bad: [[{ labels: ["Back up"] }, "/labels/0"]] },
  "secret.use": { good: [{ names: ["/backends/0/api_key"] }], bad: [[{ names: ["api_key"] }, "/names/0"]] },
  "secret.read": { good: [{ names: ["/api_key"] }], bad: [[{}, "/names"]] },
  "proc.worker": {
    good: [{ workers: ["decode"], threads: true }, { workers: ["decode"] }],
    bad: [
      [{ workers: [] }, "/workers"],
      [{ workers: ["decode"], threads: 1 }, "/threads"],
    ],
  },
  compute: { good: [{ classes: ["gpu"] }], bad: [[{ classes: ["tpu"] }, "/classes/0"]] },
  native: { good: [{ mode: ["addon"] }], bad: [[{ mode: "addon" }, "/mode"]] },
  "hw.gpu": DEVICES,
  "hw.audio": DEVICES,
  "hw.serial": DEVICES,
  "hw.usb": DEVICES,
  "hw.bluetooth": DEVICES,
  "metrics.read": NOTHING,
  "system.link": NOTHING,
  schedule: NOTHING,
  notify: NOTHING,
  "ui.panel": NOTHING,
};

it("judges the scope of every permission, and names the member at fault (§3.1)", () => {
  assert.deepEqual(Object.keys(ROWS).toSorted(), Object.keys(PERMISSIONS).toSorted());
  for (const [name, { good, bad }] of Object.entries(ROWS) as [PermissionName, Table][]) {
    for (const scope of good) assert.deepEqual(checkScope(name, scope, { at: AT }), [], `${name} ${JSON.stringify(scope)}`);
    for (const [scope, at] of [...bad, [{ ...good[0], nobody: 1 }, "/nobody"] as [JsonObject, string]]) {
      const paths = checkScope(name, scope, { at: AT }).map(({ path }) => path);
      assert.ok(paths.includes(`${AT}${at}`), `${name} ${JSON.stringify(scope)}: ${JSON.stringify(paths)}`);
    }
  }
});

it("lets the operator alone name the folder behind a mount (§3.1 fs.mount)", () => {
  const scope = { name: "photos", mode: "ro", path: "/home/anna/photos" };
  assert.deepEqual(checkScope("fs.mount", scope, { at: AT, granted: true }), []);
  for (const path of ["photos", "/a\u0000b", 7])
    assert.deepEqual(
      checkScope("fs.mount", { ...scope, path }, { at: AT, granted: true }).map((problem) => problem.path),
      [`${AT}/path`],
    );
});
