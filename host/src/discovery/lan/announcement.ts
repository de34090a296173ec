import { HnError, parseStrictJson } from "../../foundation/index.ts";
import { isNodePort, shortFacts, type LanFacts } from "./facts.ts";

/** @source 01 §9 */
export const ANNOUNCEMENT_MAX_BYTES = 1024;
const ID_MAX = 64;

/** One packet of the multicast group: a hint, signed by nobody. */
export interface Announcement {
  /** Short or full id. */
  node: string;
  community: string;
  port: number;
}

/** As many capabilities as fit into a packet. */
export function writeAnnouncement(facts: LanFacts): Uint8Array {
  const caps = [...facts.capabilities];
  for (;;) {
    const bytes = Buffer.from(JSON.stringify({ v: 1, ...shortFacts(facts), port: facts.port, caps }));
    if (bytes.byteLength <= ANNOUNCEMENT_MAX_BYTES || caps.length === 0) return bytes;
    caps.pop();
  }
}

/** @throws bad_request */
export function readAnnouncement(bytes: Uint8Array): Announcement {
  if (bytes.byteLength > ANNOUNCEMENT_MAX_BYTES) throw odd();
  const value = parseStrictJson(bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw odd();
  const { v, node, community, port } = value;
  if (v !== 1 || !isId(node) || !isId(community) || !isNodePort(port)) throw odd();
  return { node, community, port };
}

function isId(value: unknown): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= ID_MAX;
}

function odd(): HnError {
  return new HnError("bad_request", { message: "This packet is no announcement of a node." });
}
