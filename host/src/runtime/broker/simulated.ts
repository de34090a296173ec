/** What an op answers in a trial run, where nothing is done: the same shape, empty. @source plugin-platform §3.4.5 */
import type { JsonValue, PluginOp } from "../../contract/index.ts";
import type { OpShapes } from "../../format/index.ts";
import { pretendConnect, pretendFetch, pretendUdp, pretendWebSocket } from "../net/index.ts";
import { flag, text } from "./arguments.ts";
import { aborted } from "./host-ops.ts";
import { talkOf } from "./net-ops.ts";
import type { OpCall } from "./scope.ts";

/** `begun`: frames were sent before it turned out that it is only tried. */
type TriedOp = OpCall & { begun: boolean };

const NOTHING = (): Record<string, never> => ({});

/** One row for each op, so that none can be added without saying what its simulation answers. */
const SIMULATED: { [Op in PluginOp]: (op: TriedOp) => OpShapes[Op]["value"] | Promise<object> } = {
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
  "kv.increment": ({ args: { by } }) => ({ value: typeof by === "number" ? by : 1 }),
  "workers.run": () => ({ json: null, bytes: [] }),
  // Held until the plugin lets go, as if there were one.
  "workers.open": async ({ frame, signal }) => {
    await frame("open", { handle: 0 });
    return aborted(signal);
  },
  "health.report": NOTHING,
  "metrics.inc": NOTHING,
  notify: NOTHING,
  "net.fetch": (op) =>
    pretendFetch(
      op.scope.network,
      { url: text(op.args, "url", 8192), upload: flag(op.args, "upload"), opened: op.begun },
      talkOf(op),
    ),
  "net.connect": (op) => pretendConnect(op.scope.network, talkOf(op)),
  "net.websocket": (op) => pretendWebSocket(op.scope.network, talkOf(op)),
  "net.udp": (op) => pretendUdp(op.scope.network, talkOf(op)),
  "net.write": NOTHING,
  "net.end": NOTHING,
  "secrets.read": () => ({ value: "" }),
  "secrets.derive": () => ({ key: new Uint8Array(32) }),
  "events.append": () => ({ event_id: "", lamport: 0 }),
  "events.query": NOTHING,
  "events.push": () => ({ delivered: "offline" }),
  "pubsub.publish": NOTHING,
  "community.members": () => ({ members: [] }),
  "community.policy": () => ({ policy: {} }),
  providers: () => ({ providers: [] }),
  "identity.signPlugin": () => ({ signature: "" }),
  "identity.signDoc": () => ({ signature: "" }),
  "identity.dh": () => ({ shared: new Uint8Array(32) }),
  "identity.proof": () => ({ proof: null }),
  "identity.readProof": () => ({ call: null }),
  "blobs.stat": NOTHING,
  "blobs.open": NOTHING,
  "blobs.fetch": NOTHING,
  "availability.set": NOTHING,
  "dht.findCommunity": () => ({ endpoints: [] }),
  "dht.findSources": () => ({ sources: [] }),
  "dht.advertiseCid": NOTHING,
  "dht.withdrawCid": NOTHING,
  "blobs.put": () => ({ cid: "" }),
};

export async function simulated(name: PluginOp, op: TriedOp): Promise<JsonValue> {
  return (await SIMULATED[name](op)) as JsonValue;
}
