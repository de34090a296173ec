import type { DhtKind } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { ApiRequest, ApiRoute } from "../context.ts";
import { EMPTY } from "./shapes.ts";

const KINDS: readonly DhtKind[] = ["presence", "cid", "community"];
const CID = /^blake3:[0-9a-f]{64}$/;
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
  {
    method: "POST",
    path: "/dht/own/:cid",
    role: "owner",
    body: EMPTY,
    audit: "dht.put",
    handle: async (request: ApiRequest, { services }) => ({ stored: await services.dht.offer(cidIn(request)) }),
  },
  {
    method: "DELETE",
    path: "/dht/own/:cid",
    role: "owner",
    audit: "dht.withdraw",
    handle: (request: ApiRequest, { services }) => {
      services.dht.withdraw(cidIn(request));
      return {};
    },
  },
];

/** @throws bad_request */
function cidIn({ params }: ApiRequest): string {
  const cid = params["cid"] ?? "";
  if (CID.test(cid)) return cid;
  throw new HnError("bad_request", {
    message: "The id of a file is expected: blake3: and 64 digits.",
    action: "Where this node is, and its community's anchors, it says by itself.",
  });
}
