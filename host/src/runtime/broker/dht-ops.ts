/** A plugin asks the DHT where something is, and has this node say which public files are here. @source 06 §7, H-8; plugin-platform §3.1 dht.* */
import { HnError } from "../../foundation/index.ts";
import { isNodeId } from "../../identity/index.ts";
import { text } from "./arguments.ts";
import { cidOf, statOf } from "./blob-role.ts";
import { ADVERTS_MAX } from "./dht-desk.ts";
import type { OpFamily } from "./op-family.ts";
import type { OpCall } from "./scope.ts";

export const DHT_OPS: OpFamily<"dht"> = {
  "dht.findCommunity": async ({ scope, args, note }) => {
    const id = text(args, "id", 64);
    if (!isNodeId(id)) throw new HnError("bad_request", { message: "A community's id is ed25519: and its key." });
    note({ target: id });
    scope.grants().require("dht.find", id);
    return { endpoints: await scope.dht.asked().findCommunity(id) };
  },
  "dht.findSources": async (op) => {
    const { scope } = op;
    const cid = cidOf(op);
    scope.grants().require("dht.find", cid);
    return { sources: await scope.dht.asked().findSources(cid) };
  },
  "dht.advertiseCid": async (op) => {
    const { scope } = op;
    const cid = cidOf(op);
    scope.grants().require("dht.advertise", cid);
    const adverts = scope.dht.adverts();
    if (adverts.has(cid)) return {};
    if (adverts.size >= ADVERTS_MAX)
      throw new HnError("quota_exceeded", {
        message: `A plugin may have this node say ${ADVERTS_MAX} files at most.`,
        action: "Withdraw one that fewer will look for.",
      });
    scope.dht.pace();
    if (!(await isPublic(op, cid))) throw new HnError("not_found", { reason: "dht_not_public" });
    // Right or plugin may have gone while the file store was asked.
    op.signal.throwIfAborted();
    await adverts.offer(cid);
    return {};
  },
  "dht.withdrawCid": (op) => {
    const cid = cidOf(op);
    op.scope.grants().require("dht.advertise", cid);
    op.scope.dht.adverts().withdraw(cid);
    return {};
  },
};

/** Of what is not there the answer is the same as of what is not public. @throws not_implemented reason blob_store_missing */
async function isPublic(op: OpCall, cid: string): Promise<boolean> {
  try {
    return (await statOf(op, cid))["visibility"] === "public";
  } catch (error) {
    if (HnError.isHnError(error) && error.code === "not_found") return false;
    throw error;
  }
}
