/** A node that takes batches and writes own events until it is killed. Prints a line for each that it has acknowledged. */
import { readFileSync } from "node:fs";
import { openCommunity } from "../../../src/community/index.ts";
import type { Event } from "../../../src/contract/index.ts";
import { createUlidFactory, silentLog, systemClock } from "../../../src/foundation/index.ts";
import { importSeed, Signer } from "../../../src/identity/index.ts";

const [dataDir = "", eventsFile = "", sender = ""] = process.argv.slice(2);
const { nodeId, key } = importSeed(Buffer.alloc(32, 2));
const community = openCommunity({
  dataDir,
  signer: new Signer(nodeId, key),
  clock: systemClock,
  random: (n) => crypto.getRandomValues(new Uint8Array(n)),
  newUlid: createUlidFactory(systemClock, (n) => crypto.getRandomValues(new Uint8Array(n))),
  log: silentLog,
  displayName: () => "Ben",
  manifest: () => Promise.reject(new Error("it joins nothing")),
});
const events = JSON.parse(readFileSync(eventsFile, "utf8")) as Event[];
const say = (line: string): void => void process.stdout.write(`${line}\n`);
say("open");
for (let at = 0; at < events.length; at += 256) {
  const batch = events.slice(at, at + 256);
  await community.exchange({ community_id: community.communityId() ?? "", events: batch, our_heads_by_author: {} }, sender);
  say(`batch ${at / 256 + 1}`);
  const { lamport } = await community.append({ type: "ext.demo.own", data: { at } });
  say(`own ${lamport}`);
}
say("done");
