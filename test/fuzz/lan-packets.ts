import { encode } from "dns-packet";
import { readAnnouncement, writeAnnouncement } from "../../host/src/discovery/lan/announcement.ts";
import type { LanFacts } from "../../host/src/discovery/lan/facts.ts";
import { instanceName, readPacket, writeAnswer, writeQuestion } from "../../host/src/discovery/lan/records.ts";
import { type Chance, feed, type FuzzReport, mutate } from "./harness.ts";
import { jsonText } from "./inputs/json-text.ts";

const SLOW_MS = 50;
const FACTS: LanFacts = {
  nodeId: "ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg",
  displayName: "Küche",
  communityId: "ed25519:GX9rI-FshTLGq8g4-s1ep4m-DHaykgM0A5v6iz02jWE",
  profile: "hearth",
  port: 7080,
  capabilities: ["rag.query", "ocr.image"],
};
const OWN = instanceName({ ...FACTS, displayName: "Another" });
const ANSWER = writeAnswer(FACTS, { addresses: ["192.0.2.7"] });
const QUESTION = writeQuestion();
/** A name that points to itself, and one of many labels. */
const LOOP = Buffer.concat([Buffer.from([0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0]), Buffer.from([0xc0, 12, 0, 12, 0, 1])]);
const LONG = encode({ type: "response", answers: [{ type: "PTR", name: "a.".repeat(120) + "local", ttl: 1, data: "b.local" }] });

/** The readers of packets from the local network, which anybody in it may send: first byte 0 for mDNS, 1 for announcements. */
export function fuzz(o: { runs: number; seed: number }): Promise<FuzzReport> {
  return feed("lan-packets", { ...o, slowMs: SLOW_MS, make, target: read });
}

function make(chance: Chance): Uint8Array {
  const isMdns = chance(2) === 0;
  return Buffer.concat([Buffer.from([isMdns ? 0 : 1]), isMdns ? mdns(chance) : announcement(chance)]);
}

function mdns(chance: Chance): Uint8Array {
  switch (chance(6)) {
    case 0:
      return Buffer.from(Array.from({ length: chance(600) }, () => chance(256)));
    case 1:
      return mutate(LOOP, chance);
    case 2:
      return mutate(LONG, chance);
    case 3:
      return mutate(QUESTION, chance);
    case 4:
      // Counts that promise far more than there is.
      return Buffer.concat([ANSWER.subarray(0, 4), Buffer.from(Array.from({ length: 8 }, () => 0xff)), ANSWER.subarray(12)]);
    default:
      return mutate(ANSWER, chance);
  }
}

function announcement(chance: Chance): Uint8Array {
  switch (chance(4)) {
    case 0:
      return Buffer.from(jsonText(chance));
    case 1:
      return Buffer.alloc(chance(3000), 0x20 + chance(90));
    case 2:
      return writeAnnouncement({ ...FACTS, port: 1024 + chance(60_000) });
    default:
      return mutate(writeAnnouncement(FACTS), chance);
  }
}

function read(input: Uint8Array): void {
  const bytes = input.subarray(1);
  if (input[0] === 1) {
    const { port, node } = readAnnouncement(bytes);
    if (port < 443 || port > 65_535 || node.length > 64) throw new Error("took a port or an id outside its limits");
    return;
  }
  const { instances } = readPacket(bytes, OWN);
  if (instances.length > 64) throw new Error("took more instances than records");
  for (const { port, ttl } of instances)
    if ((port !== undefined && port < 443) || ttl < 0 || ttl > 120)
      throw new Error("took a port or a lifetime outside its limits");
}
