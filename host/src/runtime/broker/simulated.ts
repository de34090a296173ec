/** What an op answers in a trial run, where nothing is done: the same shape, empty. @source plugin-platform §3.4.5 */
import type { JsonObject, JsonValue, PluginOp } from "../../contract/index.ts";

const NOTHING = (): JsonObject => ({});

/** One row for each op, so that none can be added without saying what its simulation answers. */
const SIMULATED: Record<PluginOp, (args: JsonObject) => JsonValue> = {
  // A handle that no registration has: what is registered in a trial run is offered to nobody.
  "capabilities.register": () => ({ handle: 0 }),
  "capabilities.update": NOTHING,
  "capabilities.remove": NOTHING,
  "bus.call": () => ({ output: {}, meta: {}, provider: "" }),
  "bus.stream": NOTHING,
  "kv.get": () => null,
  "kv.put": () => ({ written: true, version: 1 }),
  "kv.delete": () => ({ deleted: false }),
  "kv.list": () => ({ items: [], next: null }),
  "kv.increment": ({ by }) => ({ value: typeof by === "number" ? by : 1 }),
  "workers.run": () => ({ json: null, bytes: [] }),
  "health.report": NOTHING,
  "metrics.inc": NOTHING,
  notify: NOTHING,
  "net.fetch": () => ({ status: 204, headers: [], url: "" }),
  "net.connect": NOTHING,
  "net.websocket": NOTHING,
  "net.udp": NOTHING,
  "net.write": NOTHING,
  "net.end": NOTHING,
  "secrets.read": () => ({ value: "" }),
  "secrets.derive": () => ({ key: new Uint8Array(32) as never }),
  "events.append": () => ({ event_id: "", lamport: 0 }),
  "events.query": NOTHING,
  "events.push": NOTHING,
  "pubsub.publish": NOTHING,
  "community.members": () => ({ members: [] }),
  "community.policy": () => ({ policy: null }),
  providers: () => ({ providers: [] }),
  "identity.signPlugin": () => ({ signature: "" }),
  "identity.signDoc": () => ({ signature: "" }),
  "identity.dh": () => ({ secret: new Uint8Array(32) as never }),
  "blobs.stat": NOTHING,
  "blobs.open": NOTHING,
  "blobs.fetch": NOTHING,
  "blobs.put": () => ({ cid: "" }),
};

export function simulated(op: PluginOp, args: JsonObject): JsonValue {
  return SIMULATED[op](args);
}
