import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfinementLabel, JsonObject, PermissionName } from "../../../src/contract/index.ts";
import { rating, weightOf, type OpenTo, type Right } from "../../../src/format/index.ts";

const right = (permission: PermissionName, scope: JsonObject = {}): Right => ({ permission, scope });

/** Rights → rating; §3.2: 1 + heaviest weight, +1 when content can leave, +2 under the seat belt, at most 6. */
const ROWS: [rights: Right[], expected: number, label?: ConfinementLabel, offers?: OpenTo[]][] = [
  [[], 1],
  [[right("storage.kv")], 1],
  [[right("schedule"), right("compute")], 1],
  [[right("bus.provide", { prefixes: ["ocr."] })], 2],
  [[right("bus.provide", { prefixes: ["ocr."] })], 3, "os", [{ name: "ocr.image", trust: "unknown" }]],
  [[right("bus.provide", { prefixes: ["ocr."] })], 3, "os", [{ name: "ocr.image", trust: "federated" }]],
  [[right("bus.provide", { prefixes: ["ocr."] })], 2, "os", [{ name: "ocr.image", trust: "member" }]],
  [[right("bus.provide", { prefixes: ["ocr."] })], 2, "os", [{ name: "img.show", trust: "unknown" }]],
  [[right("bus.call", { capabilities: ["img.describe@1"] })], 2],
  [[right("bus.call", { capabilities: ["img.describe@1"], own: true })], 3],
  [[right("bus.call", { capabilities: ["*"] })], 3],
  [[right("bus.call", { capabilities: ["chat.history@1"] })], 4],
  [[right("bus.call", { capabilities: ["chat.history@1"] }), right("net.lan")], 5],
  [[right("bus.call", { capabilities: ["auth.token.issue@1"] })], 5],
  [[right("events.append", { types: ["a.b"] })], 3],
  [[right("events.read", { types: ["a.b"] })], 3],
  [[right("events.read", { types: ["chat.message"] })], 4],
  [[right("events.read", { types: ["*"] })], 4],
  [[right("pubsub.publish")], 2],
  [[right("http.mount", { prefix: "relay", auth: ["member"] })], 3],
  [[right("http.mount", { prefix: "relay", auth: ["public"] })], 4],
  [[right("blobs.read", { visibility: "public" })], 3],
  [[right("blobs.read", { visibility: "private" })], 4],
  [[right("blobs.write", { visibility: "public" })], 2],
  [[right("dht.find")], 2],
  [[right("community.read")], 2],
  [[right("identity.sign", { docs: ["plugin-sig"] })], 3],
  [[right("identity.sign", { docs: ["plugin-sig", "cosign"] })], 5],
  [[right("identity.dh")], 5],
  [[right("availability.set")], 4],
  [[right("transport.relay")], 5],
  [[right("federation.decide")], 5],
  [[right("net.internet", { hosts: ["api.x.org:443"] })], 3],
  [[right("net.internet", { hosts: ["*"] })], 5],
  [[right("net.lan")], 4],
  [[right("net.loopback")], 3],
  [[right("net.udp")], 4],
  [[right("fs.data")], 2],
  [[right("storage.sqlite")], 2],
  [[right("fs.mount", { mode: "ro" })], 4],
  [[right("fs.mount", { mode: "rw" })], 5],
  [[right("secret.use")], 2],
  [[right("secret.read")], 4],
  [[right("proc.worker")], 2],
  [[right("native")], 6],
  [[right("hw.gpu")], 4],
  [[right("hw.usb")], 5],
  [[right("notify"), right("ui.panel")], 2],
  // What can be read can also leave.
  [[right("blobs.read", { visibility: "private" }), right("net.internet", { hosts: ["a:1"] })], 5],
  [[right("events.read", { types: ["a"] }), right("net.lan")], 5],
  [[right("secret.read"), right("net.udp")], 5],
  [[right("fs.mount", { mode: "ro" }), right("net.internet", { hosts: ["a:1"] })], 5],
  [[right("bus.call", { capabilities: ["rag.query@1"] }), right("net.internet", { hosts: ["a:1"] })], 4],
  [[right("bus.call", { capabilities: ["chat.send@1"] }), right("net.internet", { hosts: ["a:1"] })], 4],
  [[right("bus.call", { capabilities: ["ocr.image@1"] }), right("net.internet", { hosts: ["a:1"] })], 3],
  [[right("blobs.read", { visibility: "public" }), right("net.loopback")], 3],
  // The example of §2.3, without and with its optional permission.
  [
    [
      right("bus.provide"),
      right("blobs.read", { visibility: "private" }),
      right("storage.kv"),
      right("schedule"),
      right("proc.worker"),
    ],
    4,
  ],
  [[right("bus.provide"), right("blobs.read", { visibility: "private" }), right("net.lan")], 5],
  // Less confinement, more risk; never above 6.
  [[], 3, "seat-belt"],
  [[right("storage.kv")], 3, "seat-belt"],
  [[right("blobs.read", { visibility: "private" })], 6, "seat-belt"],
  [[right("native")], 6, "seat-belt"],
  [[right("bus.provide")], 2, "os+cgroup"],
];

test("computes the rating of §3.2 for every row of the table", () => {
  assert.ok(ROWS.length >= 40);
  for (const [rights, expected, label, offers] of ROWS) {
    assert.equal(rating(rights, label ?? "os", offers), expected, JSON.stringify([rights, label, offers]));
  }
});

test("a malformed scope weighs as the permission itself", () => {
  for (const scope of [{ capabilities: "x" }, { capabilities: [7] }, { own: "yes" }] as JsonObject[])
    assert.equal(weightOf(right("bus.call", scope)), 1);
});
