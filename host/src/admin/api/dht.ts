import type { DhtKind } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { ApiRequest, ApiRoute } from "../context.ts";

const KINDS: readonly DhtKind[] = ["presence", "cid", "community"];
const SUBJECT = /^(ed25519:[A-Za-z0-9_-]{43}|blake3:[0-9a-f]{64})$/;

/** What the DHT knows, and what this node contributes. @source 06 §7 */
export const dhtRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: "/dht",
    role: "operator",
    handle: (_request: ApiRequest, { services }) => services.dht.status(),
  },
  {
    method: "GET",
    path: "/dht/values",
    role: "operator",
    handle: async (request: ApiRequest, { services }) => {
      const kind = KINDS.find((one) => one === request.query["kind"]);
      const subject = request.query["subject"] ?? "";
      if (kind === undefined || !SUBJECT.test(subject)) {
        throw new HnError("bad_request", {
          message: "A kind (presence, cid or community) and what it is about are expected.",
          action: "Example: hearthnet dht find cid blake3:… with all 64 digits.",
        });
      }
      return { items: await services.dht.find(kind, subject) };
    },
  },
];
