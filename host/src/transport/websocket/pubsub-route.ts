import { HnError } from "../../foundation/index.ts";
import type { Room } from "../http/room.ts";
import type { UpgradeEntry } from "../http/upgrade.ts";
import { readQuery } from "../inbound/1-parse-body.ts";
import type { Passage } from "../inbound/passage.ts";
import { SUBSCRIBE } from "../pubsub/poll-route.ts";
import { BUS_PROTOCOL } from "./bus-socket.ts";
import { BUS_DOOR, socketDoor } from "./door.ts";
import { PubsubSession } from "./pubsub-session.ts";

const BODY_MAX_BYTES = 4096;
/** Older clients put the topic into the path. @source 02 §2 */
const ALIAS = /^\/pubsub\/v1\/ws\/([0-9A-Za-z._:-]{1,128})$/;

/** `GET /pubsub/v1/subscribe` with an upgrade, and its older name. @source 02 §7.2, §8 */
export function pubsubSocketEntries(room: Room): UpgradeEntry[] {
  return ["/pubsub/v1/subscribe", ALIAS].map((path) => ({
    path,
    protocol: BUS_PROTOCOL,
    open: (request, socket, head) => {
      const topicInPath = ALIAS.exec(request.url ?? "")?.[1];
      const open = socketDoor(room, {
        ...BUS_DOOR,
        rule: { capability: SUBSCRIBE, query: "body" },
        prepare: () => BODY_MAX_BYTES,
        begin: (admitted) => {
          checkSaidTwice(admitted.passage, topicInPath);
          const session = new PubsubSession(room, admitted);
          session.run().catch((error: unknown) => room.log.error("a subscription broke", { error }));
        },
      });
      open(request, socket, head);
    },
  }));
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

/** What the address says must be what was signed. @source 02 T-15 */
function checkSaidTwice({ queryText, body }: Passage, topicInPath: string | undefined): void {
  const said = { ...readQuery(queryText), ...(topicInPath === undefined ? {} : { topic: topicInPath }) };
  for (const [name, value] of Object.entries(said))
    if (value !== textOf(body?.[name]))
      throw new HnError("bad_request", {
        message: `The address says another ${name.slice(0, 32)} than the first message. Send the same, or leave it out.`,
      });
}
